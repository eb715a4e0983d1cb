import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import { TestHost } from '../tcp.testkit.js';

describe('a half-open connection', () => {
  it.each([
    ['acknowledgements outside of the window', { seq: 500_000, ack: 1 }],
    ['SYNs with another number', { flags: 'S', seq: 77 }],
    ['resets in the window, not at its edge', { flags: 'R', seq: 100 }],
  ])('answers a flood of %s with few acknowledgements, as an established one does (RFC 5961 §7)', (_, outgoing) => {
    const host = new TestHost();
    host.listen();
    const peer = host.peer();
    peer.sendSyn();
    peer.expect({ flags: 'S.' });
    for (let i = 0; i < 1000; i++) peer.send(outgoing);
    const answers = peer.drain();
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThanOrEqual(4);
    expect(host.layer.statistics.challengeAcknowledgements).toBe(answers.length);
    // Others have their own, and so has this one after a while.
    host.wait(900);
    peer.send(outgoing);
    expect(peer.drain().length).toBe(1);
  });

  it('whose SYN came twice tells nothing of the round trip (RFC 6298 §3)', () => {
    const host = new TestHost();
    const listener = host.listen();
    const peer = host.peer();
    peer.sendSyn();
    host.wait(600);
    peer.sendSyn();
    peer.drain();
    host.wait(10);
    peer.send({ seq: 1, ack: 1 });
    const { connection } = host.accept(listener);
    expect(connection.block!.recovery.estimator.smoothed).toBe(0);
  });

  it('is measured when it came once', () => {
    const host = new TestHost();
    const listener = host.listen();
    const peer = host.peer();
    peer.open(30);
    expect(host.accept(listener).connection.block!.recovery.estimator.smoothed).toBe(30_000);
  });

  it.each([
    [Errno.ECONNREFUSED, 0, 0],
    [Errno.EHOSTUNREACH, 0, 1],
    [Errno.EMSGSIZE, 0, 1],
    [Errno.ECONNREFUSED, 1, 1],
    [Errno.ECONNREFUSED, -1, 1],
  ])('ICMP error %i about number %i of it leaves %i', (errno, distance, left) => {
    const host = new TestHost();
    host.listen();
    const peer = host.peer();
    peer.sendSyn();
    const { sequence } = peer.expect({ flags: 'S.' });
    host.layer.errorArrives(host.network, peer.addresses, (sequence + distance) | 0, errno, 500, host.now);
    expect(host.layer.statistics.halfOpen).toBe(left);
  });
});
