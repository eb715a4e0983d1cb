interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time in µs: what is due runs in the order of time, and of its making where times are equal. */
export class Events {
  /** µs since the model began; never wraps. */
  now = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  at(time: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at: Math.max(time, this.now), order: this.#order++, run };
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
  }

  runUntil(time: number): void {
    const heap = this.#heap;
    while (heap.length > 0 && heap[0]!.at <= time) {
      const { at, run } = this.#take();
      this.now = at;
      run();
    }
    this.now = time;
  }

  #take(): Event {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
