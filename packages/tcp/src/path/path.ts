import { Ipv4Route } from '@prism-net/ipv4';
import type { IpAddress } from '@prism-net/wire';
import { Addresses } from '../segment.js';
import type { Network } from './network.js';

/** The way between two endpoints: both addresses and ports, and what the network layer knows of the way. */
export class Path extends Addresses {
  network: Network;
  /** Largest IP datagram in bytes; 0 until resolved. */
  mtu = 0;
  /** What the interface takes, however narrow the way behind it; 0 until resolved. */
  interfaceMtu = 0;
  /** The sum of the pseudo-header without the length of the segment. */
  pseudoHeader = 0;
  /** Whoever sends the frame completes the checksum: TCP leaves it PARTIAL. */
  completesChecksum = false;
  /** Whoever sends the frame takes virtual segments of any length as they are. */
  takesVirtualSegments = false;
  /** Whoever sends the frame only reads it: it may show the frames of the send buffer. */
  sendsViews = false;
  /** The network layer's own notes; the one of its family is used. */
  readonly ipv4Route = new Ipv4Route();

  constructor(network: Network) {
    super();
    this.network = network;
  }

  /** As new, for another connection. */
  restart(network: Network): void {
    this.network = network;
    this.clear();
    this.mtu = 0;
    this.interfaceMtu = 0;
    this.pseudoHeader = 0;
    this.completesChecksum = false;
    this.takesVirtualSegments = false;
    this.sendsViews = false;
    this.ipv4Route.interface = null;
    this.ipv4Route.generation = -1;
  }

  setLocal(address: IpAddress): void {
    this.localA = address.a;
    this.localB = address.b;
    this.localC = address.c;
    this.localD = address.d;
  }

  setRemote(address: IpAddress): void {
    this.remoteA = address.a;
    this.remoteB = address.b;
    this.remoteC = address.c;
    this.remoteD = address.d;
  }
}
