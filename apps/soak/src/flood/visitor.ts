import { Errno } from '@prism-net/errors';
import type { SimulatedHost, Simulation } from '@prism-net/sim';
import type { ReadyTarget } from '@prism-net/socket';
import { type Connection, type ConnectionHandler, type ConnectionOptions, Listener } from '@prism-net/tcp';
import { IpAddress } from '@prism-net/wire';

/** Bytes of a question, and of its answer. */
const QUESTION = 64;

/** A service that sends back what it is sent, and closes when the other side does. */
export class EchoService implements ReadyTarget, ConnectionHandler {
  isMarked = false;
  readonly #host: SimulatedHost;
  readonly #listener: Listener;
  readonly #connections = new Set<Connection>();
  readonly #bytes = new Uint8Array(4096);

  constructor(host: SimulatedHost, port: number, options: ConnectionOptions = {}) {
    this.#host = host;
    const listener = host.tcp.listen(null, port, options, { acceptable: () => this.#mark() });
    if (!(listener instanceof Listener)) throw new Error(`listen: error ${listener}`);
    this.#listener = listener;
  }

  get size(): number {
    return this.#connections.size;
  }

  connected(): void {}
  readable(): void {
    this.#mark();
  }
  writable(): void {
    this.#mark();
  }
  ended(connection: Connection): void {
    this.#connections.delete(connection);
    connection.close(this.#host.now());
  }

  ready(): void {
    for (let next = this.#listener.accept(); next !== null; next = this.#listener.accept()) {
      next.handler = this;
      this.#connections.add(next);
    }
    for (const connection of this.#connections) {
      const count = connection.read(this.#bytes, 0, this.#bytes.length);
      if (count > 0) connection.write(this.#bytes, 0, count);
      else if (connection.isEndOfStream) {
        this.#connections.delete(connection);
        connection.close(this.#host.now());
      }
    }
  }

  #mark(): void {
    this.#host.ready.mark(this);
    this.#host.requestPoll();
  }
}

/** Somebody with an honest question: connects, asks, is answered, leaves. */
export class Visitor implements ReadyTarget, ConnectionHandler {
  isMarked = false;
  /** Microseconds from the SYN to the whole answer; -1: none came. */
  took = -1;
  outcome: Errno | null = null;
  readonly #host: SimulatedHost;
  readonly #simulation: Simulation;
  readonly #connection: Connection;
  readonly #startedAt: number;
  #received = 0;
  #isConnected = false;
  #hasAsked = false;
  #isClosed = false;
  readonly #bytes = new Uint8Array(QUESTION);

  constructor(simulation: Simulation, host: SimulatedHost, address: string, port: number) {
    this.#host = host;
    this.#simulation = simulation;
    this.#startedAt = simulation.time;
    this.#connection = host.tcp.open(this);
    const errno = this.#connection.connect(IpAddress.parse(address), port, host.now());
    if (errno !== Errno.NONE) this.outcome = errno;
    host.requestPoll();
  }

  connected(): void {
    this.#isConnected = true;
    this.#mark();
  }
  readable(): void {
    this.#mark();
  }
  writable(): void {
    this.#mark();
  }
  ended(_connection: Connection, errno: Errno): void {
    this.outcome = errno;
    this.#mark();
  }

  ready(): void {
    const connection = this.#connection;
    if (this.#isClosed) return;
    if (this.#isConnected && !this.#hasAsked) {
      this.#hasAsked = connection.write(this.#bytes, 0, QUESTION) === QUESTION;
    }
    this.#received += connection.read(this.#bytes, 0, QUESTION);
    const isAnswered = this.#received >= QUESTION;
    if (isAnswered && this.took < 0) this.took = this.#simulation.time - this.#startedAt;
    if (!isAnswered && this.outcome === null) return;
    this.#isClosed = true;
    connection.close(this.#host.now());
  }

  #mark(): void {
    this.#host.ready.mark(this);
    this.#host.requestPoll();
  }
}
