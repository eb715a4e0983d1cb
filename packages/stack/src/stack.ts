import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { Errno, posixError } from '@prism-net/errors';
import { EthernetInterface } from '@prism-net/ethernet';
import { Ipv4Layer } from '@prism-net/ipv4';
import { createLoopbackLink, type Link, PacketAccounts } from '@prism-net/link';
import {
  type Closable,
  connectStream,
  DatagramSocket,
  type DatagramSocketOptions,
  ReadyQueue,
  type SocketContext,
  type StreamConnectOptions,
  StreamListener,
  type StreamListenOptions,
  type StreamSocket,
} from '@prism-net/socket';
import { CryptoRandom } from '@prism-net/tables';
import { TcpLayer } from '@prism-net/tcp';
import { type Clock, createMonotonicClock, type Instant, TimerWheel } from '@prism-net/time';
import { UdpLayer } from '@prism-net/udp';
import { formatIpv4Address, formatMacAddress, parseIpv4Address, parseIpv4Prefix } from '@prism-net/wire';
import { Loop, type Pollable } from './loop.js';
import { Ping, type PingOptions, type PingReply } from './ping.js';
import { PollCounter } from './poll-statistics.js';
import { platformScheduler } from './scheduler.js';
import {
  type InterfaceOptions,
  type LoopMode,
  linksInUse,
  type ParsedInterface,
  parseInterfaces,
  requireStackOptions,
  type SingleInterfaceOptions,
  type StackOptions,
} from './stack-options.js';
import { type StackStatistics, StatisticsReporter } from './statistics.js';

/** Makes a stack and, unless its mode is `manual`, starts its loop. @throws PosixError EINVAL naming a wrong option. */
export function createStack(options: StackOptions | SingleInterfaceOptions): Stack {
  return new Stack(options);
}

/** A whole host: interfaces, protocols, sockets and timers, driven by {@link Stack.poll}. It belongs to one thread. */
export class Stack implements SocketContext, Pollable {
  readonly mode: LoopMode;
  readonly memory: PacketMemory;
  /** The packets the stack sends with. An application may take from it, and must give back. */
  readonly pool: PacketPool;
  readonly clock: Clock;
  /** What became of every frame. A handler of a protocol of its own says here what it did with a packet. */
  readonly accounts = new PacketAccounts();
  readonly timers: TimerWheel;
  /** In the order of the options, behind the loopback interface if there is one. */
  readonly interfaces: readonly EthernetInterface[];
  readonly links: readonly Link[];
  readonly ipv4: Ipv4Layer;
  readonly udp: UdpLayer;
  readonly tcp: TcpLayer;
  readonly ready = new ReadyQueue();
  /** For reports (see {@link statistics}). */
  readonly polls: PollCounter;
  /** Time of the last poll; for the loop. */
  lastPoll: Instant;

  readonly #receiveBudget: number;
  readonly #timerBudget: number;
  readonly #spinMicroseconds: number;
  readonly #timerCapacity: number;
  /** What each interface was made from; undefined for the loopback interface. */
  readonly #given: readonly (InterfaceOptions | undefined)[];
  readonly #loop: Loop;
  readonly #sockets = new Set<Closable>();
  /** Without a connection, but with something to read. */
  readonly #detached = new Set<Closable>();
  readonly #ping: Ping;
  readonly #reporter = new StatisticsReporter(this);
  #isPolling = false;
  #isClosed = false;

  constructor(options: StackOptions | SingleInterfaceOptions) {
    requireStackOptions(options);
    const parsed = parseInterfaces(options);
    this.mode = options.mode ?? 'interrupt';
    this.#receiveBudget = options.receiveBudget ?? 32;
    this.#timerBudget = options.timerBudget ?? 64;
    this.#spinMicroseconds = options.spinMicroseconds ?? 1000;
    this.#timerCapacity = options.timers ?? 1024;

    // A link that sends from a pool of its own copies what comes from another.
    const pool = options.pool ?? (options.memory === undefined ? poolOfLinks(parsed) : undefined);
    this.memory = pool?.memory ?? options.memory ?? PacketMemory.create();
    this.pool = pool ?? PacketPool.create(this.memory, this.memory.unreservedFrames, { name: 'stack' });
    this.clock = options.clock ?? createMonotonicClock();
    const random = options.random ?? new CryptoRandom();
    const now = this.clock.now();
    this.lastPoll = now;
    this.polls = new PollCounter(now);
    this.timers = new TimerWheel({ capacity: this.#timerCapacity, now });

    const common = { pool: this.pool, accounts: this.accounts, timers: this.timers, random };
    this.ipv4 = new Ipv4Layer({ ...options.ipv4, ...common, now });
    this.udp = new UdpLayer({ ...options.udp, ...common, ipv4: this.ipv4 });
    const { pool: packets, accounts } = this;
    this.tcp = new TcpLayer({ ...options.tcp, ipv4: this.ipv4, pool: packets, accounts, random, now });
    const burst = this.#receiveBudget;
    const interfaces: EthernetInterface[] = [];
    const given: (InterfaceOptions | undefined)[] = [];
    if (options.loopback ?? true) {
      const link = createLoopbackLink({ name: 'lo' });
      const lo = new EthernetInterface({ ...common, link, index: 0, name: 'lo', burst });
      this.ipv4.addInterface(lo, [parseIpv4Prefix('127.0.0.1/8')], now);
      interfaces.push(lo);
      given.push(undefined);
    }
    for (const { options: chosen, addresses, gateway, macAddress } of parsed) {
      const networkInterface = new EthernetInterface({
        ...chosen.ethernet,
        ...common,
        link: chosen.link,
        index: interfaces.length,
        name: chosen.name ?? chosen.link.name,
        burst,
        ...(macAddress === undefined ? {} : { macAddress }),
        ...(chosen.vlan === undefined ? {} : { vlan: chosen.vlan }),
        ...(chosen.mtu === undefined ? {} : { mtu: chosen.mtu }),
      });
      this.ipv4.addInterface(networkInterface, addresses, now);
      if (gateway !== undefined) {
        this.ipv4.routes.add({ destination: 0, prefixLength: 0, gateway, interface: networkInterface });
      }
      interfaces.push(networkInterface);
      given.push(chosen);
    }
    this.interfaces = interfaces;
    this.#given = given;
    this.links = interfaces.map((networkInterface) => networkInterface.link);
    this.#ping = new Ping(this.ipv4.icmp, this.timers, random);
    for (const link of this.links) linksInUse.add(link);
    this.#loop = new Loop(this, this.mode, this.#spinMicroseconds, options.scheduler ?? platformScheduler());
    this.#loop.start();
  }

  /**
   * One round: a burst from every link and up through the layers, due timers, ready sockets, and out with what is to be
   * sent. Bounded by the budgets. Returns the number of packets, timers and sockets it worked on; 0 when nothing came in
   * or fell due (what it sent may come back over the loopback in the next).
   */
  poll(now: Instant = this.clock.now()): number {
    if (this.#isPolling || this.#isClosed) return 0;
    this.#isPolling = true;
    this.lastPoll = now;
    let work = 0;
    try {
      work = this.#round(now);
    } finally {
      // Also when a link threw: the stack is not dead because of it.
      this.#isPolling = false;
    }
    this.polls.count(now, work);
    return work;
  }

  /** A UDP socket. @throws PosixError EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS. */
  udpSocket(options: DatagramSocketOptions = {}): DatagramSocket {
    if (this.#isClosed) throw posixError(Errno.ENETDOWN, 'socket', 'the stack is closed');
    return new DatagramSocket(this, options);
  }

  /**
   * Opens a TCP connection. Rejects with ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRINUSE, EADDRNOTAVAIL,
   * EACCES, EINVAL, ENOBUFS, ENETDOWN; with the reason of the signal when that is aborted, which resets the peer.
   */
  async connect(options: StreamConnectOptions): Promise<StreamSocket> {
    if (this.#isClosed) throw posixError(Errno.ENETDOWN, 'connect', 'the stack is closed');
    return connectStream(this, options);
  }

  /** Accepts TCP connections. @throws PosixError EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS, ENETDOWN. */
  listen(options: StreamListenOptions): StreamListener {
    if (this.#isClosed) throw posixError(Errno.ENETDOWN, 'listen', 'the stack is closed');
    return new StreamListener(this, options);
  }

  /**
   * Sends one ICMP echo request and waits for the answer. Rejects with ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EINVAL …
   */
  async ping(address: string, options: PingOptions = {}): Promise<PingReply> {
    if (this.#isClosed) throw posixError(Errno.ENETDOWN, 'ping', 'the stack is closed');
    const reply = this.#ping.send(parseIpv4Address(address), options, this.clock.now());
    this.requestPoll();
    // The process waits for the answer, as for an open socket.
    this.#loop.addUser();
    const done = () => this.#loop.removeUser();
    reply.then(done, done);
    return reply;
  }

  /** A route by prefix, over a gateway or directly on an interface. @throws PosixError EINVAL, ENETUNREACH. */
  addRoute(
    prefix: string,
    via: { readonly gateway?: string; readonly interfaceIndex?: number; readonly metric?: number },
  ): void {
    const { address, prefixLength } = parseIpv4Prefix(prefix);
    const gateway = via.gateway === undefined ? 0 : parseIpv4Address(via.gateway);
    const networkInterface =
      via.interfaceIndex === undefined ? this.#interfaceOf(gateway) : this.interfaces[via.interfaceIndex];
    if (networkInterface === undefined) {
      const what = via.interfaceIndex === undefined ? (via.gateway ?? 'nowhere') : `interface ${via.interfaceIndex}`;
      throw posixError(
        via.interfaceIndex === undefined ? Errno.ENETUNREACH : Errno.EINVAL,
        'addRoute',
        `no interface leads to ${what}: give a gateway that is a neighbour, or the interfaceIndex of one of the interfaces`,
      );
    }
    this.ipv4.routes.add({
      destination: address,
      prefixLength,
      interface: networkInterface,
      ...(gateway === 0 ? {} : { gateway }),
      ...(via.metric === undefined ? {} : { metric: via.metric }),
    });
  }

  /** All counters in plain numbers; rates are since the snapshot before. Cheap enough for once a second. */
  statistics(): StackStatistics {
    return this.#reporter.take();
  }

  /** The configuration in force, defaults included, for logs. */
  configuration(): Readonly<Record<string, unknown>> {
    const { layout, placement, debug } = this.memory;
    return {
      mode: this.mode,
      spinMicroseconds: this.#spinMicroseconds,
      receiveBudget: this.#receiveBudget,
      timerBudget: this.#timerBudget,
      timers: this.#timerCapacity,
      memory: { frames: layout.frames, frameSize: layout.frameSize, debug, placement },
      pool: { frames: this.pool.region.frames },
      ipv4: {
        timeToLive: this.ipv4.timeToLive,
        strongHost: this.ipv4.strongHost,
        forwarding: this.ipv4.forwarder !== null,
      },
      udp: this.udp.configuration,
      tcp: this.tcp.settings,
      interfaces: this.interfaces.map((each) => ({
        name: each.name,
        index: each.index,
        mtu: each.mtu,
        macAddress: formatMacAddress({ high: each.macHigh, low: each.macLow }),
        vlan: this.#given[each.index]?.vlan ?? 'untagged',
        gateway: this.#given[each.index]?.gateway ?? 'none',
        link: { name: each.link.name, ...each.link.capabilities },
        addresses: this.ipv4
          .addresses()
          .filter((own) => own.interfaceIndex === each.index)
          .map((own) => `${formatIpv4Address(own.address)}/${own.prefixLength}`),
      })),
    };
  }

  /**
   * Closes sockets and links, releases every packet. Nobody is left to repeat what gets lost: connections send what their
   * windows allow, and are reset; so `await socket.closed` before, where the peer must have everything. Idempotent.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#loop.stop();
    this.#ping.close();
    const hasConnections = this.tcp.size > 0;
    for (const socket of [...this.#sockets, ...this.#detached]) socket.close();
    // A last round, so that iterators and multiplexers hear of the end.
    this.ready.dispatch();
    this.#isClosed = true;
    if (hasConnections) this.#resetConnections();
    this.ready.dispatch();
    this.tcp.close();
    this.ipv4.close();
    for (const networkInterface of this.interfaces) networkInterface.close();
    for (const link of this.links) linksInUse.delete(link);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  // ---- for the loop

  /** Microseconds until a timer or a link needs a poll without an outside event; -1: never. */
  nextEvent(): number {
    let next = this.timers.nextExpiry(this.lastPoll);
    const tcp = this.tcp.nextExpiry(this.lastPoll);
    if (tcp >= 0 && (next < 0 || tcp < next)) next = tcp;
    for (const link of this.links) {
      const due = link.nextReceive();
      if (due >= 0 && (next < 0 || due < next)) next = due;
    }
    return next;
  }

  // ---- for sockets

  /** The time of the poll under way, or of the last one while the loop is spinning: cheap. */
  now(): Instant {
    return this.#isPolling || !this.#loop.isAsleep ? this.lastPoll : this.clock.now();
  }

  /**
   * Something waits to be sent: polls soon, if no poll is under way. Sockets call it; whoever sends by `interfaces` or
   * `ipv4` directly must. No effect in mode `manual`.
   */
  requestPoll(): void {
    if (!this.#isPolling) this.#loop.request();
  }

  #round(now: Instant): number {
    const interfaces = this.interfaces;
    let work = 0;
    for (let i = 0; i < interfaces.length; i = (i + 1) | 0) {
      work = (work + interfaces[i]!.poll(this.#receiveBudget, now)) | 0;
    }
    const { tcp } = this;
    // Coalesced segments are judged, and acknowledged, before timers can find them late.
    tcp.endBurst(now);
    work = (work + this.timers.advance(now, this.#timerBudget)) | 0;
    work = (work + tcp.advance(now, this.#timerBudget)) | 0;
    work = (work + this.ready.dispatch()) | 0;
    tcp.flush(now);
    for (let i = 0; i < interfaces.length; i = (i + 1) | 0) interfaces[i]!.flush();
    // What a user's congestion control has thrown, now that nothing is half done.
    tcp.controls.surface();
    return work;
  }

  /** The interface on which an address is a neighbour. */
  #interfaceOf(address: number): EthernetInterface | undefined {
    if (address === 0) return undefined;
    const route = this.ipv4.routes.lookup(address, -1);
    return route === null || route.gateway !== 0 || route.interface.isLoopback ? undefined : route.interface;
  }

  /** Peers learn that nobody answers any more; behind a FIN, for those who have sent theirs, the reset changes nothing. */
  #resetConnections(): void {
    const { tcp } = this;
    const now = this.clock.now();
    tcp.flush(now);
    for (const connection of tcp.connections()) {
      connection.abort(now);
      connection.close(now);
    }
    for (const networkInterface of this.interfaces) networkInterface.flush();
  }

  opened(socket: Closable): void {
    this.#sockets.add(socket);
    this.#loop.addUser();
  }

  detached(socket: Closable): void {
    if (!this.#sockets.delete(socket)) return;
    this.#loop.removeUser();
    this.#detached.add(socket);
  }

  closed(socket: Closable): void {
    if (this.#sockets.delete(socket)) this.#loop.removeUser();
    else this.#detached.delete(socket);
  }
}

/** The one pool that the links send from, if there is just one. */
function poolOfLinks(interfaces: readonly ParsedInterface[]): PacketPool | undefined {
  const pools = new Set(interfaces.map(({ options }) => options.link.pool).filter((pool) => pool !== undefined));
  return pools.size === 1 ? pools.values().next().value : undefined;
}
