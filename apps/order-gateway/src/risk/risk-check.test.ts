import { createHashKey, SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { RejectReason } from '../orders/reject-reason.js';
import { RiskCheck, type RiskOptions } from './risk-check.js';

function create(options: Partial<RiskOptions> = {}): RiskCheck {
  return new RiskCheck({
    hashKey: createHashKey(new SeededRandom(1)),
    referenceTicks: 10_000,
    duplicateWindow: 100,
    ...options,
  });
}

describe('risk check', () => {
  it('lets an order pass that is within every limit', () => {
    expect(create().check(1, 0, 10_000, 100)).toBe(RejectReason.none);
  });

  it('keeps prices within the collar, both ends included', () => {
    const risk = create({ collarPermille: 50 });
    expect(risk.check(1, 0, 9_500, 1)).toBe(RejectReason.none);
    expect(risk.check(2, 0, 10_500, 1)).toBe(RejectReason.none);
    expect(risk.check(3, 0, 9_499, 1)).toBe(RejectReason.priceOutsideCollar);
    expect(risk.check(4, 0, 10_501, 1)).toBe(RejectReason.priceOutsideCollar);
  });

  it('moves the collar with the last trade', () => {
    const risk = create({ collarPermille: 10 });
    expect(risk.check(1, 0, 10_101, 1)).toBe(RejectReason.priceOutsideCollar);
    risk.followTrade(10_100);
    expect(risk.referenceTicks).toBe(10_100);
    expect(risk.check(2, 0, 10_201, 1)).toBe(RejectReason.none);
    expect(risk.check(3, 0, 10_202, 1)).toBe(RejectReason.priceOutsideCollar);
    expect(risk.check(4, 0, 9_999, 1)).toBe(RejectReason.none);
    expect(risk.check(5, 0, 9_998, 1)).toBe(RejectReason.priceOutsideCollar);
  });

  it('computes the collar without overflow at the largest price', () => {
    const risk = create({ collarPermille: 1000, referenceTicks: 2_147_483_647 });
    expect(risk.check(1, 0, 1, 1)).toBe(RejectReason.none);
    expect(risk.check(2, 0, 2_147_483_647, 1)).toBe(RejectReason.none);
    expect(create({ collarPermille: 1, referenceTicks: 2_147_483_647 }).check(1, 0, 2_145_336_163, 1)).toBe(
      RejectReason.priceOutsideCollar,
    );
  });

  it('has no collar when it is switched off', () => {
    const risk = create({ collarPermille: 0 });
    risk.followTrade(20_000);
    expect(risk.check(1, 0, 1, 1)).toBe(RejectReason.none);
    expect(risk.check(2, 0, 2_147_483_647, 1)).toBe(RejectReason.none);
  });

  it('limits the quantity of one order', () => {
    const risk = create({ maximumQuantityLots: 500 });
    expect(risk.check(1, 0, 10_000, 500)).toBe(RejectReason.none);
    expect(risk.check(2, 0, 10_000, 501)).toBe(RejectReason.quantityAboveLimit);
    expect(create({ maximumQuantityLots: 0 }).check(1, 0, 10_000, 2_147_483_647)).toBe(RejectReason.none);
  });

  it('limits the notional of one order, also beyond int32', () => {
    // 100.00 × 5,000,000.00 = 500 million.
    const risk = create({ maximumQuantityLots: 0, maximumNotional: 500_000_000 });
    expect(risk.check(1, 0, 10_000, 500_000_000)).toBe(RejectReason.none);
    expect(risk.check(2, 0, 10_000, 500_000_001)).toBe(RejectReason.notionalAboveLimit);
    expect(risk.check(3, 0, 10_001, 500_000_000)).toBe(RejectReason.notionalAboveLimit);
  });

  it('refuses an id that passed within the window, and takes it again after the window', () => {
    const risk = create({ duplicateWindow: 3 });
    expect(risk.check(1, 7, 10_000, 1)).toBe(RejectReason.none);
    expect(risk.check(1, 7, 10_000, 1)).toBe(RejectReason.duplicateOrderId);
    expect(risk.check(1, 8, 10_000, 1)).toBe(RejectReason.none);
    expect(risk.check(2, 7, 10_000, 1)).toBe(RejectReason.none);
    expect(risk.check(1, 7, 10_000, 1)).toBe(RejectReason.duplicateOrderId);
    expect(risk.check(3, 7, 10_000, 1)).toBe(RejectReason.none);
    expect(risk.check(1, 7, 10_000, 1)).toBe(RejectReason.none);
  });

  it('does not count the id of a refused order as used', () => {
    const risk = create();
    expect(risk.check(1, 0, 99_999, 1)).toBe(RejectReason.priceOutsideCollar);
    expect(risk.check(1, 0, 10_000, 2_000_000_000)).toBe(RejectReason.quantityAboveLimit);
    expect(risk.check(1, 0, 10_000, 1)).toBe(RejectReason.none);
  });

  it('refuses everything once the kill switch is thrown', () => {
    const risk = create();
    expect(risk.check(1, 0, 10_000, 1)).toBe(RejectReason.none);
    expect(risk.killed).toBe(false);
    risk.kill();
    expect(risk.killed).toBe(true);
    expect(risk.check(1, 0, 10_000, 1)).toBe(RejectReason.killSwitch);
    expect(risk.check(2, 0, 99_999, 1)).toBe(RejectReason.killSwitch);
  });

  it('can be killed from shared memory, and after a number of orders', () => {
    const killSwitch = new Int32Array(new SharedArrayBuffer(4));
    const shared = create({ killSwitch });
    expect(shared.check(1, 0, 10_000, 1)).toBe(RejectReason.none);
    Atomics.store(killSwitch, 0, 1);
    expect(shared.check(2, 0, 10_000, 1)).toBe(RejectReason.killSwitch);

    const counted = create({ killAfterOrders: 3 });
    const reasons = [1, 2, 3, 4, 5].map((id) => counted.check(id, 0, 10_000, 1));
    expect(reasons).toEqual([0, 0, 0, RejectReason.killSwitch, RejectReason.killSwitch]);
  });

  it('names the option that makes no sense', () => {
    expect(() => create({ collarPermille: -1 })).toThrow(/EINVAL: collarPermille must be .* not -1/);
    expect(() => create({ referenceTicks: 0 })).toThrow(/EINVAL: referenceTicks must be .* not 0/);
    expect(() => create({ maximumQuantityLots: 1.5 })).toThrow(/EINVAL: maximumQuantityLots must be .* not 1.5/);
    expect(() => create({ duplicateWindow: 0 })).toThrow(/EINVAL: window must be .* not 0/);
    expect(() => create({ killAfterOrders: Number.NaN })).toThrow(/EINVAL: killAfterOrders must be .* not NaN/);
  });
});
