import { copyBytes } from '@prism-net/soup-bin-tcp';

/** An enter order has 47 bytes without its appendage. */
const SLOT_BYTES = 64;

/**
 * Orders and replacements on their way through the book, oldest first. The book answers in the order it was asked, and
 * an answer repeats fields of what it answers: they wait here.
 */
export class PendingRequests {
  readonly view: DataView;
  readonly #mask: number;
  #first = 0;
  #end = 0;

  /** `capacity`: a power of two. */
  constructor(capacity: number) {
    this.#mask = capacity - 1;
    this.view = new DataView(new ArrayBuffer(capacity * SLOT_BYTES));
  }

  get length(): number {
    return (this.#end - this.#first) | 0;
  }

  get room(): number {
    return (this.#mask + 1 - this.length) | 0;
  }

  push(view: DataView, at: number, length: number): void {
    copyBytes(this.view, (this.#end & this.#mask) * SLOT_BYTES, view, at, length);
    this.#end = (this.#end + 1) | 0;
  }

  /** Where the oldest is in {@link view}; valid until the next `push`. */
  shift(): number {
    const at = (this.#first & this.#mask) * SLOT_BYTES;
    this.#first = (this.#first + 1) | 0;
    return at;
  }
}
