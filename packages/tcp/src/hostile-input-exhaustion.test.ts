/* Rows 29 to 37 and 39 of the hostile inputs: whoever wants our memory or our time. */
import { SeededRandom } from '@prism-net/tables';
import { DropReason } from '@prism-net/wire';
import { describe, expect, it, vi } from 'vitest';
import type { Connection } from './connection.js';
import { ConnectionTable } from './layer/connection-table.js';
import { FlowKey } from './opening/index.js';
import { State } from './state.js';
import { type EstablishOptions, establish, pattern, readAll, TestHost, write } from './tcp.testkit.js';

/** The words, and how many of them were looked at one by one. */
function counted(words: Int32Array): { readonly words: Int32Array; readonly looks: () => number } {
  let looks = 0;
  const get = (target: Int32Array, name: string | symbol): unknown => {
    const value = Reflect.get(target, name, target);
    if (typeof value === 'number' && name !== 'length') looks++;
    return typeof value === 'function' ? value.bind(target) : value;
  };
  return {
    words: new Proxy(words, { get, set: (target, name, value) => Reflect.set(target, name, value, target) }),
    looks: () => looks,
  };
}

const fast = (options: EstablishOptions = {}) => establish({ frames: 4096, isFast: true, ...options });

describe('row 29: SYN flood', () => {
  it('bounded rows, then cookies; one SYN-ACK per SYN; no connection before the third segment; rows go by themselves', () => {
    const host = new TestHost({ frames: 256, isFast: true, settings: { synCacheSize: 128 } });
    host.listen();
    for (let i = 0; i < 2000; i++) host.peer({ port: 1024 + i }).sendSyn();
    expect(host.network.sentCount).toBe(2000);
    expect(host.layer.statistics).toMatchObject({ halfOpen: 128, connections: 0, cookiesSent: 2000 - 128 });
    host.wait(70_000);
    // Five retransmissions each, and that was it.
    expect(host.network.sentCount).toBe(2000 + 5 * 128);
    expect(host.layer.statistics.halfOpen).toBe(0);
    expect(host.layer.nextExpiry(host.now)).toBe(-1);
  });

  it('ACKs with forged cookies open nothing', () => {
    const host = new TestHost({ frames: 256, isFast: true, settings: { synCookies: 'always' } });
    const listener = host.listen();
    host.peer().sendSyn();
    const random = new SeededRandom(9);
    const peer = host.peer();
    for (let i = 0; i < 2000; i++) peer.inject({ seq: random.nextInt32(), ack: random.nextInt32() });
    host.settle();
    expect(listener.pending).toBe(0);
    expect(host.layer.statistics).toMatchObject({ connections: 0, cookiesAccepted: 0 });
  });

  it('a full accept queue is silent: no RST that would tell honest peers to go', () => {
    const host = new TestHost({ frames: 256, isFast: true });
    host.listen(80, { backlog: 4 });
    for (let i = 0; i < 4; i++) host.peer().open();
    for (let i = 0; i < 100; i++) {
      const peer = host.peer();
      peer.sendSyn();
      peer.expectNothing();
    }
    expect(host.dropped(DropReason.TCP_ACCEPT_QUEUE_FULL)).toBe(100);
  });
});

describe('row 30: out of order', () => {
  it('one byte in two, over a window of a gigabyte, from any end: few frames, little time (CVE-2018-5390)', () => {
    const settings = { receiveBuffer: 1 << 29, maximumReceiveBuffer: 1 << 29 };
    const { peer, host, connection } = fast({ settings, peer: { scale: 14, sack: true } });
    peer.send({ data: 1 });
    const random = new SeededRandom(4);
    const { reassembly } = connection.block!;
    const inject = (from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        peer.inject({ seq: 3 + 2 * (i % 2 === 0 ? random.nextBelow(30_000) : i), data: 1 });
        if (i % 32 === 31) {
          host.settle();
          peer.inbox.length = 0;
        }
      }
      host.settle();
    };
    inject(0, 1000);
    expect(reassembly.count).toBeGreaterThan(500);
    // Long enough: the lists grow no more.
    const starts = counted(Object.assign(new Int32Array(2048), reassembly.starts));
    const ends = counted(Object.assign(new Int32Array(2048), reassembly.ends));
    reassembly.starts = starts.words;
    reassembly.ends = ends.words;
    inject(1000, 5000);
    expect(reassembly.starts).toBe(starts.words);
    expect(connection.block!.reassembly.count).toBeLessThanOrEqual(1024);
    expect(host.pool.outstanding).toBeLessThanOrEqual(1024 + 1);
    // About the logarithm for each segment; a walk along the list would take 2,000,000.
    expect(ends.looks()).toBeGreaterThan(4000);
    expect(starts.looks() + ends.looks()).toBeLessThan(4000 * 30);
  });

  it('with a small window fewer: what is held stands in proportion to it', () => {
    const { peer, host } = fast({ peer: { sack: true } });
    for (let i = 0; i < 3000; i++) peer.inject({ seq: 3 + 2 * i, data: 1 });
    host.settle();
    expect(host.pool.outstanding).toBeLessThanOrEqual(100);
    expect(host.dropped(DropReason.TCP_OUT_OF_ORDER_LIMIT)).toBeGreaterThan(2800);
  });

  it('all overlaps of segments: what came first stays, everything arrives', () => {
    const { peer, host, connection } = fast({ peer: { sack: true } });
    for (let start = 60; start >= 2; start -= 3) {
      for (let length = 1; length < 60; length += 7) {
        peer.inject({ seq: start, data: new Uint8Array(length).fill(start) });
        host.settle();
      }
    }
    peer.send({ seq: 1, data: new Uint8Array(200).fill(255) });
    const bytes = readAll(connection);
    expect(bytes.length).toBe(200);
    expect(bytes[59]).toBe(60);
    expect(bytes[199]).toBe(255);
  });

  it('many connections at once cannot take the last packets', () => {
    const host = new TestHost({ frames: 512, isFast: true });
    for (let i = 0; i < 30; i++) {
      const { peer } = host.connect({ peer: { sack: true } });
      for (let at = 0; at < 60; at++) peer.inject({ seq: 1001 + at * 1000, data: at % 2 === 0 ? 900 : 0 });
      host.settle();
    }
    expect(host.pool.available).toBeGreaterThanOrEqual((512 >> 3) - 1);
    const late = host.connect();
    late.peer.send({ data: 100 });
    expect(readAll(late.connection)).toEqual(pattern(1, 100));
  });
});

describe('row 31: SACK', () => {
  it('blocks outside, inverted, empty, wrapping, by thousands: ignored, and the transfer goes on', () => {
    const { peer, host, connection } = fast({ peer: { sack: true, window: 60_000 }, roundTrip: 10 });
    write(connection, 60_000);
    host.settle();
    const random = new SeededRandom(8);
    const edge = () => (random.nextBelow(3) === 0 ? random.nextInt32() : random.nextBelow(20_000) - 5000);
    for (let i = 0; i < 1000; i++) {
      const blocks = Array.from({ length: 1 + random.nextBelow(4) }, () => [edge(), edge()] as const);
      peer.send({ ack: 1, sack: blocks });
      peer.inbox.length = 0;
      expect(connection.block!.recovery.check()).toBeNull();
    }
    for (let i = 0; i < 200 && connection.unacknowledgedWrites > 0; i++) {
      peer.send();
      host.wait(100);
    }
    expect(connection.unacknowledgedWrites).toBe(0);
  });

  it('one byte of every segment: time in proportion (CVE-2019-11478, SACK Slowness)', () => {
    const settings = { sendBuffer: 4 << 20, maximumRecords: 4096 };
    const { peer, host, connection } = fast({ settings, peer: { sack: true, scale: 10, mss: 88 } });
    peer.send({ window: 65_535 });
    connection.block!.recovery.window.window = 1 << 20;
    write(connection, 300_000);
    host.settle();
    peer.drain();
    const { recovery } = connection.block!;
    const { records } = recovery;
    // The host's own checks would be counted.
    const checked = vi.spyOn(recovery, 'check').mockReturnValue(null);
    const { words, looks } = counted(records.words);
    records.words = words;
    const sums: number[] = [];
    for (let i = 1; i < 2000; i++) {
      const at = 1 + i * 88;
      peer.send({ ack: 1, sack: [[at + 10, at + 11]] });
      peer.inbox.length = 0;
      sums.push(looks());
    }
    checked.mockRestore();
    expect(records.words).toBe(words);
    // A few dozen for each acknowledgement, the last as the first, of 3,400 records.
    const [first = 0, last = 0] = [sums[999]!, sums[1998]! - sums[999]!];
    expect(first).toBeGreaterThan(1000);
    expect(Math.max(first, last)).toBeLessThan(1000 * 40);
    expect(connection.block!.recovery.check()).toBeNull();
  });

  it('taken back (reneging): the timer repairs it (RFC 2018 §8)', () => {
    const { peer, host, connection } = fast({ peer: { sack: true, window: 60_000 }, roundTrip: 10 });
    write(connection, 8000);
    host.settle();
    peer.drain();
    host.wait(10);
    peer.send({ ack: 1, sack: [[1001, 8001]] });
    peer.drain();
    // The peer has thrown it all away again, and says so by acknowledging only what is retransmitted.
    let ack = 1001;
    for (let i = 0; i < 100 && connection.unacknowledgedWrites > 0; i++) {
      peer.send({ ack });
      host.wait(500);
      for (const each of peer.drain()) if (each.seq === ack && each.length > 0) ack += each.length;
    }
    expect(connection.unacknowledgedWrites).toBe(0);
  });
});

describe('row 32: windows', () => {
  it('shrinking in every step, below what is in flight, to zero and back: never more than offered, never stuck', () => {
    const { peer, host, connection } = fast({ peer: { window: 30_000 } });
    const random = new SeededRandom(6);
    write(connection, 50_000);
    host.settle();
    let ack = 1;
    let edge = 30_001;
    for (let i = 0; i < 400 && connection.unacknowledgedWrites > 0; i++) {
      for (const each of peer.drain()) {
        // One byte beyond is a probe; what was sent before the window shrank may come again.
        expect(each.seq + each.length).toBeLessThanOrEqual(edge + 1);
        if (each.seq <= ack && each.seq + each.length > ack) ack = each.seq + each.length;
      }
      const window = random.nextBelow(3) === 0 ? 0 : random.nextBelow(5000);
      edge = Math.max(edge, ack + window);
      peer.send({ ack, window });
      host.wait(100);
    }
    for (let i = 0; i < 100 && connection.unacknowledgedWrites > 0; i++) {
      peer.send({ window: 60_000 });
      host.wait(2000);
    }
    expect(connection.unacknowledgedWrites).toBe(0);
  });

  it('zero for ever (Sockstress): no more than a probe a minute, and what the application closes ends', () => {
    const { peer, host, connection } = fast({ peer: { window: 1000 } });
    write(connection, 100_000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, window: 0 });
    let probes = 0;
    for (let i = 0; i < 60; i++) {
      host.wait(60_000);
      const sent = peer.drain();
      probes += sent.length;
      for (const each of sent) expect(each).toMatchObject({ seq: 1001, length: 1 });
      peer.send({ ack: 1001, window: 0 });
    }
    expect(probes).toBeLessThan(75);
    expect(connection.state).toBe(State.ESTABLISHED);
    connection.close(host.now);
    for (let i = 0; i < 60 && connection.state !== State.CLOSED; i++) {
      host.wait(60_000);
      if (peer.drain().length > 0) peer.send({ ack: 1001, window: 0 });
    }
    expect(connection.state).toBe(State.CLOSED);
    expect(host.pool.outstanding).toBe(0);
  });

  it('byte by byte: no tinygrams', () => {
    const { peer, host, connection } = fast({ peer: { window: 4000 } });
    write(connection, 100_000);
    host.settle();
    peer.drain();
    let sent = 0;
    for (let i = 0; i < 2000; i++) {
      peer.send({ ack: peer.received, window: 1 + (i % 999) });
      host.wait(1);
      sent += peer.drain().length;
    }
    // Overrides, one in 200 ms at most.
    expect(sent).toBeLessThanOrEqual(12);
  });

  it('a gigabyte offered is not believed to be buffer of ours', () => {
    const { peer, host, connection } = fast({ peer: { scale: 14 } });
    peer.send({ window: 65_535 });
    expect(write(connection, 4 << 20)).toBeLessThanOrEqual(1 << 20);
    host.settle();
    expect(host.pool.available).toBeGreaterThan(4096 >> 2);
  });
});

describe('row 33: applications and peers that wait', () => {
  it('an application that never reads holds its buffer and no more, whatever the peer sends', () => {
    const { peer, host, connection } = fast({
      settings: { receiveBuffer: 20_000, maximumReceiveBuffer: 1 << 20 },
      peer: { scale: 4 },
    });
    const random = new SeededRandom(2);
    for (let i = 0; i < 5000; i++) {
      peer.inject({
        seq: 1 + connection.information().bytesReceived + random.nextBelow(3000) * (i & 1),
        data: 1 + random.nextBelow(1400),
      });
      host.settle();
      peer.inbox.length = 0;
    }
    expect(connection.readableBytes).toBeLessThan(20_000 + (1 << connection.block!.receiveWindow.scale));
    expect(host.pool.outstanding).toBeLessThanOrEqual(120);
  });

  it('FIN-WAIT-2, LAST-ACK and CLOSING of closed connections end by themselves; the oldest give way when there are many', () => {
    const host = new TestHost({ frames: 1024, isFast: true, settings: { maximumOrphans: 50, retransmissions: 3 } });
    for (let i = 0; i < 150; i++) {
      const { peer, connection } = host.connect();
      if (i % 3 === 1) peer.send({ flags: 'F.' });
      connection.close(host.now);
      host.settle();
      if (i % 3 === 0) peer.send();
      if (i % 3 === 2) peer.send({ flags: 'F.', ack: 1 });
    }
    expect(host.layer.statistics.orphans).toBeLessThanOrEqual(50);
    expect(host.layer.size).toBeLessThanOrEqual(50);
    host.wait(61_000);
    expect(host.layer.size).toBe(0);
    expect(host.pool.outstanding).toBe(0);
  });
});

describe('row 34: names', () => {
  it('TIME-WAIT is a table of small records that does not grow; ports that run out are an error, not a search', () => {
    const settings = { timeWaitSize: 100, ephemeralPorts: { first: 50_000, last: 50_199 } };
    const host = new TestHost({ frames: 256, isFast: true, settings });
    for (let i = 0; i < 150; i++) {
      const { peer, connection } = host.connect();
      connection.close(host.now);
      host.settle();
      peer.send({ flags: 'F.' });
    }
    expect(host.layer.statistics).toMatchObject({ timeWait: 100, connections: 0 });
    for (let i = 0; i < 100; i++) host.startConnect();
    const looks = vi.spyOn(host.layer.ports, 'isHeld');
    for (let i = 0; i < 2000; i++) expect(() => host.startConnect()).toThrow('EADDRNOTAVAIL');
    // The first looks at every port, and at some twice; the others know.
    expect(looks.mock.calls.length).toBeGreaterThan(0);
    expect(looks.mock.calls.length).toBeLessThanOrEqual(200 + 64);
    looks.mockClear();
    host.layer.connections()[0]!.abort(host.now);
    host.startConnect();
    expect(looks.mock.calls.length).toBeLessThanOrEqual(64);
    expect(() => host.startConnect()).toThrow('EADDRNOTAVAIL');
  });
});

describe('row 35: keys made to collide', () => {
  it('cost no more than any others: 20,000 that would all fall into one place of a table without a key', () => {
    /** Steps to find all of them. */
    const steps = (key: (i: number) => [number, number, number]): number => {
      const table = new ConnectionTable(32_768, new SeededRandom(3));
      const keys = Array.from({ length: 20_000 }, (_, i) => {
        const [a, b, c] = key(i);
        return Object.assign(new FlowKey(), { a, b, c, d: 4 });
      });
      for (const each of keys) table.insert({ slot: -1 } as Connection, each);
      return keys.reduce((all, each) => all + table.probeLength(each), 0);
    };
    const random = new SeededRandom(1);
    const usual = steps(() => [random.nextInt32(), 1, random.nextInt32()]);
    const crafted = [
      steps((i) => [i << 16, 1, 0]),
      steps((i) => [0, 1, Math.imul(i, 0x0100_0000) ^ (i >> 8)]),
      steps((i) => [Math.imul(i, 0x9e37_79b1), 1, 80]),
    ];
    // A list of 20,000 would take 200,000,000 steps.
    expect(usual).toBeLessThan(40_000);
    for (const each of crafted) expect(each).toBeLessThan(usual * 1.2);
  });
});

describe('row 36: timers', () => {
  it('of all connections at once are served in turns, and cost the idle ones nothing', () => {
    const host = new TestHost({ frames: 2048, isFast: true, settings: { maximumConnections: 600 } });
    const opened = Array.from({ length: 200 }, () => host.connect());
    host.wait(2000);
    expect(host.layer.nextExpiry(host.now)).toBe(-1);
    for (const { connection } of opened) write(connection, 10);
    host.settle();
    for (const { peer } of opened) peer.drain();
    host.wait(500);
    expect(opened.every(({ peer }) => peer.drain().some((each) => each.length === 10))).toBe(true);
  });
});

describe('row 37: numbers that wrap', () => {
  it('in a transfer with losses, from every edge, in both directions at once', () => {
    for (const iss of [-1, -700, 0x7fff_fffe, 0x7fff_f000]) {
      const host = new TestHost({ frames: 256, isFast: true, isFinishedByCaller: true });
      host.layer.initialSequence.next = () => iss;
      const { peer, connection } = host.connect({ peer: { iss, sack: true } });
      for (let i = 0; i < 10; i++) {
        const at = 1 + i * 300;
        write(connection, 300);
        peer.send({ seq: at + 100, data: 200, ack: 1 });
        peer.send({ seq: at, data: 100, ack: peer.received });
        expect(readAll(connection)).toEqual(pattern(at, 300));
      }
      host.wait(300);
      peer.send();
      expect(connection.unacknowledgedWrites).toBe(0);
      host.finish();
    }
  });
});

describe('row 39: fast open', () => {
  it.each([0, 4, 8, 16])(
    'text with a SYN and a cookie of %i bytes is not taken: nothing is delivered before the handshake',
    (length) => {
      const host = new TestHost();
      const listener = host.listen();
      const peer = host.peer();
      peer.sendSyn({ data: 500, options: [{ kind: 34, data: new Uint8Array(length) }] });
      const answer = peer.expect({ flags: 'S.', ack: 1 });
      expect(answer.length).toBe(0);
      expect(listener.pending).toBe(0);
      // A replay changes nothing.
      peer.sendSyn({ data: 500, options: [{ kind: 34, data: new Uint8Array(length) }] });
      peer.expect({ flags: 'S.', ack: 1 });
      expect(host.layer.statistics).toMatchObject({ halfOpen: 1, connections: 0 });
    },
  );
});
