import { Errno } from '@prism-net/errors';
import { SeededRandom } from '@prism-net/tables';
import { DropReason, IpAddress } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../connection.js';
import { FlowKey } from '../opening/index.js';
import { State } from '../state.js';
import { address, establish, pattern, readAll, TestHost, write } from '../tcp.testkit.js';
import { ConnectionTable } from './connection-table.js';

describe('the table of connections', () => {
  it('finds by all four parts of the name, and by nothing less', () => {
    const host = new TestHost();
    host.network.local.push(address('10.0.0.9'));
    const { connection, peer } = host.connect();
    const name = {
      localD: connection.block!.path!.localD,
      remoteD: peer.address.d,
      localPort: peer.localPort,
      remotePort: peer.port,
    };
    const { table } = host.layer;
    const found = (part: Partial<typeof name>) => {
      Object.assign(peer.addresses, name, part);
      return table.lookup(host.network, peer.addresses);
    };
    expect(found({})).toBe(connection);
    expect(found({ remotePort: 8 })).toBeNull();
    expect(found({})).toBe(connection);
    expect(found({ localPort: 8 })).toBeNull();
    expect(found({ remoteD: name.remoteD + 1 })).toBeNull();
    expect(found({ localD: address('10.0.0.9').d })).toBeNull();
    connection.abort(host.now);
    expect(found({})).toBeNull();
  });

  it('does what a map would, in any order of openings and ends', () => {
    const keyOf = (index: number) => {
      const key = new FlowKey();
      key.setIpv4(7, index & 3, 0, index >> 2);
      return key;
    };
    const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const table = new ConnectionTable(24, new SeededRandom(3));
        const model = new Map<number, Connection>();
        for (const [isOpening, index] of all) {
          if (isOpening && !model.has(index)) {
            const connection = { slot: -1 } as Connection;
            expect(table.insert(connection, keyOf(index))).toBe(model.size < 24);
            if (connection.slot >= 0) model.set(index, connection);
          } else if (!isOpening) {
            const connection = model.get(index);
            if (connection !== undefined) table.remove(connection, keyOf(index));
            model.delete(index);
          }
          for (let i = 0; i <= 40; i++) expect(table.find(keyOf(i))).toBe(model.get(i) ?? null);
          expect(table.size).toBe(model.size);
          expect(table.isFull).toBe(model.size === 24);
        }
        expect(new Set(table.list())).toEqual(new Set(model.values()));
      }),
      { numRuns: 40 },
    );
  });

  it('is bounded: ENOBUFS', () => {
    const host = new TestHost({ settings: { maximumConnections: 3 } });
    for (let i = 0; i < 3; i++) host.connect();
    expect(host.open().connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.ENOBUFS);
    host.layer.connections()[0]!.abort(host.now);
    expect(host.open().connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.NONE);
  });
});

describe('connect', () => {
  it.each([
    ['port 0', '10.0.0.2', 0, Errno.EINVAL],
    ['no address', '0.0.0.0', 7, Errno.EINVAL],
    ['a multicast address (RFC 9293 §3.9.1.1, MUST-46)', '224.0.0.1', 7, Errno.EACCES],
    ['a broadcast address', '255.255.255.255', 7, Errno.EACCES],
    ['a family there is no network of', '2001:db8::1', 7, Errno.EAFNOSUPPORT],
  ])('to %s is refused, and can be tried again', (_, text, port, errno) => {
    const host = new TestHost();
    const connection = host.open();
    expect(connection.connect(IpAddress.parse(text), port, host.now)).toBe(errno);
    expect(host.layer.size).toBe(0);
    expect(connection.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.NONE);
  });

  it('without a route: ENETUNREACH', () => {
    const host = new TestHost();
    host.network.isReachable = false;
    expect(host.open().connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.ENETUNREACH);
  });

  it('twice: EALREADY while it is under way, then EISCONN; after its end EINVAL', () => {
    const host = new TestHost();
    const { connection, peer } = host.startConnect();
    const again = () => connection.connect(address('10.0.0.3'), 7, host.now);
    expect(again()).toBe(Errno.EALREADY);
    peer.answerSyn();
    expect(again()).toBe(Errno.EISCONN);
    peer.send({ flags: 'R' });
    expect(again()).toBe(Errno.EINVAL);
  });

  it('to a name that is taken: EADDRINUSE', () => {
    const host = new TestHost();
    const first = host.open(null, { reuseAddress: true });
    const second = host.open(null, { reuseAddress: true });
    for (const connection of [first, second]) expect(connection.bind(null, 5000)).toBe(Errno.NONE);
    expect(first.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.NONE);
    expect(second.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.EADDRINUSE);
    expect(second.connect(address('10.0.0.2'), 8, host.now)).toBe(Errno.NONE);
  });
});

describe('a poll', () => {
  it('the clock of the layer goes on in whole milliseconds, whatever the steps', () => {
    const host = new TestHost();
    const start = host.layer.milliseconds;
    for (let i = 0; i < 3000; i++) {
      host.jump(0.7);
      host.settle();
    }
    expect(host.layer.milliseconds - start).toBe(2100);
  });

  it('nextExpiry is the earliest of everything; -1 when there is nothing', () => {
    const host = new TestHost();
    expect(host.layer.nextExpiry(host.now)).toBe(-1);
    host.listen();
    host.peer().sendSyn();
    expect(host.layer.nextExpiry(host.now)).toBe(1_000_000);
    const { connection } = host.connect();
    write(connection, 10);
    host.settle();
    const next = host.layer.nextExpiry(host.now);
    expect(next).toBeGreaterThan(0);
    expect(next).toBeLessThanOrEqual(200_300);
  });

  it('the probe sees every segment that came and every one that left', () => {
    const opened = establish();
    const seen: string[] = [];
    opened.host.layer.probe = (connection, segment) => {
      expect(connection).toBe(opened.connection);
      seen.push(segment === null ? 'out' : `in ${segment.length}`);
    };
    opened.peer.send({ data: 10 });
    write(opened.connection, 20);
    opened.host.settle();
    expect(seen).toEqual(['in 10', 'out', 'out']);
  });
});

describe('close of the layer', () => {
  it('gives everything back without a word, whatever state it is in', () => {
    const host = new TestHost();
    const { connection, peer } = host.connect();
    peer.send({ data: 1000 });
    peer.send({ seq: 3001, data: 1000 });
    write(connection, 50_000);
    host.settle();
    host.startConnect();
    peer.inject({ seq: 1001, data: 10 });
    peer.drain();
    host.layer.close();
    expect(connection.state).toBe(State.CLOSED);
    expect(host.layer.size).toBe(0);
    host.wait(10_000);
    peer.expectNothing();
  });
});

describe('sequence numbers wrap (row 37)', () => {
  const EDGES = [-1, -2, -1000, 0x7fff_ffff, 0x7fff_fff0, 0x7fff_f000, -(2 ** 31)];

  it.each(EDGES)('the peer’s, from an ISS of %i', (iss) => {
    const { peer, connection } = establish({ peer: { iss, sack: true } });
    for (let round = 0; round < 8; round++) {
      const at = 1 + round * 500;
      peer.send({ seq: at + 250, data: 250 });
      expect(peer.drain().at(-1)).toMatchObject({ ack: at, sack: [[at + 250, at + 500]] });
      peer.send({ seq: at, data: 250 });
      expect(readAll(connection)).toEqual(pattern(at, 500));
    }
    peer.send({ flags: 'F.' });
    expect(peer.drain().at(-1)!.ack).toBe(4002);
    expect(connection.isEndOfStream).toBe(true);
  });

  it.each(EDGES.flatMap((iss) => [[iss, false] as const, [iss, true] as const]))(
    'ours, from an ISS of %i (passive: %s)',
    (iss, isPassive) => {
      const host = new TestHost();
      host.layer.initialSequence.next = () => iss;
      const options = { peer: { sack: true }, roundTrip: 30 };
      const { peer, connection } = isPassive ? host.acceptFrom(options) : host.connect(options);
      expect(connection.block!.initialSendSequence).toBe(iss);
      const got = new Set<number>();
      for (let round = 0; round < 4 || (round < 100 && connection.unacknowledgedWrites > 0); round++) {
        if (round < 4) write(connection, 5000);
        host.wait(30);
        for (const [i, each] of peer.drain().entries()) {
          // Every third is lost the first time.
          if (i % 3 === 1 && round < 4) continue;
          for (let at = each.seq; at < each.seq + each.length; at++) got.add(at);
          expect(Buffer.from(each.data).equals(Buffer.from(pattern(each.seq, each.length)))).toBe(true);
        }
        let ack = 1;
        while (got.has(ack)) ack++;
        const highest = Math.max(0, ...got) + 1;
        peer.send(
          highest > ack + 1 && got.has(highest - 1) ? { ack, sack: [[blockStart(got, highest), highest]] } : { ack },
        );
      }
      expect(connection.unacknowledgedWrites).toBe(0);
      expect(got.size).toBe(20_000);
    },
  );
});

/** Where the run of numbers begins that ends before `end`. */
function blockStart(got: ReadonlySet<number>, end: number): number {
  let start = end - 1;
  while (got.has(start - 1)) start--;
  return start;
}

describe('statistics', () => {
  it('count what happened', () => {
    const host = new TestHost();
    host.acceptFrom();
    const { peer } = host.connect();
    peer.send({ flags: 'R', seq: 5 });
    host.peer({ localPort: 9 }).sendSyn();
    host.startConnect();
    expect(host.layer.statistics).toEqual({
      connections: 3,
      parked: 0,
      halfOpen: 0,
      timeWait: 0,
      orphans: 0,
      orphansEvicted: 0,
      standingEvicted: 0,
      activeOpens: 1,
      passiveOpens: 1,
      resetsSent: 1,
      resetsLimited: 0,
      challengeAcknowledgements: 1,
      cookiesSent: 0,
      cookiesAccepted: 0,
    });
  });
});

describe('impossible flags (row 21)', () => {
  it.each(['', 'F', 'P', 'U', 'FPU', 'FS', 'FS.', 'SR', 'SR.', 'FSRP.UEW', 'E', 'W'])(
    '"%s" is dropped where somebody is, and not answered',
    (flags) => {
      const host = new TestHost();
      host.listen();
      const { peer, connection } = host.connect();
      const stranger = host.peer();
      for (const each of [peer, stranger]) {
        each.send({ flags, seq: 1, data: 3 });
        each.expectNothing();
      }
      expect(host.dropped(DropReason.TCP_FLAGS_INVALID)).toBe(2);
      expect(connection.state).toBe(State.ESTABLISHED);
      // Where nobody is, what has no RST is answered by one (RFC 9293 §3.10.7.1).
      const closed = host.peer({ localPort: 99 });
      closed.send({ flags, seq: 1, data: 3 });
      expect(closed.drain().length).toBe(flags.includes('R') ? 0 : 1);
    },
  );
});
