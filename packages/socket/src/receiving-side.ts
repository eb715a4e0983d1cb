import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { END, ReaderQueue } from './reader-queue.js';
import { requireRange } from './require-bytes.js';
import type { StreamLife } from './stream-life.js';

export type Chunk = Uint8Array<ArrayBuffer>;

/** Most bytes of one chunk, unless a read asks for a number. */
export const CHUNK = 65_536;
/** The stream has neither ended nor failed. */
export const GOES_ON = -1;

/** The half of a stream socket that reads. */
export class ReceivingSide {
  isShut = false;
  readonly #life: StreamLife;
  readonly #allowHalfOpen: boolean;
  /** Made for the first read that waits. */
  #readers: ReaderQueue<Chunk> | null = null;

  constructor(life: StreamLife, allowHalfOpen: boolean) {
    this.#life = life;
    this.#allowHalfOpen = allowHalfOpen;
  }

  get readers(): ReaderQueue<Chunk> {
    this.#readers ??= new ReaderQueue();
    return this.#readers;
  }

  /** Reads that wait. */
  get waiting(): number {
    return this.#readers === null ? 0 : this.#readers.length;
  }

  /** How the stream ends for a reader who has read everything: NONE in an orderly way, else what ended it; or GOES_ON. */
  get end(): number {
    const { connection, errno, hasEnded, isAborted, isClosed } = this.#life;
    if (isAborted) return Errno.ECONNABORTED;
    if (isClosed || this.isShut) return Errno.NONE;
    if (connection.readableBytes > 0) return GOES_ON;
    // Whatever came behind the FIN: the stream was received whole.
    if (connection.isFinReceived) return Errno.NONE;
    return hasEnded ? errno : GOES_ON;
  }

  receivePacket(): Packet | null {
    const packet = this.#life.connection.receive();
    if (packet !== null) this.#consumed();
    else if (this.end === Errno.NONE) this.#endSeen();
    return packet;
  }

  readInto(target: Uint8Array, start: number, length: number): number {
    requireRange('readInto', target, start, length);
    const bytes = this.#life.connection.read(target, start, length);
    if (bytes > 0) {
      this.#consumed();
      return bytes;
    }
    const { end } = this;
    if (end === Errno.NONE && length > 0) this.#endSeen();
    return end > 0 ? -end : 0;
  }

  read(iterator: object | null, maximum: number): Promise<IteratorResult<Chunk, undefined>> {
    if (this.waiting > 0) return this.readers.wait(iterator, maximum);
    const { end } = this;
    if (end === Errno.NONE) {
      this.#endSeen();
      return Promise.resolve(END);
    }
    if (end > 0) return Promise.reject(this.#life.error('read', end as Errno));
    if (this.#life.connection.readableBytes === 0) return this.readers.wait(iterator, maximum);
    return Promise.resolve({ done: false, value: this.#take(maximum) });
  }

  /** Gives those who wait what there is; when there is nothing and never will be, the end. */
  serve(): void {
    const { connection } = this.#life;
    while (this.waiting > 0 && connection.readableBytes > 0) this.readers.serve(this.#take(this.readers.maximum));
    if (this.waiting > 0) this.serveEnd();
  }

  /** Tells those who wait of the end, if it has come. */
  serveEnd(): void {
    const { end } = this;
    if (end === GOES_ON) return;
    if (end === Errno.NONE) {
      if (this.waiting > 0) this.#endSeen();
      this.#readers?.end();
    } else while (this.waiting > 0) this.readers.reject(this.#life.error('read', end as Errno));
  }

  shutdown(): void {
    if (this.isShut) return;
    this.isShut = true;
    this.#readers?.end();
    const { connection, hasEnded } = this.#life;
    if (hasEnded) connection.discardReceived();
    else connection.shutdownRead();
    this.#consumed();
  }

  #take(maximum: number): Chunk {
    const { connection } = this.#life;
    const chunk = new Uint8Array(Math.min(maximum, connection.readableBytes));
    connection.read(chunk, 0, chunk.length);
    this.#consumed();
    return chunk;
  }

  #consumed(): void {
    const { connection, context, hasEnded } = this.#life;
    // The peer may have to be told of the room.
    if (context.tcp.hasPending) context.requestPoll();
    if (hasEnded && connection.readableBytes === 0 && this.#life.isFinished) context.closed(this.#life.socket);
  }

  /** A reader was told of the end of the peer's stream. */
  #endSeen(): void {
    if (!this.#allowHalfOpen) this.#life.socket.end();
  }
}
