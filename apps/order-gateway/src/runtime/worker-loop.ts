import { Control } from './run-plan.js';

export interface WorkerLoop {
  /** One round; returns how much work it found. */
  poll(): number;
  /** Sleeps until there may be work, at most so many milliseconds. */
  sleep(milliseconds: number): void;
  /** Asked when a round found nothing: true ends the loop before the run is stopped. */
  isDone?(): boolean;
}

/** Longest sleep: how late a thread may notice that the run is over. */
const SLEEP_MILLISECONDS = 5;
/** Rounds between two turns of the event loop: some a second when there is work, one in seconds when not. A turn allocates. */
const ROUNDS_PER_TURN = 65_536;
const END = -1;

/**
 * Runs a thread's loop: spins for `spinRounds` fruitless rounds, then sleeps until it is woken. With a core for each
 * thread spinning is worth it (a wake-up costs tens of microseconds); with fewer, a spinning thread takes the core from
 * the one that has the work.
 *
 * Now and then the event loop gets a turn: what a callback throws inside a stack's poll is thrown again there, and ends
 * the thread.
 */
export async function runWorkerLoop(loop: WorkerLoop, control: Int32Array, spinRounds: number): Promise<void> {
  let fruitless = 0;
  while ((fruitless = runRounds(loop, control, spinRounds, fruitless)) !== END) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Rounds until it is time for a turn of the event loop. Returns the number of fruitless rounds just now, or END. */
function runRounds(loop: WorkerLoop, control: Int32Array, spinRounds: number, fruitlessBefore: number): number {
  let fruitless = fruitlessBefore;
  let left = ROUNDS_PER_TURN;
  while (Atomics.load(control, Control.stop) === 0) {
    if (left <= 0) return fruitless;
    left = (left - 1) | 0;
    if (loop.poll() > 0) {
      fruitless = 0;
      continue;
    }
    if (loop.isDone?.() === true) return END;
    fruitless = (fruitless + 1) | 0;
    if (fruitless < spinRounds) continue;
    loop.sleep(SLEEP_MILLISECONDS);
    fruitless = 0;
  }
  return END;
}

/** How long to spin before sleeping, by the number of cores for the three busy threads. */
export function spinRoundsFor(cores: number): number {
  return cores > 3 ? 1_000_000 : 50;
}
