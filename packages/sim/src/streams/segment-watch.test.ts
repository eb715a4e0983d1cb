import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { ethernet, ipv4, tcp } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { FrameEvent } from '../frame-event.js';
import { twoHosts } from '../two-hosts.testkit.js';
import { SegmentWatch } from './segment-watch.js';
import { Transfer } from './transfer.js';

const IP = ethernet.HEADER_LENGTH;
const TCP = IP + ipv4.MINIMUM_HEADER_LENGTH;
const OPTIONS = TCP + tcp.MINIMUM_HEADER_LENGTH;

interface Tampering {
  readonly fixChecksum?: boolean;
  /** More text, or options. */
  readonly extraBytes?: number;
  readonly by?: 'a' | 'b';
  readonly timestamps?: boolean;
}

/**
 * Runs a transfer, and has a host, the client or `by`, send one more segment: the latest that `choose` accepted, with `change` applied and
 * the checksum corrected. Returns what the watch said.
 */
function tamper(
  choose: (frame: DataView) => boolean,
  change: (frame: DataView) => void,
  options: Tampering = {},
): string {
  const { fixChecksum = true, extraBytes = 0, by = 'a', timestamps = true } = options;
  const line = { delayMicroseconds: 1000, rateBitsPerSecond: 10e6 };
  const { simulation, a, b } = twoHosts({ debug: false }, line, { stack: { tcp: { timestamps } } });
  simulation.introduceNeighbours();
  const watch = new SegmentWatch(simulation);
  const host = by === 'a' ? a : b;
  let chosen: Uint8Array | undefined;
  simulation.watch((event, line, packet) => {
    if (event !== FrameEvent.SENT || line !== host.ports[0]!.line) return;
    const frame = packet.toBytes();
    if (choose(new DataView(frame.buffer))) chosen = frame;
  });
  const transfer = new Transfer(simulation, {
    client: a,
    server: b,
    address: '10.0.0.2',
    fromClient: { bytes: 100_000, sendBuffer: 16_384 },
  });
  simulation.runUntil(() => transfer.delivered > 50_000);
  expect(watch.segments).toBeGreaterThan(50);
  const frame = new Uint8Array(chosen!.length + extraBytes);
  frame.set(chosen!);
  const view = new DataView(frame.buffer);
  if (extraBytes > 0) ipv4.setTotalLength(view, IP, frame.length - IP);
  change(view);
  ipv4.updateChecksum(view, IP);
  const pool = PacketPool.create(PacketMemory.create({ frames: 8, frameSize: 4096 }), 8);
  const packet = pool.take()!;
  packet.memory.write(packet.offset, frame, 0, frame.length);
  packet.length = frame.length;
  if (fixChecksum) {
    const at = packet.offset + TCP;
    const length = frame.length - TCP;
    tcp.setChecksum(packet.view, at, 0);
    const pseudo = tcp.pseudoHeaderSum(ipv4.source(view, IP), ipv4.destination(view, IP), length);
    tcp.setChecksum(packet.view, at, ~packet.memory.sum(at, length, pseudo) & 0xffff);
  }
  simulation.after(0, () => host.ports[0]!.line!.send(packet));
  try {
    simulation.runFor(20_000);
  } catch (error) {
    return (error as Error).message.split('\n')[0]!;
  }
  return '';
}

const hasText = (frame: DataView) => frame.byteLength > 1500;
const isAcknowledgement = (frame: DataView) => frame.byteLength === 66;
const isSyn = (frame: DataView) => frame.byteLength > OPTIONS && (tcp.flags(frame, TCP) & tcp.Flag.SYN) !== 0;

const withoutOptions = (frame: DataView) => {
  for (let word = 0; word < 3; word++) frame.setInt32(OPTIONS + word * 4, 0x0101_0101);
};

describe('segment watch', () => {
  it('has nothing against a segment that is sent again', () => {
    expect(tamper(hasText, () => {})).toBe('');
    expect(tamper(isSyn, () => {})).toBe('');
    expect(tamper(isAcknowledgement, () => {}, { by: 'b' })).toBe('');
  });

  it.each<[string, RegExp, (frame: DataView) => void, Tampering?]>([
    [
      'a checksum',
      /a wrong checksum/,
      (frame) => frame.setUint8(OPTIONS + 20, frame.getUint8(OPTIONS + 20) ^ 1),
      { fixChecksum: false },
    ],
    ['options', /malformed options/, (frame) => frame.setUint8(OPTIONS + 3, 1)],
    ['a fragment', /a fragment/, (frame) => ipv4.setFlagsAndOffset(frame, IP, ipv4.MORE_FRAGMENTS)],
    ['urgent data', /urgent data/, (frame) => tcp.setFlags(frame, TCP, tcp.Flag.ACK | tcp.Flag.URG)],
    [
      'text beyond the window',
      /text to \d+, the window offered ends at/,
      (frame) => tcp.setSequence(frame, TCP, tcp.sequence(frame, TCP) + 10_000_000),
    ],
    ['more text than the segment size', /1549 bytes of text and 12 of options/, () => {}, { extraBytes: 101 }],
    ['text behind a FIN', /behind the FIN|a FIN at/, (frame) => tcp.setFlags(frame, TCP, tcp.Flag.ACK | tcp.Flag.FIN)],
    [
      'a timestamp that goes back',
      /a timestamp that goes back/,
      (frame) => frame.setInt32(OPTIONS + 4, frame.getInt32(OPTIONS + 4) - 1000),
    ],
    [
      'an echo of a time to come',
      /an echo of a timestamp to come/,
      (frame) => frame.setInt32(OPTIONS + 8, frame.getInt32(OPTIONS + 8) + 1000),
    ],
    [
      'an acknowledgement of what did not come',
      /acknowledges \d+, but only \d+ came/,
      (frame) => tcp.setAcknowledgement(frame, TCP, tcp.acknowledgement(frame, TCP) + 1),
    ],
    ['no timestamps', /no timestamps although/, withoutOptions],
  ])('finds %s', (_, expected, change, options = {}) => {
    expect(tamper(hasText, change, options)).toMatch(expected);
  });

  it('finds what only acknowledgements can have', () => {
    const by = { by: 'b' } as const;
    const window = (frame: DataView) => tcp.setWindow(frame, TCP, 1);
    expect(tamper(isAcknowledgement, window, by)).toMatch(/a window to \d+ that was offered to \d+ before/);
    const back = (frame: DataView) => tcp.setAcknowledgement(frame, TCP, tcp.acknowledgement(frame, TCP) - 5000);
    expect(tamper(isAcknowledgement, back, by)).toMatch(/acknowledges \d+, after \d+/);
    const resets = (frame: DataView) => tcp.setFlags(frame, TCP, tcp.Flag.RST);
    expect(tamper(isAcknowledgement, resets, by)).toMatch(/a segment behind a reset/);
  });

  it('finds a SYN with another number', () => {
    expect(tamper(isSyn, (frame) => tcp.setSequence(frame, TCP, 77))).toMatch(
      /a SYN with another initial sequence number/,
    );
  });

  it('finds a SACK block of what did not come', () => {
    const block = (frame: DataView) => {
      const at = tcp.acknowledgement(frame, TCP);
      frame.setUint8(TCP + 12, 8 << 4);
      frame.setInt32(OPTIONS, 0x0101_050a);
      frame.setInt32(OPTIONS + 4, at + 100_000);
      frame.setInt32(OPTIONS + 8, at + 101_000);
    };
    const isBare = (frame: DataView) => frame.byteLength === 54;
    const tampering = { by: 'b', timestamps: false, extraBytes: 12 } as const;
    expect(tamper(isBare, block, tampering)).toMatch(/a SACK block \d+–\d+ of what did not come/);
  });
});
