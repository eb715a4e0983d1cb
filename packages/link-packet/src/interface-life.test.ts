import type { Packet } from '@prism-net/buffers';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drain, eventually, makeFrame } from '../../link/src/link-contract.testkit.js';
import type { PacketLink } from './index.js';
import { cable, MODES, openEnd, patient } from './packet.testkit.js';

describe.skipIf(labUnavailable() !== null).each(MODES)('an interface that changes under mode %s', (mode) => {
  let lab: NetworkLab;
  let left: PacketLink;
  let right: PacketLink;
  beforeEach(() => {
    lab = NetworkLab.open('packet_life');
    cable(lab);
    left = openEnd(lab, 'left', mode);
    right = openEnd(lab, 'right', mode);
  });
  afterEach(() => {
    left.close();
    right.close();
    left.pool.assertNoLeaks();
    right.pool.assertNoLeaks();
    lab.close();
  });

  const send = (...numbers: number[]): number => {
    const burst = numbers.map((number) => makeFrame(left.pool, left, right, number));
    const taken = left.transmit(burst, 0, burst.length);
    for (const refused of burst.slice(taken)) refused.release();
    return taken;
  };

  /** How often a loop that does as a stack does is woken in a while. */
  const wakesIn = async (milliseconds: number): Promise<number> => {
    let wakes = 0;
    let ended = false;
    const burst: Packet[] = [];
    const round = (): void => {
      if (ended) return;
      for (;;) {
        const count = left.receive(burst, 8);
        for (let i = 0; i < count; i++) burst[i]!.release();
        if (count === 0 && left.arm(again)) return;
      }
    };
    const again = (): void => {
      wakes++;
      round();
    };
    round();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    ended = true;
    return wakes;
  };

  it('down: what is sent is dropped and counted, nothing spins; up again, it goes on', async () => {
    lab.run('prism', ['ip', 'link', 'set', 'left', 'down']);
    expect(send(1, 2, 3)).toBe(3);
    expect(left.statistics.dropped).toBe(3);
    expect(left.counters.interfaceErrors).toBeGreaterThan(0);
    expect(await wakesIn(50)).toBeLessThan(3);
    lab.run('prism', ['ip', 'link', 'set', 'left', 'up']);
    expect(await eventually(() => send(4) === 1 && drain(patient(right)).includes(4))).toBe(true);
  });

  it('removed: what is sent is dropped and counted, nothing spins, nothing throws', async () => {
    lab.run('prism', ['ip', 'link', 'del', 'left']);
    expect(send(1, 2)).toBe(2);
    expect(left.statistics).toMatchObject({ dropped: 2, transmitRefused: 0 });
    expect(await wakesIn(50)).toBeLessThan(3);
    expect(left.nextReceive()).toBe(-1);
    // The far end of the cable has gone with it.
    expect(right.receive([], 8)).toBe(0);
  });

  it('renamed: nothing changes', () => {
    lab.run('prism', ['ip', 'link', 'set', 'left', 'down']);
    lab.run('prism', ['ip', 'link', 'set', 'left', 'name', 'other']);
    lab.run('prism', ['ip', 'link', 'set', 'other', 'up']);
    left.receive([], 8);
    send(0); // may meet the error that waited
    drain(patient(right));
    expect(send(1, 2)).toBe(2);
    expect(drain(patient(right))).toEqual([1, 2]);
  });

  it('its MTU made smaller: frames that are too long now are dropped, those behind them go', () => {
    lab.run('prism', ['ip', 'link', 'set', 'left', 'mtu', '500']);
    const burst = [400, 1000, 400].map((length, number) => makeFrame(left.pool, left, right, number, length));
    expect(left.transmit(burst, 0, 3)).toBe(3);
    const received = drain(patient(right));
    if (mode === 'virtio') expect(received).toEqual([0, 2]);
    else expect(received).toContain(2); // the kernel does not look at lengths in a ring with virtio headers
  });
});
