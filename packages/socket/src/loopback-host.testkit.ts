import { PacketMemory, PacketPool } from '@prism-net/buffers';
import type { PosixError } from '@prism-net/errors';
import { EthernetInterface } from '@prism-net/ethernet';
import { Ipv4Layer } from '@prism-net/ipv4';
import { createLoopbackLink, createPipe, PacketAccounts } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { TcpLayer, type TcpSettings } from '@prism-net/tcp';
import { ManualClock, TimerWheel } from '@prism-net/time';
import { UdpLayer } from '@prism-net/udp';
import { parseIpv4Prefix } from '@prism-net/wire';
import { expect } from 'vitest';
import { DatagramSocket } from './datagram-socket.js';
import type { DatagramSocketOptions } from './datagram-socket-options.js';
import { ReadyQueue } from './ready-queue.js';
import type { Closable, SocketContext } from './socket-context.js';

/** What of a stack sockets need: a host with a loopback and, as 10.0.0.1, a cable at which nobody is. Virtual time. */
export class LoopbackHost implements SocketContext {
  readonly clock = new ManualClock(2 ** 31 - 1000);
  readonly pool: PacketPool;
  readonly accounts = new PacketAccounts();
  readonly timers = new TimerWheel({ capacity: 32, now: this.clock.now() });
  readonly ready = new ReadyQueue();
  readonly udp: UdpLayer;
  readonly tcp: TcpLayer;
  readonly sockets = new Set<Closable>();
  readonly detachedSockets = new Set<Closable>();
  pollRequests = 0;
  readonly #ipv4: Ipv4Layer;
  readonly #interfaces: EthernetInterface[] = [];

  constructor(frames = 256, settings: Partial<TcpSettings> = {}) {
    this.pool = PacketPool.create(PacketMemory.create({ frames, debug: true }), frames);
    const now = this.clock.now();
    const { pool, accounts, timers } = this;
    const common = { pool, accounts, timers, random: new SeededRandom(1) };
    this.#ipv4 = new Ipv4Layer({ ...common, now });
    this.udp = new UdpLayer({ ...common, ipv4: this.#ipv4 });
    const random = new SeededRandom(2);
    this.tcp = new TcpLayer({ ...settings, pool, accounts, random, ipv4: this.#ipv4, now });
    const [cable, nobody] = createPipe();
    nobody.close();
    const addresses = ['127.0.0.1/8', '10.0.0.1/24'];
    for (const [index, link] of [createLoopbackLink(), cable].entries()) {
      const added = new EthernetInterface({ ...common, link, index });
      this.#ipv4.addInterface(added, [parseIpv4Prefix(addresses[index]!)], now);
      this.#interfaces.push(added);
    }
  }

  now(): number {
    return this.clock.now();
  }

  requestPoll(): void {
    this.pollRequests++;
  }

  opened(socket: Closable): void {
    this.sockets.add(socket);
  }

  detached(socket: Closable): void {
    this.sockets.delete(socket);
    this.detachedSockets.add(socket);
  }

  closed(socket: Closable): void {
    this.sockets.delete(socket);
    this.detachedSockets.delete(socket);
  }

  socket(options?: DatagramSocketOptions): DatagramSocket {
    return new DatagramSocket(this, options);
  }

  /** One round, as of `Stack.poll`. */
  tick(): number {
    const now = this.now();
    let work = 0;
    for (const each of this.#interfaces) work += each.poll(32, now);
    this.tcp.endBurst(now);
    work += this.timers.advance(now, 64);
    work += this.tcp.advance(now, 64);
    work += this.ready.dispatch();
    this.tcp.flush(now);
    for (const each of this.#interfaces) each.flush();
    return work;
  }

  /** Sends what waits, and receives it: one round more than there is work. */
  settle(): void {
    for (let idle = 0; idle < 2; ) idle = this.tick() > 0 ? 0 : idle + 1;
  }

  pass(milliseconds: number, step = 100): void {
    for (let left = milliseconds; left > 0; left -= step) {
      this.clock.advance(step * 1000);
      this.settle();
    }
  }

  finish(): void {
    for (const socket of [...this.sockets, ...this.detachedSockets]) socket.close();
    this.settle();
    for (const connection of this.tcp.connections()) connection.abort(this.now());
    this.settle();
    expect([this.sockets.size, this.detachedSockets.size]).toEqual([0, 0]);
    this.tcp.close();
    this.#ipv4.close();
    for (const each of this.#interfaces) each.close();
    expect([this.timers.armed, this.tcp.wheel.armed]).toEqual([0, 0]);
    this.pool.assertNoLeaks();
    expect(this.udp.ports.size).toBe(0);
    expect(this.accounts.snapshot().unexplained).toBe(0);
  }
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Lets promises and microtasks run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export const LOOPBACK = '127.0.0.1';
/** An address nobody has. */
export const NOBODY = '10.0.0.77';

/** The error that `work` throws. */
export function thrown(work: () => unknown): PosixError {
  try {
    work();
  } catch (error) {
    return error as PosixError;
  }
  throw new Error('nothing was thrown');
}

/** A client on port 1,000 and a server on port 7. */
export function pair(host: LoopbackHost): [client: DatagramSocket, server: DatagramSocket] {
  return [host.socket({ port: 1000 }), host.socket({ port: 7 })];
}
