import { finishSum, type Packet, PacketMemory, PacketPool, sumBytes } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { createPipe, type Link } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { type Connection, Listener, State } from '@prism-net/tcp';
import { ManualClock } from '@prism-net/time';
import { DropReason, ethernet, IpAddress, icmpv4, ipv4, tcp } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { arpFrame, HOST, icmpMessage, ip, ipv4Frame, NEIGHBOUR, OWN, PEER } from './frames.testkit.js';
import { createStack, type Stack } from './stack.js';

const PORT = 80;
const { SYN, ACK, RST } = tcp.Flag;

interface Fields {
  readonly source?: number;
  readonly destination?: number;
  readonly to?: { readonly high: number; readonly low: number };
  readonly options?: readonly number[];
}

/** A stack that listens on {@link PORT}, and the raw other end of its cable. */
class Bench {
  readonly clock = new ManualClock(0);
  readonly stack: Stack;
  readonly #wire: Link;
  readonly #pool = PacketPool.create(PacketMemory.create({ frames: 64 }), 64);
  readonly #back: Packet[] = [];

  constructor() {
    const [link, wire] = createPipe({ macAddresses: [OWN, NEIGHBOUR] });
    this.#wire = wire;
    this.stack = createStack({
      interfaces: [{ link, address: '10.0.0.1/24' }],
      memory: PacketMemory.create({ frames: 256 }),
      clock: this.clock,
      random: new SeededRandom(1),
      mode: 'manual',
    });
    this.give(arpFrame(1, PEER, HOST));
    expect(this.stack.tcp.listen(null, PORT, {}, null)).toBeInstanceOf(Listener);
  }

  /** The IPv4 packets that come back for a frame. */
  give(frame: Uint8Array): Uint8Array[] {
    const packet = this.#pool.take()!;
    packet.memory.write(packet.offset, frame, 0, frame.length);
    packet.length = frame.length;
    this.#wire.transmit([packet], 0, 1);
    return this.poll();
  }

  poll(): Uint8Array[] {
    for (let rounds = 0; rounds < 3; rounds++) this.stack.poll();
    const answers: Uint8Array[] = [];
    const count = this.#wire.receive(this.#back, 32);
    for (const each of this.#back.slice(0, count)) {
      const bytes = each.toBytes();
      each.release();
      const { EtherType, etherType } = ethernet;
      if (etherType(new DataView(bytes.buffer, bytes.byteOffset), 0) === EtherType.IPV4) answers.push(bytes.slice(14));
    }
    return answers;
  }

  /** The flags of the segments that come back for one that is given. */
  segment(flags: number, fields: Fields = {}, change: (bytes: Uint8Array) => void = () => {}): number[] {
    const { source = PEER, destination = HOST } = fields;
    const bytes = new Uint8Array(20);
    const view = new DataView(bytes.buffer);
    tcp.write(view, 0, 4000, PORT, 1000, 0, 20, flags, 5000);
    tcp.setChecksum(view, 0, finishSum(sumBytes(view, 0, 20, tcp.pseudoHeaderSum(source, destination, 20))));
    change(bytes);
    return this.give(ipv4Frame(ipv4.Protocol.TCP, bytes, fields)).map(flagsOf);
  }

  dropped(reason: DropReason): number {
    return this.stack.accounts.dropped(reason);
  }
}

function flagsOf(packet: Uint8Array): number {
  const view = new DataView(packet.buffer, packet.byteOffset);
  return ipv4.protocol(view, 0) === ipv4.Protocol.TCP ? tcp.flags(view, ipv4.headerLength(view, 0)) : -1;
}

let bench: Bench;
function start(): Bench {
  bench = new Bench();
  return bench;
}
afterEach(() => bench.stack.close());

describe('segments from the wire', () => {
  it('with a wrong checksum are dropped, whichever bit is wrong (RFC 9293 §3.1, MUST-3)', () => {
    const { stack } = start();
    for (let bit = 0; bit < 160; bit++) {
      // The header length is judged first.
      if (bit >= 96 && bit < 100) continue;
      const answers = bench.segment(SYN, {}, (bytes) => {
        bytes[bit >> 3]! ^= 128 >> (bit & 7);
      });
      expect(answers).toEqual([]);
    }
    expect(bench.dropped(DropReason.TCP_CHECKSUM)).toBe(156);
    expect(stack.tcp.statistics.halfOpen).toBe(0);
    expect(bench.segment(SYN)).toEqual([SYN | ACK]);
  });

  it('to broadcast and multicast addresses are dropped without a word (RFC 9293 §3.9.2.3, MUST-57)', () => {
    const { stack } = start();
    stack.ipv4.joinGroup(ip('239.1.2.3'), -1);
    const toAll = { high: 0xffff, low: -1 };
    const toGroup = { high: 0x0100, low: 0x5e01_0203 };
    expect(bench.segment(SYN, { destination: -1, to: toAll })).toEqual([]);
    expect(bench.segment(SYN, { destination: ip('10.0.0.255'), to: toAll })).toEqual([]);
    expect(bench.segment(ACK, { destination: ip('10.0.0.255'), to: toAll })).toEqual([]);
    expect(bench.segment(SYN, { destination: ip('239.1.2.3'), to: toGroup })).toEqual([]);
    expect(bench.dropped(DropReason.TCP_NOT_UNICAST)).toBe(4);
    expect(stack.tcp.statistics.halfOpen).toBe(0);
  });

  it('from addresses that no host has are ignored (RFC 9293 §3.9.2.3, MUST-63)', () => {
    const { stack } = start();
    for (const source of ['224.0.0.1', '255.255.255.255', '10.0.0.255', '0.0.0.0', '127.0.0.1', '10.0.0.1']) {
      expect(bench.segment(SYN, { source: ip(source) })).toEqual([]);
    }
    expect(bench.dropped(DropReason.IPV4_SOURCE_INVALID)).toBe(6);
    expect(stack.tcp.statistics.halfOpen).toBe(0);
  });

  it('are taken whatever options their IP header has (RFC 9293 §3.9.2, MUST-50)', () => {
    start();
    // Record route, a timestamp, router alert, and one that nobody knows.
    expect(bench.segment(SYN, { options: [7, 7, 4, 0, 0, 0, 0, 1] })).toEqual([SYN | ACK]);
    expect(bench.segment(SYN, { options: [68, 8, 5, 0, 0, 0, 0, 0] })).toEqual([SYN | ACK]);
    expect(bench.segment(SYN, { options: [148, 4, 0, 0] })).toEqual([SYN | ACK]);
    expect(bench.segment(SYN, { options: [94, 4, 1, 2] })).toEqual([SYN | ACK]);
  });
});

describe('an active open', () => {
  function connect(to: string): { connection: Connection; errno: Errno; sent: Uint8Array[] } {
    const { stack, clock } = bench;
    const connection = stack.tcp.open(null);
    const errno = connection.connect(IpAddress.parse(to), PORT, clock.now());
    return { connection, errno, sent: bench.poll() };
  }

  it('refuses addresses that no host has (RFC 9293 §3.9.1.1, MUST-46)', () => {
    start();
    const refused = ['224.0.0.1', '239.255.255.255', '255.255.255.255', '10.0.0.255', '0.0.0.0'].map(connect);
    for (const { connection, errno, sent } of refused) {
      expect([Errno.EACCES, Errno.EINVAL]).toContain(errno);
      expect(connection.state).toBe(State.CLOSED);
      expect(sent).toEqual([]);
    }
  });

  it('asks IPv4 for its address before the SYN (RFC 9293 §3.9.1.1, MUST-44)', () => {
    start();
    const { connection, sent } = connect('10.0.0.2');
    expect(connection.localAddress?.toString()).toBe('10.0.0.1');
    expect(sent.map((packet) => ipv4.source(new DataView(packet.buffer), 0))).toEqual([HOST]);
    connection.abort(bench.clock.now());
  });

  it('hears of the ICMP error that it caused, and of no other (RFC 9293 §3.9.2.2, MUST-54)', () => {
    start();
    const { connection, sent } = connect('10.0.0.2');
    const [syn] = sent;
    const refusal = (quote: Uint8Array) => {
      const { DESTINATION_UNREACHABLE } = icmpv4.Type;
      const message = icmpMessage(DESTINATION_UNREACHABLE, icmpv4.Code.PORT_UNREACHABLE, 0, quote);
      bench.give(ipv4Frame(ipv4.Protocol.ICMP, message));
    };
    const other = syn!.slice(0, 28);
    other[27]! ^= 1; // another sequence number
    refusal(other);
    expect(connection.state).toBe(State.SYN_SENT);
    expect(bench.dropped(DropReason.ICMP_ERROR_UNMATCHED)).toBe(1);
    refusal(syn!.slice(0, 28));
    expect(connection.state).toBe(State.CLOSED);
    expect(connection.pendingError()).toBe(Errno.ECONNREFUSED);
    expect(bench.segment(RST)).toEqual([]);
  });
});
