import { HEADROOM, type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import { Errno, posixError } from '@prism-net/errors';
import { type Clock, elapsed, type Instant } from '@prism-net/time';
import type { MacAddress } from '@prism-net/wire';
import type { Link, LinkCapabilities } from '../link.js';
import { FRAME_OVERHEAD, localMacAddress, requireSizes } from '../link-options.js';
import { LinkStatistics } from '../link-statistics.js';
import { markPartialChecksum } from '../partial-checksum.js';
import { LINKTYPE_ETHERNET } from './capture-format.js';
import { type CaptureReader, openCapture } from './capture-reader.js';

export interface ReplayOptions {
  /** A pcap or pcapng file, not compressed. */
  readonly capture: Uint8Array;
  /** Where received packets come from. */
  readonly pool: PacketPool;
  readonly clock: Clock;
  /** How many times the capture is played; may be Infinity. Default 1. */
  readonly loops?: number;
  /** As in the capture ('recorded'), a factor of that speed, or whenever the stack asks (default). Pauses end after 17 minutes. */
  readonly pace?: 'as-fast-as-possible' | 'recorded' | number;
  /**
   * Captures taken on the sending host hold frames as they were before the card completed their checksums. True (the
   * default) marks such frames as PARTIAL; false leaves them to be refused as damaged.
   */
  readonly partialChecksums?: boolean;
  /** Default 'replay'. */
  readonly name?: string;
  /** For what is transmitted; received frames are as long as they are. Default 1,500. */
  readonly mtu?: number;
  /** Default 02:00:00:00:00:01. */
  readonly macAddress?: MacAddress;
}

export interface ReplayLink extends Link {
  /** All loops are played. */
  readonly done: boolean;
  /** Frames delivered of which the capture holds only the beginning. */
  readonly capturedShort: number;
  /** Frames delivered with a checksum that their sender's card had yet to complete. */
  readonly partialChecksums: number;
}

/** Records that are not for us, looked at per call of receive. */
const SKIP_LIMIT = 1024;
const LONGEST_PAUSE_MICROSECONDS = 2 ** 30;
/** Puts the IP header behind the 14 bytes of Ethernet on a 4-byte boundary. */
const ALIGNMENT = 2;

class Replay implements ReplayLink {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  done = false;
  capturedShort = 0;
  partialChecksums = 0;

  readonly #reader: CaptureReader;
  readonly #pool: PacketPool;
  readonly #clock: Clock;
  readonly #marksPartial: boolean;
  /** Time of the replay per time of the capture; 0: no pauses. */
  readonly #stretch: number;
  #loopsLeft: number;
  #closed = false;
  #started = false;
  /** The reader stands on a frame that has not been delivered. */
  #hasFrame = false;
  #deliveredInLoop = false;
  #due: Instant = 0;
  /** Nanoseconds that `#due` lacks; latest timestamp so far in seconds and nanoseconds. */
  readonly #pacing = new Float64Array(3);

  constructor(options: ReplayOptions) {
    const { loops = 1, pace = 'as-fast-as-possible', mtu = 1500, name = 'replay' } = options;
    requireSizes('createReplayLink', mtu, 1);
    if (!(loops === Number.POSITIVE_INFINITY || (Number.isInteger(loops) && loops >= 1))) {
      throw posixError(
        Errno.EINVAL,
        'createReplayLink',
        `loops must be a whole number from 1, or Infinity, not ${loops}`,
      );
    }
    const speed = pace === 'recorded' ? 1 : pace;
    if (typeof speed === 'number' && !(speed > 0 && speed < Number.POSITIVE_INFINITY)) {
      throw posixError(Errno.EINVAL, 'createReplayLink', `pace must be a factor above 0, not ${speed}`);
    }
    this.name = name;
    this.#pool = options.pool;
    this.#clock = options.clock;
    this.#marksPartial = options.partialChecksums ?? true;
    this.#stretch = typeof speed === 'number' ? 1 / speed : 0;
    this.#loopsLeft = loops;
    this.#reader = openCapture(options.capture);
    // Once over all of it now, so that a malformed capture is refused here and receive never throws.
    while (this.#reader.next());
    this.#reader.rewind();
    this.capabilities = {
      mtu,
      macAddress: options.macAddress ?? localMacAddress(1),
      mode: 'replay',
      loopback: false,
      receiveChecksum: false,
      transmitChecksum: false,
      segmentation: 0,
      maximumSegments: 65_535,
      timestamps: TimestampSource.SOFTWARE,
      queues: 1,
    };
  }

  /** Nothing is lost when the pool is exhausted: the frame comes when there is a packet for it. */
  receive(burst: Packet[], maximum: number): number {
    if (this.#closed) return 0;
    let count = 0;
    let bytes = 0;
    const now = this.#clock.now();
    while (count < maximum && this.#advance(now) && elapsed(now, this.#due) >= 0) {
      const packet = this.#load();
      if (packet === null) break;
      burst[count] = packet;
      count = (count + 1) | 0;
      bytes = (bytes + this.#reader.capturedLength) | 0;
    }
    if (count !== 0) this.statistics.countReceived(count, bytes);
    // So that `done` is right when the last frame has been taken.
    this.#advance(now);
    return count;
  }

  /** Counts and releases. */
  transmit(burst: Packet[], from: number, count: number): number {
    const maximumFrame = this.capabilities.mtu + FRAME_OVERHEAD;
    let sent = 0;
    let bytes = 0;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const packet = burst[(from + i) | 0]!;
      const length = packet.totalLength;
      packet.release();
      if (this.#closed || length > maximumFrame) continue;
      sent = (sent + 1) | 0;
      bytes = (bytes + length) | 0;
    }
    this.statistics.countTransmitted(sent, bytes);
    this.statistics.countDropped((count - sent) | 0);
    return count;
  }

  /** No event from outside ever comes: see {@link nextReceive}. */
  arm(_wake: () => void): boolean {
    return this.nextReceive() !== 0;
  }

  nextReceive(): number {
    if (this.#closed) return -1;
    const now = this.#clock.now();
    if (!this.#advance(now)) return this.done ? -1 : 0;
    return Math.max(0, elapsed(this.#due, now));
  }

  close(): void {
    this.#closed = true;
  }

  /** Stands on a frame to deliver if there is one; false when done, or after a long way over records that are none. */
  #advance(now: Instant): boolean {
    const reader = this.#reader;
    for (let skipped = 0; skipped < SKIP_LIMIT; skipped = (skipped + 1) | 0) {
      if (this.#hasFrame) return true;
      if (this.done) return false;
      if (!reader.next()) {
        this.#loopsLeft -= 1;
        // A capture without a single frame for us would loop for nothing.
        if (this.#loopsLeft <= 0 || !this.#deliveredInLoop) this.done = true;
        else {
          reader.rewind();
          this.#deliveredInLoop = false;
        }
        continue;
      }
      if (
        reader.linkType !== LINKTYPE_ETHERNET ||
        reader.capturedLength === 0 ||
        this.#segments() > this.#pool.region.frames
      ) {
        this.statistics.countDropped(1);
        continue;
      }
      this.#hasFrame = true;
      this.#pace(now);
    }
    return this.#hasFrame;
  }

  #segments(): number {
    const room = this.#pool.memory.layout.frameSize - HEADROOM;
    return Math.ceil((this.#reader.capturedLength + ALIGNMENT) / room);
  }

  /** When the frame falls due: as long after the last one as in the capture; frames that go back in time come at once. */
  #pace(now: Instant): void {
    const { timestampSeconds, timestampNanoseconds } = this.#reader;
    const pacing = this.#pacing;
    if (!this.#started || this.#stretch === 0) {
      this.#started = true;
      this.#due = now;
    } else if (this.#deliveredInLoop) {
      const gap = (timestampSeconds - pacing[1]!) * 1e9 + timestampNanoseconds - pacing[2]!;
      if (gap <= 0) return;
      const pause = Math.min(gap * this.#stretch + pacing[0]!, LONGEST_PAUSE_MICROSECONDS * 1000);
      const whole = Math.floor(pause / 1000);
      pacing[0] = pause - whole * 1000;
      this.#due = (this.#due + whole) | 0;
    }
    pacing[1] = timestampSeconds;
    pacing[2] = timestampNanoseconds;
  }

  /** The current frame in packets of the pool; null when there are not enough. */
  #load(): Packet | null {
    const pool = this.#pool;
    const reader = this.#reader;
    const segments = this.#segments();
    if (pool.available < segments) return null;
    const first = pool.take()!;
    first.offset = (first.offset + ALIGNMENT) | 0;
    first.timestampSource = TimestampSource.SOFTWARE;
    first.timestampSeconds = reader.timestampSeconds | 0;
    first.timestampNanoseconds = reader.timestampNanoseconds;
    let segment = first;
    let from = reader.offset;
    let left = reader.capturedLength;
    for (;;) {
      const part = Math.min(left, segment.tailroom);
      pool.memory.write(segment.offset, reader.bytes, from, part);
      segment.length = part;
      from += part;
      left -= part;
      if (left === 0) break;
      const next: Packet = pool.take()!;
      segment.nextSegment = next;
      segment = next;
    }
    if (reader.capturedLength < reader.originalLength) this.capturedShort += 1;
    if (this.#marksPartial && markPartialChecksum(first)) this.partialChecksums += 1;
    this.#hasFrame = false;
    this.#deliveredInLoop = true;
    return first;
  }
}

/**
 * A link that receives the Ethernet frames of a capture, copied into packets of the pool with their timestamps, and
 * counts what is sent to it. Records of other link types, empty ones and those too long for the pool count as dropped.
 *
 * @throws EINVAL when an option is out of range or the capture is malformed; the message names the byte.
 */
export function createReplayLink(options: ReplayOptions): ReplayLink {
  return new Replay(options);
}
