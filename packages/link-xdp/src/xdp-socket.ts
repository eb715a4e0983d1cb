import { getSystemErrorName } from 'node:util';
import type { PacketMemory } from '@prism-net/buffers';
import { isSystemError } from '@prism-net/linux';
import { type NativeXdpSocket, Ring, xdpAddon } from './addon.js';
import { ConsumerRing, ProducerRing, type RingPlace } from './kernel-ring.js';
import { addToUmem, joinUmem, leaveUmem, type Umem } from './umem.js';
import { unavailable } from './xdp-error.js';
import type { RingSizes } from './xdp-options.js';
import type { XdpShare } from './xdp-share.js';

const SOL_XDP = 283;
const XDP_RING_OPTIONS = { receive: 2, transmit: 3, fill: 5, completion: 6 } as const;
const XDP_MAX_TX_SKB_BUDGET = 9;
const BIND = { SHARED_UMEM: 1, COPY: 2, ZERO_COPY: 4, NEED_WAKEUP: 8, SCATTER_GATHER: 16 } as const;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_BUSY_POLL = 46;
const SO_PREFER_BUSY_POLL = 69;
const SO_BUSY_POLL_BUDGET = 70;
/** Bytes of packets on their way through the kernel: some hundred of the largest. */
const SEND_BUFFER = 4 * 1024 * 1024;
/** The kernel lets go of a queue a while after its socket was closed. */
const BUSY_MILLISECONDS = 500;
const BUSY_STEP_MILLISECONDS = 10;
const EBUSY = -16;
const EINVAL = -22;
/** Node.js calls this number ENOTSUP. */
const EOPNOTSUPP = -95;
const PAGE = 4096;

/** log2 of the words of a record: a descriptor of 16 bytes, an address of 8. */
const DESCRIPTOR_SHIFT = 2;
const ADDRESS_SHIFT = 1;

export interface XdpSocketOptions {
  readonly link: string;
  readonly memory: PacketMemory;
  readonly rings: RingSizes;
  readonly busyPoll: { readonly microseconds?: number; readonly budget?: number } | undefined;
  /** A UMEM that another thread has registered, and pages it has set aside for the rings. */
  readonly share?: Pick<XdpShare, 'ringOffset' | 'umemDescriptor' | 'metadataLength' | 'hasChains'> | undefined;
}

export interface BindOptions {
  readonly interfaceIndex: number;
  readonly interfaceName: string;
  readonly queue: number;
  readonly queues: number;
  readonly mode: 'auto' | 'zero-copy' | 'copy';
}

/** A socket with its four rings in the packet memory. */
export class XdpSocket {
  readonly native: NativeXdpSocket;
  readonly umem: Umem;
  readonly receive: ConsumerRing;
  readonly transmit: ProducerRing;
  readonly fill: ProducerRing;
  readonly completion: ConsumerRing;
  /** Packets may have several frames, both ways. */
  hasChains = false;

  readonly #link: string;
  readonly #memory: PacketMemory;
  readonly #busyPoll: XdpSocketOptions['busyPoll'];
  readonly #sharedWith: number;
  readonly #transmitSize: number;
  readonly #pages: { offset: number; bytes: number }[] = [];
  /** Where the next ring goes, in pages that another thread has set aside; -1: each ring sets its own aside. */
  #nextRing: number;

  /** @throws LinkUnavailableError */
  constructor({ link, memory, rings, busyPoll, share }: XdpSocketOptions) {
    this.#nextRing = share?.ringOffset ?? -1;
    this.#link = link;
    this.#memory = memory;
    this.#busyPoll = busyPoll;
    this.#transmitSize = rings.transmit;
    this.native = openNative(link, memory);
    try {
      const joined = share === undefined ? joinUmem(this.native, memory) : joinShared(share);
      if (typeof joined === 'number') this.#refuse(joined, 'registering the packet memory');
      this.umem = joined.umem;
      this.#sharedWith = joined.sharedWith;
      for (const name of ['receive', 'transmit', 'fill', 'completion'] as const) {
        this.#check(this.native.setOption(SOL_XDP, XDP_RING_OPTIONS[name], rings[name]), `making the ${name} ring`);
      }
      const { words } = memory;
      this.receive = new ConsumerRing(
        words,
        this.#map(Ring.RECEIVE, rings.receive, DESCRIPTOR_SHIFT),
        DESCRIPTOR_SHIFT,
      );
      this.transmit = new ProducerRing(
        words,
        this.#map(Ring.TRANSMIT, rings.transmit, DESCRIPTOR_SHIFT),
        DESCRIPTOR_SHIFT,
      );
      this.fill = new ProducerRing(words, this.#map(Ring.FILL, rings.fill, ADDRESS_SHIFT), ADDRESS_SHIFT);
      this.completion = new ConsumerRing(
        words,
        this.#map(Ring.COMPLETION, rings.completion, ADDRESS_SHIFT),
        ADDRESS_SHIFT,
      );
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** @throws LinkUnavailableError EBUSY when the queue has a socket, EINVAL when it does not exist, EOPNOTSUPP … */
  bind(options: BindOptions): void {
    const { interfaceName, queue, queues } = options;
    const place = `queue ${queue} of ${interfaceName}`;
    const result = this.#bindPatiently(options);
    if (result < 0) {
      this.#refuse(result, `binding to ${place}`, {
        EBUSY: [`${place} has an AF_XDP socket already`, `close it, or take another of the ${queues} queues`],
        EINVAL: [
          `the kernel does not bind to ${place} (the interface has ${queues})`,
          `'ethtool -L ${interfaceName}' shows and changes the number of queues`,
        ],
        EOPNOTSUPP: [
          `the driver of ${interfaceName} has no zero-copy`,
          "bind: 'auto' or 'copy' works with every driver",
        ],
        ENODEV: [`there is no interface ${interfaceName}`, "'ip link' lists the interfaces"],
        ENETDOWN: [`${interfaceName} is down`, `'ip link set ${interfaceName} up'`],
      });
    }
    addToUmem(this.umem, this.#memory, this.native);
    // Both may be refused: the one by old kernels, the other without CAP_NET_ADMIN.
    this.native.setOption(SOL_XDP, XDP_MAX_TX_SKB_BUDGET, this.#transmitSize);
    this.native.setOption(SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER);
    if (this.#busyPoll === undefined) return;
    const { microseconds = 20, budget = 64 } = this.#busyPoll;
    this.#check(this.native.setOption(SOL_SOCKET, SO_PREFER_BUSY_POLL, 1), 'SO_PREFER_BUSY_POLL');
    this.#check(this.native.setOption(SOL_SOCKET, SO_BUSY_POLL, microseconds), 'SO_BUSY_POLL');
    this.#check(this.native.setOption(SOL_SOCKET, SO_BUSY_POLL_BUDGET, budget), 'SO_BUSY_POLL_BUDGET');
  }

  /** Gives pages and descriptor back; the kernel touches no frame afterwards. */
  close(): void {
    leaveUmem(this.umem, this.#memory, this.native);
    const isZeroCopy = this.native.isZeroCopy();
    this.#release();
    // The driver lets go of the frames it receives into a moment later.
    if (isZeroCopy) pause(5 * BUSY_STEP_MILLISECONDS);
  }

  #release(): void {
    this.native.close();
    for (const { offset, bytes } of this.#pages) this.#memory.releaseKernelRings(offset, bytes);
    this.#pages.length = 0;
  }

  #map(ring: Ring, size: number, shift: number): RingPlace {
    const offsets = this.native.ringOffsets();
    const [producer, consumer, records, flags] = offsets.slice(4 * ring, 4 * ring + 4) as [
      number,
      number,
      number,
      number,
    ];
    const bytes = records + (size << (shift + 2));
    const offset = this.#placeRing(bytes);
    this.#check(this.native.mapRing(ring, offset, bytes), 'mapping a ring');
    return {
      producer: offset + producer,
      consumer: offset + consumer,
      flags: offset + flags,
      records: offset + records,
      size,
    };
  }

  #placeRing(bytes: number): number {
    if (this.#nextRing >= 0) {
      const offset = this.#nextRing;
      this.#nextRing += Math.ceil(bytes / PAGE) * PAGE;
      return offset;
    }
    const offset = this.#memory.reserveKernelRings(bytes);
    this.#pages.push({ offset, bytes });
    return offset;
  }

  #bindPatiently(options: BindOptions): number {
    for (let waited = 0; ; waited += BUSY_STEP_MILLISECONDS) {
      const result = this.#bind(options);
      if (result !== EBUSY || waited >= BUSY_MILLISECONDS) return result;
      pause(BUSY_STEP_MILLISECONDS);
    }
  }

  #bind({ interfaceIndex, queue, mode }: BindOptions): number {
    if (this.#sharedWith >= 0) {
      // Everything else was settled when the UMEM was first bound.
      this.hasChains = this.umem.hasChains;
      return this.native.bind(interfaceIndex, queue, BIND.SHARED_UMEM, this.#sharedWith);
    }
    const flags = BIND.NEED_WAKEUP | (mode === 'copy' ? BIND.COPY : mode === 'zero-copy' ? BIND.ZERO_COPY : 0);
    this.hasChains = true;
    let result = this.native.bind(interfaceIndex, queue, flags | BIND.SCATTER_GATHER, 0);
    if (result === EINVAL) {
      // Before Linux 6.6, or a queue that does not exist.
      this.hasChains = false;
      result = this.native.bind(interfaceIndex, queue, flags, 0);
    }
    this.umem.hasChains = this.hasChains;
    return result;
  }

  #check(result: number, step: string): void {
    if (result < 0) this.#refuse(result, step);
  }

  #refuse(errno: number, step: string, reasons = {}): never {
    unavailable(errno === EOPNOTSUPP ? 'EOPNOTSUPP' : getSystemErrorName(errno), this.#link, step, reasons);
  }
}

function joinShared({ umemDescriptor, metadataLength, hasChains }: NonNullable<XdpSocketOptions['share']>) {
  const umem: Umem = { metadataLength, hasChains, sockets: new Set() };
  return { umem, sharedWith: umemDescriptor };
}

function openNative(link: string, memory: PacketMemory): NativeXdpSocket {
  const { XdpSocket: Native } = xdpAddon();
  try {
    return new Native(memory.words);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    unavailable(error.code, link, 'opening a socket', {}, error);
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
