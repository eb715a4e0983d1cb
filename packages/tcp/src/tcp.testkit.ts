import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { PacketAccounts } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { type DropReason, IpAddress, seq } from '@prism-net/wire';
import { expect, onTestFinished } from 'vitest';
import type { Connection } from './connection.js';
import type { ConnectionHandler } from './connection-handler.js';
import type { ConnectionOptions } from './connection-options.js';
import { FakeNetwork } from './fake-network.testkit.js';
import { Listener } from './layer/listener.js';
import { TcpLayer } from './layer/tcp-layer.js';
import { pattern, type SentSegment } from './segments.testkit.js';
import { State } from './state.js';
import type { TcpSettings } from './tcp-settings.js';
import { type PeerOptions, TestPeer } from './test-peer.testkit.js';

export * from './fake-network.testkit.js';
export * from './segments.testkit.js';
export * from './test-peer.testkit.js';

/** Just before an Instant turns negative: every test in which seconds pass crosses that. */
const START = 2 ** 31 - 1_500_000;
/** Hosts are made by the thousand. */
const SMALL_TABLES: Partial<TcpSettings> = { maximumConnections: 256, timeWaitSize: 256, synCacheSize: 256 };
const ERRNO_NAMES = new Map<number, string>(Object.entries(Errno).map(([name, number]) => [number, name]));

export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? String(errno);
}

let shared: PacketPool | null = null;

/** One debug memory for all tests of a file: making one is not cheap. Each leaves its pool full, which is checked. */
function commonPool(): PacketPool {
  shared ??= createPool(4096, true);
  return shared;
}

export function createPool(frames: number, debug = false): PacketPool {
  return PacketPool.create(PacketMemory.create({ frames, debug }), frames);
}

export interface HostOptions {
  readonly settings?: Partial<TcpSettings>;
  readonly seed?: number;
  /** A pool of its own, of so many frames. */
  readonly frames?: number;
  /** Without the checks of debug mode, for tests of many segments. Needs `frames`. */
  readonly isFast?: boolean;
  /** In place of both: a pool used by one host after another. */
  readonly pool?: PacketPool;
  /** The caller calls {@link TestHost.finish}; else it happens at the end of the test. */
  readonly isFinishedByCaller?: boolean;
  readonly startsAt?: number;
}

/** Hosts that use a pool and are not finished: what is out may be theirs. */
const users = new Map<PacketPool, number>();

/** Writes down what a connection tells its application. */
export class Events implements ConnectionHandler {
  readonly list: string[] = [];

  connected(): void {
    this.list.push('connected');
  }
  readable(): void {
    // May be said again and again.
    if (this.list.at(-1) !== 'readable') this.list.push('readable');
  }
  writable(): void {
    this.list.push('writable');
  }
  ended(_connection: Connection, errno: Errno): void {
    this.list.push(`ended ${errnoName(errno)}`);
  }

  /** What was said since the last time. */
  take(): string[] {
    return this.list.splice(0);
  }
}

/** A connection of the host, the peer at its other end, and what the application heard. */
export interface Opened {
  readonly host: TestHost;
  readonly connection: Connection;
  readonly peer: TestPeer;
  readonly events: Events;
}

/** A TCP layer over a {@link FakeNetwork} in virtual time. Calls the layer in the order in which a stack does. */
export class TestHost {
  readonly pool: PacketPool;
  readonly accounts = new PacketAccounts();
  readonly network = new FakeNetwork();
  readonly layer: TcpLayer;
  /** Segments to nobody's peer. */
  readonly stray: string[] = [];
  readonly #peers = new Map<string, TestPeer>();
  /** Peers that wait for a SYN, whose local port is not known yet. */
  readonly #awaiting: TestPeer[] = [];
  readonly #connections: Connection[] = [];
  readonly #listeners: Listener[] = [];
  readonly #exhausted: Packet[] = [];
  readonly #start: number;
  /** Microseconds since the test began. */
  #passed = 0;
  #nextPort = 40_000;

  constructor(options: HostOptions = {}) {
    const { frames, isFast = false, settings = {}, seed = 1, startsAt = START } = options;
    this.pool = options.pool ?? (frames === undefined ? commonPool() : createPool(frames, !isFast));
    this.#start = startsAt;
    const { pool, accounts } = this;
    users.set(pool, (users.get(pool) ?? 0) + 1);
    this.layer = new TcpLayer({
      ...SMALL_TABLES,
      ...settings,
      pool,
      accounts,
      random: new SeededRandom(seed),
      now: this.now,
    });
    this.layer.addNetwork(this.network);
    this.network.clock = () => this.time;
    this.network.onSent = (segment, remote) => {
      const peer = this.#peerOf(remote, segment);
      if (peer === undefined) this.stray.push(segment.flags);
      else peer.take(segment);
    };
    if (options.isFinishedByCaller !== true) onTestFinished(() => this.finish());
  }

  /** The Instant. */
  get now(): number {
    return (this.#start + this.#passed) | 0;
  }

  /** Milliseconds since the test began. */
  get time(): number {
    return this.#passed / 1000;
  }

  /** Somebody at another address; its SYN is still to come, or ours. */
  peer(options: PeerOptions = {}): TestPeer {
    const peer = new TestPeer(this, { port: this.#nextPort++, ...options });
    this.addPeer(peer);
    return peer;
  }

  addPeer(peer: TestPeer): void {
    this.#peers.set(`${peer.address.d}:${peer.port}>${peer.localPort}`, peer);
  }

  /** A segment comes in. {@link settle} follows when the burst is complete. */
  deliver(packet: Packet, peer: TestPeer, ecn: number): void {
    const { addresses } = peer;
    this.accounts.receive(1);
    this.layer.segmentArrives(packet, this.network, addresses, ecn, this.now);
  }

  #peerOf(remote: number, segment: SentSegment): TestPeer | undefined {
    const { sourcePort, destinationPort, flags } = segment;
    // A first SYN is for whoever waits for one, whoever had the name before.
    const isSyn = flags.startsWith('S') && !flags.includes('.');
    const at = this.#awaiting.findIndex((each) => each.address.d === remote && each.port === destinationPort);
    if (!isSyn || at < 0) return this.#peers.get(`${remote}:${destinationPort}>${sourcePort}`);
    const [peer] = this.#awaiting.splice(at, 1);
    peer!.localPort = sourcePort;
    this.addPeer(peer!);
    return peer;
  }

  /** The rest of a poll: `endBurst`, `advance`, `flush`. Returns how many timers fired. */
  settle(): number {
    const { layer, now } = this;
    layer.endBurst(now);
    const fired = layer.advance(now, 1 << 20);
    layer.flush(now);
    for (let turns = 0; layer.hasTurnsLeft && layer.hasPending; turns++) {
      if (turns > 10_000) throw new Error('the layer does not come to rest');
      layer.flush(now);
    }
    this.check();
    return fired;
  }

  /** Lets time pass, from timer to timer. */
  wait(milliseconds: number): void {
    const end = this.#passed + Math.round(milliseconds * 1000);
    for (let rounds = 0; ; rounds++) {
      if (rounds > 1_000_000) throw new Error('timers fire for ever');
      const next = this.layer.nextExpiry(this.now);
      if (next < 0 || this.#passed + next > end) break;
      // At least a little: a timer that is due was not served.
      this.#passed += Math.max(next, 1);
      this.settle();
    }
    this.#passed = end;
    this.settle();
  }

  /** Jumps, whatever timers there are: the process slept. */
  jump(milliseconds: number): void {
    this.#passed += milliseconds * 1000;
  }

  /** Goes to when the next timer fires. False: there is none. */
  waitForTimer(): boolean {
    for (;;) {
      const next = this.layer.nextExpiry(this.now);
      if (next < 0) return false;
      // At least a little: a timer that is due was not served.
      this.#passed += Math.max(next, 1);
      if (this.settle() > 0) return true;
    }
  }

  open(events: ConnectionHandler | null = null, options: ConnectionOptions = {}): Connection {
    const connection = this.layer.open(events);
    connection.apply(options);
    this.#connections.push(connection);
    return connection;
  }

  listen(port = 80, options: ConnectionOptions & { readonly backlog?: number } = {}): Listener {
    const listener = this.layer.listen(null, port, options, null);
    if (!(listener instanceof Listener)) throw new Error(`listen: ${errnoName(listener)}`);
    this.#listeners.push(listener);
    return listener;
  }

  /** The oldest connection that waits, with a handler. */
  accept(listener: Listener): { connection: Connection; events: Events } {
    const connection = listener.accept();
    if (connection === null) throw new Error('nobody waits');
    const events = new Events();
    connection.handler = events;
    this.#connections.push(connection);
    return { connection, events };
  }

  /** An active open as far as the SYN, which the peer has seen. */
  startConnect(options: OpenOptions = {}): Opened {
    const events = new Events();
    const connection = this.open(events, options.connection);
    const peer = new TestPeer(this, { port: 7, localPort: 0, ...options.peer });
    this.#awaiting.push(peer);
    const errno = connection.connect(peer.address, peer.port, this.now);
    if (errno !== Errno.NONE) {
      this.#awaiting.pop();
      throw new Error(`connect: ${errnoName(errno)}`);
    }
    this.settle();
    return { host: this, connection, peer, events };
  }

  /** An active open as far as ESTABLISHED. */
  connect(options: OpenOptions = {}): Opened {
    const opened = this.startConnect(options);
    opened.peer.expect({ flags: opened.peer.options.ecn === true ? 'SEW' : 'S' });
    this.wait(options.roundTrip ?? 0);
    opened.peer.answerSyn();
    opened.peer.expect({ flags: '.', seq: 1, ack: 1 });
    expect(opened.events.take()).toEqual(['connected']);
    expect(opened.connection.state).toBe(State.ESTABLISHED);
    return opened;
  }

  /** A passive open as far as ESTABLISHED. Listens, if nobody does. */
  acceptFrom(options: OpenOptions = {}): Opened {
    const listener = this.#listeners[0] ?? this.listen(80, options.connection);
    const peer = this.peer(options.peer);
    peer.open(options.roundTrip ?? 0);
    return { host: this, peer, ...this.accept(listener) };
  }

  dropped(reason: DropReason): number {
    return this.accounts.dropped(reason);
  }

  /** Takes packets until only so many are left; returns what gives them back. */
  exhaust(left: number): () => void {
    while (this.pool.available > left) this.#exhausted.push(this.pool.take()!);
    return () => {
      for (const packet of this.#exhausted.splice(0)) packet.release();
    };
  }

  /** What holds between polls, whatever came. */
  check(): void {
    const account = this.accounts.snapshot();
    if (account.unexplained !== 0) throw new Error(`${account.unexplained} frames unexplained`);
    let held = 0;
    for (const connection of this.layer.connections()) {
      const { block } = connection;
      if (block === null) continue;
      const { recovery, sendBuffer, receiveWindow, reassembly } = block;
      const broken = recovery.check();
      if (broken !== null) throw new Error(`recovery: ${broken}`);
      held += reassembly.frames;
      if (block.heldPacket !== null) throw new Error('a segment is still held');
      if (connection.state < State.ESTABLISHED) continue;
      const start = seq.minimum(recovery.unacknowledged, sendBuffer.end);
      if (sendBuffer.start !== start) throw new Error('the send buffer does not begin at SND.UNA');
      if (seq.isLess(receiveWindow.edge, (block.receiveNext - 1) | 0)) throw new Error('RCV.NXT beyond the window');
    }
    if (account.held !== held) throw new Error(`${account.held} frames are held, the queues have ${held}`);
  }

  /** Ends everything: no packet is lost, every frame accounted for, no timer left. */
  finish(): void {
    for (const packet of this.#exhausted.splice(0)) packet.release();
    this.layer.close();
    for (const listener of this.#listeners) listener.close(this.now);
    for (const connection of this.#connections) {
      connection.handler = null;
      connection.close(this.now);
    }
    const others = users.get(this.pool)! - 1;
    users.set(this.pool, others);
    if (others === 0) this.pool.assertNoLeaks();
    const { unexplained, held } = this.accounts.snapshot();
    expect({ unexplained, held }).toEqual({ unexplained: 0, held: 0 });
    expect(this.layer.wheel.armed, 'armed timers').toBe(0);
  }
}

export interface OpenOptions {
  readonly peer?: PeerOptions;
  readonly connection?: ConnectionOptions;
  /** Milliseconds that the handshake takes. */
  readonly roundTrip?: number;
}

export interface EstablishOptions extends HostOptions, OpenOptions {
  readonly isPassive?: boolean;
}

/** A host with one established connection, opened actively unless said otherwise. */
export function establish(options: EstablishOptions = {}): Opened {
  const host = new TestHost(options);
  return options.isPassive === true ? host.acceptFrom(options) : host.connect(options);
}

/** Writes the next `length` bytes of the pattern; returns how many were taken. */
export function write(connection: Connection, length: number): number {
  const { initialSendSequence, sendBuffer } = connection.wake();
  const at = seq.difference(sendBuffer.end, initialSendSequence);
  return connection.write(pattern(at, length), 0, length);
}

/** Everything that can be read. */
export function readAll(connection: Connection): Uint8Array {
  const target = new Uint8Array(connection.readableBytes);
  expect(connection.read(target, 0, target.length)).toBe(target.length);
  return target;
}

export function address(text: string): IpAddress {
  return IpAddress.parse(text);
}
