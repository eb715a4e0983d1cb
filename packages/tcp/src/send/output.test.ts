import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import {
  describeSeen,
  type EstablishOptions,
  establish,
  type Opened,
  pattern,
  type Seen,
  TestHost,
  write,
} from '../tcp.testkit.js';

/** Writes, and returns what was sent. */
function sent({ connection, host, peer }: Opened, length: number): Seen[] {
  write(connection, length);
  host.settle();
  return peer.drain();
}

function bytes(segments: readonly Seen[]): number {
  return segments.reduce((sum, each) => sum + each.length, 0);
}

const lengths = (segments: readonly Seen[]) => segments.map((each) => each.length);

describe('text', () => {
  it('leaves as it was written, with PSH on the last of it (RFC 9293 §3.9.1.2, MUST-61)', () => {
    const opened = establish();
    const [segment] = sent(opened, 500);
    expect(segment).toMatchObject({ flags: 'P.', seq: 1, length: 500 });
    expect(segment!.data).toEqual(pattern(1, 500));
  });

  it('of several writes in one segment, when they come before the output (SHLD-27, SHLD-28)', () => {
    const { connection, host, peer } = establish();
    for (let i = 0; i < 10; i++) write(connection, 100);
    host.settle();
    peer.expect({ flags: 'P.', length: 1000 });
    peer.expectNothing();
  });

  it('no more than the initial window before an acknowledgement (RFC 6928)', () => {
    const opened = establish();
    expect(bytes(sent(opened, 50_000))).toBe(10_000);
    opened.peer.send({ ack: 2001 });
    expect(bytes(opened.peer.drain())).toBe(4000);
  });

  it('no more than the peer’s window', () => {
    const opened = establish({ peer: { window: 3500 } });
    // The last 500 of it are too few to be worth a segment (§3.8.6.2.1).
    expect(bytes(sent(opened, 50_000))).toBe(3000);
    opened.peer.send({ ack: 3001 });
    expect(bytes(opened.peer.drain())).toBe(3000);
  });

  it('no more segments than can be kept track of', () => {
    const opened = establish({ settings: { maximumRecords: 16 }, peer: { mss: 100, window: 60_000 } });
    opened.connection.block!.recovery.window.window = 30_000;
    expect(bytes(sent(opened, 10_000))).toBe(1600);
    opened.peer.send({ ack: 501 });
    expect(bytes(opened.peer.drain())).toBe(500);
  });

  it('the copied bytes are those written, over many windows, also where the numbers wrap', () => {
    for (const seed of [1, 2, 3]) {
      const opened = establish({ seed, connection: { sendBuffer: 20_000 } });
      const { connection, host, peer } = opened;
      let at = 1;
      while (at < 60_000) {
        write(connection, 7777);
        host.settle();
        for (const segment of peer.drain()) {
          expect(segment.seq).toBe(at);
          expect(Buffer.from(segment.data).equals(Buffer.from(pattern(at, segment.length)))).toBe(true);
          at += segment.length;
        }
        peer.send();
      }
    }
  });
});

describe('Nagle’s algorithm (RFC 9293 §3.7.4, SHLD-7), as Minshall has it', () => {
  it('a short segment waits while another is unacknowledged', () => {
    const opened = establish();
    expect(lengths(sent(opened, 100))).toEqual([100]);
    expect(lengths(sent(opened, 100))).toEqual([]);
    expect(lengths(sent(opened, 100))).toEqual([]);
    opened.peer.send();
    opened.peer.expect({ length: 200, flags: 'P.' });
  });

  it('whole segments do not wait, their rest does', () => {
    const opened = establish();
    sent(opened, 100);
    expect(bytes(sent(opened, 2500))).toBe(2000);
    opened.peer.send();
    opened.peer.expect({ length: 500 });
  });

  it('the short end of a long write goes at once when only whole segments are out', () => {
    const opened = establish();
    expect(bytes(sent(opened, 3000))).toBe(3000);
    expect(bytes(sent(opened, 1500))).toBe(1500);
    // That ended short.
    expect(bytes(sent(opened, 1500))).toBe(1000);
    expect(bytes(sent(opened, 10))).toBe(0);
  });

  it('noDelay turns it off (MUST-17), and lets go what waits', () => {
    const opened = establish();
    sent(opened, 100);
    expect(lengths(sent(opened, 100))).toEqual([]);
    opened.connection.apply({ noDelay: true });
    opened.host.settle();
    opened.peer.expect({ length: 100 });
    expect(lengths(sent(opened, 5))).toEqual([5]);
    expect(lengths(sent(opened, 6))).toEqual([6]);
  });

  it('a close lets go what waits: nothing will join it', () => {
    const opened = establish();
    sent(opened, 100);
    sent(opened, 50);
    opened.connection.shutdownWrite();
    opened.host.settle();
    opened.peer.expect({ flags: 'FP.', length: 50 });
  });

  it('still works after 2^31 bytes without a short segment', () => {
    const opened = establish();
    const { connection, peer } = opened;
    sent(opened, 100);
    peer.send();
    // As if so much had passed since: a mark of long ago would lie in the future.
    connection.block!.lastShortEnd = (connection.block!.recovery.unacknowledged + 2 ** 30) | 0;
    expect(lengths(sent(opened, 100))).toEqual([100]);
  });
});

describe('the cork (TCP_CORK)', () => {
  it('lets whole segments go only, for 200 ms at most', () => {
    const opened = establish({ connection: { cork: true } });
    const { host, peer } = opened;
    expect(bytes(sent(opened, 400))).toBe(0);
    expect(bytes(sent(opened, 1700))).toBe(2000);
    peer.send();
    const before = host.time;
    host.wait(150);
    peer.expectNothing();
    host.wait(60);
    const last = peer.expect({ length: 100 });
    expect(last.at - before).toBeGreaterThanOrEqual(199);
  });

  it('taken away, what waits goes at once', () => {
    const opened = establish({ connection: { cork: true, noDelay: true } });
    expect(lengths(sent(opened, 400))).toEqual([]);
    opened.connection.apply({ cork: false });
    opened.host.settle();
    opened.peer.expect({ length: 400, flags: 'P.' });
  });
});

describe('silly-window avoidance of the sender (§3.8.6.2.1, MUST-38)', () => {
  it('a small part of a window that was large waits for more', () => {
    const opened = establish({ peer: { window: 4000 } });
    const { peer } = opened;
    sent(opened, 9000);
    peer.send({ ack: 4001, window: 300 });
    peer.expectNothing();
    peer.send({ ack: 4001, window: 1000 });
    peer.expect({ length: 1000 });
  });

  it('but not for ever: after 200 ms what the window takes goes (4)', () => {
    const opened = establish({ peer: { window: 4000 } });
    const { peer, host } = opened;
    sent(opened, 9000);
    peer.send({ ack: 4001, window: 300 });
    host.wait(199);
    peer.expectNothing();
    host.wait(2);
    peer.expect({ length: 300, seq: 4001 });
  });

  it('half of the largest window is enough (3): a peer whose buffer is smaller than a segment', () => {
    const opened = establish({ peer: { window: 600 } });
    const { peer } = opened;
    expect(lengths(sent(opened, 2000))).toEqual([600]);
    peer.send({ ack: 601, window: 299 });
    peer.expectNothing();
    peer.send({ ack: 601, window: 300 });
    peer.expect({ length: 300 });
  });

  it('a peer that opens its window byte by byte gets no tinygrams (row 32)', () => {
    const opened = establish({ peer: { window: 2000 } });
    const { peer, host } = opened;
    sent(opened, 20_000);
    peer.send({ ack: 2001, window: 0 });
    for (let window = 1; window < 1000; window += 13) {
      peer.send({ ack: 2001, window });
      peer.expectNothing();
    }
    host.wait(1);
    peer.send({ ack: 2001, window: 1000 });
    peer.expect({ length: 1000 });
  });
});

describe('FIN', () => {
  it('goes with the last text, where the window has room for it (§3.8.6.2.1)', () => {
    const opened = establish();
    write(opened.connection, 1500);
    opened.connection.shutdownWrite();
    opened.host.settle();
    const segments = opened.peer.drain();
    expect(segments.map((each) => each.flags).at(-1)).toBe('FP.');
    expect(bytes(segments)).toBe(1500);
    expect(opened.peer.received).toBe(1502);
  });

  it('alone, when nothing waits', () => {
    const opened = establish();
    opened.connection.shutdownWrite();
    opened.host.settle();
    opened.peer.expect({ flags: 'F.', seq: 1, length: 0 });
  });

  it('waits for room in the window', () => {
    const opened = establish({ peer: { window: 1000 } });
    const { peer, host, connection } = opened;
    write(connection, 1000);
    connection.shutdownWrite();
    host.settle();
    expect(peer.drain().map(describeSeen)).toEqual(['P. 1:1001(1000) ack 1 win 65535']);
    peer.send({ ack: 1001, window: 0 });
    peer.expectNothing();
    peer.send({ ack: 1001, window: 1 });
    peer.expect({ flags: 'F.', seq: 1001 });
  });

  it('lost, is sent again by itself or with its text', () => {
    const opened = establish();
    const { peer, host, connection } = opened;
    write(connection, 500);
    connection.shutdownWrite();
    host.settle();
    peer.expect({ flags: 'FP.', length: 500 });
    host.wait(250);
    peer.expect({ flags: 'FP.', seq: 1, length: 500 });
    peer.send({ ack: 501 });
    host.wait(700);
    expect(peer.drain().at(-1)).toMatchObject({ flags: 'F.', seq: 501, length: 0 });
    peer.send({ ack: 502 });
    expect(connection.state).toBe(State.FIN_WAIT_2);
  });
});

describe('the room of the interface', () => {
  it('no more frames leave than it takes; the rest with the next poll', () => {
    const opened = establish({ peer: { scale: 7, window: 60_000 } });
    const { host, peer, connection } = opened;
    host.network.freeFrames = 3;
    write(connection, 9000);
    host.settle();
    expect(bytes(peer.drain())).toBe(3000);
    expect(connection.block!.isHeldBack).toBe(true);
    host.settle();
    peer.expectNothing();
    host.network.freeFrames = 100;
    host.settle();
    expect(bytes(peer.drain())).toBe(6000);
    expect(connection.block!.isHeldBack).toBe(false);
  });

  it('is divided by turns: a connection that has much to send does not keep others waiting', () => {
    const host = new TestHost({ frames: 4096, isFast: true, settings: { sendBuffer: 4 << 20 } });
    const first = host.connect({ peer: { scale: 10, mss: 1460 } });
    const second = host.connect({ peer: { scale: 10, mss: 1460 } });
    for (const { peer } of [first, second]) peer.send({ window: 65_535 });
    for (const { connection } of [first, second]) {
      connection.block!.recovery.window.window = 8 << 20;
      while (write(connection, 100_000) > 0);
    }
    const order: string[] = [];
    const { onSent } = host.network;
    host.network.onSent = (segment, remote) => {
      order.push(segment.sourcePort === first.connection.localPort ? 'a' : 'b');
      onSent(segment, remote);
    };
    host.layer.flush(host.now);
    const firstTurn = order.indexOf('b');
    expect(firstTurn).toBeGreaterThan(0);
    // 256 KiB in segments of 64 KiB.
    expect(firstTurn).toBeLessThan(8);
    expect(host.layer.hasTurnsLeft).toBe(true);
    expect(host.layer.nextExpiry(host.now)).toBe(0);
    host.settle();
    expect(host.layer.hasTurnsLeft).toBe(false);
  });

  it('what was lost goes before what is new', () => {
    const opened = establish({ peer: { sack: true, window: 60_000 }, roundTrip: 100 });
    const { host, peer, connection } = opened;
    write(connection, 30_000);
    host.settle();
    peer.drain();
    host.wait(100);
    host.network.freeFrames = 1;
    peer.send({ ack: 1, sack: [[1001, 5001]] });
    expect(peer.drain().map((each) => [each.seq, each.length])).toEqual([[1, 1000]]);
  });
});

describe('an empty pool', () => {
  it('stops nothing for ever: text, acknowledgement and FIN go when there are packets again', () => {
    const opened = establish({ frames: 128, peer: { window: 60_000 } });
    const { host, peer, connection } = opened;
    write(connection, 5000);
    connection.shutdownWrite();
    const giveBack = host.exhaust(0);
    host.settle();
    peer.expectNothing();
    host.wait(1000);
    peer.expectNothing();
    giveBack();
    host.wait(300);
    expect(peer.drain().map((each) => each.flags)).toContain('FP.');
    expect(peer.received).toBe(5002);
  });

  it('leaves the last packets for acknowledgements and for what is received', () => {
    const opened = establish({ frames: 128, peer: { window: 60_000, scale: 4 } });
    const { host, peer, connection } = opened;
    write(connection, 50_000);
    host.exhaust(8);
    host.settle();
    peer.expectNothing();
    peer.send({ data: 10 });
    peer.expect({ flags: '.', ack: 11 });
  });

  it('a retransmission that found none is tried again by the timer', () => {
    const opened = establish({ frames: 128 });
    const { host, peer } = opened;
    sent(opened, 1000);
    const giveBack = host.exhaust(0);
    host.wait(250);
    peer.expectNothing();
    giveBack();
    host.wait(1000);
    expect(peer.drain()[0]).toMatchObject({ seq: 1, length: 1000 });
  });
});

describe('a route that is gone', () => {
  it('is a soft error: nothing leaves, and everything goes on when it is back (§3.9.2.2)', () => {
    const opened = establish();
    const { host, peer, connection } = opened;
    host.network.isReachable = false;
    write(connection, 500);
    host.settle();
    peer.expectNothing();
    expect(connection.softError).toBe(101);
    host.network.isReachable = true;
    host.wait(300);
    peer.expect({ seq: 1, length: 500 });
    peer.send();
    expect(connection.pendingError()).toBe(0);
  });
});

describe('timers', () => {
  it('send nothing by a route that is gone: neither probes nor keep-alives nor retransmissions', () => {
    const opened = establish({ peer: { sack: true }, connection: { keepAlive: true, keepAliveIdleMilliseconds: 500 } });
    const shut = opened.host.connect({ peer: { window: 1000 } });
    const idle = opened.host.connect({ connection: { keepAlive: true, keepAliveIdleMilliseconds: 500 } });
    sent(opened, 3000);
    sent(shut, 3000);
    shut.peer.send({ ack: 1001, window: 0 });
    opened.host.network.isReachable = false;
    opened.host.wait(2000);
    for (const { peer } of [opened, shut, idle]) peer.expectNothing();
    opened.host.network.isReachable = true;
    opened.host.wait(80_000);
    for (const { peer } of [opened, shut, idle]) expect(peer.drain().length).toBeGreaterThan(0);
  });
});

describe('tiny segments', () => {
  it.each<[string, EstablishOptions, number]>([
    ['the least MSS believed', { settings: { minimumSegmentSize: 8 }, peer: { mss: 8, sack: true } }, 1500],
    ['with timestamps', { settings: { minimumSegmentSize: 8 }, peer: { mss: 20, sack: true, timestamps: true } }, 1500],
    ['the narrowest path', { peer: { mss: 1460, sack: true, timestamps: true } }, 68],
  ])('%s: text still moves while SACK blocks take their room', (_, options, mtu) => {
    const opened = establish(options);
    const { host, peer, connection } = opened;
    host.network.mtu = mtu;
    // Four gaps to report.
    for (let i = 1; i <= 4; i++) peer.send({ seq: 1 + i * 100, data: 10 });
    peer.drain();
    write(connection, 30);
    for (let round = 0; round < 60 && connection.unacknowledgedWrites > 0; round++) {
      host.wait(50);
      const segments = peer.drain();
      if (segments.length > 0) peer.send();
    }
    expect(connection.unacknowledgedWrites).toBe(0);
  });
});

describe('what was written byte by byte and got lost', () => {
  /** 300 segments of 8 bytes, of which all but one are lost. */
  function lose(sack: boolean): Opened {
    const opened = establish({ peer: { sack, window: 60_000 }, connection: { noDelay: true }, roundTrip: 20 });
    const { connection, host, peer } = opened;
    for (let i = 0; i < 300; i++) {
      write(connection, 8);
      host.settle();
    }
    expect(peer.drain()).toHaveLength(300);
    return opened;
  }

  it.each([true, false])('goes again in a few segments, no longer than every path carries (SACK %s)', (sack) => {
    const { connection, host, peer } = lose(sack);
    const received = new Uint8Array(2400);
    let next = 1;
    let count = 0;
    for (let round = 0; round < 100 && next < 2401; round++) {
      host.wait(10);
      const segments = peer.drain();
      expect(segments.length).toBeLessThan(8);
      for (const { seq, length, data } of segments) {
        expect(length).toBeLessThanOrEqual(536);
        received.set(data, seq - 1);
        if (seq <= next) next = Math.max(next, seq + length);
        count++;
      }
      if (segments.length > 0) peer.send({ ack: next });
    }
    expect(next).toBe(2401);
    expect(received).toEqual(pattern(1, 2400));
    expect(count).toBeLessThan(12);
    expect(connection.unacknowledgedWrites).toBe(0);
    expect(connection.block!.recovery.check()).toBeNull();
  });

  it('not together with what has arrived', () => {
    const { host, peer } = lose(true);
    peer.send({ ack: 1, sack: [[81, 161]] });
    host.wait(50);
    const segments = peer.drain();
    expect(segments[0]).toMatchObject({ seq: 1, length: 80 });
    for (const { seq, length } of segments) expect(seq >= 161 || seq + length <= 81).toBe(true);
  });
});
