import { randomBytes } from 'node:crypto';
import { type Packet, PacketMemory, PacketPool, TimestampSource } from '@prism-net/buffers';
import { invalidArgument } from '@prism-net/errors';
import { type Link, type LinkCapabilities, LinkStatistics } from '@prism-net/link';
import {
  configureInterface,
  inNetworkNamespace,
  type NetworkInterface,
  placeMemory,
  Readable,
  Readiness,
  readInterface,
  Writable,
} from '@prism-net/linux';
import { ethernet, type MacAddress, vlan } from '@prism-net/wire';
import { type NativeTap, PacketWord, PollEvent, Status, tapAddon } from './addon.js';
import { FIRST_OFFSET, FillList, framesFor } from './fill-list.js';
import { explain } from './tap-errors.js';
import { type ParsedTapOptions, parseTapOptions, type TapOptions } from './tap-options.js';
import { TapStatistics } from './tap-statistics.js';
import { applyVirtioHeader, VirtioVerdict, writeVirtioHeader } from './virtio-header.js';

/** Ethernet header and one VLAN tag: what a frame may have beyond the MTU. */
const FRAME_OVERHEAD = ethernet.HEADER_LENGTH + vlan.TAG_LENGTH;
/** Largest IP datagram, and so the largest virtual segment. */
const LARGEST_DATAGRAM = 65_535;
/** Packets per call of the addon. */
const BURST = 64;
/**
 * A call of receive ends with the packet that reaches this. More would leave the cache before it is looked at: of thirty
 * super-segments read at a time each costs twice as much.
 */
const BURST_BYTES = 256 * 1024;
/** Most frames of a packet to send. */
const MAXIMUM_SEGMENTS = 128;
/** Room for a burst of packets of a few frames each, or a few of many. */
const TABLE_WORDS = BURST * PacketWord.COUNT + 2048;
/** Frames that wait to be filled. */
const FILL = 64;
/** How soon a link without packets looks whether there are some again. */
const STARVED_MICROSECONDS = 200;

/**
 * A TAP device: the stack's end of a cable whose other end is a network interface of the kernel. Frames are read into and
 * written from packet memory, a burst per call of the addon. Belongs to one thread.
 */
export class TapLink implements Link {
  readonly name: string;
  /** The device's real name. */
  readonly interface: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  readonly tap = new TapStatistics();
  readonly pool: PacketPool;
  /** The kernel's end. */
  readonly kernelMacAddress: MacAddress;

  readonly #native: NativeTap;
  readonly #readiness: Readiness;
  readonly #memory: PacketMemory;
  readonly #fill: FillList;
  readonly #received = new Int32Array(BURST * PacketWord.COUNT);
  readonly #table = new Int32Array(TABLE_WORDS);
  readonly #status = new Int32Array(Status.WORDS);
  /** Packets in the table; copies of those from another memory. */
  readonly #sending: Packet[] = [];
  readonly #framesPerPacket: number;
  readonly #longestFrame: number;
  /** A received packet of this length is the beginning of a longer one: it fills its frames, which have room for more than the MTU. */
  readonly #cutOff: number;
  /** Bytes that the call of receive under way has brought. */
  #burstBytes = 0;
  #wantsRoom = false;
  /** Packets of another memory wait for frames to be copied into. */
  #wantsFrames = false;
  #isGone = false;
  #isClosed = false;

  constructor(native: NativeTap, device: NetworkInterface, options: ParsedTapOptions) {
    const { checksum, segmentation } = options;
    this.#native = native;
    this.interface = device.name;
    this.name = options.name ?? `tap:${device.name}`;
    this.kernelMacAddress = device.macAddress;
    this.#longestFrame = device.mtu + FRAME_OVERHEAD;
    const longest = segmentation ? LARGEST_DATAGRAM + FRAME_OVERHEAD : this.#longestFrame;
    this.pool = options.pool ?? ownPool(this.name, longest, segmentation, options.frames);
    this.#memory = this.pool.memory;
    const { frameSize } = this.#memory.layout;
    this.#framesPerPacket = framesFor(longest, frameSize);
    const room = this.#framesPerPacket * frameSize - FIRST_OFFSET;
    this.#cutOff = room > longest ? room : Number.MAX_SAFE_INTEGER;
    const { frames } = this.pool.region;
    if (frames < this.#framesPerPacket * 2) {
      throw invalidArgument(
        'openTapLink',
        `pool: ${frames} frames of ${frameSize} bytes are too few, a packet alone may need ${this.#framesPerPacket}`,
      );
    }
    this.#fill = new FillList(this.pool, Math.max(this.#framesPerPacket, Math.min(FILL, frames >> 3)));
    native.attach(
      this.#memory.bytes,
      this.#fill.bases,
      this.#received,
      this.#table,
      this.#status,
      frameSize,
      FIRST_OFFSET,
      this.#framesPerPacket,
    );
    this.capabilities = {
      mtu: device.mtu,
      macAddress: options.macAddress ?? randomMacAddress(),
      mode: segmentation ? 'virtio, super-segments' : checksum ? 'virtio, checksums' : 'virtio, no offloads',
      loopback: false,
      receiveChecksum: checksum,
      transmitChecksum: checksum,
      segmentation: segmentation ? LARGEST_DATAGRAM : 0,
      maximumSegments: MAXIMUM_SEGMENTS,
      sendsViews: true,
      timestamps: TimestampSource.NONE,
      queues: 1,
    };
    // Last: it is the first that must be closed.
    this.#readiness = new Readiness(native.descriptor(), native);
  }

  /** As the contract says. What finds no frame to be read into stays in the kernel's queue; so does what is beyond 256 KiB. */
  receive(burst: Packet[], maximum: number): number {
    if (this.#isClosed || this.#isGone) return 0;
    const fill = this.#fill;
    let received = 0;
    this.#burstBytes = 0;
    while (received < maximum && this.#burstBytes < BURST_BYTES) {
      fill.fill();
      if (fill.count < this.#framesPerPacket) {
        this.tap.countStarved();
        break;
      }
      this.tap.countNativeCall();
      const count = this.#native.receive((maximum - received) | 0, fill.count, (BURST_BYTES - this.#burstBytes) | 0);
      received = this.#deliver(burst, received, count);
      const error = this.#status[Status.ERROR]!;
      if (error === 0) continue;
      this.#noteError(error);
      break;
    }
    return received;
  }

  /** As the contract says. */
  transmit(burst: Packet[], from: number, count: number): number {
    if (this.#isClosed || this.#isGone) return this.#discard(burst, from, count);
    const end = (from + count) | 0;
    let next = from;
    this.#wantsFrames = false;
    while (next < end) {
      const described = this.#describe(burst, next, end);
      if (described === 0) {
        // No packet to copy into: as if the queue were full.
        if (burst[next]!.memory.buffer !== this.#memory.buffer && this.pool.available === 0) {
          this.#wantsFrames = true;
          break;
        }
        burst[next]!.release();
        this.statistics.countDropped(1);
        next = (next + 1) | 0;
        continue;
      }
      this.tap.countNativeCall();
      const done = this.#native.transmit(described);
      this.#account(burst, next, described, done);
      next = (next + done) | 0;
      if (done === described) continue;
      this.#noteError(this.#status[Status.ERROR]!);
      if (this.#isGone) return (next - from + this.#discard(burst, next, (end - next) | 0)) | 0;
      break;
    }
    if (next < end) {
      // The device has room all the while: no event tells of frames.
      if (!this.#wantsFrames) this.#wantsRoom = true;
      this.statistics.countRefused((end - next) | 0);
    }
    return (next - from) | 0;
  }

  arm(wake: () => void): boolean {
    if (this.#isClosed || this.#isGone) return true;
    this.tap.countNativeCall();
    const events = this.#native.poll();
    if ((events & PollEvent.ERROR) !== 0) {
      // Deleted by somebody: an error is all it would ever report.
      this.#isGone = true;
      this.#readiness.disarm();
      return true;
    }
    const isStarved = this.#isStarved();
    const hasRoom = this.#wantsRoom && (events & PollEvent.WRITABLE) !== 0;
    if (hasRoom) this.#wantsRoom = false;
    if (hasRoom || (!isStarved && (events & PollEvent.READABLE) !== 0)) {
      this.#readiness.disarm();
      return false;
    }
    // Without a packet to read into there is nothing to be woken for: nextReceive asks for a look after a while.
    const interest = (isStarved ? 0 : Readable) | (this.#wantsRoom ? Writable : 0);
    if (interest === 0) this.#readiness.disarm();
    else this.#readiness.arm(interest, wake);
    return true;
  }

  /** -1, or soon when the pool has run out: of its frames no event tells. */
  nextReceive(): number {
    const isWaiting = this.#wantsFrames || this.#isStarved();
    return !this.#isClosed && !this.#isGone && isWaiting ? STARVED_MICROSECONDS : -1;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#readiness.close();
    this.#native.close();
    this.#fill.clear();
  }

  #isStarved(): boolean {
    return ((this.#fill.count + this.pool.available) | 0) < this.#framesPerPacket;
  }

  /** Turns what the addon has read into packets, from index `received` of the burst on; returns the new end. */
  #deliver(burst: Packet[], first: number, count: number): number {
    const words = this.#received;
    let received = first;
    let bytes = 0;
    for (let i = 0, at = 0; i < count; i = (i + 1) | 0, at = (at + PacketWord.COUNT) | 0) {
      const length = words[at + PacketWord.LENGTH]!;
      const packet = this.#fill.take(length);
      this.#burstBytes = (this.#burstBytes + length) | 0;
      const verdict =
        length < ethernet.HEADER_LENGTH || length >= this.#cutOff
          ? VirtioVerdict.REFUSED
          : applyVirtioHeader(packet, length, words, at);
      if (verdict === VirtioVerdict.REFUSED) {
        packet.release();
        this.tap.countRefusedHeader();
        this.statistics.countDropped(1);
        continue;
      }
      if (verdict === VirtioVerdict.COMPLETED) this.tap.countCompletedChecksum();
      if (packet.gsoSize !== 0) this.tap.countSuperSegmentReceived();
      burst[received] = packet;
      received = (received + 1) | 0;
      bytes = (bytes + length) | 0;
    }
    if (received !== first) this.statistics.countReceived((received - first) | 0, bytes);
    return received;
  }

  /** Puts packets from `from` on into the table, up to one that cannot be sent; returns how many. */
  #describe(burst: Packet[], from: number, end: number): number {
    const table = this.#table;
    let at = 0;
    let described = 0;
    for (let i = from; i < end && described < BURST; i = (i + 1) | 0) {
      let packet = burst[i]!;
      let frames = 1;
      for (let segment = packet.nextSegment; segment !== null; segment = segment.nextSegment) frames = (frames + 1) | 0;
      if (frames > MAXIMUM_SEGMENTS || !this.#isSendable(packet)) break;
      if (((at + PacketWord.COUNT + (frames << 1)) | 0) > TABLE_WORDS) break;
      if (!writeVirtioHeader(packet, table, at)) break;
      if (packet.memory.buffer !== this.#memory.buffer) {
        const copy = packet.copyTo(this.pool);
        if (copy === null) break;
        this.tap.countCopied();
        packet = copy;
        frames = 1;
        for (let segment = packet.nextSegment; segment !== null; segment = segment.nextSegment) frames++;
      }
      table[at] = frames;
      at = (at + PacketWord.COUNT) | 0;
      for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
        table[at] = segment.offset;
        table[at + 1] = segment.length;
        at = (at + 2) | 0;
      }
      this.#sending[described] = packet;
      described = (described + 1) | 0;
    }
    return described;
  }

  #isSendable(packet: Packet): boolean {
    const length = packet.nextSegment === null ? packet.length : packet.totalLength;
    if (packet.gsoSize === 0) return length <= this.#longestFrame && length >= ethernet.HEADER_LENGTH;
    const { mtu, segmentation } = this.capabilities;
    return packet.gsoSize <= mtu && length <= segmentation + FRAME_OVERHEAD;
  }

  /** Releases and counts what the addon is done with, and copies of what it is not. */
  #account(burst: Packet[], from: number, described: number, done: number): void {
    const table = this.#table;
    let sent = 0;
    let bytes = 0;
    let at = 0;
    const mayBeRefused = this.#status[Status.REFUSED]! !== 0;
    for (let i = 0; i < described; i = (i + 1) | 0) {
      const original = burst[(from + i) | 0]!;
      const packet = this.#sending[i]!;
      let frames = 1;
      if (mayBeRefused) {
        // Before it is released: then it has none any more.
        for (let segment = packet.nextSegment; segment !== null; segment = segment.nextSegment) frames++;
      }
      if (i < done) {
        if (!mayBeRefused || table[at]! > 0) {
          sent = (sent + 1) | 0;
          bytes = (bytes + (packet.nextSegment === null ? packet.length : packet.totalLength)) | 0;
          if (packet.gsoSize !== 0) this.tap.countSuperSegmentSent();
        }
        original.release();
      }
      at = (at + PacketWord.COUNT + (frames << 1)) | 0;
      if (packet !== original) packet.release();
    }
    if (sent !== 0) this.statistics.countTransmitted(sent, bytes);
    if (sent < done) {
      this.statistics.countDropped((done - sent) | 0);
      this.tap.countRefusedByKernel((done - sent) | 0);
    }
  }

  /** Errors but "no more now": the device is not there any more. */
  #noteError(error: number): void {
    // EBADFD, EBADF, ENODEV
    if (error === 77 || error === 9 || error === 19) this.#isGone = true;
  }

  #discard(burst: Packet[], from: number, count: number): number {
    for (let i = 0; i < count; i = (i + 1) | 0) burst[(from + i) | 0]!.release();
    this.statistics.countDropped(count);
    return count;
  }
}

/**
 * Opens a TAP device, which is made if it does not exist, and brings it up.
 *
 * @throws PosixError EINVAL for an option; LinkUnavailableError when the machine or the user lacks something: EPERM, EBUSY
 * (in use), EINVAL (no TAP), ENOENT (no /dev/net/tun), PLATFORM, NO_BINARY.
 */
export function openTapLink(options: TapOptions = {}): TapLink {
  const parsed = parseTapOptions(options);
  const addon = tapAddon();
  const { multiQueue, checksum, segmentation, networkNamespace } = parsed;
  let native: NativeTap | undefined;
  let link: TapLink | undefined;
  try {
    return inNetworkNamespace(networkNamespace, () => {
      native = new addon.Tap(parsed.interface, multiQueue, checksum, segmentation);
      const device = configure(native, parsed);
      link = new TapLink(native, device, parsed);
      // Last: of what cannot be opened nothing stays, and nothing that stayed goes.
      if (parsed.persistent !== undefined) native.setPersistent(parsed.persistent);
      return link;
    });
  } catch (error) {
    if (link === undefined) native?.close();
    else link.close();
    throw explain(error, native?.name() ?? parsed.interface, multiQueue);
  }
}

function configure(native: NativeTap, options: ParsedTapOptions): NetworkInterface {
  const name = native.name();
  const { mtu, hostAddress, sendBuffer } = options;
  if (sendBuffer !== undefined) native.setSendBuffer(sendBuffer);
  const found = readInterface(name);
  // What is right already needs no privilege.
  if (hostAddress !== undefined || !found.isUp || (mtu !== undefined && mtu !== found.mtu)) {
    configureInterface(name, {
      ...(mtu === undefined ? {} : { mtu }),
      ...(hostAddress === undefined ? {} : { address: hostAddress }),
      up: true,
    });
  }
  return readInterface(name);
}

function ownPool(name: string, longest: number, segmentation: boolean, frames: number | undefined): PacketPool {
  let frameSize = segmentation ? 16_384 : 2048;
  while (!segmentation && frameSize < 65_536 && frameSize - FIRST_OFFSET < longest) frameSize *= 2;
  const count = frames ?? (frameSize > 2048 ? 2048 : 4096);
  const memory = PacketMemory.create({ frames: count, frameSize, place: placeMemory() });
  return PacketPool.create(memory, count, { name });
}

/** Locally administered, unicast (IEEE 802 §8.2). */
function randomMacAddress(): MacAddress {
  const bytes = randomBytes(6);
  return { high: (bytes.readUInt16BE(0) & 0xfcff) | 0x0200, low: bytes.readInt32BE(2) };
}
