/* Rows 18 to 21 of the hostile inputs: the segment itself. (A wrong checksum: path/ipv4-network.test.ts.) */
import { SeededRandom } from '@prism-net/tables';
import { DropReason, tcpOptions } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { State } from './state.js';
import {
  establish,
  flagLetters,
  mssOption,
  NOP,
  pattern,
  readAll,
  SACK_PERMITTED,
  scaleOption,
  type TcpOptionValue,
  TestHost,
  write,
} from './tcp.testkit.js';

const { Kind } = tcpOptions;

describe('row 18: data offset and length', () => {
  it('a segment of fewer than 20 bytes, of any length, is dropped and counted', () => {
    const { peer, host } = establish();
    const whole = peer.bytesOf({ data: 10 });
    for (let length = 0; length < 20; length++) peer.injectBytes(whole.subarray(0, length));
    host.settle();
    expect(host.dropped(DropReason.TCP_TRUNCATED)).toBe(20);
    peer.expectNothing();
  });

  it('a header length below 20, or beyond the segment, is dropped and counted', () => {
    const { peer, host, connection } = establish();
    for (let words = 0; words < 16; words++) {
      const bytes = peer.bytesOf({ data: 3 });
      bytes[12] = words << 4;
      peer.injectBytes(bytes);
    }
    host.settle();
    // Only 5 words fit into 23 bytes.
    expect(host.dropped(DropReason.TCP_HEADER_LENGTH)).toBe(15);
    expect(connection.readableBytes).toBe(3);
  });

  it('port 0 is nobody’s', () => {
    const { peer, host } = establish();
    for (const at of [0, 2]) {
      const bytes = peer.bytesOf({ data: 3 });
      bytes[at] = 0;
      bytes[at + 1] = 0;
      peer.injectBytes(bytes);
    }
    host.settle();
    expect(host.dropped(DropReason.TCP_PORT_ZERO)).toBe(2);
  });
});

/** A SYN with these bytes as options. */
function synWith(
  options: readonly number[],
  seq = 0,
): { answered: boolean; scale: number | undefined; segmentSize: number; sack: boolean } {
  const host = new TestHost();
  const listener = host.listen();
  const peer = host.peer();
  const length = (options.length + 3) & ~3;
  const bytes = new Uint8Array(20 + length);
  bytes.set(peer.bytesOf({ flags: 'S', seq, options: [] }));
  bytes.set(options, 20);
  bytes[12] = ((20 + length) / 4) << 4;
  peer.injectBytes(bytes);
  host.settle();
  const answer = peer.inbox.shift();
  if (answer === undefined) return { answered: false, scale: undefined, segmentSize: 0, sack: false };
  peer.send({ seq: 1, tsval: peer.clock + 1 });
  const connection = listener.accept();
  const segmentSize = connection?.block?.segmentSize ?? 0;
  connection?.abort(host.now);
  return { answered: answer.flags.startsWith('S.'), scale: answer.scale, segmentSize, sack: answer.sackPermitted };
}

describe('row 19: options', () => {
  const MSS_900 = [2, 4, 3, 132];
  it.each<[string, number[], { scale?: number | undefined; segmentSize?: number; sack?: boolean }]>([
    ['length 0: those behind it are not read', [...MSS_900, 7, 0, 3, 3, 2], { segmentSize: 900, scale: undefined }],
    ['length 1', [...MSS_900, 7, 1, 3, 3, 2], { segmentSize: 900, scale: undefined }],
    ['a length beyond the end', [...MSS_900, 7, 40, 3, 3], { segmentSize: 900, scale: undefined }],
    ['a kind at the last byte, without a length', [...MSS_900, 1, 1, 1, 3], { segmentSize: 900, scale: undefined }],
    ['MSS of length 3', [2, 3, 3, 4, 2, 0, 0, 0], { segmentSize: 536, sack: false }],
    ['MSS of length 5', [2, 5, 3, 132, 0, 4, 2, 0], { segmentSize: 536, sack: false }],
    ['window scale of length 2', [3, 2, 4, 2], { scale: undefined, sack: false }],
    ['SACK permitted of length 3', [4, 3, 0, 0], { sack: false }],
    ['timestamps of length 9', [8, 9, 0, 0, 0, 0, 0, 0, 0, 4, 2, 0], { sack: false }],
    ['window scale 255 is taken as 14; ours is offered', [3, 3, 255, 0], { scale: 7 }],
    ['twice: the first holds', [...MSS_900, 2, 4, 1, 44], { segmentSize: 900 }],
    ['end of options: what follows is padding', [0, 2, 4, 3, 132, 4, 2, 0], { segmentSize: 536, sack: false }],
    [
      'unknown kinds are stepped over (MUST-6)',
      [253, 6, 1, 2, 3, 4, ...MSS_900, 4, 2],
      { segmentSize: 900, sack: true },
    ],
    ['a fast-open cookie of 18 bytes', [34, 20, ...new Array<number>(18).fill(9), ...MSS_900], { segmentSize: 900 }],
    ['40 bytes of nothing', new Array<number>(40).fill(1), { segmentSize: 536 }],
  ])('%s; the SYN is answered all the same', (_, options, expected) => {
    expect(synWith(options)).toMatchObject({ answered: true, ...expected });
  });

  it('a thousand random options: no throw, no loop, every SYN answered', () => {
    const host = new TestHost({ frames: 64, isFast: true, settings: { synCacheSize: 1024 } });
    host.listen();
    const random = new SeededRandom(5);
    for (let i = 0; i < 1000; i++) {
      const peer = host.peer();
      const words = random.nextBelow(11);
      const bytes = new Uint8Array(20 + words * 4);
      bytes.set(peer.bytesOf({ flags: 'S', seq: 0, options: [] }));
      for (let at = 20; at < bytes.length; at++)
        bytes[at] = random.nextBelow(4) > 0 ? random.nextBelow(10) : random.nextInt32();
      bytes[12] = (5 + words) << 4;
      peer.injectBytes(bytes);
      host.settle();
      expect(peer.drain().map((each) => each.flags)).toEqual(['S.']);
    }
  });

  it('a malformed option does not keep text from being judged', () => {
    const { peer, connection, host } = establish();
    const bytes = new Uint8Array(24 + 5);
    bytes.set(peer.bytesOf({ options: [] }));
    bytes.set([5, 0, 8, 77, ...pattern(1, 5)], 20);
    bytes[12] = 6 << 4;
    peer.injectBytes(bytes);
    host.settle();
    expect(readAll(connection)).toEqual(pattern(1, 5));
  });

  it('options that belong into a SYN change nothing later', () => {
    const { peer, connection, host } = establish({ peer: { scale: 1 } });
    peer.send({ data: 5, window: 1000, options: [mssOption(100), scaleOption(9), SACK_PERMITTED, NOP] });
    expect(connection.block).toMatchObject({
      segmentSize: 1000,
      sendWindow: 2000,
      hasSelectiveAcknowledgements: false,
    });
    host.settle();
  });
});

describe('row 20: MSS', () => {
  it.each([
    [0, 88],
    [1, 88],
    [7, 88],
    [48, 88],
    [87, 88],
    [88, 88],
    [65_535, 1460],
  ])('%i is taken as %i: no storm of tiny segments (CVE-2019-11479)', (mss, size) => {
    for (const isPassive of [false, true]) {
      const { connection, host, peer } = establish({ isPassive, isFinishedByCaller: true, peer: { mss } });
      expect(connection.block!.segmentSize).toBe(size);
      write(connection, 2000);
      host.settle();
      for (const { gsoSize, length } of peer.drain())
        expect(gsoSize === 0 ? length : gsoSize).toBeLessThanOrEqual(size);
      host.finish();
    }
  });
});

describe('row 21: flags', () => {
  const ALL = Array.from({ length: 256 }, (_, bits) => flagLetters(bits));

  it('all 256 of them, in every state: one answer at most, no longer than what it answers (but for a SYN’s), nothing breaks', () => {
    const host = new TestHost({ frames: 64, isFast: true, settings: { timeWaitSize: 4 } });
    host.listen();
    const states: [string, () => ReturnType<typeof host.startConnect>][] = [
      ['SYN-SENT', () => host.startConnect()],
      ['ESTABLISHED', () => host.connect()],
      [
        'FIN-WAIT-2',
        () => {
          const opened = host.connect();
          opened.connection.shutdownWrite();
          host.settle();
          opened.peer.send();
          return opened;
        },
      ],
      [
        'CLOSE-WAIT',
        () => {
          const opened = host.connect();
          opened.peer.send({ flags: 'F.' });
          return opened;
        },
      ],
    ];
    const data = new Uint8Array(30);
    for (const [, reach] of states) {
      for (const flags of ALL) {
        const { peer, connection } = reach();
        peer.drain();
        peer.send({ flags, data, urgentPointer: 65_535 });
        const answers = peer.drain();
        expect(answers.length, flags).toBeLessThanOrEqual(1);
        for (const answer of answers) {
          expect(answer.headerLength).toBeLessThanOrEqual(50);
          // A RST is never answered by a RST.
          if (flags.includes('R')) expect(answer.flags).not.toContain('R');
        }
        connection.abort(host.now);
        connection.close(host.now);
        peer.drain();
      }
    }
    for (const flags of ALL) {
      for (const localPort of [80, 81]) {
        const peer = host.peer({ localPort });
        peer.send({ flags, seq: 0, data });
        expect(peer.drain().length).toBeLessThanOrEqual(1);
      }
    }
    expect(host.pool.outstanding).toBe(0);
  });

  it('SYN with ECE, CWR and the reserved bits is a SYN (gVisor #7075)', () => {
    const host = new TestHost();
    host.listen();
    const peer = host.peer();
    const bytes = peer.bytesOf({ flags: 'SEW', seq: 0 });
    bytes[12]! |= 0x0f;
    peer.injectBytes(bytes);
    host.settle();
    peer.expect({ flags: 'S.E' });
  });

  it('urgent pointers never index: before, within, behind the text, with FIN, in gaps (URGENT/11, RFC 6093)', () => {
    const { peer, connection } = establish();
    for (const urgentPointer of [0, 1, 2, 10, 65_535]) {
      peer.send({ flags: 'U.', data: 2, urgentPointer });
      peer.send({ flags: 'U.', urgentPointer });
    }
    peer.send({ seq: 13, flags: 'UP.', data: 3, urgentPointer: 40_000 });
    peer.send({ seq: 11, flags: 'U.', data: 2, urgentPointer: 1 });
    peer.send({ seq: 16, flags: 'FU.', urgentPointer: 9 });
    expect(readAll(connection)).toEqual(pattern(1, 15));
    expect(connection.state).toBe(State.CLOSE_WAIT);
  });
});

describe('everything at once', () => {
  it('ten thousand segments that anybody could send: no throw, no leak, and the connection works afterwards', () => {
    const host = new TestHost({ frames: 512, isFast: true });
    const { peer, connection } = host.connect({ peer: { sack: true, scale: 3 } });
    const random = new SeededRandom(77);
    const options = (): TcpOptionValue[] => {
      const list: TcpOptionValue[] = [];
      for (let left = 34; left > 0 && random.nextBelow(3) > 0; ) {
        const length = random.nextBelow(Math.min(left, 12));
        left -= length + 2;
        list.push({ kind: random.nextBelow(36) + 2, data: Uint8Array.from({ length }, () => random.nextInt32()) });
      }
      return list;
    };
    const near = (middle: number) =>
      middle + (random.nextBelow(8) === 0 ? random.nextInt32() : random.nextBelow(6000) - 3000);
    for (let i = 0; i < 10_000; i++) {
      const received = connection.block!.receiveNext - connection.block!.initialReceiveSequence;
      peer.next = 0;
      peer.inject({
        // All but FIN and RST, which whoever knows the numbers may send.
        flags: flagLetters(random.nextInt32() & 0xfa),
        seq: near(received),
        ack: near(peer.received),
        window: random.nextInt32() & 0xffff,
        data: random.nextBelow(3) === 0 ? 0 : random.nextBelow(1400),
        options: options(),
        urgentPointer: random.nextInt32() & 0xffff,
        ecn: random.nextBelow(4),
      });
      if (random.nextBelow(4) === 0) host.settle();
      if (i % 500 === 0) {
        write(connection, 100);
        host.wait(10);
      }
      peer.inbox.length = 0;
      expect(connection.state).toBe(State.ESTABLISHED);
    }
    host.settle();
    const at = (connection.block!.receiveNext - connection.block!.initialReceiveSequence) | 0;
    readAll(connection);
    host.settle();
    for (let i = 0; i < 50; i++) {
      peer.next = at + i * 100;
      peer.send({ data: 100, ack: peer.received, window: 60_000 });
    }
    expect(readAll(connection).length).toBe(5000);
    write(connection, 5000);
    for (let i = 0; i < 100 && connection.unacknowledgedWrites > 0; i++) {
      host.wait(1000);
      peer.send();
    }
    expect(connection.unacknowledgedWrites).toBe(0);
  });
});

it('row 19: SACK of a length that is none ends the options, and text is still taken', () => {
  const { peer, connection } = establish({ peer: { sack: true } });
  for (const length of [0, 1, 7, 9, 15, 31]) {
    peer.send({ data: 1, options: [{ kind: Kind.SACK, data: new Uint8Array(length) }] });
  }
  expect(connection.readableBytes).toBe(6);
});
