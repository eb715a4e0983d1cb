import { DropReason } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { TestHost } from '../tcp.testkit.js';
import type { TestPeer } from '../test-peer.testkit.js';

/** The peer at the i-th address. */
function stranger(host: TestHost, i: number): TestPeer {
  return host.peer({ address: `10.9.${i >> 8}.${i & 255}` });
}

/** How many of `count` segments for nobody are answered by a reset. */
function probe(peer: TestPeer, count: number): number {
  let resets = 0;
  for (let i = 0; i < count; i++) {
    peer.send({ seq: 0, ack: 5 });
    resets += peer.drain().length;
  }
  return resets;
}

describe('resets for segments that no connection is for', () => {
  it('are sent to whoever is refused at a usual rate, without exception', () => {
    const host = new TestHost();
    const peer = host.peer();
    for (let i = 0; i < 1000; i++) {
      peer.send({ flags: 'S', seq: 0 });
      peer.expect({ flags: 'R.' });
      host.wait(4);
    }
    expect(host.layer.statistics).toMatchObject({ resetsSent: 1000, resetsLimited: 0 });
  });

  it('are half of the common rate to one address, which tells nothing of others', () => {
    const host = new TestHost({ settings: { resetsPerSecond: 100 } });
    const peer = host.peer();
    expect(probe(peer, 200)).toBe(50);
    expect(host.layer.statistics).toMatchObject({ resetsSent: 50, resetsLimited: 150 });
    expect(host.dropped(DropReason.TCP_NO_CONNECTION)).toBe(200);
    expect(probe(stranger(host, 1), 10)).toBe(10);
    expect(probe(peer, 1)).toBe(0);
    host.wait(20);
    expect(probe(peer, 2)).toBe(1);
    host.wait(1100);
    expect(probe(peer, 200)).toBe(50);
  });

  it('are as many as the rate to all addresses together, about: nobody can count with them (CVE-2020-25705)', () => {
    const seen = new Set<number>();
    for (let round = 0; round < 8; round++) {
      const host = new TestHost({ settings: { resetsPerSecond: 100 }, seed: 1 + round });
      let resets = 0;
      for (let i = 0; i < 300; i++) resets += probe(stranger(host, i), 1);
      expect(resets).toBeGreaterThan(80);
      expect(resets).toBeLessThan(125);
      expect(host.layer.statistics).toMatchObject({ resetsSent: resets, resetsLimited: 300 - resets });
      seen.add(resets);
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  it('keep the rate, and its jitter, while a flood uses it up', () => {
    const host = new TestHost({ settings: { resetsPerSecond: 100 } });
    const rounds: number[] = [];
    for (let i = 0; i < 20; i++) {
      let resets = 0;
      for (let j = 0; j < 50; j++) {
        resets += probe(stranger(host, 50 * i + j), 1);
        host.wait(2);
      }
      if (i >= 10) rounds.push(resets);
    }
    // 100 ms each.
    const sum = rounds.reduce((all, each) => all + each, 0);
    expect(sum).toBeGreaterThan(80);
    expect(sum).toBeLessThan(120);
    expect(new Set(rounds).size).toBeGreaterThan(2);
  });

  it('for half-open connections are limited with the others', () => {
    const host = new TestHost({ settings: { resetsPerSecond: 2 } });
    host.listen();
    const peer = host.peer();
    peer.sendSyn();
    peer.expect({ flags: 'S.' });
    for (let i = 0; i < 10; i++) peer.send({ seq: 1, ack: 500 });
    expect(peer.drain()).toHaveLength(1);
    expect(host.layer.statistics).toMatchObject({ resetsSent: 1, resetsLimited: 9, halfOpen: 1 });
  });
});
