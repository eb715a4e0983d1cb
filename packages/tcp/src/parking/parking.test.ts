import { Errno } from '@prism-net/errors';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Connection } from '../connection.js';
import type { ControlBlock } from '../control-block.js';
import { State } from '../state.js';
import { establish, type Opened, pattern, readAll, TestHost, write } from '../tcp.testkit.js';
import { StateWriter } from './state-writer.js';

/** All that can be seen of a block, as `name: value`; what serves one call, and room once grown, apart. */
function fieldsOf(block: ControlBlock): Record<string, unknown> {
  const skipped = new Set([
    'layer',
    'holdings',
    'turnBeganAt',
    'connection',
    'delivery',
    'blocks',
    'rate',
    'sample',
    'words',
    'mask',
    'rates',
    'starts',
    'ends',
  ]);
  const found: Record<string, unknown> = {};
  const visit = (value: object, name: string): void => {
    for (const [key, each] of Object.entries(value)) {
      if (skipped.has(key)) continue;
      if (typeof each === 'object' && each !== null) visit(each, `${name}.${key}`);
      else found[`${name}.${key}`] = each;
    }
  };
  visit(block, 'block');
  return found;
}

/** What is private as well, as far as a connection can be saved. */
function wordsOf(block: ControlBlock): number[] {
  const writer = new StateWriter();
  writer.begin();
  block.exchange(writer);
  const rares = writer.rares.slice(writer.rareWords, writer.rareDoubles);
  return [...writer.words.subarray(0, writer.count), ...rares.words, ...rares.doubles];
}

/** A connection that loses, reorders, probes and closes, and what becomes of its block. */
function usedBlock(host: TestHost): ControlBlock {
  const { peer, connection } = host.connect({
    peer: { sack: true, timestamps: true, scale: 3, ecn: true },
    connection: { ecn: 'active', keepAlive: true, keepAliveIdleMilliseconds: 5000, noDelay: true, sendBuffer: 50_000 },
  });
  const block = connection.wake();
  write(connection, 30_000);
  host.settle();
  peer.drain();
  peer.send({ ack: 1001, sack: [[3001, 9001]] });
  peer.send({ data: 500, seq: 2001 });
  host.wait(2000);
  peer.drain();
  peer.send({ data: 2000, seq: 1, flags: '.E', ack: 9001 });
  host.wait(7000);
  connection.apply({ congestionControl: 'bbr', timeToLive: 3, pacing: true });
  write(connection, 5000);
  host.wait(200);
  connection.abort(host.now);
  host.settle();
  expect(connection.block).toBeNull();
  return block;
}

describe('a control block', () => {
  it('serves the next connection, and is as new then', () => {
    const host = new TestHost();
    const used = usedBlock(host);
    const again = host.open().wake();
    expect(again).toBe(used);
    const fresh = new TestHost().layer.open(null).wake();
    expect(fieldsOf(again)).toEqual(fieldsOf(fresh));
    expect(wordsOf(again)).toEqual(wordsOf(fresh));
    host.finish();
  });

  it('is given back when the connection is over and its user has closed it, not before', () => {
    const { host, peer, connection } = establish();
    peer.send({ flags: 'R.', seq: 1 });
    host.settle();
    expect([connection.state, connection.error]).toEqual([State.CLOSED, Errno.ECONNRESET]);
    expect(connection.block).not.toBeNull();
    connection.close(host.now);
    host.settle();
    expect(connection.block).toBeNull();
    // Whoever still asks is told as before.
    expect([connection.state, connection.isClosed, connection.readableBytes]).toEqual([State.CLOSED, true, 0]);
    expect(connection.write(new Uint8Array(1), 0, 1)).toBe(-Errno.EPIPE);
    expect(connection.connect(peer.address, 9, host.now)).toBe(Errno.EINVAL);
    expect([`${connection.remoteAddress}`, connection.remotePort]).toEqual([`${peer.address}`, peer.port]);
    host.settle();
    expect(connection.block).toBeNull();
    host.finish();
  });
});

describe('an idle connection', () => {
  const settings = { warmConnections: 0, parkAfterMilliseconds: 500 };

  it('is parked after a while, and woken by a segment, a call and a timer', () => {
    const { host, peer, connection } = establish({
      settings,
      connection: { keepAlive: true, keepAliveIdleMilliseconds: 10_000 },
    });
    const { blocks } = host.layer;
    host.wait(400);
    expect(connection.isParked).toBe(false);
    host.wait(600);
    expect([connection.isParked, blocks.parked, blocks.used]).toEqual([true, 1, 0]);
    expect([connection.state, connection.readableBytes, connection.isEndOfStream]).toEqual([
      State.ESTABLISHED,
      0,
      false,
    ]);
    peer.send({ data: 10 });
    expect(connection.isParked).toBe(false);
    expect(readAll(connection)).toEqual(pattern(1, 10));
    host.wait(1000);
    expect(connection.isParked).toBe(true);
    peer.drain();
    write(connection, 100);
    host.settle();
    peer.expect({ length: 100, seq: 1 });
    peer.send({});
    host.wait(1000);
    expect(connection.isParked).toBe(true);
    host.wait(10_000);
    peer.expect({ length: 0, seq: 100 });
    peer.send({});
    host.wait(1000);
    expect(connection.isParked).toBe(true);
    host.finish();
  });

  it.each<[string, (opened: Opened) => void]>([
    ['something is unread', ({ peer }) => peer.send({ data: 10 })],
    ['something is out', ({ connection }) => write(connection, 10)],
    ['a gap is open', ({ peer }) => peer.send({ data: 10, seq: 100 })],
    ['the peer has ended its side', ({ peer }) => peer.send({ flags: 'F.' })],
    ['reading was given up', ({ connection }) => connection.shutdownRead()],
    ['the algorithm is its own', ({ connection }) => connection.apply({ congestionControl: 'newreno' })],
    ['it is paced', ({ connection }) => connection.apply({ pacing: true, maximumPacingRate: 1e6 })],
  ])('is not parked while %s', (_name, act) => {
    const opened = establish({ settings });
    act(opened);
    opened.host.wait(50);
    if (opened.connection.wake().pacing) {
      write(opened.connection, 10);
      opened.host.settle();
      opened.peer.drain();
      opened.peer.send({});
    }
    opened.host.layer.blocks.parkAll();
    expect(opened.connection.isParked).toBe(false);
    opened.host.finish();
  });

  it('stays as it is while there are no more than the warm ones', () => {
    const host = new TestHost({ settings: { warmConnections: 3, parkAfterMilliseconds: 100 } });
    const all = Array.from({ length: 8 }, (_, i) => host.connect({ peer: { port: 100 + i } }).connection);
    host.wait(5000);
    expect(all.filter((each) => each.isParked)).toHaveLength(5);
    host.finish();
  });

  it('woken in vain, by segments that are not acceptable, is parked again', () => {
    const { host, peer, connection } = establish({ settings });
    host.wait(1000);
    for (let i = 0; i < 5; i++) {
      peer.send({ seq: 1_000_000, data: 5 });
      expect(connection.isParked).toBe(false);
      host.wait(700);
      expect(connection.isParked).toBe(true);
    }
    host.finish();
  });

  it('an ICMP error about nothing in flight does not wake it', () => {
    const { host, peer, connection } = establish({ settings });
    host.wait(1000);
    const { layer, network, now } = host;
    expect(layer.errorArrives(network, peer.addresses, 0, Errno.EHOSTUNREACH, 0, now)).toBe(false);
    expect(connection.isParked).toBe(true);
    host.finish();
  });
});

type Step =
  | { readonly kind: 'receive' | 'write' | 'read' | 'acknowledge' | 'old' | 'gap'; readonly bytes: number }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'option'; readonly bytes: number };

function step(): fc.Arbitrary<Step> {
  const bytes = fc.integer({ min: 1, max: 5000 });
  const kind = fc.constantFrom('receive', 'write', 'read', 'acknowledge', 'acknowledge', 'old', 'gap', 'option');
  const act = fc.record({ kind, bytes }) as fc.Arbitrary<Step>;
  const wait = fc.record({ kind: fc.constant('wait'), milliseconds: fc.integer({ min: 1, max: 4000 }) });
  return fc.oneof({ weight: 4, arbitrary: act }, { weight: 1, arbitrary: wait as fc.Arbitrary<Step> });
}

function perform(connection: Connection, { host, peer }: Opened, each: Step): unknown {
  if (each.kind === 'wait') {
    host.wait(each.milliseconds);
    return 0;
  }
  const { bytes } = each;
  if (each.kind === 'receive') peer.burst({ data: bytes % 1000 }, { data: bytes % 700 });
  else if (each.kind === 'acknowledge') peer.send({ window: bytes << 3 });
  else if (each.kind === 'old') peer.send({ seq: 1, data: bytes % 50 });
  else if (each.kind === 'gap') peer.send({ seq: 100_000 + bytes, data: 10 });
  else if (each.kind === 'write') write(connection, bytes);
  else if (each.kind === 'option') connection.apply({ noDelay: bytes % 2 === 0, timeToLive: 1 + (bytes % 250) });
  host.settle();
  return each.kind === 'read' ? readAll(connection).length : 0;
}

describe('parking', () => {
  it('at any moment changes no segment, no byte and no number', () => {
    let parked = 0;
    const run = (steps: readonly Step[], moments: readonly boolean[], peer: object): unknown[] => {
      const opened = establish({ settings: { warmConnections: 1 << 14 }, peer });
      const { host, connection } = opened;
      const trace: unknown[] = [];
      for (const [i, each] of steps.entries()) {
        if (moments[i % moments.length] === true) {
          host.layer.blocks.parkAll();
          if (connection.isParked) parked++;
        }
        trace.push(perform(connection, opened, each), opened.peer.drain(), connection.readableBytes);
      }
      trace.push(opened.events.take(), connection.information());
      host.finish();
      return trace;
    };
    fc.assert(
      fc.property(
        fc.array(step(), { minLength: 1, maxLength: 40 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
        fc.record({ sack: fc.boolean(), timestamps: fc.boolean(), scale: fc.constantFrom(3, 7) }),
        (steps, moments, peer) => {
          expect(run(steps, moments, peer)).toEqual(run(steps, [false], peer));
        },
      ),
      { numRuns: 150 },
    );
    expect(parked).toBeGreaterThan(200);
  });
});

describe('what is over or parked is in no list', () => {
  it('refuses to bind what its user has closed: nobody would give the port back', () => {
    const host = new TestHost();
    const connection = host.open();
    connection.close(host.now);
    expect(connection.bind(null, 7000)).toBe(Errno.EINVAL);
    host.settle();
    expect(connection.bind(null, 7000)).toBe(Errno.EINVAL);
    host.settle();
    expect(host.open().bind(null, 7000)).toBe(Errno.NONE);
  });

  it('does not wait for packets once it is over', () => {
    const { host, peer, connection } = establish({ frames: 64 });
    peer.send({ flags: 'R.', seq: 1 });
    host.settle();
    host.exhaust(0);
    expect(connection.reserve()).toBeNull();
    expect([host.layer.starved.size, connection.isWriteBlocked]).toEqual([0, false]);
    connection.close(host.now);
    host.settle();
    expect(connection.reserve()).toBeNull();
    expect(host.layer.starved.size).toBe(0);
  });

  it('is forgotten by the list of gaps when it is parked', () => {
    const settings = { warmConnections: 0, parkAfterMilliseconds: 500 };
    const { host, peer, connection } = establish({ settings, peer: { sack: true } });
    const gaps = vi.spyOn(host.layer.shortage, 'delete');
    peer.send({ data: 100, seq: 101 });
    peer.send({ data: 100, seq: 1 });
    host.settle();
    readAll(connection);
    const { block } = connection;
    host.wait(1500);
    expect(connection.isParked).toBe(true);
    expect(gaps).toHaveBeenCalledWith(block);
  });

  it('and nothing is left in any list when the layer is closed', () => {
    const { host, connection } = establish();
    connection.close(host.now);
    host.settle();
    expect(host.layer.statistics.orphans).toBe(1);
    host.layer.close();
    expect([host.layer.statistics.orphans, host.layer.size]).toEqual([0, 0]);
  });
});
