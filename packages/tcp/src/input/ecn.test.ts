import { describe, expect, it } from 'vitest';
import { establish, TestHost, write } from '../tcp.testkit.js';

const CE = 3;
const ECT = 2;

function capable(isPassive: boolean) {
  return establish({
    isPassive,
    peer: { ecn: true, sack: true },
    connection: { ecn: 'active', quickAcknowledgement: true },
  });
}

describe('negotiation (RFC 3168 §6.1.1)', () => {
  it.each([
    ['active: asks', 'active', 'SEW'],
    ['passive: does not ask', 'passive', 'S'],
    ['off: does not', 'off', 'S'],
  ] as const)('%s', (_, ecn, flags) => {
    new TestHost().startConnect({ connection: { ecn } }).peer.expect({ flags, trafficClass: 0 });
  });

  it('asked: agreed upon when the answer says ECE', () => {
    expect(capable(false).connection.block!.hasEcn).toBe(true);
  });

  it.each(['S.', 'S.EW', 'S.W'])('not when the answer is %s: a host that reflects what it does not know', (flags) => {
    const { peer, connection } = new TestHost().startConnect({ connection: { ecn: 'active' } });
    peer.answerSyn({ flags });
    expect(connection.block!.hasEcn).toBe(false);
  });

  it('not when we did not ask', () => {
    const { peer, connection } = new TestHost().startConnect();
    peer.expect({ flags: 'S' });
    peer.answerSyn({ flags: 'S.E' });
    expect(connection.block!.hasEcn).toBe(false);
  });

  it.each([
    ['passive', 'SEW', 'S.E', true],
    ['active', 'SEW', 'S.E', true],
    ['off', 'SEW', 'S.', false],
    ['passive', 'SE', 'S.', false],
    ['passive', 'SW', 'S.', false],
    ['passive', 'S', 'S.', false],
  ] as const)('listening, %s: %s is answered by %s', (ecn, syn, answer, agreed) => {
    const host = new TestHost();
    const listener = host.listen(80, { ecn });
    const peer = host.peer();
    peer.sendSyn({ flags: syn });
    peer.expect({ flags: answer });
    peer.send();
    expect(host.accept(listener).connection.block!.hasEcn).toBe(agreed);
  });

  it('a SYN that is sent again does not ask: somebody on the way may drop those that do (§6.1.1.1)', () => {
    const host = new TestHost();
    const { peer, connection } = host.startConnect({ connection: { ecn: 'active' } });
    peer.expect({ flags: 'SEW' });
    host.wait(1100);
    peer.expect({ flags: 'S' });
    peer.answerSyn({ flags: 'S.' });
    expect(connection.block!.hasEcn).toBe(false);
  });
});

describe.each([
  ['active', false],
  ['passive', true],
])('the data of a connection opened %sly', (_, isPassive) => {
  it('is ECN-capable the first time it is sent, and not when it is sent again (§6.1.5)', () => {
    const { peer, connection, host } = capable(isPassive);
    peer.drain();
    write(connection, 500);
    host.settle();
    peer.expect({ length: 500, trafficClass: ECT });
    host.wait(3000);
    for (const again of peer.drain()) expect(again).toMatchObject({ trafficClass: 0 });
  });

  it('bare acknowledgements are not ECN-capable (§6.1.4)', () => {
    const { peer } = capable(isPassive);
    peer.drain();
    peer.send({ data: 100, ecn: ECT });
    peer.expect({ flags: '.', trafficClass: 0 });
  });
});

describe('the echo (§6.1.3)', () => {
  it('goes on in every segment until the peer says CWR', () => {
    const { peer, connection, host } = capable(false);
    peer.send({ data: 100, ecn: CE });
    peer.expect({ flags: '.E' });
    peer.send({ data: 100, ecn: ECT });
    peer.expect({ flags: '.E' });
    write(connection, 10);
    host.settle();
    peer.expect({ flags: 'P.E' });
    peer.send({ data: 100, flags: '.W', ecn: ECT });
    peer.expect({ flags: '.' });
  });

  it('begins anew when the segment with CWR was marked itself', () => {
    const { peer } = capable(false);
    peer.send({ data: 100, ecn: CE });
    peer.expect({ flags: '.E' });
    peer.send({ data: 100, flags: '.W', ecn: CE });
    peer.expect({ flags: '.E' });
  });

  it('comes for a marked segment within a burst', () => {
    const { peer } = capable(false);
    peer.burst({ data: 1000, ecn: ECT }, { data: 1000, ecn: CE }, { data: 1000, ecn: ECT });
    expect(peer.drain().at(-1)).toMatchObject({ flags: '.E', ack: 3001 });
  });

  it('does not come where ECN was not agreed upon', () => {
    const { peer } = establish();
    peer.send({ data: 100, ecn: CE });
    peer.expect({ flags: '.' });
  });
});

describe('the reaction (§6.1.2)', () => {
  it('ECE halves or so the window once per round trip, and CWR says so once, with new data', () => {
    const { peer, connection, host } = capable(false);
    write(connection, 60_000);
    host.settle();
    expect(peer.drain().every((each) => !each.flags.includes('W'))).toBe(true);
    const { window } = connection.block!.recovery;
    const before = window.window;
    host.wait(20);
    peer.send({ ack: 2001, flags: '.E' });
    expect(window.window).toBeLessThan(before);
    const reduced = window.window;
    peer.send({ ack: 4001, flags: '.E' });
    expect(window.window).toBe(reduced);
    let marked = 0;
    for (let ack = 6001; ack <= 10_001; ack += 1000) {
      peer.send({ ack, flags: '.E' });
      marked += peer.drain().filter((each) => each.flags.includes('W')).length;
    }
    expect(marked).toBe(1);
  });

  it('a loss without ECN is nothing to tell by CWR', () => {
    const { peer, connection, host } = establish({ peer: { sack: true } });
    write(connection, 60_000);
    host.settle();
    peer.drain();
    host.wait(10);
    peer.send({ ack: 1, sack: [[1001, 6001]] });
    peer.send({ ack: 6001 });
    peer.send({ ack: 8001 });
    const later = peer.drain();
    expect(later.some((each) => each.seq >= 10_001)).toBe(true);
    expect(later.filter((each) => /[EW]/.test(each.flags))).toEqual([]);
  });
});
