import { type Connection, State } from '@prism-net/tcp';
import { seq } from '@prism-net/wire';
import type { SimulatedHost } from '../simulated-host.js';
import type { StreamContent } from '../streams/content.js';

/** One end of a connection, seen by whoever attacks it, who knows everything about both ends. */
export class Target {
  readonly host: SimulatedHost;
  readonly peer: SimulatedHost;
  readonly connection: Connection;
  /** The same connection at the peer. */
  readonly other: Connection;
  /** What the peer sends. */
  readonly content: StreamContent;
  readonly address: number;
  readonly port: number;
  readonly peerAddress: number;
  readonly peerPort: number;
  /** The greatest timestamp that the peer has sent and that has passed by. */
  latestTimestamp: number;

  constructor(
    host: SimulatedHost,
    peer: SimulatedHost,
    connection: Connection,
    other: Connection,
    content: StreamContent,
  ) {
    const path = connection.wake().path!;
    this.host = host;
    this.peer = peer;
    this.connection = connection;
    this.other = other;
    this.content = content;
    this.address = path.localD;
    this.port = path.localPort;
    this.peerAddress = path.remoteD;
    this.peerPort = path.remotePort;
    this.latestTimestamp = connection.wake().timestampRecent;
  }

  /** Both ends know each other, and neither has ended. */
  get isAlive(): boolean {
    return this.connection.state >= State.ESTABLISHED && this.other.state >= State.ESTABLISHED;
  }

  /** The position in the peer's stream of a sequence number of its text, modulo 2^32. */
  positionOf(sequence: number): number {
    return (sequence - this.connection.wake().initialReceiveSequence - 1) >>> 0;
  }

  /** The sequence number behind the text that the peer has sent for sure. */
  get sentEnd(): number {
    const { other, connection } = this;
    if (other.state < State.ESTABLISHED) return connection.wake().receiveNext;
    return seq.minimum(other.wake().recovery.next, other.wake().sendBuffer.end);
  }

  /** A timestamp of the peer has passed by. */
  observe(timestamp: number): void {
    if (seq.isGreater(timestamp, this.latestTimestamp)) this.latestTimestamp = timestamp;
  }

  isOf(address: number, port: number, peerAddress: number, peerPort: number): boolean {
    return (
      this.port === port && this.peerPort === peerPort && this.address === address && this.peerAddress === peerAddress
    );
  }
}

/** What only segments change of a connection, and neither time nor the application. */
export class ConnectionSnapshot {
  #fields: readonly number[] = [];

  take(connection: Connection): void {
    this.#fields = fieldsOf(connection);
  }

  /** What has changed since; empty when nothing has. */
  difference(connection: Connection): string {
    const before = this.#fields;
    // When packets run low, what came ahead of a gap may be given up at any time.
    const isSame = (now: number, i: number): boolean => now === before[i] || (i === BYTES_AHEAD && now < before[i]!);
    const changes = fieldsOf(connection).map((now, i) => (isSame(now, i) ? '' : `${FIELDS[i]} ${before[i]} → ${now}`));
    return changes.filter((change) => change !== '').join(', ');
  }
}

const FIELDS = [
  'CLOSED',
  'RCV.NXT',
  'SND.UNA',
  'SND.WND',
  'largest SND.WND',
  'SND.WL1',
  'SND.WL2',
  'TS.Recent',
  'bytes ahead',
  'early FIN',
  'end of stream',
  'FIN acknowledged',
  'error',
  'soft error',
  'path MTU',
  'maximum segment size',
] as const;
const BYTES_AHEAD = FIELDS.indexOf('bytes ahead');

function fieldsOf(connection: Connection): number[] {
  const { recovery, reassembly, path } = connection.wake();
  // What another connection has learnt about the way.
  path!.network.refresh(path!);
  return [
    connection.state === State.CLOSED ? 1 : 0,
    connection.wake().receiveNext,
    recovery.unacknowledged,
    connection.wake().sendWindow,
    connection.wake().maximumSendWindow,
    connection.wake().windowUpdateSequence,
    connection.wake().windowUpdateAcknowledgement,
    connection.wake().timestampRecent,
    reassembly.bytes,
    connection.wake().hasEarlyFin ? 1 : 0,
    connection.isFinReceived ? 1 : 0,
    connection.wake().isFinAcknowledged ? 1 : 0,
    connection.error,
    connection.softError,
    path!.mtu,
    connection.wake().peerSegmentSize,
  ];
}
