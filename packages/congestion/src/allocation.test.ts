import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { CongestionCause } from './congestion-control.js';
import { Flow } from './flow.testkit.js';
import { createCongestionControl } from './registry.js';

const ACKNOWLEDGEMENTS = 200_000;

it.each(['newreno', 'cubic', 'dctcp'])(
  '%s allocates nothing for an acknowledgement, a loss, a timeout or an undo',
  (name) => {
    const { control, window, sample } = new Flow(createCongestionControl(name));
    sample.acknowledgedBytes = 2896;
    sample.smoothedRoundTrip = 1000;
    sample.isWindowLimited = true;
    let now = 0;
    let calls = 0;
    const work = () => {
      for (let i = 0; i < ACKNOWLEDGEMENTS; i = (i + 1) | 0) {
        now = (now + 37) | 0;
        sample.acknowledgedBytes = 1448 + (i & 1023);
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
  },
);
