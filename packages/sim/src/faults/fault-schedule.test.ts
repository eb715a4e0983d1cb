import { congestionControlNames } from '@prism-net/congestion';
import { describe, expect, it } from 'vitest';
import { FrameEvent } from '../frame-event.js';
import { exchangeDatagrams } from './datagrams.testkit.js';
import { describeFaultSchedule } from './describe.js';
import { drawFaultSchedule } from './fault-schedule.js';

describe('fault schedules', () => {
  it('are the same for the same seed, and another for another', () => {
    expect(drawFaultSchedule(7)).toEqual(drawFaultSchedule(7));
    expect(drawFaultSchedule(7)).not.toEqual(drawFaultSchedule(8));
  });

  it('contain every shape, every fault, every behaviour within a few hundred seeds', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const { topology, faults, flows } = drawFaultSchedule(seed);
      seen.add(topology.shape);
      for (const { what } of faults) seen.add(what.kind === 'line' ? what.name : what.kind);
      for (const { ending, fromClient, clientSending, serverSending } of flows) {
        seen.add(ending);
        for (const { options, changes } of [clientSending, serverSending]) {
          for (const each of [options, ...changes.map((change) => change.options)]) {
            if (each.congestionControl !== undefined) seen.add(each.congestionControl);
            if (each.pacing === true) seen.add('pacing');
            if ((each.maximumPacingRate ?? 0) > 0) seen.add('a largest rate');
          }
          if (changes.length > 0) seen.add('another congestion control');
        }
        if (fromClient.writeEveryMicroseconds > 0) seen.add('trickle');
        if (fromClient.readEveryMicroseconds > 0) seen.add('slow reader');
      }
      for (const node of topology.nodes) if (node.clockGranularityMicroseconds > 1) seen.add('coarse clock');
    }
    const shapes = ['cable', 'switch', 'chain', 'dumbbell'];
    const lines = ['loss', 'bursts of loss', 'outage', 'reordering', 'duplicates', 'corruption', 'slow', 'long way'];
    const behaviours = ['close', 'half-close', 'abandon', 'abort', 'trickle', 'slow reader', 'coarse clock'];
    const sending = ['pacing', 'a largest rate', 'another congestion control', ...congestionControlNames()];
    const others = ['black hole', 'mtu', 'pause'];
    expect([...seen].sort()).toEqual([...shapes, ...lines, ...others, ...behaviours, ...sending].sort());
  });

  it('can be read', () => {
    const text = describeFaultSchedule(drawFaultSchedule(3));
    expect(text).toMatch(/^seed 3: \w+, clocks start at /);
    expect(text).toContain('cable 0 ');
    expect(text).toContain('client sends ');
  });
});

describe('datagrams under fault schedules', () => {
  it('arrive unaltered or not at all, every frame is accounted for: 150 seeds', () => {
    let arrived = 0;
    let echoed = 0;
    const events = Object.values(FrameEvent).map(() => 0);
    for (let seed = 0; seed < 150; seed++) {
      const result = exchangeDatagrams(seed);
      arrived += result.arrived;
      echoed += result.echoed;
      for (const [event, count] of result.events.entries()) events[event]! += count;
    }
    expect(arrived).toBeGreaterThan(7500);
    expect(echoed).toBeGreaterThan(7500);
    // Each kind of thing happened (datagrams that understand ECN there are none).
    const unseen = Object.entries(FrameEvent).filter(([, event]) => events[event] === 0);
    expect(unseen.map(([name]) => name)).toEqual(['MARKED']);
  });

  it('run the same way again: equal digests of every frame and its time', () => {
    for (let seed = 0; seed < 25; seed++) expect(exchangeDatagrams(seed)).toEqual(exchangeDatagrams(seed));
    expect(exchangeDatagrams(1).digest).not.toBe(exchangeDatagrams(2).digest);
  });
});
