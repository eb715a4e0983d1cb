/** The end of an async iteration. */
export const END = { done: true, value: undefined } as const;

interface Reader<T> {
  /** The iterator that waits, if it is one. */
  readonly iterator: object | null;
  /** Most it wants, for those who ask for a number of bytes. */
  readonly maximum: number;
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** Reads that wait for something to arrive, in the order they were asked. */
export class ReaderQueue<T> {
  readonly #readers: Reader<T>[] = [];

  get length(): number {
    return this.#readers.length;
  }

  /** What the first one asked for. */
  get maximum(): number {
    return this.#readers[0]?.maximum ?? 0;
  }

  wait(iterator: object | null, maximum = 0): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => this.#readers.push({ iterator, maximum, resolve, reject }));
  }

  /** Gives `value` to the first; false when nobody waits. */
  serve(value: T): boolean {
    const reader = this.#readers.shift();
    reader?.resolve({ done: false, value });
    return reader !== undefined;
  }

  /** Fails the first. */
  reject(error: unknown): void {
    this.#readers.shift()?.reject(error);
  }

  /** Nothing will come any more. */
  end(): void {
    for (const reader of this.#readers.splice(0)) reader.resolve(END);
  }

  /** An iterator over `read`; whoever leaves it takes nothing with it. */
  iterate(read: (iterator: object) => Promise<IteratorResult<T, undefined>>): AsyncIterator<T, undefined> {
    const iterator: AsyncIterator<T, undefined> = {
      next: () => read(iterator),
      return: async () => {
        // A `next` that still waits would swallow something that nobody sees.
        const left = this.#readers.filter((reader) => reader.iterator === iterator);
        for (const reader of left) this.#readers.splice(this.#readers.indexOf(reader), 1);
        for (const reader of left) reader.resolve(END);
        return END;
      },
    };
    return iterator;
  }
}
