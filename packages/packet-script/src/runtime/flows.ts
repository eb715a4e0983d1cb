import { tcp } from '@prism-net/wire';
import type { PacketAction, TcpTransport } from '../language/syntax.js';
import { type Endpoint, Flow } from '../packet/flow.js';
import { flagBits } from '../packet/frame-encoder.js';
import type { ObservedPacket } from '../packet/observed-packet.js';
import { Difference } from '../values/unsupported.js';
import type { Configuration } from './configuration.js';

const { ACK, SYN } = tcp.Flag;
/** Where the ports of peers that connect to the host begin. */
const FIRST_PEER_PORT = 49_152;

/**
 * Which conversation a packet of the script belongs to. As in packetdrill that is the one of the socket made last, or of
 * the connection that the peer opened last; packets that name their ports have a conversation of their own.
 */
export class Flows {
  /** The socket or connection under test; null until there is one. */
  current: Flow | null = null;
  readonly #all: Flow[] = [];
  readonly #configuration: Configuration;
  #nextPeerPort = FIRST_PEER_PORT;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  /** Of a new socket, which is under test from now on. */
  open(protocol: 'tcp' | 'udp'): Flow {
    const flow = new Flow(protocol);
    flow.local.address = this.#configuration.local.address;
    this.#all.push(flow);
    this.current = flow;
    return flow;
  }

  /** The conversation with this peer. */
  find(local: Endpoint, remote: Endpoint): Flow | undefined {
    return this.#all.findLast(
      (flow) => isSame(flow.remote, remote) && flow.local.port === local.port && flow.local.address === local.address,
    );
  }

  /** Where an injected packet belongs; notes what it does to the state of the handshake. */
  forInbound(packet: PacketAction): Flow {
    const { transport } = packet;
    if (transport.protocol === 'icmp') return this.#required();
    if (transport.protocol !== 'tcp') return this.#forDatagram();
    const flow = this.#forSegment(transport);
    const flags = flagBits(transport);
    if ((flags & SYN) !== 0) flow.lastSyn = transport.sequence.start | 0;
    if (flow.state === 'syn-ack-sent' && (flags & ACK) !== 0) flow.state = 'established';
    if (flow.state === 'syn-sent' && (flags & SYN) !== 0) {
      flow.remoteStart = transport.sequence.start | 0;
      if ((flags & ACK) !== 0) flow.state = 'established';
    }
    return flow;
  }

  /** Where an expected packet belongs. */
  forOutbound(packet: PacketAction): Flow {
    const { transport } = packet;
    if (transport.protocol === 'tcp' && transport.ports !== null) {
      const { source, destination } = transport.ports;
      const address = this.#configuration.local.address;
      const remote = { address: this.#configuration.remote, port: destination };
      const flow = this.find({ address, port: source }, remote);
      if (flow !== undefined) return flow;
    }
    const flow = this.#required();
    if (transport.protocol !== 'tcp') return flow;
    const flags = flagBits(transport) & (SYN | ACK);
    if (flow.state === 'connecting' && flags === SYN) flow.state = 'syn-sent';
    if ((flags & SYN) !== 0) flow.scriptLocalStart = transport.sequence.start | 0;
    return flow;
  }

  /** Whether a packet of the host belongs to the flow. */
  matches(flow: Flow, { source, destination, content }: ObservedPacket): boolean {
    if (destination !== flow.remote.address) return false;
    if (content.protocol === 'icmp') return true;
    if (content.protocol !== flow.protocol || content.destination !== flow.remote.port) return false;
    if (flow.local.port !== 0) return content.source === flow.local.port && source === flow.local.address;
    // The port of an active open is the host's to choose.
    return content.protocol === 'udp' || (content.flags & (SYN | ACK)) === SYN;
  }

  /** Learns from a packet that belongs to the flow what only the host can know. */
  learn(flow: Flow, { source, content }: ObservedPacket): void {
    if (content.protocol === 'icmp' || content.protocol === 'other') return;
    flow.local.address = source;
    flow.local.port = content.source;
    if (content.protocol !== 'tcp' || (content.flags & SYN) === 0) return;
    flow.liveLocalStart = content.sequence;
    if ((content.flags & ACK) === 0) return;
    // The answer to a SYN: from now on numbers count from it, also where an old connection was under the same ports.
    if (flow.lastSyn !== null) flow.remoteStart = flow.lastSyn;
    if (flow.state === 'syn-received') flow.state = 'syn-ack-sent';
  }

  #forSegment(transport: TcpTransport): Flow {
    const { current } = this;
    if (transport.ports !== null) return this.#forPorts(transport);
    if (current === null || current.state === 'listening') return this.#newPeer(transport, this.#portOf(current));
    if (current.remote.port === 0) {
      // Nobody talks to this socket yet: the packet comes out of the blue.
      current.remote.address = this.#configuration.remote;
      current.remote.port = this.#nextPeerPort++;
      current.local.port ||= this.#configuration.bindPort;
      this.#startPassive(current, transport);
    } else if (current.state === 'new' || current.state === 'syn-received') this.#startPassive(current, transport);
    return current;
  }

  #portOf(flow: Flow | null): number {
    return flow === null || flow.local.port === 0 ? this.#configuration.bindPort : flow.local.port;
  }

  #forPorts(transport: TcpTransport): Flow {
    const { source, destination } = transport.ports!;
    const remote = { address: this.#configuration.remote, port: source };
    const known = this.find({ address: this.#configuration.local.address, port: destination }, remote);
    if (known !== undefined) return known;
    const flow = this.#newPeer(transport, destination);
    flow.remote.port = source;
    return flow;
  }

  #newPeer(transport: TcpTransport, port: number): Flow {
    const flow = this.open('tcp');
    flow.local.port = port;
    flow.remote.address = this.#configuration.remote;
    flow.remote.port = this.#nextPeerPort++;
    this.#startPassive(flow, transport);
    return flow;
  }

  #startPassive(flow: Flow, transport: TcpTransport): void {
    flow.state = 'syn-received';
    // A segment without SYN has nothing to count from: its numbers are those of the wire.
    if ((flagBits(transport) & SYN) !== 0) flow.remoteStart = transport.sequence.start | 0;
  }

  #forDatagram(): Flow {
    const flow = this.#required();
    flow.remote.address ||= this.#configuration.remote;
    flow.remote.port ||= this.#configuration.connectPort;
    flow.local.port ||= this.#configuration.bindPort;
    return flow;
  }

  #required(): Flow {
    if (this.current === null) throw new Difference('no socket and no connection this packet could belong to');
    return this.current;
  }
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}
