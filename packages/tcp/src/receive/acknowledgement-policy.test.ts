import { describe, expect, it } from 'vitest';
import { type EstablishOptions, establish, type Opened, readAll, write } from '../tcp.testkit.js';

/** Beyond the segments at the start that are acknowledged at once. */
function warm(options: EstablishOptions = {}): Opened {
  const opened = establish(options);
  const { peer, connection } = opened;
  for (let i = 0; i < 16; i++) peer.send({ data: 100 });
  readAll(connection);
  peer.drain();
  return opened;
}

describe('delayed acknowledgements (RFC 9293 §3.8.6.3)', () => {
  it('one short segment is acknowledged after 40 ms, within half a second (SHLD-18, MUST-40)', () => {
    const { peer, host } = warm();
    peer.send({ data: 100 });
    host.wait(39);
    peer.expectNothing();
    host.wait(2);
    peer.expect({ flags: '.', ack: 1701 });
    peer.expectNothing();
    host.wait(1000);
    peer.expectNothing();
  });

  it('waits as long as the setting says, counted from the first segment', () => {
    const { peer, host } = warm({ settings: { delayedAcknowledgementMilliseconds: 200 } });
    peer.send({ data: 100 });
    host.wait(150);
    peer.send({ data: 100 });
    host.wait(49);
    peer.expectNothing();
    host.wait(2);
    peer.expect({ ack: 1801 });
  });

  it('500 ms is taken as less (MUST-40)', () => {
    const { peer, host } = warm({ settings: { delayedAcknowledgementMilliseconds: 500 } });
    peer.send({ data: 100 });
    host.wait(499.9);
    peer.expect({ ack: 1701 });
  });

  it('every second full segment is acknowledged at once (SHLD-19, RFC 5681 §4.2)', () => {
    const { peer } = warm();
    for (let round = 0; round < 5; round++) {
      peer.send({ data: 1000 });
      peer.expectNothing();
      peer.send({ data: 1000 });
      peer.expect({ flags: '.', ack: 1601 + (round + 1) * 2000 });
    }
  });

  it('a burst is acknowledged once, at its end (MUST-58, MUST-59)', () => {
    const { peer } = warm();
    peer.burst(...Array.from({ length: 7 }, () => ({ data: 1000 })));
    peer.expect({ flags: '.', ack: 8601 });
    peer.expectNothing();
  });

  it('goes along with text that answers', () => {
    const { peer, host, connection } = warm();
    peer.send({ data: 100 });
    host.wait(20);
    write(connection, 50);
    host.settle();
    peer.expect({ flags: 'P.', ack: 1701, length: 50 });
    peer.send();
    host.wait(500);
    peer.expectNothing();
  });

  it('a peer that waited for a delayed acknowledgement gets the next one at once: it is not in a hurry to send more', () => {
    const { peer, host } = warm();
    peer.send({ data: 100 });
    host.wait(41);
    peer.expect({ ack: 1701 });
    peer.send({ data: 100 });
    peer.expect({ ack: 1801 });
    peer.send({ data: 100 });
    peer.expectNothing();
  });
});

describe('at once', () => {
  it('the first 16 segments are acknowledged each, so that the window of a new peer opens', () => {
    const { peer } = establish();
    for (let i = 1; i <= 16; i++) {
      peer.send({ data: 100 });
      peer.expect({ flags: '.', ack: 1 + i * 100 });
    }
    peer.send({ data: 100 });
    peer.expectNothing();
  });

  it('with quickAcknowledgement every segment is', () => {
    const { peer } = warm({ connection: { quickAcknowledgement: true } });
    for (let i = 1; i <= 20; i++) {
      peer.send({ data: 10 });
      peer.expect({ ack: 1601 + i * 10 });
    }
  });

  it('with a delay of 0 every segment is', () => {
    const { peer } = warm({ settings: { delayedAcknowledgementMilliseconds: 0 } });
    for (let i = 1; i <= 20; i++) {
      peer.send({ data: 10 });
      peer.expect({ ack: 1601 + i * 10 });
    }
  });

  it('text ahead of a gap is acknowledged at once, and what fills it (RFC 5681 §4.2, MAY-13)', () => {
    const { peer } = warm();
    peer.send({ seq: 1701, data: 100 });
    peer.expect({ flags: '.', ack: 1601 });
    peer.send({ seq: 1801, data: 100 });
    peer.expect({ flags: '.', ack: 1601 });
    peer.send({ seq: 1601, data: 100 });
    peer.expect({ flags: '.', ack: 1901 });
    // And the next 16: the peer is in recovery.
    peer.send({ seq: 1901, data: 100 });
    peer.expect({ flags: '.', ack: 2001 });
  });

  it('without SACK there is a duplicate acknowledgement for each segment ahead of a gap, also in one burst (RFC 5681 §3.2)', () => {
    const { peer } = warm();
    peer.burst({ seq: 2601, data: 1000 }, { seq: 3601, data: 1000 }, { seq: 4601, data: 1000 });
    expect(peer.drain().map((each) => [each.flags, each.ack, each.length])).toEqual([
      ['.', 1601, 0],
      ['.', 1601, 0],
      ['.', 1601, 0],
    ]);
  });

  it('with SACK one acknowledgement at the end of the burst tells of all of them', () => {
    const { peer } = warm({ peer: { sack: true } });
    peer.burst({ seq: 2601, data: 1000 }, { seq: 4601, data: 1000 });
    peer.expect({
      ack: 1601,
      sack: [
        [4601, 5601],
        [2601, 3601],
      ],
    });
    peer.expectNothing();
  });

  it('a FIN is, and a duplicate is', () => {
    const { peer } = warm();
    peer.send({ seq: 1501, data: 100 });
    peer.expect({ flags: '.', ack: 1601 });
    peer.send({ seq: 1601, flags: 'F.' });
    peer.expect({ flags: '.', ack: 1602 });
  });

  it('an acknowledgement is not acknowledged (RFC 9293 §3.10.7.4)', () => {
    const { peer, host, connection } = warm();
    write(connection, 1000);
    host.settle();
    peer.drain();
    peer.send();
    host.wait(1000);
    peer.expectNothing();
  });
});

describe('an empty pool', () => {
  it('delays the acknowledgement, and it is sent when there are packets again', () => {
    const { peer, host } = warm({ frames: 64 });
    peer.inject({ data: 1000 });
    peer.inject({ data: 1000 });
    const giveBack = host.exhaust(0);
    host.settle();
    peer.expectNothing();
    host.wait(45);
    peer.expectNothing();
    giveBack();
    host.wait(45);
    peer.expect({ flags: '.', ack: 3601 });
  });
});
