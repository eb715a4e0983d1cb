import { describe, expect, it } from 'vitest';
import { CONTROL_WORDS, Control } from './run-plan.js';
import { runWorkerLoop, spinRoundsFor, type WorkerLoop } from './worker-loop.js';

const control = () => new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));

describe('worker loop', () => {
  it('sleeps only after so many fruitless rounds, also when turns of the event loop come between', async () => {
    for (const spinRounds of [1, 50, 100_000]) {
      const words = control();
      let rounds = 0;
      let found = 0;
      const sleptAt: number[] = [];
      await runWorkerLoop(
        {
          poll() {
            rounds++;
            // One fruitful round at the start.
            found = rounds === 1 ? 1 : 0;
            return found;
          },
          sleep(milliseconds) {
            expect(milliseconds).toBeLessThanOrEqual(5);
            sleptAt.push(rounds);
            if (sleptAt.length === 2) words[Control.stop] = 1;
            return undefined;
          },
        },
        words,
        spinRounds,
      );
      expect(sleptAt).toEqual([1 + spinRounds, 1 + 2 * spinRounds]);
    }
  });

  it('ends when it is told to, and when it says itself that it is done', async () => {
    const stopped = control();
    stopped[Control.stop] = 1;
    const never: WorkerLoop = {
      poll: () => {
        throw new Error('polled');
      },
      sleep: () => undefined,
    };
    await runWorkerLoop(never, stopped, 1);

    let asked = 0;
    let rounds = 0;
    // Asked only when there was nothing to do.
    const loop: WorkerLoop = {
      poll: () => (++rounds < 5 ? 1 : 0),
      sleep: () => undefined,
      isDone: () => ++asked === 1,
    };
    await runWorkerLoop(loop, control(), 1);
    expect({ asked, rounds }).toEqual({ asked: 1, rounds: 5 });
  });

  it('lets the event loop have its turns, busy or idle', async () => {
    for (const work of [0, 1]) {
      const words = control();
      setImmediate(() => {
        words[Control.stop] = 1;
      });
      // Without turns this would never end.
      await runWorkerLoop({ poll: () => work, sleep: () => undefined }, words, 50);
    }
  });

  it('ends with what a round throws', async () => {
    const broken: WorkerLoop = {
      poll: () => {
        throw new Error('broken');
      },
      sleep: () => undefined,
    };
    await expect(runWorkerLoop(broken, control(), 1)).rejects.toThrow('broken');
  });

  it('waits for a sleep on the event loop, and says how often it has slept in vain', async () => {
    const words = control();
    const naps: number[] = [];
    let isAsleep = false;
    let rounds = 0;
    await runWorkerLoop(
      {
        poll() {
          expect(isAsleep).toBe(false);
          rounds++;
          return rounds === 4 ? 1 : 0;
        },
        sleep(_, nap) {
          naps.push(nap);
          if (naps.length === 5) words[Control.stop] = 1;
          isAsleep = true;
          return new Promise((resolve) => {
            setTimeout(() => {
              isAsleep = false;
              resolve();
            }, 1);
          });
        },
      },
      words,
      1,
    );
    expect(naps).toEqual([0, 1, 2, 0, 1]);
  });

  it('spins where each thread has a core, and hardly where they share', () => {
    expect(spinRoundsFor(8)).toBeGreaterThan(100_000);
    expect(spinRoundsFor(2)).toBeLessThan(1000);
  });
});
