import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { SegmentTemplate } from '@prism-net/tcp';
import { requireBytes, requireRange } from './require-bytes.js';
import type { StreamLife } from './stream-life.js';
import { WriteQueue } from './write-queue.js';

/** The half of a stream socket that writes. */
export class SendingSide {
  /** Nothing more will be written. */
  isEnding = false;
  /** A write found no room, or took the last: somebody may wait for more. */
  wantsRoom = false;
  readonly #life: StreamLife;
  /** Made for the first write that waits. */
  #queue: WriteQueue | null = null;

  constructor(life: StreamLife) {
    this.#life = life;
  }

  get queue(): WriteQueue {
    this.#queue ??= new WriteQueue();
    return this.#queue;
  }

  /** Writes that wait. */
  get waiting(): number {
    return this.#queue === null ? 0 : this.#queue.length;
  }

  get room(): number {
    if (this.waiting > 0 || this.isEnding) return 0;
    return this.#life.connection.writableBytes;
  }

  /** Whoever waits for room has it now, or waits in vain. */
  get isRoomDue(): boolean {
    if (!this.wantsRoom) return false;
    return this.#life.hasEnded || (!this.#life.connection.isWriteBlocked && this.room > 0);
  }

  /** Why nothing can be written. */
  get errno(): Errno {
    const { errno, hasEnded, isClosed } = this.#life;
    if (isClosed) return Errno.EBADF;
    if (hasEnded && errno !== Errno.NONE) return errno;
    return this.isEnding || hasEnded ? Errno.EPIPE : Errno.NONE;
  }

  reserve(): Packet | null {
    if (this.errno !== Errno.NONE) return null;
    const packet = this.waiting > 0 ? null : this.#life.connection.reserve();
    this.wantsRoom = packet === null;
    return packet;
  }

  commit(packet: Packet): Errno {
    const errno = this.errno;
    if (errno !== Errno.NONE || this.waiting > 0) {
      packet.release();
      return errno === Errno.NONE ? Errno.EAGAIN : errno;
    }
    const result = this.#life.connection.commit(packet);
    this.#noteRoom();
    this.#life.context.requestPoll();
    return result;
  }

  tryWrite(bytes: Uint8Array, start: number, length: number): number {
    requireRange('tryWrite', bytes, start, length);
    const errno = this.errno;
    if (errno !== Errno.NONE) return -errno;
    if (this.waiting > 0) {
      this.wantsRoom = true;
      return 0;
    }
    const taken = this.#life.connection.write(bytes, start, length);
    if (taken < length) this.wantsRoom = true;
    else this.#noteRoom();
    this.#life.context.requestPoll();
    return taken;
  }

  /** For {@link StreamTemplate.send}, which see. */
  fire(template: SegmentTemplate, immediate: boolean): number {
    const errno = this.errno;
    if (errno !== Errno.NONE) return -errno;
    if (this.waiting > 0) {
      this.wantsRoom = true;
      return template.isClosed ? -Errno.EBADF : 0;
    }
    const { context } = this.#life;
    const sent = template.send(immediate, context.now());
    if (sent === 0) this.wantsRoom = true;
    else if (sent > 0) this.#noteRoom();
    if (template.needsPoll) context.requestPoll();
    return sent;
  }

  /** For {@link StreamTemplate.warm}, which see. */
  warmTemplate(template: SegmentTemplate): number {
    const errno = this.errno;
    if (errno !== Errno.NONE) return -errno;
    if (this.waiting > 0) return template.isClosed ? -Errno.EBADF : 0;
    return template.warm(this.#life.context.now());
  }

  /** For {@link StreamSocket.warm}, which see. */
  warm(bytes: Uint8Array, start: number, length: number): number {
    requireRange('warm', bytes, start, length);
    const errno = this.errno;
    if (errno !== Errno.NONE) return -errno;
    if (this.waiting > 0) return 0;
    const { connection, context } = this.#life;
    return connection.warm(bytes, start, length, context.now());
  }

  async write(data: Uint8Array | string): Promise<void> {
    const bytes = requireBytes('write', data);
    const errno = this.errno;
    if (errno !== Errno.NONE) throw this.#life.error('write', errno);
    if (this.waiting > 0) return this.queue.add(bytes, 0);
    const taken = this.#life.connection.write(bytes, 0, bytes.length);
    if (taken < 0) throw this.#life.error('write', -taken as Errno);
    this.#life.context.requestPoll();
    if (taken < bytes.length) await this.queue.add(bytes, taken);
  }

  /** Moves what waits into the room there is; the end follows the last of it. */
  move(): void {
    const { connection } = this.#life;
    const moved = this.queue.move(connection);
    if (moved < 0) this.queue.fail(this.#life.error('write', -moved as Errno));
    if (this.waiting === 0 && this.isEnding) connection.shutdownWrite();
  }

  end(): void {
    if (this.isEnding || this.#life.hasEnded) return;
    this.isEnding = true;
    if (this.waiting > 0) return;
    this.#life.connection.shutdownWrite();
    this.#life.context.requestPoll();
  }

  /** The connection is gone: what waits will not be sent. */
  fail(): void {
    if (this.waiting === 0) return;
    const { errno } = this.#life;
    this.queue.fail(this.#life.error('write', errno === Errno.NONE ? Errno.EPIPE : errno));
  }

  /** A buffer that was filled to the brim is worth waiting for, although nothing was refused. */
  #noteRoom(): void {
    const { connection } = this.#life;
    this.wantsRoom = connection.sendRoom === 0;
    if (this.wantsRoom) connection.isWriteBlocked = true;
  }
}
