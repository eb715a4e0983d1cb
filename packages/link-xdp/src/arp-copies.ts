import type { Packet, PacketPool } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import { ethernet } from '@prism-net/wire';
import { type NativePacketListener, xdpAddon } from './addon.js';
import type { XdpStatistics } from './xdp-statistics.js';

/** The frame starts two bytes behind a 4-byte boundary, so that the header behind it is aligned. */
const ALIGNMENT = 2;

/**
 * Where the kernel and Prism have one address, ARP goes to the kernel, which must answer it and learn from it; this
 * hears a copy, so that Prism's neighbours stay known here too.
 */
export class ArpCopies {
  readonly #listener: NativePacketListener;
  readonly #pool: PacketPool;
  #statistics: LinkStatistics | null = null;
  #details: XdpStatistics | null = null;

  /** @throws SystemError EPERM. */
  constructor(interfaceIndex: number, pool: PacketPool) {
    this.#pool = pool;
    this.#listener = new (xdpAddon().PacketListener)(interfaceIndex, ethernet.EtherType.ARP, pool.memory.words);
  }

  get descriptor(): number {
    return this.#listener.descriptor;
  }

  /** Where to count. */
  countIn(statistics: LinkStatistics, details: XdpStatistics): void {
    this.#statistics = statistics;
    this.#details = details;
  }

  /** Adds copies behind the `received` packets of a burst; returns how many packets are in it now. */
  receive(burst: Packet[], received: number, maximum: number): number {
    let count = received;
    while (count < maximum) {
      const packet = this.#pool.take();
      if (packet === null) break;
      packet.offset = (packet.offset + ALIGNMENT) | 0;
      this.#details?.countReceiveCall();
      const length = this.#listener.receive(packet.offset, packet.tailroom);
      if (length <= 0) {
        packet.release();
        break;
      }
      packet.length = length;
      burst[count] = packet;
      count = (count + 1) | 0;
      this.#details?.countHeard();
      this.#statistics?.countReceived(1, length);
    }
    return count;
  }

  close(): void {
    this.#listener.close();
  }
}
