import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { LinkStatistics } from '@prism-net/link';
import type { XdpAddon } from './addon.js';
import { METADATA_LENGTH } from './checksum-metadata.js';
import { ConsumerRing, ProducerRing, type RingPlace } from './kernel-ring.js';
import { Descriptor, ReceiveSide } from './receive-side.js';
import { TransmitSide } from './transmit-side.js';
import { XdpFrames } from './xdp-frames.js';
import { XdpStatistics } from './xdp-statistics.js';

const PAGE = 4096;

/** The kernel's side of one ring: raw words, with nothing to keep it from writing nonsense. */
export class FakeRing {
  readonly place: RingPlace;
  readonly #words: Int32Array;
  readonly #shift: number;

  constructor(memory: PacketMemory, size: number, shift: number) {
    const offset = memory.reserveKernelRings(256 + (size << (shift + 2)));
    this.place = { producer: offset, consumer: offset + 64, flags: offset + 128, records: offset + 256, size };
    this.#words = memory.words;
    this.#shift = shift;
  }

  get producer(): number {
    return this.#words[this.place.producer >> 2]!;
  }
  set producer(value: number) {
    this.#words[this.place.producer >> 2] = value;
  }
  get consumer(): number {
    return this.#words[this.place.consumer >> 2]!;
  }
  set consumer(value: number) {
    this.#words[this.place.consumer >> 2] = value;
  }
  set flags(value: number) {
    this.#words[this.place.flags >> 2] = value;
  }

  record(index: number): Int32Array {
    const at = (this.place.records >> 2) + ((index & (this.place.size - 1)) << this.#shift);
    return this.#words.subarray(at, at + (1 << this.#shift));
  }
}

export interface FakeKernelOptions {
  readonly frames?: number;
  readonly ringSize?: number;
  readonly fillFrames?: number;
  readonly reservedFrames?: number;
  readonly debug?: boolean;
  readonly marksPartial?: boolean;
}

/** Both sides of a link over rings whose other end is a test. */
export class FakeKernel {
  readonly memory: PacketMemory;
  readonly pool: PacketPool;
  readonly receive: FakeRing;
  readonly transmit: FakeRing;
  readonly fill: FakeRing;
  readonly completion: FakeRing;
  readonly frames: XdpFrames;
  readonly receiver: ReceiveSide;
  readonly transmitter: TransmitSide;
  readonly statistics = new LinkStatistics();
  readonly details = new XdpStatistics();
  readonly rings: {
    readonly receive: ConsumerRing;
    readonly completion: ConsumerRing;
    readonly transmit: ProducerRing;
  };
  /** What a kick does. */
  onKick: () => number = () => 0;
  #filled = 0;

  constructor(options: FakeKernelOptions = {}) {
    const { frames = 64, ringSize = 16, fillFrames = 16, reservedFrames = 0, debug = true } = options;
    this.memory = PacketMemory.create({ frames, kernelRingBytes: 16 * PAGE, debug });
    this.pool = PacketPool.create(this.memory, frames);
    this.receive = new FakeRing(this.memory, ringSize, 2);
    this.transmit = new FakeRing(this.memory, ringSize, 2);
    this.fill = new FakeRing(this.memory, ringSize, 1);
    this.completion = new FakeRing(this.memory, ringSize, 1);
    this.transmit.flags = 1;
    this.frames = new XdpFrames(this.pool);
    const { words } = this.memory;
    const addon = { kickTransmit: () => this.onKick(), kickReceive: () => 0 } as unknown as XdpAddon;
    const { statistics, details } = this;
    const common = { addon, descriptor: -1, frames: this.frames, statistics, details };
    this.rings = {
      receive: new ConsumerRing(words, this.receive.place, 2),
      transmit: new ProducerRing(words, this.transmit.place, 2),
      completion: new ConsumerRing(words, this.completion.place, 1),
    };
    this.receiver = new ReceiveSide({
      ...common,
      ring: this.rings.receive,
      fill: new ProducerRing(words, this.fill.place, 1),
      fillFrames,
      reservedFrames,
      marksPartial: options.marksPartial ?? false,
      mtu: 9000,
    });
    this.transmitter = new TransmitSide({
      ...common,
      ring: this.rings.transmit,
      completion: this.rings.completion,
      mtu: 9000,
      maximumSegments: 17,
      metadataLength: METADATA_LENGTH,
      completesChecksum: true,
    });
    this.receiver.refill();
  }

  /** Takes the next frame of the fill ring; its address. */
  takeFilled(): number {
    return this.fill.record(this.#filled++)[0]!;
  }

  /** A descriptor into the receive ring. */
  deliver(low: number, length: number, options = 0, high = 0): void {
    const record = this.receive.record(this.receive.producer);
    record[Descriptor.LOW] = low;
    record[Descriptor.HIGH] = high;
    record[Descriptor.LENGTH] = length;
    record[Descriptor.OPTIONS] = options;
    this.receive.producer = (this.receive.producer + 1) | 0;
  }

  /** An address into the completion ring. */
  complete(low: number, high = 0): void {
    const record = this.completion.record(this.completion.producer);
    record[0] = low;
    record[1] = high;
    this.completion.producer = (this.completion.producer + 1) | 0;
  }

  /** Sends everything, as a kick of the real kernel in copy mode does. */
  sendAll(): number {
    for (let index = this.transmit.consumer; index !== this.transmit.producer; index = (index + 1) | 0) {
      this.complete(this.transmit.record(index)[Descriptor.LOW]!);
    }
    this.transmit.consumer = this.transmit.producer;
    return 0;
  }

  /** The address of a frame's data, where the kernel puts it. */
  addressOf(frame: number, offset = 258): number {
    return frame * this.memory.layout.frameSize + offset;
  }
}
