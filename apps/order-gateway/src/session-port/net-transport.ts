import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { StreamSocket } from '@prism-net/socket';
import type { Stack } from '@prism-net/stack';
import { createMonotonicClock } from '@prism-net/time';

/*
 * The contestant: what session port and load client use of a stack, met by node:net over the kernel's loopback. All else
 * (sessions, checks, book) is the same code.
 */

const WRITE_BYTES = 65_536;
const RESERVE_BYTES = 2048;

/** Bytes received, or to be sent: what is used of a packet. */
class Piece {
  readonly view: DataView;
  offset: number;
  length: number;

  constructor(view: DataView, offset: number, length: number) {
    this.view = view;
    this.offset = offset;
    this.length = length;
  }

  consume(bytes: number): void {
    this.offset += bytes;
    this.length -= bytes;
  }

  release(): void {}
}

class NetSocket {
  isClosed = false;
  isEndOfStream = false;
  readonly #socket: Socket;
  readonly #received: Piece[] = [];
  #out = Buffer.allocUnsafeSlow(WRITE_BYTES);
  #view = new DataView(this.#out.buffer);
  #sent = 0;
  #filled = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.#received.push(new Piece(new DataView(data.buffer, data.byteOffset, data.length), 0, data.length));
    });
    socket.on('end', () => {
      this.isEndOfStream = true;
    });
    socket.on('error', () => this.abort());
  }

  get readableBytes(): number {
    return this.#received[0]?.length ?? 0;
  }

  receivePacket(): Piece | null {
    return this.#received.shift() ?? null;
  }

  reserve(): Piece | null {
    if (this.#filled + RESERVE_BYTES > WRITE_BYTES) {
      this.flush();
      // A write keeps its bytes until they are sent.
      this.#out = Buffer.allocUnsafeSlow(WRITE_BYTES);
      this.#view = new DataView(this.#out.buffer);
      this.#sent = 0;
      this.#filled = 0;
    }
    return new Piece(this.#view, this.#filled, 0);
  }

  commit(piece: Piece): number {
    this.#filled = piece.offset + piece.length;
    return 0;
  }

  /** One write for all that was committed. */
  flush(): void {
    if (this.#filled === this.#sent) return;
    this.#socket.write(this.#out.subarray(this.#sent, this.#filled));
    this.#sent = this.#filled;
  }

  close(): void {
    this.flush();
    this.#socket.end();
    this.isClosed = true;
  }

  abort(): void {
    this.#socket.destroy();
    this.isClosed = true;
  }
}

/** As a stack to session port and load client. */
export class NetTransport {
  readonly sockets: NetSocket[] = [];
  #server: Server | undefined;
  #port = 0;
  readonly #clock = createMonotonicClock();

  get stack(): Stack {
    return this as unknown as Stack;
  }

  now(): number {
    return this.#clock.now();
  }

  listen(): { onConnection(callback: (socket: StreamSocket) => void): void; close(): void } {
    let accept = (_socket: StreamSocket): void => {};
    this.#server = createServer({ noDelay: true }, (socket) => accept(this.#add(socket)));
    this.#server.listen(0, '127.0.0.1');
    return {
      onConnection: (callback) => {
        accept = callback;
      },
      close: () => this.#server?.close(),
    };
  }

  async connect(): Promise<StreamSocket> {
    if (this.#server?.listening !== true) await once(this.#server!, 'listening');
    this.#port = (this.#server!.address() as AddressInfo).port;
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return this.#add(socket);
  }

  flush(): void {
    for (const socket of this.sockets) socket.flush();
  }

  #add(socket: Socket): StreamSocket {
    const added = new NetSocket(socket);
    this.sockets.push(added);
    return added as unknown as StreamSocket;
  }
}
