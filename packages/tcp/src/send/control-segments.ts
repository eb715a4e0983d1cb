import { PacketFlag, type PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { tcp, tcpOptions } from '@prism-net/wire';
import type { Network } from '../path/network.js';
import { Path } from '../path/path.js';
import type { Addresses, Segment } from '../segment.js';
import { type SynContents, writeSyn } from './handshake.js';
import { finish } from './segment-writer.js';

const { ACK, FIN, RST, SYN } = tcp.Flag;
const HEADER = tcp.MINIMUM_HEADER_LENGTH;
export const DEFAULT_TIME_TO_LIVE = 64;

/** Answers to segments that no connection is for: sent without any state. One path is kept, that of the last answer. */
export class ControlSegments {
  readonly #pool: PacketPool;
  /** By index of the network. */
  readonly #paths: Path[] = [];

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  addNetwork(network: Network): void {
    this.#paths[network.index] = new Path(network);
  }

  /** RST as RFC 9293 §3.10.7.1 has it. A segment with RST is never answered. */
  reset(network: Network, addresses: Addresses, segment: Segment, now: Instant): void {
    if (segment.has(RST)) return;
    if (segment.has(ACK)) {
      this.#send(network, addresses, segment.acknowledgement, 0, RST, 0, false, 0, 0, 0, DEFAULT_TIME_TO_LIVE, now);
      return;
    }
    let length = segment.length;
    if (segment.has(SYN)) length = (length + 1) | 0;
    if (segment.has(FIN)) length = (length + 1) | 0;
    const acknowledgement = (segment.sequence + length) | 0;
    this.#send(network, addresses, 0, acknowledgement, RST | ACK, 0, false, 0, 0, 0, DEFAULT_TIME_TO_LIVE, now);
  }

  /** A bare acknowledgement; with timestamps when there are any. */
  acknowledge(
    network: Network,
    addresses: Addresses,
    sequence: number,
    acknowledgement: number,
    window: number,
    hasTimestamps: boolean,
    timestampValue: number,
    timestampEcho: number,
    trafficClass: number,
    timeToLive: number,
    now: Instant,
  ): void {
    this.#send(
      network,
      addresses,
      sequence,
      acknowledgement,
      ACK,
      window,
      hasTimestamps,
      timestampValue,
      timestampEcho,
      trafficClass,
      timeToLive,
      now,
    );
  }

  /** A SYN with ACK, with the DSCP and the time to live of the listener. False when it could not be sent. */
  synAcknowledge(
    network: Network,
    addresses: Addresses,
    syn: SynContents,
    trafficClass: number,
    timeToLive: number,
    now: Instant,
  ): boolean {
    const path = this.#path(network, addresses);
    const packet = path === null ? null : this.#pool.take();
    if (path === null || packet === null) return false;
    writeSyn(packet, path, syn);
    packet.flags |= PacketFlag.PROVOKED;
    network.send(packet, path, trafficClass, timeToLive, now);
    return true;
  }

  /** The way back to where a segment came from; null when there is none. */
  pathTo(network: Network, addresses: Addresses): Path | null {
    return this.#path(network, addresses);
  }

  #send(
    network: Network,
    addresses: Addresses,
    sequence: number,
    acknowledgement: number,
    flags: number,
    window: number,
    hasTimestamps: boolean,
    timestampValue: number,
    timestampEcho: number,
    trafficClass: number,
    timeToLive: number,
    now: Instant,
  ): void {
    const path = this.#path(network, addresses);
    const packet = path === null ? null : this.#pool.take();
    if (path === null || packet === null) return;
    const length = hasTimestamps ? HEADER + tcpOptions.TIMESTAMPS_LENGTH : HEADER;
    const at = packet.push(length);
    const { localPort, remotePort } = addresses;
    tcp.write(packet.view, at, localPort, remotePort, sequence, acknowledgement, length, flags, window);
    if (hasTimestamps) tcpOptions.writeTimestamps(packet.view, at + HEADER, timestampValue, timestampEcho);
    finish(packet, path, at, length, 0, path.completesChecksum ? -1 : 0);
    packet.flags |= PacketFlag.PROVOKED;
    network.send(packet, path, trafficClass, timeToLive, now);
  }

  #path(network: Network, addresses: Addresses): Path | null {
    const path = this.#paths[network.index]!;
    const isSame =
      path.remoteD === addresses.remoteD &&
      path.remoteC === addresses.remoteC &&
      path.remoteB === addresses.remoteB &&
      path.remoteA === addresses.remoteA &&
      path.localD === addresses.localD &&
      path.localC === addresses.localC &&
      path.localB === addresses.localB &&
      path.localA === addresses.localA;
    path.copy(addresses);
    if (isSame && path.mtu !== 0) return network.refresh(path) ? path : null;
    if (network.resolve(path) === Errno.NONE) return path;
    path.mtu = 0;
    return null;
  }
}
