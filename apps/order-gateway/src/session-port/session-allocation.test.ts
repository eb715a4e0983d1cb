import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { InProcessSession } from './in-process-session.js';

const ROUNDS = 300;
const ORDERS = 32;

it('an order over the session allocates nothing from its generation to the accounting of its answer', async () => {
  const session = new InProcessSession({ seed: 3, window: 256, isOverNet: false });
  await session.login();
  const before = session.journal.answeredOrders;
  const bytes = steadyStateBytes(() => {
    for (let n = 0; n < ROUNDS; n = (n + 1) | 0) session.round(ORDERS);
  }, 20);
  const orders = session.journal.answeredOrders - before;
  // One number per order in the measured round would be 16 bytes × 9,600.
  expect(orders).toBeGreaterThan(ROUNDS * 10);
  expect(bytes / (ROUNDS * ORDERS)).toBeLessThan(2);
  for (let n = 0; n < 100; n++) session.round(0);
  expect(session.journal.totals()).toMatchObject({ outstanding: 0, lost: 0, doubled: 0, unknown: 0 });
  session.close();
});
