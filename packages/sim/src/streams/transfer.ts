import { Errno } from '@prism-net/errors';
import { type Connection, type ConnectionOptions, Listener } from '@prism-net/tcp';
import { IpAddress } from '@prism-net/wire';
import type { SimulatedHost } from '../simulated-host.js';
import type { Simulation } from '../simulation.js';
import { StreamContent } from './content.js';
import { StreamEnd, type StreamHash } from './stream-end.js';
import { QUIET_PLAN, type StreamEnding, type StreamPlan } from './stream-plan.js';

export interface TransferOptions {
  readonly client: SimulatedHost;
  readonly server: SimulatedHost;
  /** Where the server is. */
  readonly address: string;
  /** Default 5000. */
  readonly port?: number;
  /** When the client connects, in microseconds since the start of the simulation. Default: now. */
  readonly at?: number;
  /** Default: nothing is sent. */
  readonly fromClient?: Partial<StreamPlan>;
  readonly fromServer?: Partial<StreamPlan>;
  /** Default 'close'. */
  readonly ending?: StreamEnding;
  /**
   * The server answers SYNs with cookies and keeps nothing: if the client's first text is lost, what follows looks like
   * nobody's (RFC 4987 §3.6), and the client is reset; one that has nothing to send finds out by keep-alive. And
   * a late segment can bring a connection back that has ended. Default false.
   */
  readonly mayBeForgotten?: boolean;
  /** Of both connections, in addition to those of the plans. */
  readonly options?: ConnectionOptions;
  /** Of one of them. */
  readonly clientOptions?: ConnectionOptions;
  readonly serverOptions?: ConnectionOptions;
  /** What is sent depends on it. Default: the simulation's. */
  readonly seed?: number;
  /** Get the bytes that were sent, and those that were received, from client to server. */
  readonly sentHash?: StreamHash;
  readonly receivedHash?: StreamHash;
}

/** A peer that is gone without a trace is found after five to fourteen seconds. */
const KEEP_ALIVE: ConnectionOptions = {
  keepAlive: true,
  keepAliveIdleMilliseconds: 5000,
  keepAliveIntervalMilliseconds: 1000,
  keepAliveProbes: 9,
};

/** Two applications that send each other what their plans say, over TCP, and check what they receive. */
export class Transfer {
  readonly name: string;
  /** Null until it connects, or is accepted. */
  client: StreamEnd | null = null;
  server: StreamEnd | null = null;
  /** What connecting said at once. */
  connectError: Errno = Errno.NONE;
  readonly #simulation: Simulation;
  readonly #options: TransferOptions;
  readonly #ending: StreamEnding;
  /** The client does not wait for the end. */
  readonly #leavesEarly: boolean;
  readonly #fromClient: StreamPlan;
  readonly #fromServer: StreamPlan;
  readonly #listener: Listener;

  constructor(simulation: Simulation, options: TransferOptions) {
    const { client, server, port = 5000, at = simulation.time } = options;
    this.name = `${client.name}→${server.name}:${port}`;
    this.#simulation = simulation;
    this.#options = options;
    this.#ending = options.ending ?? 'close';
    this.#leavesEarly = this.#ending === 'abort' || this.#ending === 'abandon';
    this.#fromClient = { ...QUIET_PLAN, ...options.fromClient };
    this.#fromServer = { ...QUIET_PLAN, ...options.fromServer };
    const listening = {
      ...options.options,
      ...options.serverOptions,
      ...buffersOf(this.#fromServer),
      ...(this.#leavesEarly || options.mayBeForgotten === true ? KEEP_ALIVE : {}),
    };
    const listener = server.tcp.listen(null, port, listening, { acceptable: () => this.#accept() });
    if (!(listener instanceof Listener)) throw simulation.error(`${this.name}: listen failed with error ${listener}`);
    this.#listener = listener;
    simulation.at(at, () => this.#connect());
  }

  /** Bytes that have arrived, both ways. */
  get delivered(): number {
    return (this.client?.received ?? 0) + (this.server?.received ?? 0);
  }

  /** Both ends are gone; the server, if it ever was. */
  get isDone(): boolean {
    if (this.connectError !== Errno.NONE) return true;
    if (this.client === null || !this.client.isDone) return false;
    if (this.server === null) return this.#leavesEarly || this.client.outcome !== Errno.NONE;
    return this.server.isDone;
  }

  /** What is not as it must be after the end, a line each. */
  problems(): string[] {
    const { client, server } = this;
    const problems: string[] = [];
    if (this.connectError !== Errno.NONE) problems.push(`${this.name}: connect failed with error ${this.connectError}`);
    if (this.#leavesEarly) {
      const outcome = server?.outcome ?? Errno.ECONNRESET;
      const isHeard = outcome === Errno.ECONNRESET || outcome === Errno.ETIMEDOUT;
      if (isHeard || (this.#ending === 'abandon' && outcome === Errno.NONE)) return problems;
      return [`${server!.name}: ended with error ${outcome} after the client's ${this.#ending}`];
    }
    if (this.#options.mayBeForgotten === true && client?.outcome === Errno.ECONNRESET) {
      if (server === null || server.outcome === Errno.ECONNRESET || server.outcome === Errno.ETIMEDOUT) return [];
    }
    for (const end of [client, server]) {
      if (end === null) problems.push(`${this.name}: one side never came into being`);
      else if (end.outcome !== Errno.NONE) problems.push(`${end.name}: ended with error ${end.outcome}`);
    }
    const received = [server?.received ?? 0, client?.received ?? 0];
    const sent = [this.#fromClient.bytes, this.#fromServer.bytes];
    for (const [i, way] of ['client to server', 'server to client'].entries()) {
      if (received[i] !== sent[i]) problems.push(`${this.name}: ${received[i]} of ${sent[i]} bytes came from ${way}`);
    }
    return problems;
  }

  /** Stops listening. */
  close(): void {
    this.#listener.close(this.#options.server.now());
  }

  #connect(): void {
    const { client, address, port = 5000, options, clientOptions } = this.#options;
    const connection = client.tcp.open(null);
    const { mayBeForgotten = false } = this.#options;
    connection.apply({
      ...options,
      ...clientOptions,
      ...buffersOf(this.#fromClient),
      ...(mayBeForgotten ? KEEP_ALIVE : {}),
    });
    this.client = this.#end(connection, true);
    this.connectError = connection.connect(IpAddress.parse(address), port, client.now());
    client.requestPoll();
  }

  #accept(): void {
    for (let next = this.#listener.accept(); next !== null; next = this.#listener.accept()) {
      if (this.server !== null && this.#options.mayBeForgotten === true) {
        // A late segment, in which the cookie is as good as it was.
        next.abort(this.#options.server.now());
        next.close(this.#options.server.now());
        continue;
      }
      if (this.server !== null) {
        this.#simulation.fail(this.#simulation.error(`${this.name}: accepted a second connection`));
        return;
      }
      this.server = this.#end(next, false);
    }
  }

  #end(connection: Connection, isClient: boolean): StreamEnd {
    const { client, server, seed = this.#simulation.seed } = this.#options;
    const host = isClient ? client : server;
    const toServer = new StreamContent(seed);
    const toClient = new StreamContent(~seed);
    return new StreamEnd({
      name: `${this.name}, ${isClient ? 'client' : 'server'}`,
      simulation: this.#simulation,
      host,
      connection,
      isClient,
      plan: isClient ? this.#fromClient : this.#fromServer,
      ending: this.#ending,
      expected: (isClient ? this.#fromServer : this.#fromClient).bytes,
      sends: isClient ? toServer : toClient,
      receives: isClient ? toClient : toServer,
      sentHash: isClient ? this.#options.sentHash : undefined,
      receivedHash: isClient ? undefined : this.#options.receivedHash,
    });
  }
}

function buffersOf({ noDelay, receiveBuffer, sendBuffer }: StreamPlan): ConnectionOptions {
  return {
    noDelay,
    ...(receiveBuffer > 0 ? { receiveBuffer } : {}),
    ...(sendBuffer > 0 ? { sendBuffer } : {}),
  };
}

/**
 * Runs transfers until all are done, and checks them. @throws SimulationError when one hangs, ends otherwise than it
 * should, or delivers other bytes than were sent.
 */
export function runTransfers(simulation: Simulation, transfers: readonly Transfer[], microseconds = 3600e6): void {
  const delivered = (): number => transfers.reduce((sum, transfer) => sum + transfer.delivered, 0);
  const isDone = (): boolean => transfers.every((transfer) => transfer.isDone);
  simulation.runUntil(isDone, { microseconds, progress: delivered, stallMicroseconds: 400e6 });
  const problems = transfers.flatMap((transfer) => transfer.problems());
  if (problems.length > 0) throw simulation.error(problems.join('\n'));
}
