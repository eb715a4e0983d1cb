import type { Packet } from '@prism-net/buffers';
import { IpAddress, seq, tcp } from '@prism-net/wire';
import { expect } from 'vitest';
import { HERE, MAPPED } from './fake-network.testkit.js';
import { Addresses } from './segment.js';
import {
  flagBits,
  mssOption,
  pattern,
  SACK_PERMITTED,
  type SentSegment,
  sackOption,
  scaleOption,
  type TcpOptionValue,
  timestampsOption,
} from './segments.testkit.js';
import type { TestHost } from './tcp.testkit.js';

export interface PeerOptions {
  readonly address?: string;
  readonly port?: number;
  /** Port of the host. Default 80. */
  readonly localPort?: number;
  /** The peer's ISS. The default wraps after a thousand bytes. */
  readonly iss?: number;
  /** Its MSS option; null: none. Default 1,000. */
  readonly mss?: number | null;
  /** Its window scale. Default none. */
  readonly scale?: number;
  /** Default false. */
  readonly timestamps?: boolean;
  /** Default false. */
  readonly sack?: boolean;
  readonly ecn?: boolean;
  /** The window field of its segments. Default 65,535. */
  readonly window?: number;
}

/** What the peer sends. `seq` and `ack` count from the two initial sequence numbers: the first byte of text is 1. */
export interface Outgoing {
  /** Letters of packet scripts. Default '.'. */
  readonly flags?: string;
  /** Default: what follows everything sent so far. */
  readonly seq?: number;
  /** Default: everything seen so far. */
  readonly ack?: number;
  readonly window?: number;
  /** Text, or so many bytes of the pattern. */
  readonly data?: string | number | Uint8Array;
  /** In place of those the peer would have. */
  readonly options?: readonly TcpOptionValue[];
  /** The timestamp value. Default: the peer's clock, in ms. */
  readonly tsval?: number;
  readonly tsecr?: number;
  readonly sack?: readonly (readonly [number, number])[];
  readonly ecn?: number;
  readonly urgentPointer?: number;
  /** Bytes of text in each frame but the last: a segment put together by the link. */
  readonly frameText?: number;
}

/** What the peer sees, in its own numbers. */
export interface Seen extends SentSegment {
  readonly seq: number;
  readonly ack: number;
  readonly length: number;
}

/** What is expected of a segment; fields left out do not matter. */
export type Expected = Partial<Omit<Seen, 'data'>> & { readonly data?: string | Uint8Array };

/** The other end of a connection, played by hand. */
export class TestPeer {
  readonly host: TestHost;
  readonly options: PeerOptions;
  readonly address: IpAddress;
  readonly port: number;
  readonly addresses = new Addresses();
  localPort: number;
  iss: number;
  window: number;
  /** ISS of the host, once its SYN was seen. */
  theirs = 0;
  hasSynced = false;
  /** Relative number behind everything sent. */
  next = 0;
  /** Relative number behind everything seen. */
  received = 0;
  hasTimestamps: boolean;
  /** What the host's timestamp was last. */
  timestampRecent = 0;
  /** Ahead of the virtual time, in ms. */
  clockOffset = 7_000_000;
  readonly inbox: Seen[] = [];

  constructor(host: TestHost, options: PeerOptions) {
    this.host = host;
    this.options = options;
    this.address = IpAddress.parse(options.address ?? '10.0.0.2');
    this.port = options.port ?? 40_000;
    this.localPort = options.localPort ?? 80;
    this.iss = options.iss ?? -1000;
    this.window = options.window ?? 65_535;
    this.hasTimestamps = options.timestamps ?? false;
  }

  get clock(): number {
    return (this.clockOffset + Math.floor(this.host.time)) | 0;
  }

  // ---- sending

  /** Sends one segment, and the host has its poll. */
  send(outgoing: Outgoing = {}): void {
    this.inject(outgoing);
    this.host.settle();
  }

  /** Several segments of one poll. */
  burst(...outgoing: readonly Outgoing[]): void {
    for (const each of outgoing) this.inject(each);
    this.host.settle();
  }

  /** Sends one segment without completing the poll. */
  inject(outgoing: Outgoing = {}): void {
    const flags = flagBits(outgoing.flags ?? '.');
    const start = outgoing.seq ?? this.next;
    const text = textOf(outgoing.data, start);
    const end = start + text.length + (flags & 1) + ((flags >> 1) & 1);
    if (end > this.next) this.next = end;
    const packet = this.build(outgoing, flags, start, text);
    this.#addressTo();
    this.host.deliver(packet, this, outgoing.ecn ?? 0);
  }

  /** Whatever bytes, as a segment. {@link TestHost.settle} does not follow. */
  injectBytes(bytes: Uint8Array): void {
    const packet = this.host.pool.take()!;
    packet.offset += 34;
    packet.memory.write(packet.offset, bytes, 0, bytes.length);
    packet.length = bytes.length;
    this.#addressTo();
    this.host.deliver(packet, this, 0);
  }

  /** The bytes of a segment, to be spoilt and injected. */
  bytesOf(outgoing: Outgoing): Uint8Array {
    const start = outgoing.seq ?? this.next;
    const packet = this.build(outgoing, flagBits(outgoing.flags ?? '.'), start, textOf(outgoing.data, start));
    const bytes = packet.toBytes();
    packet.release();
    return bytes;
  }

  #addressTo(): void {
    const { addresses } = this;
    addresses.localD = HERE.d;
    addresses.localC = MAPPED;
    addresses.localPort = this.localPort;
    addresses.remoteD = this.address.d;
    addresses.remoteC = MAPPED;
    addresses.remotePort = this.port;
  }

  build(outgoing: Outgoing, flags: number, start: number, text: Uint8Array): Packet {
    const ack =
      (flags & tcp.Flag.ACK) === 0 && outgoing.ack === undefined ? 0 : this.theirs + (outgoing.ack ?? this.received);
    const header = {
      sourcePort: this.port,
      destinationPort: this.localPort,
      sequence: (this.iss + start) | 0,
      acknowledgement: ack | 0,
      flags,
      window: outgoing.window ?? Math.min(this.window, 65_535),
      checksum: 0,
      urgentPointer: outgoing.urgentPointer ?? 0,
      options: outgoing.options ?? this.#optionsFor(outgoing, flags),
    };
    const packet = this.host.pool.take()!;
    // As a link leaves it: behind the headers of Ethernet and IP.
    packet.offset += 34;
    packet.length = tcp.emit(packet.view, packet.offset, header);
    let frame = packet;
    for (let at = 0; at < text.length; ) {
      const part = Math.min(text.length - at, outgoing.frameText ?? frame.tailroom, frame.tailroom);
      frame.memory.write(frame.end, text, at, part);
      frame.length += part;
      at += part;
      if (at === text.length) break;
      frame.nextSegment = this.host.pool.take()!;
      frame = frame.nextSegment;
    }
    return packet;
  }

  // ---- handshakes

  /** Options of its SYN. */
  synOptions(): TcpOptionValue[] {
    const { mss = 1000, scale, sack = false } = this.options;
    const options: TcpOptionValue[] = [];
    if (mss !== null) options.push(mssOption(mss));
    if (scale !== undefined) options.push(scaleOption(scale));
    if (sack) options.push(SACK_PERMITTED);
    return options;
  }

  /** Passive open of the host: SYN, its SYN-ACK, and the third segment. */
  open(roundTrip = 0): void {
    this.sendSyn();
    this.expect({ flags: this.options.ecn === true ? 'S.E' : 'S.', ack: 1 });
    this.host.wait(roundTrip);
    this.send();
  }

  sendSyn(outgoing: Outgoing = {}): void {
    this.send({ flags: this.options.ecn === true ? 'SEW' : 'S', seq: 0, ...outgoing });
  }

  /** Answers the host's SYN. */
  answerSyn(outgoing: Outgoing = {}): void {
    this.send({ flags: this.options.ecn === true ? 'S.E' : 'S.', seq: 0, ...outgoing });
  }

  // ---- receiving

  take(segment: SentSegment): void {
    const { flags } = segment;
    if (flags.includes('S')) {
      this.theirs = segment.sequence;
      this.hasSynced = true;
    }
    if (segment.timestamps !== undefined) [this.timestampRecent] = segment.timestamps;
    const length = segment.data.length;
    const start = seq.difference(segment.sequence, this.theirs);
    const end = start + length + (flags.includes('F') ? 1 : 0) + (flags.includes('S') ? 1 : 0);
    if (end > this.received && !flags.includes('R')) this.received = end;
    this.inbox.push({
      ...segment,
      seq: start,
      ack: flags.includes('.') ? seq.difference(segment.acknowledgement, this.iss) : 0,
      length,
      sack: segment.sack.map(([from, to]) => [seq.difference(from, this.iss), seq.difference(to, this.iss)] as const),
    });
  }

  /** The next segment the host sent; it must be so. */
  expect(expected: Expected = {}): Seen {
    const seen = this.inbox.shift();
    if (seen === undefined) throw new Error(`nothing was sent; expected ${JSON.stringify(expected)}`);
    const { data, ...rest } = expected;
    expect(seen).toMatchObject(rest);
    if (data !== undefined) expect(Buffer.from(seen.data)).toEqual(Buffer.from(data));
    return seen;
  }

  expectNothing(): void {
    expect(this.inbox.map(describeSeen)).toEqual([]);
  }

  /** Everything seen and not looked at. */
  drain(): Seen[] {
    return this.inbox.splice(0);
  }

  #optionsFor(outgoing: Outgoing, flags: number): TcpOptionValue[] {
    const options = (flags & tcp.Flag.SYN) === 0 ? [] : this.synOptions();
    if (this.hasTimestamps || outgoing.tsval !== undefined) {
      options.push(timestampsOption(outgoing.tsval ?? this.clock, outgoing.tsecr ?? this.timestampRecent));
    }
    if (outgoing.sack !== undefined) {
      options.push(sackOption(outgoing.sack.map(([from, to]) => [(this.theirs + from) | 0, (this.theirs + to) | 0])));
    }
    return options;
  }
}

/** As packet scripts write it. */
export function describeSeen(seen: Seen): string {
  return `${seen.flags} ${seen.seq}:${seen.seq + seen.length}(${seen.length}) ack ${seen.ack} win ${seen.window}`;
}

function textOf(data: Outgoing['data'], start: number): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  if (typeof data === 'number') return pattern(start, data);
  return typeof data === 'string' ? new TextEncoder().encode(data) : data;
}
