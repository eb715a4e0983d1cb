import { describe, expect, it } from 'vitest';
import { establish, TestHost, write } from '../tcp.testkit.js';

const CE = 3;
const ECT = 2;
const NOT_CAPABLE = 0;

function precise(connection: object = {}) {
  return establish({
    peer: { ecn: true, sack: true },
    connection: { congestionControl: 'dctcp', ...connection },
  });
}

describe('negotiation', () => {
  it('DCTCP asks for ECN without being told to, in a SYN that is not ECN-capable itself (RFC 3168 §6.1.1)', () => {
    new TestHost()
      .startConnect({ connection: { congestionControl: 'dctcp' } })
      .peer.expect({ flags: 'SEW', trafficClass: NOT_CAPABLE });
  });

  it('but not against the word of the user', () => {
    new TestHost().startConnect({ connection: { congestionControl: 'dctcp', ecn: 'off' } }).peer.expect({ flags: 'S' });
  });
});

describe('the receiver (RFC 8257 §3.2)', () => {
  it('says ECE for what was marked, and stops by itself; CWR is not waited for', () => {
    const { peer } = precise();
    peer.send({ data: 100, ecn: CE });
    peer.expect({ flags: '.E', ack: 101 });
    peer.send({ data: 100, ecn: CE, flags: '.W' });
    peer.expect({ flags: '.E', ack: 201 });
    peer.send({ data: 100, ecn: ECT });
    peer.expect({ flags: '.', ack: 301 });
  });

  it('at a change within a burst acknowledges what came before with the old mark: every byte is told right', () => {
    const { peer } = precise();
    const marks = [ECT, ECT, CE, CE, CE, ECT, CE, ECT, ECT];
    peer.burst(...marks.map((ecn) => ({ data: 1000, ecn })));
    let last = 1;
    let marked = 0;
    let plain = 0;
    for (const { ack, flags } of peer.drain()) {
      if (flags.includes('E')) marked += ack - last;
      else plain += ack - last;
      last = ack;
    }
    expect([marked, plain]).toEqual([4000, 5000]);
  });

  it('while nothing changes acknowledgements are delayed as ever', () => {
    const { peer, connection, host } = precise();
    connection.wake().quickAcknowledgements = 0;
    peer.send({ data: 1000, ecn: CE });
    peer.expect({ flags: '.E', ack: 1001 });
    peer.send({ data: 1000, ecn: CE });
    peer.expectNothing();
    host.wait(600);
    peer.expect({ flags: '.E', ack: 2001 });
    connection.wake().quickAcknowledgements = 0;
    peer.send({ data: 1000, ecn: CE });
    peer.expectNothing();
    // The change: two acknowledgements, for both sorts.
    peer.send({ data: 1000, ecn: ECT });
    peer.expect({ flags: '.E', ack: 3001 });
    peer.expect({ flags: '.', ack: 4001 });
  });

  it('is not moved by marks on what has no text', () => {
    const { peer, connection, host } = precise();
    write(connection, 1000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, ecn: CE });
    peer.expectNothing();
    peer.send({ data: 100, ecn: ECT });
    peer.expect({ flags: '.', ack: 101 });
  });

  it('out of order too: what a hole keeps back is told with its own mark', () => {
    const { peer } = precise();
    peer.burst({ data: 1000, seq: 1001, ecn: CE }, { data: 1000, seq: 3001, ecn: ECT });
    const [first, second] = peer.drain();
    expect(first).toMatchObject({ flags: '.E', sack: [[1001, 2001]] });
    expect(second).toMatchObject({
      flags: '.',
      sack: [
        [3001, 4001],
        [1001, 2001],
      ],
    });
  });
});

describe('the sender', () => {
  it('sends all segments ECN-capable, retransmissions and acknowledgements too', () => {
    const { peer, connection, host } = precise();
    peer.send({ data: 100, ecn: ECT });
    peer.expect({ trafficClass: ECT, length: 0 });
    write(connection, 500);
    host.settle();
    peer.expect({ length: 500, trafficClass: ECT });
    host.wait(3000);
    const again = peer.drain();
    expect(again.length).toBeGreaterThan(0);
    for (const each of again) expect(each).toMatchObject({ trafficClass: ECT });
  });

  it('leaves the reaction to ECE to congestion control, and says CWR after one (RFC 8257 §3.3)', () => {
    const { peer, connection, host } = precise();
    const { recovery } = connection.wake();
    const { window } = recovery;
    write(connection, 60_000);
    host.settle();
    peer.drain();
    const before = window.window;
    host.wait(20);
    peer.send({ ack: 2001, flags: '.E' });
    expect(window.window).toBeLessThan(before);
    const reduced = window.window;
    let said = 0;
    for (let ack = 4001; ack <= 10_001; ack += 2000) {
      peer.send({ ack, flags: '.E' });
      said += peer.drain().filter((each) => each.flags.includes('W')).length;
    }
    expect(window.window).toBe(reduced);
    expect(said).toBe(1);
    expect(recovery.sample.hasEcnEcho).toBe(true);
  });

  it('where ECN was not agreed upon is NewReno: ECE means nothing, a loss halves', () => {
    const { peer, connection, host } = establish({
      isPassive: true,
      peer: { sack: true },
      connection: { congestionControl: 'dctcp' },
    });
    const { window } = connection.wake().recovery;
    write(connection, 60_000);
    host.settle();
    peer.drain();
    const before = window.window;
    host.wait(10);
    peer.send({ ack: 1001, flags: '.E' });
    expect(window.window).toBeGreaterThanOrEqual(before);
    peer.send({ ack: 1001, sack: [[2001, 6001]] });
    expect(window.slowStartThreshold).toBeLessThanOrEqual(before / 2 + 1000);
  });
});
