import { describe, expect, it } from 'vitest';
import { type EstablishOptions, establish, write } from '../tcp.testkit.js';

describe('the segment size (RFC 9293 §3.7.1, MUST-16)', () => {
  it.each<[string, EstablishOptions, number, number]>([
    ['the peer’s MSS', { peer: { mss: 1200 } }, 1500, 1200],
    ['the path, where it is narrower', { peer: { mss: 8960 } }, 1500, 1460],
    ['less the timestamps', { peer: { mss: 1460, timestamps: true } }, 1500, 1448],
    ['the user’s limit', { peer: { mss: 1460 }, connection: { maximumSegmentSize: 500 } }, 1500, 500],
    ['a narrow path', { peer: { mss: 1460 } }, 576, 536],
  ])('is %s', (_, options, mtu, expected) => {
    const { connection, host } = establish(options);
    host.network.mtu = mtu;
    write(connection, 1);
    host.settle();
    expect(connection.block!.segmentSize).toBe(expected);
    expect(connection.information()).toMatchObject({ segmentSize: expected, pathMtu: mtu });
  });

  it('follows a route that becomes wider, too', () => {
    const { connection, host, peer } = establish({ peer: { mss: 8960 } });
    expect(connection.block!.segmentSize).toBe(1460);
    host.network.mtu = 9000;
    write(connection, 8000);
    host.settle();
    expect(connection.block!.segmentSize).toBe(8960);
    peer.expect({ length: 8000 });
  });

  it('what is out when the path becomes narrower is sent again in pieces, with its FIN and the right bytes', () => {
    const { connection, host, peer } = establish({ peer: { mss: 1460, sack: true }, roundTrip: 20 });
    write(connection, 3500);
    connection.shutdownWrite();
    host.settle();
    peer.drain();
    host.network.mtu = 600;
    const parts = new Map<number, number>();
    for (let i = 0; i < 30 && !connection.block!.isFinAcknowledged; i++) {
      host.wait(50);
      let ack = peer.received > 3502 ? peer.received : 1;
      for (const each of peer.drain())
        if (each.length <= 560 && each.gsoSize <= 560) parts.set(each.seq, each.seq + each.length);
      ack = 1;
      for (let end = parts.get(ack); end !== undefined && end !== ack; end = parts.get(ack)) ack = end;
      peer.send({ ack: ack === 3501 ? 3502 : ack });
    }
    expect(connection.block!.isFinAcknowledged).toBe(true);
  });
});

describe('the search for a black hole (RFC 2923 §2.1, RFC 4821 §7.7)', () => {
  /** The path drops what is longer than `limit`, in silence; the peer acknowledges the rest. Returns what got through, by time. */
  function through(limit: number, milliseconds: number, options: EstablishOptions = {}) {
    const opened = establish({ peer: { mss: 1460, sack: true }, roundTrip: 20, ...options });
    const { connection, host, peer } = opened;
    write(connection, 40_000);
    host.settle();
    const got = new Map<number, number>();
    let ack = 1;
    const end = host.time + milliseconds;
    let segments = 0;
    while (host.time < end && ack < 40_001) {
      host.wait(20);
      let hasNew = false;
      for (const each of peer.drain()) {
        const size = each.gsoSize > 0 ? each.gsoSize : each.length;
        segments++;
        if (size > limit) continue;
        got.set(each.seq, Math.max(got.get(each.seq) ?? 0, each.seq + each.length));
        hasNew = true;
      }
      for (let next = got.get(ack); next !== undefined; next = got.get(ack)) ack = next;
      if (hasNew) peer.send({ ack });
    }
    return { ...opened, ack, segments };
  }

  it('after some timeouts smaller segments are tried, and the transfer goes on with them', () => {
    const { ack, connection } = through(1100, 60_000);
    expect(ack).toBe(40_001);
    expect(connection.block!.segmentSize).toBe(1024);
  });

  it('and smaller ones still', () => {
    const { ack, connection } = through(600, 120_000);
    expect(ack).toBe(40_001);
    expect(connection.block!.segmentSize).toBe(536);
  });

  it('not when the setting says so', () => {
    const { ack, connection } = through(1100, 30_000, { settings: { blackHoleTimeouts: 0 } });
    expect(ack).toBe(1);
    expect(connection.block!.segmentSize).toBe(1460);
  });

  it('an outage of everything leaves the segments as large as they were', () => {
    const { connection, host, peer } = establish({ peer: { mss: 1460, sack: true }, roundTrip: 20 });
    write(connection, 20_000);
    host.settle();
    host.wait(20_000);
    peer.drain();
    for (let i = 0; i < 60 && connection.unacknowledgedWrites > 0; i++) {
      peer.send();
      host.wait(100);
    }
    expect(connection.unacknowledgedWrites).toBe(0);
    expect(connection.block!.segmentSize).toBe(1460);
  });

  it('after ten minutes the full size is believed in again (RFC 1191 §6.3)', () => {
    const { connection, host, peer } = through(1100, 60_000);
    peer.send();
    host.wait(601_000);
    write(connection, 5000);
    host.settle();
    expect(connection.block!.segmentSize).toBe(1460);
  });
});
