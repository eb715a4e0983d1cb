import { createHash } from 'node:crypto';
import { bulkMatrix, findWrap, runBulk } from '@prism-net/sim';

/** One stream of `bytes` for each cell of the matrix; returns how many did not arrive as they were sent. */
export function soakBulk(bytes: number): number {
  let failures = 0;
  const cells = bulkMatrix();
  for (const [index, cell] of cells.entries()) {
    const name = Object.entries(cell)
      .map(([what, rate]) => `${what} ${rate * 100} %`)
      .join(', ');
    // The last is the worst: it crosses the wrap as well.
    const begin = index === cells.length - 1 ? findWrap(index, bytes) : { seed: index, at: 0 };
    const start = performance.now();
    try {
      const report = runBulk({ ...cell, ...begin, bytes, createDigest: () => createHash('sha256') });
      const isEqual = report.sent === report.received;
      if (!isEqual) failures++;
      const verdict = isEqual ? `SHA-256 ${report.sent.slice(0, 16)}… at both ends` : 'SHA-256 DIFFERS';
      const wrap = report.lastSequence < report.firstSequence ? ', sequence numbers wrapped' : '';
      const real = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      console.log(`${name}: ${verdict}, ${(report.microseconds / 1e6).toFixed(1)} s virtual in ${real}${wrap}`);
    } catch (error) {
      failures++;
      console.log(`${name}: ${(error as Error).message}\n`);
    }
  }
  return failures;
}
