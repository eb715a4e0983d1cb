import { ChecksumState, type Packet, PacketFlag } from '@prism-net/buffers';
import { Errno, posixError, requireWholeNumber } from '@prism-net/errors';
import type { PacketAccounts } from '@prism-net/link';
import { createHashKey, KeyedTable, type RandomSource, SlotList } from '@prism-net/tables';
import type { Instant, TimerHandler, TimerWheel } from '@prism-net/time';
import { DropReason, ipv4 } from '@prism-net/wire';

/** Limits of reassembly: attackers send fragments that never become complete (FragmentSmack, CVE-2018-5391). */
export interface ReassemblyOptions {
  /** Incomplete datagrams at once; the oldest gives way. Default 64. */
  readonly datagrams?: number;
  /** Incomplete datagrams of one source at once; its oldest gives way. Default 16. */
  readonly datagramsPerSource?: number;
  /** Fragments of one datagram; 65,535 bytes in frames of 576 bytes are 119. Default 128. */
  readonly fragmentsPerDatagram?: number;
  /** Frames held by all incomplete datagrams together; the oldest give way. Default 512, at most a quarter of the pool. */
  readonly frames?: number;
  /** How long a datagram may take to become complete. Default 30,000 (RFC 791 §3.2 starts with 15 s, RFC 1122 §3.3.2 asks for 60 s). */
  readonly timeoutMilliseconds?: number;
}

/** Who tells the sender that a datagram did not become complete in time. */
export interface ReassemblyListener {
  /** The packet, the first fragment, is not taken. */
  reassemblyTimedOut(packet: Packet, now: Instant): void;
}

const MAXIMUM_DATAGRAM = 65_535;
const UNKNOWN = -1;

/**
 * Puts datagrams together from fragments (RFC 791 §3.2), in place: the fragments' frames become the segments of one
 * packet. Memory, number and time are bounded. Fragments that overlap condemn their datagram (RFC 5722 §3 does so for
 * IPv6; no honest sender makes them), exact duplicates are ignored.
 */
export class Reassembly implements TimerHandler {
  readonly #accounts: PacketAccounts;
  readonly #timers: TimerWheel;
  readonly #timer: number;
  readonly #listener: ReassemblyListener;
  readonly #perSource: number;
  readonly #perDatagram: number;
  readonly #frameLimit: number;
  readonly #timeout: number;
  readonly #table: KeyedTable;
  /** In order of arrival of the first fragment: all wait equally long, so the oldest is also the next to time out. */
  readonly #slots: SlotList;
  // Per datagram.
  readonly #sources: Int32Array;
  readonly #destinations: Int32Array;
  readonly #identities: Int32Array;
  readonly #deadlines: Int32Array;
  readonly #counts: Int32Array;
  readonly #receivedBytes: Int32Array;
  /** Length of the payload, once the last fragment is there; else UNKNOWN. */
  readonly #payloadLengths: Int32Array;
  // Per fragment, in order of offset; datagram d has the entries from d * perDatagram on.
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #packets: (Packet | null)[];
  #frames = 0;

  constructor(
    options: ReassemblyOptions,
    accounts: PacketAccounts,
    timers: TimerWheel,
    random: RandomSource,
    listener: ReassemblyListener,
  ) {
    const datagrams = options.datagrams ?? 64;
    this.#perSource = options.datagramsPerSource ?? 16;
    this.#perDatagram = options.fragmentsPerDatagram ?? 128;
    this.#frameLimit = options.frames ?? 512;
    const timeout = options.timeoutMilliseconds ?? 30_000;
    requireWholeNumber('reassembly', 'datagramsPerSource', this.#perSource, 1, 1 << 16);
    requireWholeNumber('reassembly', 'fragmentsPerDatagram', this.#perDatagram, 2, 8192);
    requireWholeNumber('reassembly', 'frames', this.#frameLimit, 1, 1 << 20);
    // The table of fragments is made at once, for all of them.
    requireWholeNumber('reassembly', 'datagrams × fragmentsPerDatagram', datagrams * this.#perDatagram, 1, 1 << 22);
    requireWholeNumber('reassembly', 'timeoutMilliseconds', timeout, 1, 600_000);
    this.#timeout = timeout * 1000;
    this.#accounts = accounts;
    this.#timers = timers;
    this.#listener = listener;
    this.#table = new KeyedTable({ capacity: datagrams, keyWords: 3, key: createHashKey(random) });
    this.#slots = new SlotList(datagrams);
    this.#sources = new Int32Array(datagrams);
    this.#destinations = new Int32Array(datagrams);
    this.#identities = new Int32Array(datagrams);
    this.#deadlines = new Int32Array(datagrams);
    this.#counts = new Int32Array(datagrams);
    this.#receivedBytes = new Int32Array(datagrams);
    this.#payloadLengths = new Int32Array(datagrams);
    this.#starts = new Int32Array(datagrams * this.#perDatagram);
    this.#ends = new Int32Array(datagrams * this.#perDatagram);
    this.#packets = new Array<Packet | null>(datagrams * this.#perDatagram).fill(null);
    this.#timer = timers.create(this, 0);
    if (this.#timer < 0) throw posixError(Errno.ENOMEM, 'reassembly', 'the timer wheel has no timer left');
  }

  /** Incomplete datagrams now. */
  get pending(): number {
    return this.#slots.size;
  }

  /** Frames held now. */
  get heldFrames(): number {
    return this.#frames;
  }

  /**
   * Takes a fragment whose data starts at its (valid) IPv4 header. Returns the whole datagram when this was the last
   * piece: the caller's packet, with the flag REASSEMBLED, its data at the transport header, its `networkOffset` at the
   * header of the first fragment. Else null.
   */
  add(packet: Packet, now: Instant): Packet | null {
    const { view, offset } = packet;
    const header = ipv4.headerLength(view, offset);
    const start = ipv4.fragmentOffset(view, offset);
    const more = ipv4.moreFragments(view, offset);
    const protocol = ipv4.protocol(view, offset);
    const length = packet.totalLength - header;
    const end = start + length;
    // The header was checked, but where the sender shares the memory it may have changed since.
    const reason =
      packet.length < header ? DropReason.FRAGMENT_MALFORMED : judge(start, length, more, protocol, header);
    if (reason !== DropReason.NONE) {
      this.#accounts.drop(packet, reason);
      return null;
    }
    const source = ipv4.source(view, offset);
    const destination = ipv4.destination(view, offset);
    // RFC 791 §3.2: source, destination, protocol and identification name the datagram.
    const identity = (protocol << 16) | ipv4.identification(view, offset);
    let slot = this.#table.find(source, destination, identity, 0);
    if (slot < 0) slot = this.#begin(source, destination, identity, now);

    const at = this.#place(slot, start, end);
    if (at < 0) {
      this.#accounts.drop(packet, DropReason.FRAGMENT_DUPLICATE);
      return null;
    }
    const conflict = this.#conflict(slot, at, start, end, more);
    if (conflict !== DropReason.NONE) {
      this.#accounts.drop(packet, conflict);
      this.#discard(slot, conflict);
      return null;
    }
    const frames = countSegments(packet);
    if (!this.#makeRoom(slot, frames)) {
      this.#accounts.drop(packet, DropReason.FRAGMENT_LIMIT);
      return null;
    }
    packet.networkOffset = offset;
    packet.consume(header);
    this.#insert(slot, at, start, end, packet);
    this.#frames += frames;
    if (!more) this.#payloadLengths[slot] = end;
    // Nothing overlaps, so as many bytes as the end says are all of them.
    return this.#receivedBytes[slot] === this.#payloadLengths[slot] ? this.#assemble(slot) : null;
  }

  /** Drops everything held. */
  close(): void {
    for (let slot = this.#slots.oldest; slot >= 0; slot = this.#slots.oldest) {
      this.#discard(slot, DropReason.STACK_CLOSED);
    }
    this.#timers.destroy(this.#timer);
  }

  onTimer(_timer: number, _argument: number, now: Instant): void {
    for (let slot = this.#slots.oldest; slot >= 0; slot = this.#slots.oldest) {
      const left = (this.#deadlines[slot]! - now) | 0;
      if (left > 0) {
        this.#timers.arm(this.#timer, left, now);
        return;
      }
      const first = slot * this.#perDatagram;
      // RFC 1122 §3.3.2: only if the first fragment is there, which says who sent what.
      if (this.#counts[slot]! > 0 && this.#starts[first] === 0) {
        this.#listener.reassemblyTimedOut(this.#packets[first]!, now);
      }
      this.#discard(slot, DropReason.FRAGMENT_TIMEOUT);
    }
  }

  #begin(source: number, destination: number, identity: number, now: Instant): number {
    let ofSource = 0;
    let oldestOfSource = -1;
    for (let slot = this.#slots.oldest; slot >= 0; slot = this.#slots.next(slot)) {
      if (this.#sources[slot] !== source) continue;
      if (oldestOfSource < 0) oldestOfSource = slot;
      ofSource++;
    }
    if (ofSource >= this.#perSource) this.#discard(oldestOfSource, DropReason.FRAGMENT_LIMIT);
    else if (this.#slots.size === this.#slots.capacity) this.#discard(this.#slots.oldest, DropReason.FRAGMENT_LIMIT);
    const slot = this.#slots.allocate();
    this.#table.insert(source, destination, identity, 0, slot);
    this.#sources[slot] = source;
    this.#destinations[slot] = destination;
    this.#identities[slot] = identity;
    this.#deadlines[slot] = (now + this.#timeout) | 0;
    this.#counts[slot] = 0;
    this.#receivedBytes[slot] = 0;
    this.#payloadLengths[slot] = UNKNOWN;
    if (!this.#timers.isArmed(this.#timer)) this.#timers.arm(this.#timer, this.#timeout, now);
    return slot;
  }

  /** Where a fragment belongs among those of its datagram, by binary search; -1 when it is there already. */
  #place(slot: number, start: number, end: number): number {
    const first = slot * this.#perDatagram;
    let low = 0;
    let high = this.#counts[slot]!;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[first + middle]! < start) low = middle + 1;
      else high = middle;
    }
    if (low < this.#counts[slot]! && this.#starts[first + low] === start && this.#ends[first + low] === end) return -1;
    return low;
  }

  /** Judges a fragment beside the others of its datagram. */
  #conflict(slot: number, at: number, start: number, end: number, more: boolean): DropReason {
    const first = slot * this.#perDatagram;
    const count = this.#counts[slot]!;
    const payloadLength = this.#payloadLengths[slot]!;
    if (at > 0 && this.#ends[first + at - 1]! > start) return DropReason.FRAGMENT_OVERLAP;
    if (at < count && this.#starts[first + at]! < end) return DropReason.FRAGMENT_OVERLAP;
    // Two ends, or data behind the end.
    if (payloadLength !== UNKNOWN && (end > payloadLength || !more)) return DropReason.FRAGMENT_MALFORMED;
    if (!more && at < count) return DropReason.FRAGMENT_MALFORMED;
    return count >= this.#perDatagram ? DropReason.FRAGMENT_LIMIT : DropReason.NONE;
  }

  /** Discards the oldest datagrams until there is room; false when this one had to go as well. */
  #makeRoom(slot: number, frames: number): boolean {
    while (this.#frames + frames > this.#frameLimit) {
      const oldest = this.#slots.oldest;
      this.#discard(oldest, DropReason.FRAGMENT_LIMIT);
      if (oldest === slot) return false;
    }
    return true;
  }

  #insert(slot: number, at: number, start: number, end: number, packet: Packet): void {
    const first = slot * this.#perDatagram;
    for (let i = first + this.#counts[slot]!; i > first + at; i--) {
      this.#starts[i] = this.#starts[i - 1]!;
      this.#ends[i] = this.#ends[i - 1]!;
      this.#packets[i] = this.#packets[i - 1]!;
    }
    this.#starts[first + at] = start;
    this.#ends[first + at] = end;
    this.#packets[first + at] = packet;
    this.#counts[slot] = this.#counts[slot]! + 1;
    this.#receivedBytes[slot] = this.#receivedBytes[slot]! + end - start;
    this.#accounts.hold();
  }

  #assemble(slot: number): Packet {
    const first = slot * this.#perDatagram;
    const count = this.#counts[slot]!;
    const whole = this.#packets[first]!;
    let tail = whole;
    for (let i = 0; i < count; i++) {
      const packet = this.#packets[first + i]!;
      this.#packets[first + i] = null;
      this.#accounts.unhold();
      this.#frames -= countSegments(packet);
      if (i === 0) {
        while (tail.nextSegment !== null) tail = tail.nextSegment;
        continue;
      }
      this.#accounts.handle(); // the datagram goes on as one packet; the others are part of it
      tail.nextSegment = packet;
      while (tail.nextSegment !== null) tail = tail.nextSegment;
    }
    this.#end(slot);
    whole.flags |= PacketFlag.REASSEMBLED;
    whole.checksumState = ChecksumState.UNKNOWN;
    return whole;
  }

  #discard(slot: number, reason: DropReason): void {
    const first = slot * this.#perDatagram;
    for (let i = first; i < first + this.#counts[slot]!; i++) {
      const packet = this.#packets[i]!;
      this.#packets[i] = null;
      this.#frames -= countSegments(packet);
      this.#accounts.unhold();
      this.#accounts.drop(packet, reason);
    }
    this.#end(slot);
  }

  #end(slot: number): void {
    this.#table.remove(this.#sources[slot]!, this.#destinations[slot]!, this.#identities[slot]!, 0);
    this.#slots.free(slot);
  }
}

/** Judges a fragment by itself. */
function judge(start: number, length: number, more: boolean, protocol: number, header: number): DropReason {
  if (length === 0 || (more && (length & 7) !== 0)) return DropReason.FRAGMENT_MALFORMED;
  if (start + length + header > MAXIMUM_DATAGRAM) return DropReason.FRAGMENT_TOO_LARGE;
  // RFC 1858 §3: a TCP header split so that filters cannot see its flags.
  if (protocol === ipv4.Protocol.TCP && (start === 0 ? length < 20 : start < 20)) return DropReason.FRAGMENT_TOO_SMALL;
  return DropReason.NONE;
}

function countSegments(packet: Packet): number {
  let count = 0;
  for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) count++;
  return count;
}
