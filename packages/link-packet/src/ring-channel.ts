import type { Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import type { NativePacketSocket } from './addon.js';
import type { Channel } from './channel.js';
import type { PacketLinkCounters } from './link-counters.js';
import type { Offload } from './offload.js';
import type { RingLayout } from './ring-layout.js';
import { RingReceiver } from './ring-receiver.js';
import { RingTransmitter } from './ring-transmitter.js';

/** Where the rings are in the packet memory: first the receive ring, behind it the transmit ring. */
export interface RingPlacement {
  readonly offset: number;
  readonly receive: RingLayout;
  readonly transmit: RingLayout;
}

/**
 * Rings shared with the kernel. Packets are copied between slots and frames of the pool, once each way: a slot that the
 * application kept would stop the ring at its turn, and what TCP sends may be needed again.
 */
export class RingChannel implements Channel {
  readonly #memory: PacketMemory;
  readonly #placement: RingPlacement;
  readonly #receiver: RingReceiver;
  readonly #transmitter: RingTransmitter;

  constructor(
    socket: NativePacketSocket,
    placement: RingPlacement,
    pool: PacketPool,
    offload: Offload,
    statistics: LinkStatistics,
    counters: PacketLinkCounters,
  ) {
    const { offset, receive, transmit } = placement;
    this.#memory = pool.memory;
    this.#placement = placement;
    this.#receiver = new RingReceiver(pool, receive.offsets(offset), receive.slotBytes, statistics, counters);
    const behind = transmit.offsets(offset + receive.bytes);
    this.#transmitter = new RingTransmitter(
      socket,
      pool.memory,
      behind,
      transmit.slotBytes,
      offload,
      statistics,
      counters,
    );
  }

  get isStarved(): boolean {
    return this.#receiver.isStarved;
  }

  get refusal(): number {
    return this.#transmitter.refusal;
  }

  receive(burst: Packet[], maximum: number): number {
    this.#transmitter.sendWaiting();
    return this.#receiver.receive(burst, maximum);
  }

  transmit(burst: Packet[], from: number, count: number): number {
    return this.#transmitter.transmit(burst, from, count);
  }

  hasPackets(): boolean {
    return this.#receiver.hasPackets();
  }

  close(): void {
    this.#receiver.close();
    const { offset, receive, transmit } = this.#placement;
    this.#memory.releaseKernelRings(offset, receive.bytes + transmit.bytes);
  }
}
