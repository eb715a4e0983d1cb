import { type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import type { Clock } from '@prism-net/time';
import { ethernet } from '@prism-net/wire';
import { takeExclusive } from './exclusive-packet.js';
import type { Link, LinkCapabilities } from './link.js';
import { FRAME_OVERHEAD, localMacAddress } from './link-options.js';
import { LinkStatistics } from './link-statistics.js';
import { PacketRing } from './packet-ring.js';
import type { MacTable } from './switch-mac-table.js';
import { SwitchEvent, type SwitchStatistics } from './switch-statistics.js';
import { type Schedule, Wakeup } from './wakeup.js';
import { enterWire } from './wire-metadata.js';

/** What the ports of a switch share. */
export interface SwitchFabric {
  readonly pool: PacketPool;
  readonly table: MacTable;
  readonly clock: Clock | undefined;
  readonly statistics: SwitchStatistics;
  readonly ports: readonly SwitchPort[];
}

/** A port of a switch, seen from the stack that is plugged in. What it transmits is switched at once. */
export class SwitchPort implements Link {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();

  readonly #fabric: SwitchFabric;
  readonly #number: number;
  readonly #maximumFrame: number;
  /** On the way from the switch to the stack. */
  readonly #egress: PacketRing;
  readonly #wakeup: Wakeup;
  #closed = false;

  constructor(
    fabric: SwitchFabric,
    options: { readonly number: number; readonly mtu: number; readonly capacity: number; readonly schedule: Schedule },
  ) {
    this.#fabric = fabric;
    this.#number = options.number;
    this.#maximumFrame = options.mtu + FRAME_OVERHEAD;
    this.#egress = new PacketRing(options.capacity);
    this.#wakeup = new Wakeup(this, options.schedule);
    this.name = `port${options.number}`;
    this.capabilities = {
      mtu: options.mtu,
      macAddress: localMacAddress(0x100 + options.number),
      mode: 'in-process',
      loopback: false,
      receiveChecksum: false,
      transmitChecksum: false,
      segmentation: 0,
      maximumSegments: 65_535,
      timestamps: TimestampSource.NONE,
      queues: 1,
    };
  }

  receive(burst: Packet[], maximum: number): number {
    return this.#egress.receive(burst, maximum, this.statistics);
  }

  /** Takes all: a frame for a port that is full is lost. */
  transmit(burst: Packet[], from: number, count: number): number {
    const { clock } = this.#fabric;
    const now = clock === undefined ? 0 : clock.now();
    let bytes = 0;
    let sent = 0;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const length = this.#switch(burst[(from + i) | 0]!, now);
      if (length === 0) continue;
      sent = (sent + 1) | 0;
      bytes = (bytes + length) | 0;
    }
    if (sent !== 0) this.statistics.countTransmitted(sent, bytes);
    return count;
  }

  arm(wake: () => void): boolean {
    return this.#closed || this.#wakeup.arm(wake);
  }

  isReady(): boolean {
    return this.#egress.length > 0;
  }

  nextReceive(): number {
    return this.#egress.length > 0 ? 0 : -1;
  }

  close(): void {
    this.#closed = true;
    this.#wakeup.disarm();
    this.#egress.clear();
  }

  /** Sends one packet on its way; returns its length, 0 when it did not even get into the switch. */
  #switch(packet: Packet, now: number): number {
    const { statistics, table, ports } = this.#fabric;
    const length = packet.totalLength;
    if (this.#closed) {
      this.#drop(packet, SwitchEvent.DROPPED_CLOSED);
      return 0;
    }
    if (packet.length < ethernet.HEADER_LENGTH || length > this.#maximumFrame) {
      this.#drop(packet, SwitchEvent.DROPPED_LENGTH);
      return 0;
    }
    const exclusive = takeExclusive(packet);
    if (exclusive === null) {
      statistics.count(SwitchEvent.DROPPED_NO_FRAME);
      this.statistics.countDropped(1);
      return 0;
    }
    enterWire(exclusive, 0, false, false);
    const { view, offset } = exclusive;
    const sourceHigh = ethernet.sourceHigh(view, offset);
    // A group address cannot be a source (IEEE 802 §8.2.2): not learned.
    if (!ethernet.isMulticast(sourceHigh)) {
      table.learn(sourceHigh, ethernet.sourceLow(view, offset), this.#number, now, statistics);
    }
    const high = ethernet.destinationHigh(view, offset);
    const port = ethernet.isMulticast(high) ? -1 : table.find(high, ethernet.destinationLow(view, offset), now);
    if (port < 0) this.#flood(exclusive);
    else if (port === this.#number) this.#drop(exclusive, SwitchEvent.DROPPED_LOCAL);
    else if (ports[port]!.#deliver(exclusive)) statistics.count(SwitchEvent.FORWARDED);
    return length;
  }

  /** To every other open port: copies, and the packet itself to the last. */
  #flood(packet: Packet): void {
    const { statistics, ports, pool } = this.#fabric;
    let last: SwitchPort | null = null;
    for (let number = 0; number < ports.length; number = (number + 1) | 0) {
      const port = ports[number]!;
      if (port === this || port.#closed) continue;
      if (last?.hasRoom()) {
        const copy = packet.copyTo(pool);
        if (copy === null) last.#lose(SwitchEvent.DROPPED_NO_FRAME);
        else last.#deliver(copy);
      }
      last = port;
    }
    if (last === null) {
      this.#drop(packet, SwitchEvent.DROPPED_CLOSED);
      return;
    }
    last.#deliver(packet);
    statistics.count(SwitchEvent.FLOODED);
  }

  /** Asked before a copy is made; counts the loss if there is none. */
  hasRoom(): boolean {
    if (this.#egress.room > 0) return true;
    this.#lose(SwitchEvent.DROPPED_FULL);
    return false;
  }

  /** Takes the packet; false when this port could not. */
  #deliver(packet: Packet): boolean {
    if (this.#closed) {
      this.#drop(packet, SwitchEvent.DROPPED_CLOSED);
      return false;
    }
    if (this.#egress.room <= 0) {
      this.#drop(packet, SwitchEvent.DROPPED_FULL);
      return false;
    }
    this.#egress.push(packet);
    this.#wakeup.notify();
    return true;
  }

  #drop(packet: Packet, cause: SwitchEvent): void {
    packet.release();
    this.#lose(cause);
  }

  /** Counted by cause for the switch, and as dropped by the port that lost it. */
  #lose(cause: SwitchEvent): void {
    this.#fabric.statistics.count(cause);
    this.statistics.countDropped(1);
  }
}
