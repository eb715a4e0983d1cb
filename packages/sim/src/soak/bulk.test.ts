import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bulkMatrix, findWrap, runBulk } from './bulk.js';

const createDigest = () => createHash('sha256');
const CLEAN = { loss: 0, reorder: 0, duplicate: 0, corrupt: 0 };
const BYTES = 256 * 1024;

describe('long streams', () => {
  it.each(bulkMatrix().map((cell, seed) => ({ seed, ...cell })))(
    'arrive as they were sent: loss $loss, reordering $reorder, duplicates $duplicate, corruption $corrupt',
    (cell) => {
      const { sent, received } = runBulk({ bytes: BYTES, createDigest, ...cell });
      expect(received).toBe(sent);
    },
  );

  it('arrive as they were sent while sequence numbers wrap, also under loss', () => {
    const wrap = findWrap(3, BYTES);
    for (const loss of [0, 0.01]) {
      const report = runBulk({ ...CLEAN, ...wrap, loss, bytes: BYTES, createDigest });
      expect(report.received).toBe(report.sent);
      expect(report.firstSequence).toBeGreaterThan(2 ** 32 - BYTES);
      expect(report.lastSequence).toBeLessThan(BYTES);
    }
  });

  it('differ when the seed does', () => {
    const [one, other] = [1, 2].map((seed) => runBulk({ ...CLEAN, seed, bytes: 1000, createDigest }));
    expect(one!.sent).not.toBe(other!.sent);
  });
});
