import { Control } from './run-plan.js';

export interface WorkerLoop {
  /** One round; returns how much work it found. */
  poll(): number;
  /**
   * Sleeps until there may be work, at most so many milliseconds: at once, or on the event loop until the promise
   * resolves. `naps`: how often it has slept since it last found work.
   */
  sleep(milliseconds: number, naps: number): Promise<void> | undefined;
  /** Asked when a round found nothing: true ends the loop before the run is stopped. */
  isDone?(): boolean;
}

/** Longest sleep: how late a thread may notice that the run is over. */
const SLEEP_MILLISECONDS = 5;
/** Rounds between two turns of the event loop: some a second when there is work, one in seconds when not. A turn allocates. */
const ROUNDS_PER_TURN = 65_536;
/** Counted no further. */
const MOST_NAPS = 1 << 20;

/**
 * Runs a thread's loop: spins for `spinRounds` fruitless rounds, then sleeps until it is woken. With a core for each
 * thread spinning is worth it (a wake-up costs tens of microseconds); with fewer, a spinning thread takes the core from
 * the one that has the work.
 *
 * Now and then the event loop gets a turn: what a callback throws inside a stack's poll is thrown again there, and ends
 * the thread.
 */
export async function runWorkerLoop(loop: WorkerLoop, control: Int32Array, spinRounds: number): Promise<void> {
  const state: LoopState = { fruitless: 0, naps: 0, hasEnded: false };
  for (;;) {
    const sleep = runRounds(loop, control, spinRounds, state);
    if (state.hasEnded) return;
    await (sleep ?? new Promise<void>((resolve) => setImmediate(resolve)));
  }
}

interface LoopState {
  /** Rounds without work just now. */
  fruitless: number;
  /** Sleeps since there was work. */
  naps: number;
  hasEnded: boolean;
}

/** Rounds until it is time for a turn of the event loop. Returns what to wait for there, if it is more than a turn. */
function runRounds(
  loop: WorkerLoop,
  control: Int32Array,
  spinRounds: number,
  state: LoopState,
): Promise<void> | undefined {
  let left = ROUNDS_PER_TURN;
  while (Atomics.load(control, Control.stop) === 0) {
    if (left <= 0) return undefined;
    left = (left - 1) | 0;
    if (loop.poll() > 0) {
      state.fruitless = 0;
      state.naps = 0;
      continue;
    }
    if (loop.isDone?.() === true) break;
    state.fruitless = (state.fruitless + 1) | 0;
    if (state.fruitless < spinRounds) continue;
    state.fruitless = 0;
    const sleep = loop.sleep(SLEEP_MILLISECONDS, state.naps);
    if (state.naps < MOST_NAPS) state.naps = (state.naps + 1) | 0;
    if (sleep !== undefined) return sleep;
  }
  state.hasEnded = true;
  return undefined;
}

/** How long to spin before sleeping, by the number of cores for the three busy threads. */
export function spinRoundsFor(cores: number): number {
  return cores > 3 ? 1_000_000 : 50;
}
