import { afterEach, describe, expect, it } from 'vitest';
import { Doorbell } from './doorbell.js';

const atomics = Atomics as { waitAsync?: unknown };
const waitAsync = atomics.waitAsync;

describe('Doorbell', () => {
  afterEach(() => {
    atomics.waitAsync = waitAsync;
  });

  const bells = () => {
    const buffer = new SharedArrayBuffer(256);
    const setTimer = (callback: () => void, milliseconds: number) => void setTimeout(callback, milliseconds);
    return [0, 1].map(() => new Doorbell({ buffer, byteOffset: 128, setTimer })) as [Doorbell, Doorbell];
  };
  const empty = () => true;

  it('does not sleep when work came before the sleep was announced', () => {
    const [, sleeper] = bells();
    expect(sleeper.wait(60_000, () => false)).toBe(true);
  });

  it('does not sleep when the bell rings between the last look and the sleep', () => {
    const [ringer, sleeper] = bells();
    const look = () => {
      ringer.ring();
      return true;
    };
    expect(sleeper.wait(60_000, look)).toBe(true);
  });

  it('returns false after the timeout', () => {
    const [ringer, sleeper] = bells();
    expect(sleeper.wait(5, empty)).toBe(false);
    ringer.ring(); // nobody sleeps any more
    expect(sleeper.wait(5, empty)).toBe(false);
  });

  for (const way of ['Atomics.waitAsync', 'polling'] as const) {
    it(`wakes every sleeper on an event loop by ${way}`, async () => {
      if (way === 'polling') atomics.waitAsync = undefined;
      else expect(waitAsync).toBeTypeOf('function');
      const [ringer, sleeper] = bells();
      const alive = setTimeout(() => {}, 10_000); // a pending wait alone would not keep the process alive
      let woken = 0;
      const sleeps = [0, 1, 2].map(() => sleeper.waitAsync(empty).then((result) => (woken += result ? 1 : 0)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(woken).toBe(0);
      ringer.ring();
      await Promise.all(sleeps);
      expect(woken).toBe(3);
      expect(await sleeper.waitAsync(() => false)).toBe(true);
      expect(await sleeper.waitAsync(empty, 5)).toBe(false);
      clearTimeout(alive);
    });
  }

  it('says so when it can neither wait nor poll', async () => {
    atomics.waitAsync = undefined;
    const bell = new Doorbell({ buffer: new SharedArrayBuffer(4), byteOffset: 0 });
    await expect(bell.waitAsync(empty)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('refuses a word outside the buffer', () => {
    const buffer = new SharedArrayBuffer(8);
    for (const byteOffset of [-4, 2, 8]) {
      expect(() => new Doorbell({ buffer, byteOffset })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });
});
