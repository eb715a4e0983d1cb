/* Rows 22 to 28 of the hostile inputs: a stranger who writes to a connection, and two hosts that confuse each other. */
import { CryptoRandom, SeededRandom } from '@prism-net/tables';
import { DropReason, seq } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { State, stateName } from './state.js';
import {
  address,
  type EstablishOptions,
  establish,
  type Opened,
  pattern,
  readAll,
  TestHost,
  write,
} from './tcp.testkit.js';

/** RCV.NXT is 101, the window 65,535 bytes. */
function received(options: EstablishOptions = {}): Opened {
  const opened = establish({ frames: 512, isFast: true, ...options });
  opened.peer.send({ data: 100 });
  readAll(opened.connection);
  opened.peer.drain();
  return opened;
}

describe('row 22: RST', () => {
  it.each([
    ['exact', 101, 'CLOSED', []],
    ['in the window', 102, 'ESTABLISHED', ['.']],
    ['at its end', 65_000, 'ESTABLISHED', ['.']],
    ['before it', 100, 'ESTABLISHED', []],
    ['behind it', 70_000, 'ESTABLISHED', []],
    ['far away', -1_500_000_000, 'ESTABLISHED', []],
  ])('%s: %#', (_, sequence, state, answers) => {
    const { peer, connection } = received();
    peer.send({ flags: 'R', seq: sequence });
    expect(stateName(connection.state)).toBe(state);
    expect(peer.drain().map((each) => each.flags)).toEqual(answers);
  });

  it('a blind attacker has one chance in 2^32, not one in 2^16 (CVE-2004-0230): a sweep in steps of the window does nothing', () => {
    const { peer, connection, host } = received();
    for (let guess = 0; guess < 2 ** 32; guess += 2 ** 24) peer.inject({ flags: 'R', seq: guess + 50 });
    host.settle();
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(peer.drain().length).toBeLessThanOrEqual(1);
  });

  it('in SYN-SENT with a wrong ACK, on LISTEN, for nobody, to a RST: never answered', () => {
    const host = new TestHost();
    host.listen();
    const { peer, connection } = host.startConnect();
    peer.drain();
    for (const ack of [0, 2, 5, -7]) peer.send({ flags: 'R.', ack });
    peer.expectNothing();
    expect(connection.state).toBe(State.SYN_SENT);
    for (const localPort of [80, 81]) {
      const stranger = host.peer({ localPort });
      for (const flags of ['R', 'R.', 'RP', 'RU.', 'FR']) stranger.send({ flags, seq: 1, ack: 1, data: 10 });
      stranger.expectNothing();
    }
  });
});

describe('row 23: SYN', () => {
  it('in an open connection is challenged, wherever it points; only the true peer can act on the answer', () => {
    const { peer, connection } = received();
    peer.send({ flags: 'S', seq: 101, data: 10 });
    peer.expect({ flags: '.', seq: 1, ack: 101 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(connection.readableBytes).toBe(0);
  });
});

describe('row 24: ACK', () => {
  function sending() {
    const opened = received({ peer: { window: 60_000 } });
    write(opened.connection, 50_000);
    opened.host.settle();
    opened.peer.drain();
    return opened;
  }

  it('of what was never sent, or older than any window: dropped, text and all, and challenged (RFC 5961 §5)', () => {
    const { peer, connection, host } = sending();
    peer.send({ ack: 10_002, data: 10 });
    peer.send({ ack: -60_001, data: 10 });
    expect(host.dropped(DropReason.TCP_ACKNOWLEDGEMENT_INVALID)).toBe(2);
    expect(connection.readableBytes).toBe(0);
    expect(connection.unacknowledgedWrites).toBe(50_000);
    expect(peer.drain().every((each) => each.length === 0)).toBe(true);
  });

  it('blind data injection needs the acknowledgement number within a window too', () => {
    const { peer, connection, host } = sending();
    let taken = 0;
    for (let guess = 0; guess < 2 ** 32; guess += 2 ** 23) {
      const before = connection.readableBytes;
      peer.inject({ seq: 101, ack: guess, data: 'evil' });
      host.settle();
      if (connection.readableBytes > before) taken++;
    }
    expect(taken).toBeLessThanOrEqual(1);
  });

  it('optimistic acknowledgements of what is not sent yet gain nothing', () => {
    const { peer, connection } = sending();
    const { window } = connection.block!.recovery.window;
    for (let ack = 10_002; ack < 40_000; ack += 1000) peer.send({ ack });
    expect(connection.block!.recovery.window.window).toBe(window);
    expect(peer.drain().every((each) => each.length === 0)).toBe(true);
  });

  it('division into a thousand acknowledgements opens the window by the bytes, not by their number (RFC 3465)', () => {
    const one = sending();
    one.peer.send({ ack: 1001 });
    const many = one.host.connect({ peer: { window: 60_000 } });
    write(many.connection, 50_000);
    many.host.settle();
    for (let ack = 2; ack <= 1001; ack++) many.peer.send({ ack });
    expect(many.connection.block!.recovery.window.window).toBeLessThanOrEqual(
      one.connection.block!.recovery.window.window + 10,
    );
  });

  it('invented duplicates: one fast retransmission, and no more text than the peer has offered to take', () => {
    const { peer, connection } = sending();
    for (let i = 0; i < 500; i++) peer.send({ ack: 1 });
    const segments = peer.drain();
    expect(segments.filter((each) => each.seq === 1 && each.length > 0).length).toBe(1);
    expect(Math.max(...segments.map((each) => each.seq + each.length))).toBeLessThanOrEqual(60_001);
    expect(connection.block!.recovery.check()).toBeNull();
  });
});

describe('row 25: counting challenge ACKs (CVE-2016-5696)', () => {
  it('what an attacker gets on its own connection tells nothing about another’s', () => {
    const answersTo = (guessIsRight: boolean): number => {
      const host = new TestHost({ isFinishedByCaller: true });
      const victim = host.connect();
      const attacker = host.connect({ peer: { address: '10.6.6.6' } });
      // The attacker forges packets to the victim's connection …
      for (let i = 0; i < 50; i++) victim.peer.send({ flags: 'R', seq: guessIsRight ? 50 : 1_000_000_000 });
      victim.peer.drain();
      // … and counts on its own.
      for (let i = 0; i < 200; i++) attacker.peer.send({ flags: 'R', seq: 50 });
      const count = attacker.peer.drain().length;
      host.finish();
      return count;
    };
    expect(answersTo(true)).toBe(answersTo(false));
  });

  it('the moments of the next ones cannot be computed', () => {
    const gaps = new Set<number>();
    const { peer, host } = received();
    let last = 0;
    for (let i = 0; i < 400; i++) {
      host.wait(10);
      peer.send({ flags: 'R', seq: 200 });
      for (const { at } of peer.drain()) {
        gaps.add(Math.round(at - last));
        last = at;
      }
    }
    expect(gaps.size).toBeGreaterThan(4);
  });
});

describe('row 26: storms', () => {
  it('a peer that answers every ACK with one outside of the window is answered now and then', () => {
    const { peer, host } = received();
    peer.send({ seq: 200_000 });
    let rounds = 0;
    for (; rounds < 1000 && peer.drain().length > 0; rounds++) peer.send({ seq: 200_000 });
    expect(rounds).toBeLessThanOrEqual(3);
    host.wait(10_000);
    peer.expectNothing();
  });

  it('two of our own connections whose numbers do not fit fall silent', () => {
    const host = new TestHost();
    const [left, right] = [host.connect(), host.connect()];
    let exchanged = 0;
    // What one sends is what the other gets, with numbers from another world.
    left.peer.send({ seq: 300_000 });
    for (let i = 0; i < 1000; i++) {
      const fromLeft = left.peer.drain();
      const fromRight = right.peer.drain();
      if (fromLeft.length + fromRight.length === 0) break;
      exchanged += fromLeft.length + fromRight.length;
      for (const _ of fromLeft) right.peer.send({ seq: 300_000 });
      for (const _ of fromRight) left.peer.send({ seq: 300_000 });
    }
    expect(exchanged).toBeLessThanOrEqual(6);
  });

  it('FINs that cross again and again: each is acknowledged once, ours is not sent for each', () => {
    const { peer, connection, host } = received();
    connection.shutdownWrite();
    host.settle();
    peer.expect({ flags: 'F.' });
    peer.send({ flags: 'F.', ack: 1 });
    peer.drain();
    let fins = 0;
    for (let i = 0; i < 200; i++) {
      peer.send({ flags: 'F.', seq: 101, ack: 1 });
      const answers = peer.drain();
      expect(answers.length).toBeLessThanOrEqual(1);
      fins += answers.filter((each) => each.flags.includes('F')).length;
    }
    expect(fins).toBe(0);
    expect(connection.state).toBe(State.CLOSING);
  });

  it('an acknowledgement that comes with an old segment is believed, so that both get out of it', () => {
    const { peer, connection, host } = received();
    write(connection, 500);
    host.settle();
    peer.drain();
    peer.send({ seq: 1, data: 100, ack: 501 });
    expect(connection.unacknowledgedWrites).toBe(0);
  });
});

describe('row 27: timestamps', () => {
  it('a value far ahead, sent blindly, does not shut the peer out', () => {
    const { peer, connection } = received({ peer: { timestamps: true } });
    for (let offset = 200; offset < 60_000; offset += 977) {
      peer.inject({ seq: 101 + offset, data: 1, tsval: peer.clock + 2 ** 30 });
    }
    peer.host.settle();
    peer.send({ seq: 101, data: 99 });
    expect(connection.readableBytes).toBe(99);
  });

  it('an echo from nowhere makes no round trip', () => {
    const { peer, connection, host } = received({ peer: { timestamps: true } });
    const random = new SeededRandom(3);
    for (let i = 0; i < 50; i++) {
      write(connection, 100);
      host.settle();
      host.wait(2);
      peer.send({ tsecr: random.nextInt32() });
    }
    expect(connection.block!.recovery.estimator.smoothed).toBeLessThan(1_000_000);
    expect(connection.state).toBe(State.ESTABLISHED);
  });

  it('none, where they were agreed upon: dropped, unless it is a RST', () => {
    const { peer, connection, host } = received({ peer: { timestamps: true } });
    for (const flags of ['.', 'P.', 'F.']) peer.send({ flags, seq: 101, data: 5, options: [] });
    expect(host.dropped(DropReason.TCP_TIMESTAMP_MISSING)).toBe(3);
    expect(connection.readableBytes).toBe(0);
    peer.send({ flags: 'R', seq: 101, options: [] });
    expect(connection.state).toBe(State.CLOSED);
  });
});

describe('row 28: what others must not be able to guess', () => {
  it('initial sequence numbers of one peer say nothing about the next connection’s (RFC 6528)', () => {
    const host = new TestHost({ frames: 512, isFast: true });
    host.listen(80, { backlog: 300 });
    const numbers = Array.from({ length: 200 }, (_, i) => {
      const peer = host.peer({ port: 1000 + i });
      peer.sendSyn();
      return peer.theirs;
    });
    const gaps = numbers.slice(1).map((number, i) => seq.difference(number, numbers[i]!));
    expect(gaps.filter((gap) => Math.abs(gap) < 1 << 20).length).toBeLessThan(5);
    expect(new Set(gaps.map((gap) => gap >>> 28)).size).toBeGreaterThan(10);
  });

  it('but to the same name they rise, so that old segments are told from new ones', () => {
    const host = new TestHost();
    const peer = host.peer({ localPort: 99 });
    host.listen(99);
    let last: number | null = null;
    for (let i = 0; i < 10; i++) {
      peer.sendSyn();
      peer.drain();
      if (last !== null) expect(seq.difference(peer.theirs, last)).toBeGreaterThan(0);
      last = peer.theirs;
      peer.send({ flags: 'R', seq: 1 });
      peer.next = 0;
      host.wait(5);
    }
  });

  it('timestamps of two peers have nothing in common but their pace (RFC 7323 §5.4)', () => {
    const host = new TestHost();
    const values = ['10.0.0.2', '10.0.0.3', '10.0.0.4'].map((text) => {
      const { peer } = host.startConnect({ peer: { address: text } });
      return peer.expect({ flags: 'S' }).timestamps![0];
    });
    for (let i = 0; i < 3; i++)
      expect(Math.abs(seq.difference(values[i]!, values[(i + 1) % 3]!))).toBeGreaterThan(100_000);
  });

  it('two stacks have different secrets, from the cryptographic source as from any', () => {
    const first = new CryptoRandom();
    const second = new CryptoRandom();
    const numbers = [first, second].map((random) => {
      const host = new TestHost({ seed: random.nextInt32(), isFinishedByCaller: true });
      const { peer } = host.startConnect();
      host.finish();
      return peer.theirs;
    });
    expect(numbers[0]).not.toBe(numbers[1]);
  });

  it('nothing that can be printed contains a secret', () => {
    const host = new TestHost({ settings: { synCookies: 'always' } });
    host.listen();
    host.peer().open();
    const { connection } = host.connect();
    const printed = JSON.stringify([host.layer.statistics, connection.information(), host.layer.settings]);
    expect(printed).not.toMatch(/secret|key/i);
    // What was drawn at the start is what the secrets are made of.
    const random = new SeededRandom(1);
    for (let i = 0; i < 40; i++) {
      const word = random.nextInt32();
      if (Math.abs(word) > 1_000_000) expect(printed).not.toContain(String(word));
    }
  });
});

it('after all that a transfer still works, in both directions', () => {
  const { peer, connection, host } = received();
  for (let i = 0; i < 200; i++) {
    peer.inject({ flags: ['R', 'S', '.', 'F.'][i % 4]!, seq: 70_000 + i * 999, ack: i * 77_777, data: i % 50 });
    if (i % 7 === 0) host.settle();
  }
  peer.drain();
  peer.next = 101;
  peer.send({ data: 1000, ack: 1 });
  expect(readAll(connection)).toEqual(pattern(101, 1000));
  write(connection, 1000);
  host.settle();
  peer.send({ seq: 1101, ack: 1001 });
  expect(connection.unacknowledgedWrites).toBe(0);
  expect(connection.remoteAddress?.equals(address('10.0.0.2'))).toBe(true);
});
