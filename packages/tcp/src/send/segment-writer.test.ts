import { describe, expect, it } from 'vitest';
import { establish, write } from '../tcp.testkit.js';

describe('SACK blocks (RFC 2018 §4)', () => {
  const opened = (timestamps: boolean) => establish({ peer: { sack: true, timestamps } });

  it('the range of the latest segment first, then others, four at most', () => {
    const { peer } = opened(false);
    const ranges: [number, number][] = [];
    for (let i = 0; i < 6; i++) {
      const seq = 101 + i * 100;
      peer.send({ seq, data: 50 });
      ranges.unshift([seq, seq + 50]);
      expect(peer.drain().at(-1)!.sack).toEqual(ranges.slice(0, 4));
    }
  });

  it('three at most beside timestamps (§3)', () => {
    const { peer } = opened(true);
    for (let i = 0; i < 6; i++) peer.send({ seq: 101 + i * 100, data: 50 });
    expect(peer.drain().at(-1)).toMatchObject({
      sack: [
        [601, 651],
        [501, 551],
        [401, 451],
      ],
      headerLength: 60,
    });
  });

  it('an older range that grows comes first', () => {
    const { peer } = opened(false);
    peer.send({ seq: 101, data: 50 });
    peer.send({ seq: 301, data: 50 });
    peer.drain();
    peer.send({ seq: 151, data: 50 });
    peer.expect({
      sack: [
        [101, 201],
        [301, 351],
      ],
    });
  });

  it('a duplicate ahead of the gap comes before the range it lies in (RFC 2883 §4)', () => {
    const { peer } = opened(false);
    peer.send({ seq: 101, data: 100 });
    peer.send({ seq: 301, data: 100 });
    peer.drain();
    peer.send({ seq: 121, data: 50 });
    peer.expect({
      ack: 1,
      sack: [
        [121, 171],
        [101, 201],
        [301, 401],
      ],
    });
    peer.send({ seq: 501, data: 10 });
    expect(peer.drain().at(-1)!.sack[0]).toEqual([501, 511]);
  });

  it('stand in text segments too', () => {
    const { peer, connection, host } = opened(false);
    peer.send({ seq: 101, data: 100 });
    peer.drain();
    write(connection, 300);
    host.settle();
    peer.expect({ flags: 'P.', length: 300, sack: [[101, 201]] });
  });

  it('end when there is no gap any more', () => {
    const { peer } = opened(false);
    peer.send({ seq: 101, data: 100 });
    peer.drain();
    peer.send({ seq: 1, data: 100 });
    peer.expect({ ack: 201, sack: [], headerLength: 20 });
  });

  it('are not sent when they were not agreed upon', () => {
    const { peer } = establish();
    peer.send({ seq: 101, data: 100 });
    peer.expect({ sack: [] });
  });
});

describe('every segment', () => {
  it('has the traffic class and the time to live of the connection, which may change (RFC 9293 §3.9.1.9, MUST-48, MUST-49)', () => {
    const { peer, connection, host } = establish({ connection: { trafficClass: 0xb8, timeToLive: 3 } });
    write(connection, 10);
    host.settle();
    peer.expect({ trafficClass: 0xb8, timeToLive: 3 });
    peer.send();
    connection.apply({ trafficClass: 0x23, timeToLive: 200 });
    write(connection, 10);
    host.settle();
    // The ECN bits are TCP's own.
    peer.expect({ trafficClass: 0x20, timeToLive: 200 });
  });

  it('acknowledges, so that no other acknowledgement is due', () => {
    const { peer, connection, host } = establish();
    peer.inject({ data: 100 });
    write(connection, 10);
    host.settle();
    peer.expect({ flags: 'P.', ack: 101 });
    peer.expectNothing();
    peer.send();
    host.wait(1000);
    peer.expectNothing();
  });

  it('is counted', () => {
    const { peer, connection, host } = establish();
    write(connection, 100);
    host.settle();
    peer.send({ data: 30 });
    const { segmentsIn, segmentsOut, bytesSent, bytesReceived, bytesAcknowledged } = connection.information();
    expect([segmentsIn, segmentsOut]).toEqual([2, 4]);
    expect([bytesSent, bytesReceived, bytesAcknowledged]).toEqual([100, 30, 100]);
  });
});

describe('a reset of ours (RFC 9293 §3.5.2)', () => {
  it('has the number of what would be sent next', () => {
    const { peer, connection, host } = establish();
    write(connection, 500);
    host.settle();
    peer.drain();
    connection.abort(host.now);
    peer.expect({ flags: 'R.', seq: 501, ack: 1, length: 0 });
    peer.expectNothing();
  });
});
