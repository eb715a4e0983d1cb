import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import type { IpAddress } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';
import { EphemeralPorts, FlowKey } from '../opening/index.js';
import type { Path } from '../path/path.js';
import { transmitSyn } from '../send/handshake.js';
import { State } from '../state.js';
import type { TcpLayer } from './tcp-layer.js';

/** OPEN by the user (RFC 9293 §3.10.1): local addresses and ports, and the first SYN. */
export class ActiveOpen {
  readonly #layer: TcpLayer;
  readonly #ports: EphemeralPorts;
  readonly #key = new FlowKey();

  constructor(layer: TcpLayer) {
    const { first, last } = layer.settings.ephemeralPorts;
    this.#layer = layer;
    this.#ports = new EphemeralPorts(layer.random, first, last);
  }

  /** For {@link Connection.bind}. */
  bind(block: ControlBlock, address: IpAddress | null, port: number): Errno {
    const { ports } = this.#layer;
    if (block.state !== State.CLOSED || block.boundPort !== 0 || block.path !== null) {
      return Errno.EINVAL;
    }
    // Nobody would give the port back.
    if (block.isOrphan) return Errno.EINVAL;
    if (address !== null && !address.isAny && !this.isLocal(address)) return Errno.EADDRNOTAVAIL;
    if (port !== 0) {
      const errno = ports.bind(block.connection, address, port, block.reuseAddress, block.reusePort, false);
      if (errno !== Errno.NONE) return errno;
    }
    block.boundAddress = address;
    block.boundPort = port;
    block.connection.localPort = port;
    return Errno.NONE;
  }

  /** For {@link Connection.connect}. */
  connect(block: ControlBlock, address: IpAddress, port: number, now: Instant): Errno {
    const layer = this.#layer;
    if (block.state !== State.CLOSED) return block.state === State.SYN_SENT ? Errno.EALREADY : Errno.EISCONN;
    if (block.isOrphan || block.path !== null) return Errno.EINVAL;
    if (port === 0 || address.isAny) return Errno.EINVAL;
    const network = layer.networks.find((each) => each.family === address.family);
    if (network === undefined) return Errno.EAFNOSUPPORT;
    const path = block.pathOn(network);
    path.setRemote(address);
    if (block.boundAddress !== null && !block.boundAddress.isAny) path.setLocal(block.boundAddress);
    // RFC 9293 §3.9.1.1, MUST-44: the network chooses the local address where the user did not, before anything is sent.
    const errno = network.resolve(path);
    if (errno !== Errno.NONE) return errno;
    path.remotePort = port;
    path.localPort = block.boundPort === 0 ? this.#portFor(path) : block.boundPort;
    if (path.localPort === 0) return Errno.EADDRNOTAVAIL;
    const { key } = block;
    network.keyOf(path, key);
    if (layer.table.find(key) !== null) return Errno.EADDRINUSE;
    const waiting = layer.timeWait.find(key);
    if (waiting >= 0 && !layer.timeWait.isReusable(waiting, now)) return Errno.EADDRINUSE;
    if (!layer.table.insert(block.connection, key)) return Errno.ENOBUFS;
    block.path = path;
    block.connection.settle(path);
    let sequence = layer.initialSequence.next(key, now);
    if (waiting >= 0) sequence = layer.timeWait.succeed(waiting, sequence);
    this.#start(block, sequence, now);
    return Errno.NONE;
  }

  /** A connection that had the port is gone. */
  giveBack(port: number): void {
    this.#ports.giveBack(port);
  }

  isLocal(address: IpAddress): boolean {
    return this.#layer.networks.some((network) => network.isLocalAddress(address));
  }

  /** A port that nobody holds, for a listener that does not care; 0 when there is none. */
  freePort(): number {
    const { ports, random, settings } = this.#layer;
    const { first, last } = settings.ephemeralPorts;
    const size = last - first + 1;
    const start = (random.nextInt32() >>> 0) % size;
    for (let i = 0; i < size; i++) {
      const port = first + ((start + i) % size);
      if (!ports.isHeld(port)) return port;
    }
    return 0;
  }

  /** SYN-SENT. */
  #start(block: ControlBlock, sequence: number, now: Instant): void {
    const { settings, timestampOffset } = this.#layer;
    const { recovery, receiveWindow } = block;
    block.state = State.SYN_SENT;
    block.initialSendSequence = sequence;
    block.hasTimestamps = settings.timestamps;
    block.timestampOffset = timestampOffset.of(block.key);
    block.hasSelectiveAcknowledgements = settings.selectiveAcknowledgements;
    block.hasScaling = settings.windowScaling;
    receiveWindow.scale = settings.windowScaling ? receiveWindow.offeredScale() : 0;
    block.hasEcn = block.ecn === 'active' || (block.ecn !== 'off' && block.recovery.preciseEcn);
    block.sendBuffer.begin((sequence + 1) | 0);
    recovery.start(sequence, now);
    recovery.onSent((sequence + 1) | 0, now);
    block.waitingSince = block.layer.milliseconds;
    transmitSyn(block, now);
    block.timers.update(now);
  }

  #portFor(path: Path): number {
    const layer = this.#layer;
    const key = this.#key;
    path.network.keyOf(path, key);
    return this.#ports.choose(key, path.remotePort, layer.now, (port) => {
      if (layer.ports.isHeld(port)) return false;
      path.localPort = port;
      path.network.keyOf(path, key);
      if (layer.table.find(key) !== null) return false;
      const waiting = layer.timeWait.find(key);
      return waiting < 0 || layer.timeWait.isReusable(waiting, layer.now);
    });
  }
}
