import {
  CL_ORD_ID_BYTES,
  EnterOrder,
  outboundBytes,
  SYMBOL_BYTES,
  TimeInForce,
  writeAlpha,
  writeEnterOrder,
} from '@prism-net/ouch';
import type { StreamSocket } from '@prism-net/socket';
import {
  PACKET_HEADER_BYTES,
  PacketType,
  SoupClient,
  type SoupClientOptions,
  writePacketHeader,
} from '@prism-net/soup-bin-tcp';
import { ACCOUNT, GATEWAY, SESSION_PORT, type SessionMarket, SYMBOL } from './session-market.testkit.js';

/** A client that sends single messages and keeps all it gets, byte by byte. */
export class SessionTrader {
  readonly client: SoupClient;
  readonly messages: Uint8Array[] = [];
  readonly numbers: number[] = [];
  socket: StreamSocket | undefined;
  readonly #market: SessionMarket;
  readonly #bytes = new Uint8Array(256);

  constructor(market: SessionMarket, options: Partial<SoupClientOptions> = {}) {
    this.#market = market;
    this.client = new SoupClient({
      ...ACCOUNT,
      session: '',
      ...options,
      receiver: {
        receiveMessage: (view, at, length) => {
          this.numbers.push(this.client.nextNumber);
          this.messages.push(new Uint8Array(view.buffer, view.byteOffset + at, length).slice());
          return true;
        },
      },
    });
    market.clients.push((now) => this.#poll(now));
  }

  async connect(): Promise<StreamSocket> {
    let socket: StreamSocket | undefined;
    void this.#market.clientStack.connect({ address: GATEWAY, port: SESSION_PORT, noDelay: true }).then((connected) => {
      socket = connected;
    });
    await this.#market.until(() => socket !== undefined);
    this.socket = socket!;
    this.client.connected(this.#market.clock.now());
    return this.socket;
  }

  async login(): Promise<void> {
    await this.connect();
    await this.#market.until(() => this.client.isLoggedIn);
  }

  /** Sends one message. */
  send(message: Uint8Array): void {
    const view = new DataView(this.#bytes.buffer);
    const length = writePacketHeader(view, 0, PacketType.unsequencedData, message.length);
    this.#bytes.set(message, PACKET_HEADER_BYTES);
    this.socket!.tryWrite(this.#bytes, 0, length);
  }

  enter(
    userRefNum: number,
    side: number,
    quantity: number,
    price: number,
    timeInForce: number = TimeInForce.day,
  ): void {
    this.send(enterOrder(userRefNum, side, quantity, price, timeInForce));
  }

  /** Messages since the last call. */
  take(): Uint8Array[] {
    return this.messages.splice(0);
  }

  #poll(now: number): void {
    const { client, socket } = this;
    if (socket === undefined) return;
    client.advance(now);
    const control = new DataView(this.#bytes.buffer);
    const length = client.transmit(control, 0, 64, now);
    if (length > 0) socket.tryWrite(this.#bytes, 0, length);
    for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
      client.receive(packet.view, packet.offset, packet.length, now);
      packet.release();
    }
    if (socket.isClosed || socket.isEndOfStream) client.disconnected();
  }
}

export function enterOrder(
  userRefNum: number,
  side: number,
  quantity: number,
  price: number,
  timeInForce: number = TimeInForce.day,
): Uint8Array {
  const bytes = new Uint8Array(47);
  const view = new DataView(bytes.buffer);
  writeEnterOrder(view, 0, userRefNum, side, quantity, price, timeInForce);
  writeAlpha(view, EnterOrder.symbol, SYMBOL_BYTES, SYMBOL);
  writeAlpha(view, EnterOrder.clOrdId, CL_ORD_ID_BYTES, `ORDER${userRefNum}`);
  return bytes;
}

/** The letters of messages, in a row. */
export function letters(messages: readonly Uint8Array[]): string {
  return messages.map((message) => String.fromCharCode(message[0]!)).join('');
}

export function view(message: Uint8Array | undefined): DataView {
  if (message === undefined) throw new Error('no such message');
  if (message.length < outboundBytes(message[0]!)) throw new Error('message cut short');
  return new DataView(message.buffer, message.byteOffset, message.length);
}
