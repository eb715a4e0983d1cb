import { FrameEvent, type Line, type Simulation } from '@prism-net/sim';

/** Frames at least this long carry data; acknowledgements are shorter. */
const DATA_FRAME = 200;

/** Takes chosen data frames off a line: by number, not by chance. */
export class Drops {
  readonly #line: Line;
  /** Every so many data frames one is lost; 0: none. */
  every = 0;
  /** So many of the next data frames are lost. */
  next = 0;
  /** How many were lost. */
  lost = 0;
  #sinceLast = 0;
  #isArmed = false;

  constructor(simulation: Simulation, line: Line) {
    this.#line = line;
    simulation.watch((event, where, packet) => {
      if (where !== line) return;
      if (event === FrameEvent.LINE_DOWN && this.#isArmed) this.#disarm();
      else if (event === FrameEvent.SENT && packet.totalLength >= DATA_FRAME) this.#onData();
    });
  }

  /** Begins to count anew. */
  lose(frames: number): void {
    this.next = frames;
    this.#arm();
  }

  loseEvery(frames: number): void {
    this.every = frames;
    this.#sinceLast = 0;
  }

  #onData(): void {
    if (this.#isArmed || this.every === 0) return;
    this.#sinceLast++;
    // A line looks at its options before it tells of a frame: the next one is the first to meet them.
    if (this.#sinceLast === this.every - 1) this.#arm();
  }

  #arm(): void {
    this.#isArmed = true;
    this.#line.change({ isUp: false });
  }

  #disarm(): void {
    this.lost++;
    this.next = Math.max(0, this.next - 1);
    this.#sinceLast = 0;
    if (this.next > 0) return;
    this.#isArmed = false;
    this.#line.change({ isUp: true });
  }
}
