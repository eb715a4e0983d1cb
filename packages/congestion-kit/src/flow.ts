import { CongestionWindow } from '@prism-net/congestion';
import { Errno } from '@prism-net/errors';
import type { SimulatedHost, Simulation } from '@prism-net/sim';
import { type Connection, type ConnectionHandler, Listener, RecoveryPhase, type Segment } from '@prism-net/tcp';
import { IpAddress } from '@prism-net/wire';
import { WindowWatch } from './window-watch.js';

const CHUNK = new Uint8Array(65_536);

export interface FlowEnds {
  readonly simulation: Simulation;
  readonly sender: SimulatedHost;
  readonly receiver: SimulatedHost;
  readonly address: string;
  readonly port: number;
  readonly congestionControl: string;
  readonly isGreedy: boolean;
  readonly ecn: boolean;
  /** Bytes; of both ends: so that neither is what limits. */
  readonly buffer: number;
}

/** One connection over the path: an application that sends, one that reads all, and what is to be known of the sender. */
export class Flow implements ConnectionHandler {
  isMarked = false;
  readonly name: string;
  readonly connection: Connection;
  readonly watch = new WindowWatch();
  /** Bytes the receiving application has read. */
  received = 0;
  /** Why the connection ended; null while it lives. */
  outcome: Errno | null = null;
  /** Timeouts of the retransmission timer. */
  timeouts = 0;
  /** Segments of data sent, and those among them sent again. */
  segments = 0;
  retransmissions = 0;
  /** Called after every segment of the sender, in or out. */
  onLook: ((flow: Flow) => void) | null = null;

  readonly #ends: FlowEnds;
  #supply: number;
  #isConnected = false;
  #accepted: Connection | null = null;
  #overseen: CongestionWindow | null = null;
  #consecutiveTimeouts = 0;
  #highest = 0;

  constructor(ends: FlowEnds) {
    const { sender, receiver, port, congestionControl, buffer, isGreedy } = ends;
    this.#ends = ends;
    this.name = congestionControl;
    this.#supply = isGreedy ? Number.POSITIVE_INFINITY : 0;
    const ecn = ends.ecn ? 'active' : 'off';
    const options = { congestionControl, sendBuffer: buffer, receiveBuffer: buffer, ecn } as const;
    const acceptable = (listener: Listener): void => this.#accept(listener);
    const listener = receiver.tcp.listen(null, port, options, { acceptable });
    if (!(listener instanceof Listener)) throw ends.simulation.error(`listen failed with error ${listener}`);
    this.connection = sender.tcp.open(this);
    this.connection.apply({ ...options, noDelay: true });
    this.#oversee(this.connection.wake().recovery.window);
  }

  connect(): void {
    const { simulation, sender, address, port } = this.#ends;
    const errno = this.connection.connect(IpAddress.parse(address), port, sender.now());
    if (errno !== Errno.NONE) throw simulation.error(`connect failed with error ${errno}`);
    sender.requestPoll();
  }

  /** The application has so many bytes more to send. */
  supply(bytes: number): void {
    this.#supply += bytes;
    this.#mark();
  }

  /** The application has nothing more to send, from now on. */
  pause(): void {
    this.#supply = 0;
  }

  /** Bytes that were acknowledged. */
  get acknowledged(): number {
    const { recovery, initialSendSequence } = this.connection.wake();
    return Math.max(0, (recovery.unacknowledged - initialSendSequence - 1) | 0);
  }

  /** Payload of a full segment. */
  get segmentSize(): number {
    return Math.max(1, this.connection.wake().segmentSize);
  }

  /** Looks at the connection after a segment came in, or went out (`segment` null). */
  look(segment: Segment | null, time: number): void {
    const { recovery } = this.connection.wake();
    const { window, consecutiveTimeouts } = recovery;
    if (window !== this.#overseen) this.#oversee(window);
    if (consecutiveTimeouts > this.#consecutiveTimeouts) this.timeouts++;
    this.#consecutiveTimeouts = consecutiveTimeouts;
    const outstanding = (recovery.next - recovery.unacknowledged) | 0;
    const isUndisturbed = recovery.phase === RecoveryPhase.OPEN;
    this.watch.look(window.window, window.maximumSegmentSize, outstanding, isUndisturbed, segment === null, time);
    this.onLook?.(this);
  }

  /** A data segment of this flow was put on the wire. `end`: sequence number behind its last byte. Returns whether again. */
  onSegment(end: number): boolean {
    this.segments++;
    const isAgain = this.segments > 1 && ((end - this.#highest) | 0) <= 0;
    if (isAgain) this.retransmissions++;
    else this.#highest = end;
    return isAgain;
  }

  // ---- called by TCP, and by the host once per poll

  connected(): void {
    this.#isConnected = true;
    this.#mark();
  }

  writable(): void {
    this.#mark();
  }

  readable(): void {}

  ended(_connection: Connection, errno: Errno): void {
    this.outcome = errno;
  }

  ready(): void {
    if (!this.#isConnected || this.outcome !== null) return;
    while (this.#supply > 0) {
      const taken = this.connection.write(CHUNK, 0, Math.min(CHUNK.length, this.#supply));
      if (taken <= 0) return;
      this.#supply -= taken;
    }
  }

  /** TCP confines what the algorithm has set as soon as that has had its turn: what it was is to be seen before only. */
  #oversee(window: CongestionWindow): void {
    this.#overseen = window;
    const { watch } = this;
    window.confine = () => {
      watch.check(window.window, window.maximumSegmentSize, window.slowStartThreshold, window.bytesPerSecond);
      CongestionWindow.prototype.confine.call(window);
    };
  }

  #mark(): void {
    const { sender } = this.#ends;
    sender.ready.mark(this);
    sender.requestPoll();
  }

  #accept(listener: Listener): void {
    const connection = listener.accept();
    if (connection === null) return;
    this.#accepted = connection;
    const reader = {
      isMarked: false,
      connected: () => {},
      writable: () => {},
      ended: () => {},
      readable: () => {
        this.#ends.receiver.ready.mark(reader);
        this.#ends.receiver.requestPoll();
      },
      ready: () => this.#drain(),
    };
    connection.handler = reader;
    reader.readable();
  }

  #drain(): void {
    for (let packet = this.#accepted!.receive(); packet !== null; packet = this.#accepted!.receive()) {
      this.received += packet.length;
      packet.release();
    }
  }
}
