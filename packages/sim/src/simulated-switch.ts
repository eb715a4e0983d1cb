import type { Packet, PacketPool } from '@prism-net/buffers';
import { createSwitch, type Link, type Switch } from '@prism-net/link';
import type { Line } from './line.js';
import type { Jack } from './port.js';
import type { VirtualClock } from './virtual-clock.js';

export interface SimulatedSwitchOptions {
  /** Default 8. */
  readonly ports?: number;
  /** Default 1,500. */
  readonly mtu?: number;
}

const BURST = 64;

/** A port of a switch: what arrives is switched at once, and what leaves is put on the lines of the other ports. */
class SwitchJack implements Jack {
  readonly name: string;
  line: Line | null = null;
  readonly #link: Link;
  readonly #owner: SimulatedSwitch;
  readonly #burst: Packet[] = [];

  constructor(owner: SimulatedSwitch, link: Link) {
    this.name = `${owner.name}.${link.name}`;
    this.#owner = owner;
    this.#link = link;
  }

  arrive(packet: Packet): boolean {
    this.#burst[0] = packet;
    this.#link.transmit(this.#burst, 0, 1);
    for (const jack of this.#owner.jacks) jack.#sendOn();
    return true;
  }

  #sendOn(): void {
    const burst = this.#burst;
    for (let count = this.#link.receive(burst, BURST); count > 0; count = this.#link.receive(burst, BURST)) {
      for (let i = 0; i < count; i = (i + 1) | 0) {
        if (this.line === null) burst[i]!.release();
        else this.line.send(burst[i]!);
      }
    }
  }
}

/** A learning Ethernet switch that takes no time. */
export class SimulatedSwitch {
  readonly name: string;
  readonly jacks: readonly SwitchJack[];
  readonly #switch: Switch;

  constructor(name: string, pool: PacketPool, clock: VirtualClock, options: SimulatedSwitchOptions) {
    this.name = name;
    const { ports = 8, mtu = 1500 } = options;
    this.#switch = createSwitch({ ports, mtu, pool, clock });
    this.jacks = this.#switch.ports.map((link) => new SwitchJack(this, link));
  }

  get statistics(): Switch['statistics'] {
    return this.#switch.statistics;
  }

  close(): void {
    for (const link of this.#switch.ports) link.close();
  }
}
