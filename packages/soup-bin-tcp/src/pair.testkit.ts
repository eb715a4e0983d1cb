import {
  type AccountOptions,
  type ServerConnection,
  SoupClient,
  type SoupClientOptions,
  SoupServer,
  type SoupServerOptions,
} from './index.js';
import { copyBytes, PACKET_HEADER_BYTES, PacketType, writePacketHeader } from './packet.js';

export const ACCOUNT: AccountOptions = { username: 'TRADER', password: 'secret', session: 'DAY1' };
export const SECOND = 1_000_000;

/** A server that answers each message by itself, sequenced; a client that keeps what it gets. Time is `now`. */
export class Pair {
  readonly server: SoupServer;
  readonly client: SoupClient;
  readonly seen: string[] = [];
  connection: ServerConnection;
  now = 2 ** 31 - 5 * SECOND;
  readonly #wire = new DataView(new ArrayBuffer(65_536));

  constructor(server: Partial<SoupServerOptions> = {}, client: Partial<SoupClientOptions> = {}) {
    this.server = new SoupServer({
      accounts: [ACCOUNT],
      receiver: {
        receiveMessage(session, view, at, length) {
          copyBytes(session.store.view, session.add(length), view, at, length);
          return true;
        },
      },
      ...server,
    });
    this.client = new SoupClient({
      ...ACCOUNT,
      session: '',
      receiver: {
        receiveMessage: (view, at, length) => {
          let text = '';
          for (let n = 0; n < length; n++) text += String.fromCharCode(view.getUint8(at + n));
          this.seen.push(text);
          return true;
        },
      },
      ...client,
    });
    this.connection = this.server.open(this.now)!;
  }

  /** A new connection, and the login sent. */
  connect(): void {
    this.connection = this.server.open(this.now)!;
    this.client.connected(this.now);
  }

  say(text: string): void {
    const wire = this.#wire;
    for (let n = 0; n < text.length; n++) wire.setUint8(PACKET_HEADER_BYTES + n, text.charCodeAt(n));
    const length = writePacketHeader(wire, 0, PacketType.unsequencedData, text.length);
    this.connection.receive(wire, 0, length, this.now);
    this.client.sent(this.now);
  }

  /** What each has to say reaches the other. Returns the bytes from the server. */
  exchange(room = 1400): number {
    const wire = this.#wire;
    const up = this.client.transmit(wire, 0, room, this.now);
    if (up > 0) this.connection.receive(wire, 0, up, this.now);
    let total = 0;
    for (;;) {
      const down = this.connection.transmit(wire, 0, room, this.now);
      if (down === 0) return total;
      total += down;
      this.client.receive(wire, 0, down, this.now);
    }
  }

  /** Time passes; heartbeats go back and forth unless one side is silent. */
  pass(seconds: number, silent: 'nobody' | 'client' | 'server' | 'both' = 'nobody'): void {
    const wire = this.#wire;
    for (let n = 0; n < seconds * 10; n++) {
      this.now = (this.now + SECOND / 10) | 0;
      this.client.advance(this.now);
      this.connection.advance(this.now);
      const up = this.client.transmit(wire, 0, 1400, this.now);
      if (up > 0 && silent !== 'client' && silent !== 'both') this.connection.receive(wire, 0, up, this.now);
      if (silent === 'server' || silent === 'both') continue;
      const down = this.connection.transmit(wire, 0, 1400, this.now);
      if (down > 0) this.client.receive(wire, 0, down, this.now);
    }
  }
}

/** A packet as it goes over the wire. */
export function packet(type: number | string, payload: Uint8Array | string = ''): Uint8Array {
  const bytes = typeof payload === 'string' ? Uint8Array.from(payload, (letter) => letter.charCodeAt(0)) : payload;
  const code = typeof type === 'string' ? type.charCodeAt(0) : type;
  return Uint8Array.from([(bytes.length + 1) >> 8, (bytes.length + 1) & 0xff, code, ...bytes]);
}

/** A login, every field as it is given. */
export function login(username = 'TRADER', password = 'secret', session = '', sequence = '1'): Uint8Array {
  return packet('L', username.padEnd(6) + password.padEnd(10) + session.padStart(10) + sequence.padStart(20));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
