import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { Bbr } from './bbr/bbr.js';
import { CongestionCause, type CongestionControl } from './congestion-control.js';
import { Flow } from './flow.testkit.js';
import { congestionControlNames, createCongestionControl } from './registry.js';

const ACKNOWLEDGEMENTS = 200_000;

const makers: readonly (readonly [string, () => CongestionControl])[] = [
  ...congestionControlNames().map((name) => [name, () => createCongestionControl(name)] as const),
  ['bbr with ECN', () => new Bbr({ ecn: true })],
];

it.each(makers)('%s allocates nothing for an acknowledgement, a loss, a timeout or an undo', (_name, make) => {
  const { control, window, sample } = new Flow(make());
  sample.acknowledgedBytes = 2896;
  sample.smoothedRoundTrip = 1000;
  sample.isWindowLimited = true;
  let now = 0;
  let calls = 0;
  const work = () => {
    for (let i = 0; i < ACKNOWLEDGEMENTS; i = (i + 1) | 0) {
      now = (now + 37) | 0;
      const bytes = 1448 + (i & 1023);
      sample.acknowledgedBytes = bytes;
      sample.deliveredBytes = bytes;
      sample.deliveredTotal = (sample.deliveredTotal + bytes) | 0;
      sample.roundTrip = 900 + (i & 127);
      sample.inFlight = window.window;
      sample.inFlightNow = (window.window >> 1) | 0;
      sample.interval = 950 + (i & 63);
      sample.intervalBytes = 200_000 + (i & 0xffff);
      sample.priorDelivered = (sample.deliveredTotal - sample.intervalBytes) | 0;
      sample.inFlightAtSend = sample.intervalBytes;
      sample.lostBytes = (i & 255) === 255 ? 1448 : 0;
      sample.lostSinceSend = (i & 511) * 10;
      sample.hasEcnEcho = (i & 31) === 31;
      sample.isApplicationLimited = (i & 16384) !== 0;
      control.onAcknowledgement(window, sample, now);
      calls = (calls + 1) | 0;
      if ((i & 1023) === 1023) {
        if ((i & 4096) === 0) {
          control.onCongestion(window, window.window, CongestionCause.LOSS, now);
          window.window = window.slowStartThreshold;
        } else control.onTimeout(window, window.window, now);
        if ((i & 8192) === 0) control.onUndo(window, now);
        else control.onRecovered(window, now);
        control.onIdle(window, 100, 200_000, now);
      }
    }
  };
  const bytes = steadyStateBytes(work);
  expect(calls).toBe(10 * ACKNOWLEDGEMENTS);
  expect(bytes).toBeLessThan(16_384);
});
