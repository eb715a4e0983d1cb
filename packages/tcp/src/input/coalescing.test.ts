import { tcp } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import {
  createPool,
  establish,
  type Opened,
  type Outgoing,
  pattern,
  readAll,
  TestHost,
  write,
} from '../tcp.testkit.js';
import { releaseHeld } from './coalescing.js';

/** What one segment of a burst is like; `seq` counts from where the stream is. */
interface Piece {
  readonly ahead: number;
  readonly length: number;
  readonly flags: string;
  readonly ack: number;
  readonly window: number;
  readonly ecn: number;
  readonly later: number;
  readonly frameText: number;
}

const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const piece: fc.Arbitrary<Piece> = fc.record({
  ahead: mostly(0, -300, 500, 2000),
  length: fc.oneof(fc.constant(1000), fc.integer({ min: 0, max: 1500 })),
  flags: mostly('.', 'P.', 'F.', 'U.', '.W', '.E', 'R', 'S'),
  ack: mostly(0, 500, 1000, 4000),
  window: mostly(60_000, 50_000, 0),
  ecn: mostly(2, 0, 3),
  later: mostly(0, 1, 5, -1),
  frameText: mostly(2000, 300),
});

const pools = [createPool(512), createPool(512)];

/** The same connection twice: one takes the burst as it comes, for the other every segment is judged by itself. */
function compare(pieces: readonly Piece[], timestamps: boolean, receiveBuffer: number): [Opened, Opened] {
  const [together, apart] = [0, 1].map((index) => {
    const options = { timestamps, sack: true, ecn: true, window: 60_000 };
    const host = new TestHost({ pool: pools[index]!, isFinishedByCaller: true, settings: { receiveBuffer } });
    const opened = host.connect({ peer: options, connection: { ecn: 'active' } });
    const { peer, connection } = opened;
    write(connection, 4000);
    host.settle();
    peer.drain();
    let at = 1;
    let clock = peer.clock;
    for (const each of pieces) {
      const seq = Math.max(1, at + each.ahead);
      clock += each.later;
      const { flags, ack, window, ecn, frameText, length } = each;
      const outgoing: Outgoing = { flags, seq, ack: 1 + ack, window, ecn, frameText, data: pattern(seq, length) };
      if (connection.state !== State.CLOSED) peer.inject(timestamps ? { ...outgoing, tsval: clock } : outgoing);
      if (each.ahead === 0) at += length;
      if (index === 1) releaseHeld(connection.block!, host.now);
    }
    host.settle();
    return opened;
  }) as [Opened, Opened];
  return [together, apart];
}

function stateOf({ connection, events }: Opened): object {
  const { recovery, receiveNext, initialReceiveSequence } = connection.block!;
  return {
    state: connection.state,
    error: connection.error,
    received: (receiveNext - initialReceiveSequence) | 0,
    unacknowledged: recovery.unacknowledged,
    sendWindow: connection.block!.sendWindow,
    congestionWindow: recovery.window.window,
    timestampRecent: connection.block!.timestampRecent,
    isEchoingCongestion: connection.block!.isEchoingCongestion,
    reassembly: [connection.block!.reassembly.count, connection.block!.reassembly.bytes],
    earlyFin: connection.block!.hasEarlyFin,
    text: Buffer.from(readAll(connection)).toString('hex'),
    events: events.take(),
  };
}

describe('a burst of segments that are put together', () => {
  it.each([false, true])(
    'leaves the connection, the books and the answers as if each had come alone (timestamps: %s)',
    (timestamps) => {
      fc.assert(
        fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
          const [together, apart] = compare(pieces, timestamps, 65_535);
          const account = ({ host }: Opened) => host.accounts.snapshot();
          expect(account(together)).toEqual(account(apart));
          expect(together.peer.drain()).toEqual(apart.peer.drain());
          expect(stateOf(together)).toEqual(stateOf(apart));
          together.host.finish();
          apart.host.finish();
        }),
        { numRuns: 60 },
      );
    },
  );

  it('beyond the window the same text is taken', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 4, maxLength: 12 }),
        fc.integer({ min: 300, max: 5000 }),
        (pieces, window) => {
          const plain = pieces.map((each) => ({ ...each, ahead: 0, flags: '.', ack: 0, window: 60_000 }));
          const [together, apart] = compare(plain, false, window);
          expect(stateOf(together)).toEqual(stateOf(apart));
          together.host.finish();
          apart.host.finish();
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** The segments that the connection judged, as their length and number of frames. */
function judged({ host, connection }: Opened): [number, number][] {
  const list: [number, number][] = [];
  host.layer.probe = (which, segment) => {
    if (which === connection && segment !== null) list.push([segment.length, segment.frames]);
  };
  return list;
}

describe('what is put together', () => {
  it('text in order, up to 64 KiB', () => {
    const opened = establish({ settings: { receiveBuffer: 1 << 20 }, peer: { scale: 7 } });
    const segments = judged(opened);
    // Without a scale of ours the window would be too small for the test.
    for (let i = 0; i < 60; i++) opened.peer.inject({ data: 1000 });
    opened.host.settle();
    expect(segments).toEqual([[60_000, 60]]);
    expect(readAll(opened.connection)).toEqual(pattern(1, 60_000));
  });

  it.each<[string, Outgoing, Outgoing]>([
    ['another acknowledgement', { data: 100, ack: 1 }, { data: 100, ack: 101 }],
    ['another window', { data: 100, window: 5000 }, { data: 100, window: 5001 }],
    ['another codepoint', { data: 100, ecn: 0 }, { data: 100, ecn: 3 }],
    ['a gap', { data: 100 }, { seq: 201, data: 100 }],
    ['text before', { data: 100 }, { seq: 51, data: 100 }],
    ['URG', { data: 100 }, { data: 100, flags: 'U.' }],
    ['ECE', { data: 100 }, { data: 100, flags: '.E' }],
    ['FIN', { data: 100 }, { data: 100, flags: 'F.' }],
    ['no text', { data: 100 }, {}],
  ])('not with %s', (_, first, second) => {
    const opened = establish();
    write(opened.connection, 100);
    opened.host.settle();
    const segments = judged(opened);
    opened.peer.burst(first, second);
    expect(segments.length).toBe(2);
  });

  it('not with an older timestamp, but with a newer one; the first is echoed (RFC 7323 §4.3)', () => {
    const opened = establish({ peer: { timestamps: true } });
    const segments = judged(opened);
    const { peer } = opened;
    const tsval = peer.clock + 10;
    peer.burst(
      { data: 100, tsval },
      { data: 100, tsval: tsval + 3 },
      { data: 100, tsval: tsval + 2 },
      { data: 100, tsval: tsval - 5 },
    );
    expect(segments).toEqual([
      [300, 3],
      [100, 1],
    ]);
    expect(peer.drain().at(-1)!.timestamps?.[1]).toBe(tsval);
  });

  it('not with a segment that PAWS will drop: what is good must not go with it', () => {
    const opened = establish({ peer: { timestamps: true } });
    const { peer, connection } = opened;
    peer.burst({ seq: 1, data: 100, tsval: peer.clock - 1 }, { seq: 1, data: 100 }, { data: 100 });
    expect(connection.readableBytes).toBe(200);
  });

  it('not behind a gap, also when the burst began in order: duplicate acknowledgements are counted', () => {
    const { peer } = establish();
    peer.burst({ data: 100 }, { seq: 1101, data: 1000 }, { seq: 2101, data: 1000 }, { seq: 3101, data: 1000 });
    expect(peer.drain().map((each) => each.ack)).toEqual([101, 101, 101]);
  });

  it('not behind a gap: there each segment counts', () => {
    const opened = establish();
    const segments = judged(opened);
    opened.peer.burst({ seq: 101, data: 100 }, { seq: 201, data: 100 }, { seq: 1, data: 100 });
    expect(segments.length).toBe(3);
    expect(readAll(opened.connection)).toEqual(pattern(1, 300));
  });

  it('segments of several connections in one burst, each for itself', () => {
    const host = new TestHost();
    const all = [host.connect(), host.connect(), host.connect()];
    for (let i = 0; i < 5; i++) for (const { peer } of all) peer.inject({ data: 500 });
    host.settle();
    for (const { connection, peer } of all) {
      expect(readAll(connection)).toEqual(pattern(1, 2500));
      peer.expect({ ack: 2501 });
      peer.expectNothing();
    }
  });
});

describe('a held segment', () => {
  it('is judged before what comes behind it: a RST that follows has the right number', () => {
    const { peer, connection, events } = establish();
    peer.burst({ data: 1000 }, { data: 1000 }, { flags: 'R' });
    expect(connection.state).toBe(State.CLOSED);
    expect(readAll(connection)).toEqual(pattern(1, 2000));
    expect(events.take()).toEqual(['readable', 'ended ECONNRESET']);
  });

  it('what follows for a connection that it ended is answered as if there were none', () => {
    const { peer, connection, host } = establish();
    connection.close(host.now);
    host.settle();
    peer.drain();
    peer.burst({ data: 100 }, { seq: 5000, data: 100 });
    expect(connection.state).toBe(State.CLOSED);
    expect(peer.drain().map((each) => each.flags)).toEqual(['R.', 'R']);
  });

  it('is given back, and counted, when the connection ends meanwhile', () => {
    const { peer, connection, host } = establish();
    peer.inject({ data: 100 });
    peer.inject({ data: 100 });
    connection.abort(host.now);
    host.settle();
    expect(host.pool.outstanding).toBe(0);
    expect(connection.readableBytes).toBe(0);
  });

  it('is given back when the layer closes', () => {
    const { peer, host } = establish();
    peer.inject({ data: 100 });
    host.layer.close();
    host.layer.endBurst(host.now);
    expect(host.pool.outstanding).toBe(0);
  });

  it('keeps PSH of any of them', () => {
    const opened = establish();
    let flags = 0;
    opened.host.layer.probe = (_, segment) => {
      if (segment !== null) flags |= segment.flags;
    };
    opened.peer.burst({ data: 100 }, { data: 100, flags: 'P.' }, { data: 100 });
    expect(flags & tcp.Flag.PSH).toBe(tcp.Flag.PSH);
  });
});
