import { FRAME_EVENT_NAMES, type FrameEvent } from './frame-event.js';

const KEPT = 64;

/** The last things that happened, for the message of a failure. */
export class EventLog {
  readonly #times = new Float64Array(KEPT);
  readonly #texts: (string | undefined)[] = new Array<string | undefined>(KEPT).fill(undefined);
  readonly #events = new Uint8Array(KEPT);
  readonly #lengths = new Int32Array(KEPT);
  readonly #lines: string[] = new Array<string>(KEPT).fill('');
  #count = 0;

  frame(time: number, event: FrameEvent, line: string, length: number): void {
    const at = this.#count % KEPT;
    this.#count += 1;
    this.#times[at] = time;
    this.#texts[at] = undefined;
    this.#events[at] = event;
    this.#lengths[at] = length;
    this.#lines[at] = line;
  }

  note(time: number, text: string): void {
    const at = this.#count % KEPT;
    this.#count += 1;
    this.#times[at] = time;
    this.#texts[at] = text;
  }

  /** Oldest first, a line each. */
  toString(): string {
    const lines: string[] = [];
    for (let i = Math.max(0, this.#count - KEPT); i < this.#count; i++) {
      const at = i % KEPT;
      const text =
        this.#texts[at] ?? `${this.#lines[at]}: ${this.#lengths[at]} bytes ${FRAME_EVENT_NAMES[this.#events[at]!]}`;
      lines.push(`${formatTime(this.#times[at]!)}  ${text}`);
    }
    return lines.join('\n');
  }
}

/** Seconds with six decimals. */
export function formatTime(time: number): string {
  return `${(time / 1e6).toFixed(6)} s`;
}
