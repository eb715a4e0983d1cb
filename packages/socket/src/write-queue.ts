import type { Connection } from '@prism-net/tcp';

interface Write {
  readonly bytes: Uint8Array;
  /** Bytes that are in the send buffer already. */
  done: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Writes that wait for room in the send buffer, in the order they were made. Their bytes are not copied until then. */
export class WriteQueue {
  readonly #writes: Write[] = [];

  get length(): number {
    return this.#writes.length;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#writes.reduce((sum, { bytes, done }) => sum + bytes.length - done, 0);
  }

  /** Resolves when all bytes from `done` on are in the send buffer. */
  add(bytes: Uint8Array, done: number): Promise<void> {
    return new Promise((resolve, reject) => this.#writes.push({ bytes, done, resolve, reject }));
  }

  /** Moves what fits into the send buffer. Returns the bytes moved; on a failure what `write` said, a negative number. */
  move(connection: Connection): number {
    let moved = 0;
    for (let write = this.#writes[0]; write !== undefined; write = this.#writes[0]) {
      const taken = connection.write(write.bytes, write.done, write.bytes.length - write.done);
      if (taken < 0) return taken;
      moved += taken;
      write.done += taken;
      if (write.done < write.bytes.length) break;
      this.#writes.shift();
      write.resolve();
    }
    return moved;
  }

  /** None of them will be sent. */
  fail(error: unknown): void {
    for (const write of this.#writes.splice(0)) write.reject(error);
  }
}
