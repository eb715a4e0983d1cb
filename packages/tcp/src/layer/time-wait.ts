import type { Instant } from '@prism-net/time';
import { DropReason, tcp } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';
import { type FlowKey, TimeWaitTable } from '../opening/index.js';
import type { Network } from '../path/network.js';
import type { Addresses, Segment } from '../segment.js';
import type { TcpLayer } from './tcp-layer.js';

const { ACK, FIN, RST, SYN } = tcp.Flag;

/** Connections in TIME-WAIT: small records that answer for what was a connection (RFC 9293 §3.10.7.4; RFC 6191). */
export class TimeWait {
  readonly #layer: TcpLayer;
  readonly #table: TimeWaitTable;

  constructor(layer: TcpLayer) {
    const { timeWaitSize, timeWaitMilliseconds } = layer.settings;
    this.#layer = layer;
    this.#table = new TimeWaitTable(layer.random, {
      capacity: timeWaitSize,
      timeoutMilliseconds: timeWaitMilliseconds,
    });
  }

  get size(): number {
    return this.#table.size;
  }

  find(key: FlowKey): number {
    return this.#table.find(key);
  }

  add(block: ControlBlock, now: Instant): void {
    const table = this.#table;
    const path = block.path!;
    const slot = table.add(block.key, now);
    table.setAddresses(slot, path);
    table.setSendNext(slot, block.recovery.next);
    table.setReceiveNext(slot, block.receiveNext);
    table.setReceiveWindow(slot, Math.max(0, (block.receiveWindow.edge - block.receiveNext) | 0));
    table.setReceiveWindowScale(slot, block.receiveWindow.scale);
    table.setHasTimestamps(slot, block.hasTimestamps);
    table.setTimestampRecent(slot, block.timestampRecent);
    table.setTimestampOffset(slot, block.timestampOffset);
    table.setNetworkIndex(slot, path.network.index);
    table.setTrafficClass(slot, block.trafficClass);
    table.setTimeToLive(slot, block.timeToLive);
  }

  /** An active open may take the name of the connection. */
  isReusable(slot: number, now: Instant): boolean {
    return this.#table.isReusableForConnect(slot, now);
  }

  /** Ends the wait in favour of a successor, and returns its initial sequence number. */
  succeed(slot: number, proposed: number): number {
    const sequence = this.#table.successorSequence(slot, proposed);
    this.#table.remove(slot);
    return sequence;
  }

  /** The initial sequence number of a successor whose SYN has come; the wait goes on until its handshake is complete. */
  successor(slot: number, proposed: number): number {
    return this.#table.successorSequence(slot, proposed);
  }

  remove(slot: number): void {
    this.#table.remove(slot);
  }

  advance(now: Instant, maximum: number): number {
    return this.#table.expire(now, maximum);
  }

  nextDeadline(now: Instant): number {
    return this.#table.nextDeadline(now);
  }

  /** Takes a segment for a connection in TIME-WAIT; false when it is for none, or opens a new one. */
  segmentArrives(segment: Segment, network: Network, addresses: Addresses, key: FlowKey, now: Instant): boolean {
    const table = this.#table;
    if (table.size === 0) return false;
    const slot = table.find(key);
    if (slot < 0) return false;
    const layer = this.#layer;
    if (segment.has(RST)) {
      // RFC 9293 §3.6.1, MAY-2 (2): the peer knows nothing of a successor; its handshake ends, the wait goes on.
      if (layer.passiveOpen.expects(key, segment)) return false;
      // RFC 1337 §3 (F1): a reset does not end the wait.
      layer.drop(segment, DropReason.TCP_TIME_WAIT);
      return true;
    }
    const { options, sequence } = segment;
    if (segment.has(SYN) && !segment.has(ACK)) {
      if (table.isReusableBySyn(slot, sequence, options.hasTimestamps, options.timestampValue)) return false;
      this.#challenge(slot, network, addresses, now);
      layer.drop(segment, DropReason.TCP_TIME_WAIT);
      return true;
    }
    // The third segment of a successor's handshake, while the record stands behind the half-open connection.
    if (layer.passiveOpen.expects(key, segment)) return false;
    const isOld =
      table.hasTimestamps(slot) &&
      options.hasTimestamps &&
      ((options.timestampValue - table.timestampRecent(slot)) | 0) < 0;
    const next = table.receiveNext(slot);
    // "The only thing that can arrive in this state is a retransmission of the remote FIN": acknowledged, 2 MSL again.
    const isRepeated = ((sequence + segment.length + 1) | 0) === next;
    if (segment.has(FIN) && !isOld && isRepeated) {
      table.restart(slot, now);
      this.#acknowledge(slot, network, addresses, now);
    } else if (segment.sequenceLength > 0 || sequence !== next) {
      this.#challenge(slot, network, addresses, now);
    }
    layer.drop(segment, DropReason.TCP_TIME_WAIT);
    return true;
  }

  #challenge(slot: number, network: Network, addresses: Addresses, now: Instant): void {
    if (this.#table.allowChallenge(slot, now, this.#layer.random.nextInt32())) {
      this.#acknowledge(slot, network, addresses, now);
    }
  }

  #acknowledge(slot: number, network: Network, addresses: Addresses, now: Instant): void {
    const table = this.#table;
    const layer = this.#layer;
    layer.control.acknowledge(
      network,
      addresses,
      table.sendNext(slot),
      table.receiveNext(slot),
      Math.min(table.receiveWindow(slot) >>> table.receiveWindowScale(slot), 65_535),
      table.hasTimestamps(slot),
      (layer.milliseconds + table.timestampOffset(slot)) | 0,
      table.timestampRecent(slot),
      table.trafficClass(slot),
      table.timeToLive(slot),
      now,
    );
  }
}
