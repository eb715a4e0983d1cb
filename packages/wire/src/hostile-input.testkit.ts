/**
 * What arrives from the wire may be anything. A view that covers exactly the packet turns every read outside of it into
 * a RangeError, so these tests fail when a check lets through what an accessor then overruns.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DropReason } from './index.js';

export interface Codec {
  readonly valid: readonly (readonly number[])[];
  readonly check: (view: DataView, at: number, length: number) => DropReason;
  /** Reads everything that may be read after `NONE`. */
  readonly readAll: (view: DataView, at: number, length: number) => unknown;
  /** Makes random bytes pass the first tests, so that the later ones are reached. */
  readonly dress?: (bytes: Uint8Array) => void;
}

const NONE = DropReason.NONE;
export const view = (bytes: ArrayLike<number>) => new DataView(Uint8Array.from(bytes).buffer);

/** Checks a packet that fills its view, reads it when it is good, and says which it was. */
export function examine(codec: Codec, bytes: ArrayLike<number>): DropReason {
  const exact = view(bytes);
  const reason = codec.check(exact, 0, bytes.length);
  if (reason === NONE) codec.readAll(exact, 0, bytes.length);
  return reason;
}

/** The tests every codec must pass. */
export function describeHostileInput(name: string, codec: Codec): void {
  describe(`${name} under hostile input`, () => {
    it('accepts its valid packets', () => {
      for (const bytes of codec.valid) expect(examine(codec, bytes)).toBe(NONE);
    });

    it('survives every truncation, also of the length alone', () => {
      for (const bytes of codec.valid) {
        for (let length = 0; length < bytes.length; length++) {
          examine(codec, bytes.slice(0, length));
          codec.check(view(bytes), 0, length);
        }
      }
    });

    it('survives every change of a single byte', () => {
      for (const bytes of codec.valid) {
        const mutant = [...bytes];
        for (let at = 0; at < bytes.length; at++) {
          for (let value = 0; value < 256; value++) {
            mutant[at] = value;
            examine(codec, mutant);
          }
          mutant[at] = bytes[at]!;
        }
      }
    });

    it('survives random bytes, some of which it accepts', () => {
      let accepted = 0;
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), (random) => {
          examine(codec, random);
          codec.dress?.(random);
          if (examine(codec, random) === NONE) accepted++;
        }),
        { numRuns: 2000 },
      );
      expect(accepted).toBeGreaterThan(0);
    });
  });
}
