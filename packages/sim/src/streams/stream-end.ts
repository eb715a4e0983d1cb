import { Errno } from '@prism-net/errors';
import type { ReadyTarget } from '@prism-net/socket';
import type { Connection, ConnectionHandler } from '@prism-net/tcp';
import type { SimulatedHost } from '../simulated-host.js';
import type { Simulation } from '../simulation.js';
import type { StreamContent } from './content.js';
import type { StreamEnding, StreamPlan } from './stream-plan.js';

/** Gets all bytes of a stream, in order. The array is only lent. */
export interface StreamHash {
  update(bytes: Uint8Array): unknown;
}

export interface StreamEndOptions {
  readonly name: string;
  readonly simulation: Simulation;
  readonly host: SimulatedHost;
  readonly connection: Connection;
  readonly isClient: boolean;
  readonly plan: StreamPlan;
  readonly ending: StreamEnding;
  /** Bytes the other side sends. */
  readonly expected: number;
  readonly sends: StreamContent;
  readonly receives: StreamContent;
  readonly sentHash: StreamHash | undefined;
  readonly receivedHash: StreamHash | undefined;
}

/** Bytes computed, and read, at a time. */
const CHUNK = 65_536;

/**
 * An application at one end of a connection: writes and reads as its plan says, compares every byte with what must come,
 * and ends the connection. A difference ends the simulation.
 */
export class StreamEnd implements ConnectionHandler, ReadyTarget {
  isMarked = false;
  readonly name: string;
  readonly connection: Connection;
  /** Bytes written, and read. */
  written = 0;
  received = 0;
  isConnected: boolean;
  /** The other side's stream has ended. */
  sawEnd = false;
  /** What ended the connection; null while it lives. */
  outcome: Errno | null = null;
  /** When it read last, in microseconds since the start of the simulation. */
  lastReadAt = 0;
  /** ISS and SND.NXT when the connection ended. */
  initialSendSequence = 0;
  nextSequence = 0;

  readonly #options: StreamEndOptions;
  /** Bytes to write before the application ends the connection. */
  readonly #goal: number;
  /** Bytes of the stream from `#outboundPosition` on, as far as they were computed. */
  readonly #outbound: Uint8Array;
  #outboundPosition = 0;
  #outboundLength = 0;
  readonly #inbound: Uint8Array;
  #nextWrite = 0;
  #nextRead = 0;
  #isWriteShut = false;
  #isClosed = false;

  constructor(options: StreamEndOptions) {
    const { plan, ending, isClient, connection } = options;
    this.#options = options;
    this.name = options.name;
    this.connection = connection;
    this.isConnected = !isClient;
    const leavesEarly = ending === 'abort' || ending === 'abandon';
    this.#goal = leavesEarly && isClient ? Math.ceil(plan.bytes / 2) : plan.bytes;
    this.#outbound = new Uint8Array(Math.min(Math.max(CHUNK, plan.writeBytes), plan.bytes));
    this.#inbound = new Uint8Array(Math.min(CHUNK, plan.readBytes));
    connection.handler = this;
    this.#mark();
  }

  /** The connection is gone, and what had arrived was read. */
  get isDone(): boolean {
    return this.outcome !== null && (this.#isClosed || this.connection.readableBytes === 0);
  }

  // ---- called by TCP

  connected(): void {
    this.isConnected = true;
    this.#mark();
  }

  readable(): void {
    this.#mark();
  }

  writable(): void {
    this.#mark();
  }

  ended(connection: Connection, errno: Errno): void {
    this.outcome = errno;
    // A connection that is over and closed remembers nothing.
    const { initialSendSequence, recovery } = connection.wake();
    this.initialSendSequence = initialSendSequence;
    this.nextSequence = recovery.next;
    this.#mark();
  }

  /** The application's turn, once per poll of its host. */
  ready(): void {
    if (!this.#isClosed) this.#read();
    if (this.isDone && !this.#isClosed) {
      // What is over is closed too, so that nothing is kept for it.
      this.#isClosed = true;
      this.connection.close(this.#options.host.now());
    }
    if (this.outcome !== null || this.#isClosed || !this.isConnected) return;
    this.#write();
    this.#finish();
  }

  #mark(): void {
    const { host } = this.#options;
    host.ready.mark(this);
    host.requestPoll();
  }

  #markAt(time: number): void {
    this.#options.simulation.at(time, () => this.#mark());
  }

  #read(): void {
    const { plan, simulation } = this.#options;
    const { readEveryMicroseconds } = plan;
    const isSlow = readEveryMicroseconds > 0;
    if (isSlow && simulation.time < this.#nextRead) return;
    let bytes = 0;
    do {
      const some = plan.zeroCopy ? this.#receivePacket() : this.#readBytes();
      if (some === 0) break;
      bytes += some;
    } while (!isSlow);
    if (isSlow && bytes > 0) {
      this.#nextRead = simulation.time + readEveryMicroseconds;
      this.#markAt(this.#nextRead);
    }
    this.sawEnd = this.connection.isEndOfStream;
  }

  #readBytes(): number {
    const bytes = this.connection.read(this.#inbound, 0, this.#inbound.length);
    if (bytes > 0) this.#check(this.#inbound, 0, bytes);
    return bytes;
  }

  #receivePacket(): number {
    const packet = this.connection.receive();
    if (packet === null) return 0;
    const { length } = packet;
    this.#check(packet.memory.bytes, packet.offset, length);
    packet.release();
    return length;
  }

  #check(source: Uint8Array, at: number, length: number): void {
    const { simulation, receives, expected, receivedHash } = this.#options;
    const matching = receives.match(source, at, length, this.received);
    if (matching !== length || this.received + length > expected) {
      const where = Math.min(this.received + matching, expected);
      simulation.fail(simulation.error(`${this.name}: the stream differs at byte ${where} of ${expected}`));
    }
    receivedHash?.update(source.subarray(at, at + length));
    this.received += length;
    this.lastReadAt = simulation.time;
  }

  #write(): void {
    const { plan, simulation } = this.#options;
    const { writeEveryMicroseconds } = plan;
    if (simulation.time < this.#nextWrite) return;
    while (this.written < this.#goal) {
      const size = Math.min(plan.writeBytes, this.#goal - this.written);
      const taken = plan.zeroCopy ? this.#commitPackets(size) : this.#writeBytes(size);
      if (taken > 0) this.written += taken;
      if (taken < size) return; // `writable` or `ended` will tell
      if (writeEveryMicroseconds > 0) {
        this.#nextWrite = simulation.time + writeEveryMicroseconds;
        this.#markAt(this.#nextWrite);
        return;
      }
    }
  }

  /** Returns the bytes taken, or a negative error number. */
  #writeBytes(size: number): number {
    const outbound = this.#outbound;
    const { sends, sentHash } = this.#options;
    if (this.#outboundPosition + this.#outboundLength < this.written + size) {
      this.#outboundPosition = this.written;
      this.#outboundLength = Math.min(outbound.length, this.#goal - this.written);
      sends.fill(outbound, 0, this.#outboundLength, this.written);
    }
    const at = this.written - this.#outboundPosition;
    const taken = this.connection.write(outbound, at, size);
    if (taken > 0) sentHash?.update(outbound.subarray(at, at + taken));
    return taken;
  }

  #commitPackets(size: number): number {
    const { sends, sentHash } = this.#options;
    let done = 0;
    while (done < size) {
      const packet = this.connection.reserve();
      if (packet === null) break;
      const { bytes } = packet.memory;
      packet.length = Math.min(packet.tailroom, size - done);
      sends.fill(bytes, packet.offset, packet.length, this.written + done);
      sentHash?.update(bytes.subarray(packet.offset, packet.end));
      done += packet.length;
      if (this.connection.commit(packet) !== Errno.NONE) return -1;
    }
    return done;
  }

  #finish(): void {
    const { ending, isClient, expected, host } = this.#options;
    const isWritten = this.written >= this.#goal;
    if (!isWritten) return;
    const now = host.now();
    if (isClient && (ending === 'abort' || ending === 'abandon')) {
      this.#isClosed = true;
      if (ending === 'abort') this.connection.abort(now);
      // Also after an abort: what had arrived could still be read.
      this.connection.close(now);
      return;
    }
    if (ending === 'half-close' && !this.#isWriteShut) {
      this.#isWriteShut = true;
      this.connection.shutdownWrite();
    }
    const isDone = ending === 'close' ? this.received >= expected : this.sawEnd;
    if (!isDone) return;
    this.#isClosed = true;
    this.connection.close(now);
  }
}
