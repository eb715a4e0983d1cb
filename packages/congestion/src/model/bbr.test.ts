import { describe, expect, it } from 'vitest';
import { Bbr } from '../bbr/bbr.js';
import type { CongestionControl } from '../congestion-control.js';
import { Cubic } from '../cubic.js';
import { bandwidthDelayProduct, Network } from './network.testkit.js';

const RATE = 2_500_000;
const ROUND_TRIP = 40_000;
const PRODUCT = bandwidthDelayProduct(RATE, ROUND_TRIP);

/** Ten seconds measured, after ten, behind a queue of four bandwidth-delay products. */
function deepBuffer(control: CongestionControl, isDeaf = false): { utilisation: number; queue: number } {
  const network = new Network({ bytesPerSecond: RATE, queueBytes: 4 * PRODUCT });
  network.add(control, { roundTripMicroseconds: ROUND_TRIP, isDeaf, receiveWindow: 6 * PRODUCT });
  const { link } = network.run(10).measure().run(10);
  return { utilisation: link.utilisation, queue: link.largestQueue / PRODUCT };
}

describe('BBR on a packet model of a bottleneck', () => {
  it('uses nine tenths with less than 1.5 bandwidth-delay products queued, where CUBIC fills a deep buffer', () => {
    const bbr = deepBuffer(new Bbr());
    expect(bbr.utilisation).toBeGreaterThan(0.9);
    expect(bbr.queue).toBeLessThan(1.5);
    expect(deepBuffer(new Cubic()).queue).toBeGreaterThan(3.9);
  });

  it('does not where the window and the rate are ignored', () => {
    expect(deepBuffer(new Bbr(), true).queue).toBeGreaterThan(1.5);
  });
});
