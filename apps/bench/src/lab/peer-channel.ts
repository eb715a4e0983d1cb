import type { Figures } from '../scenario.js';
import type { PeerMessage } from './peer-job.js';

/** A peer's line to the program that started it. */
export class PeerChannel {
  /** Told to stop. Read by loops between two turns of the event loop. */
  isStopped = false;
  readonly stopped: Promise<void>;

  constructor() {
    this.stopped = new Promise((resolve) => {
      process.on('message', () => {
        this.isStopped = true;
        resolve();
      });
    });
    // Nobody is left to report to.
    process.on('disconnect', () => process.exit());
  }

  ready(conditions: Readonly<Record<string, string | number>> = {}): void {
    this.#send({ kind: 'ready', conditions });
  }

  measured(figures: Figures, text?: string): void {
    this.#send({ kind: 'measured', figures, ...(text === undefined ? {} : { text }) });
  }

  done(figures: Figures = {}): void {
    process.send?.({ kind: 'done', figures } satisfies PeerMessage, () => process.exit());
  }

  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    process.send?.({ kind: 'failed', message } satisfies PeerMessage, () => process.exit(1));
  }

  #send(message: PeerMessage): void {
    process.send?.(message);
  }
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
