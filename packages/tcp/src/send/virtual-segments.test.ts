import { describe, expect, it } from 'vitest';
import { type EstablishOptions, establish, pattern, type Seen, write } from '../tcp.testkit.js';

function bulk(options: EstablishOptions = {}) {
  const opened = establish({
    frames: 1024,
    isFast: true,
    settings: { sendBuffer: 1 << 20 },
    ...options,
    peer: { mss: 1460, scale: 10, ...options.peer },
  });
  opened.peer.send({ window: 65_535 });
  opened.connection.block!.recovery.window.window = 1 << 20;
  return opened;
}

/** The text of all segments in a row, and where they begin. */
function joined(segments: readonly Seen[]): Buffer {
  return Buffer.concat(segments.map((each) => Buffer.from(each.data)));
}

describe('a virtual segment', () => {
  it('is as long as an IP datagram allows, in whole segments of the size that goes on the wire', () => {
    const { connection, host, peer } = bulk();
    write(connection, 150_000);
    host.settle();
    const segments = peer.drain();
    expect(segments.map((each) => [each.length, each.gsoSize])).toEqual([
      [44 * 1460, 1460],
      [44 * 1460, 1460],
      [150_000 - 88 * 1460, 1460],
    ]);
    expect(joined(segments).equals(Buffer.from(pattern(1, 150_000)))).toBe(true);
    expect(segments.map((each) => each.flags)).toEqual(['.', '.', 'P.']);
  });

  it('is not virtual when one segment is enough', () => {
    const { connection, host, peer } = bulk();
    write(connection, 1460);
    host.settle();
    peer.expect({ gsoSize: 0, length: 1460 });
  });

  it('leaves its short end behind when a short segment is out (Nagle)', () => {
    const { connection, host, peer } = bulk();
    write(connection, 5000);
    host.settle();
    peer.expect({ length: 5000 });
    write(connection, 5000);
    host.settle();
    peer.expect({ length: 3 * 1460, flags: '.' });
    peer.expectNothing();
  });

  it('carries the FIN at its end', () => {
    const { connection, host, peer } = bulk();
    write(connection, 10_000);
    connection.shutdownWrite();
    host.settle();
    peer.expect({ length: 10_000, gsoSize: 1460, flags: 'FP.' });
    peer.send({ ack: 10_002 });
    expect(connection.block!.isFinAcknowledged).toBe(true);
  });

  it('becomes as many records as it has segments: a part of it can be acknowledged, or lost', () => {
    const { connection, host, peer } = bulk({ peer: { sack: true }, roundTrip: 50 });
    write(connection, 10 * 1460);
    host.settle();
    peer.expect({ length: 14_600 });
    expect(connection.block!.recovery.records.count).toBe(10);
    host.wait(50);
    peer.send({ ack: 1, sack: [[1461, 1 + 5 * 1460]] });
    expect(peer.drain().map((each) => [each.seq, each.length, each.gsoSize])).toEqual([[1, 1460, 0]]);
    peer.send({ ack: 1 + 5 * 1460 });
    expect(connection.block!.recovery.records.count).toBe(5);
  });

  it('cut shorter by SACK blocks, has records of what is really on the wire', () => {
    const { connection, host, peer } = bulk({ peer: { sack: true, timestamps: true } });
    peer.send({ seq: 1001, data: 100 });
    peer.send({ seq: 2001, data: 100 });
    peer.drain();
    write(connection, 10_000);
    host.settle();
    const [segment] = peer.drain();
    expect(segment).toMatchObject({ headerLength: 20 + 12 + 20, gsoSize: 1448 - 20 });
    const { records } = connection.block!.recovery;
    expect(records.recordLength(records.first)).toBe(1428);
    expect(records.count).toBe(Math.ceil(10_000 / 1428));
  });

  it('takes no more than the interface has room for', () => {
    const { connection, host, peer } = bulk();
    host.network.freeFrames = 7;
    write(connection, 100_000);
    host.settle();
    peer.expect({ length: 7 * 1460 });
    peer.expectNothing();
    host.network.freeFrames = 1;
    host.settle();
    peer.expect({ length: 1460, gsoSize: 0 });
  });

  it('takes no more than there is room for records', () => {
    const { connection, host, peer } = bulk({ settings: { maximumRecords: 20, sendBuffer: 1 << 20 } });
    write(connection, 100_000);
    host.settle();
    expect(peer.drain().reduce((sum, each) => sum + each.length, 0)).toBe(20 * 1460);
  });

  it('holds back packets: a small pool makes small ones', () => {
    const { connection, host, peer } = bulk({ frames: 128 });
    write(connection, 60_000);
    const giveBack = host.exhaust(20);
    host.settle();
    for (const { length } of peer.drain()) expect(length).toBeLessThanOrEqual(12 * 1460);
    giveBack();
    for (let i = 0; i < 20 && connection.unacknowledgedWrites > 0; i++) {
      host.wait(250);
      peer.send();
    }
    expect(connection.unacknowledgedWrites).toBe(0);
  });

  it('has CWR and ECE as one segment has; the link puts CWR into the first', () => {
    const { connection, host, peer } = bulk({ peer: { ecn: true }, connection: { ecn: 'active' } });
    peer.send({ data: 10, ecn: 3 });
    write(connection, 10_000);
    host.settle();
    expect(peer.drain().at(-1)).toMatchObject({ flags: 'P.E', trafficClass: 2 });
  });
});

describe('a segment that does not fit a frame (jumbo frames)', () => {
  it('is a chain of frames, sent by itself', () => {
    const { connection, host, peer } = bulk({ frames: 1024, peer: { mss: 8960, timestamps: true } });
    host.network.mtu = 9000;
    write(connection, 30_000);
    host.settle();
    const segments = peer.drain();
    expect(segments.map((each) => [each.length, each.gsoSize])).toEqual([
      [8948, 0],
      [8948, 0],
      [8948, 0],
      [30_000 - 3 * 8948, 0],
    ]);
    expect(joined(segments).equals(Buffer.from(pattern(1, 30_000)))).toBe(true);
  });
});

describe('a virtual segment for a link that takes it whole', () => {
  it('holds several segments even where each of them takes several frames', () => {
    const { connection, host, peer } = bulk({ frames: 1024, peer: { mss: 8960, timestamps: true } });
    host.network.mtu = 9000;
    host.network.completesChecksum = true;
    host.network.takesVirtualSegments = true;
    write(connection, 100_000);
    host.settle();
    const segments = peer.drain();
    expect(segments.map((each) => [each.length, each.gsoSize])).toEqual([
      [7 * 8948, 8948],
      [100_000 - 7 * 8948, 8948],
    ]);
    expect(joined(segments).equals(Buffer.from(pattern(1, 100_000)))).toBe(true);
  });
});

describe('without enough packets', () => {
  it('a segment that takes several frames is sent whole or not at all, also again', () => {
    const { connection, host, peer } = bulk({ frames: 256, peer: { mss: 8960 } });
    host.network.mtu = 9000;
    write(connection, 8960);
    host.settle();
    expect(peer.drain().length).toBe(1);
    const giveBack = host.exhaust(3);
    host.wait(250);
    peer.expectNothing();
    expect(host.pool.available).toBe(3);
    giveBack();
    host.wait(1000);
    expect(peer.drain()[0]).toMatchObject({ seq: 1, length: 8960 });
  });
});

describe('where the link completes checksums', () => {
  it('every segment leaves it to the link', () => {
    const { connection, host, peer } = bulk();
    host.network.completesChecksum = true;
    write(connection, 100);
    host.settle();
    peer.send({ data: 10 });
    write(connection, 5000);
    host.settle();
    connection.abort(host.now);
    // The network of the test has checked each of them.
    expect(peer.drain().map((each) => each.flags)).toContain('R.');
  });
});
