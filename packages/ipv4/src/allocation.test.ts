import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { EthernetInterface } from '@prism-net/ethernet';
import { createPipe, type Link, PacketAccounts } from '@prism-net/link';
import { steadyStateBytes } from '@prism-net/measure';
import { SeededRandom } from '@prism-net/tables';
import { TimerWheel } from '@prism-net/time';
import { ipv4 } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { ip } from './ipv4.testkit.js';
import { Ipv4Layer } from './ipv4-layer.js';
import { Ipv4Route } from './ipv4-route.js';

const memory = PacketMemory.create({ frames: 1024 });
const pool = PacketPool.create(memory, 1024);

/** Counts and releases. */
class Sink {
  packets = 0;
  readonly #accounts: PacketAccounts;
  constructor(accounts: PacketAccounts) {
    this.#accounts = accounts;
  }
  receive(packet: Packet): void {
    this.packets = (this.packets + 1) | 0;
    this.#accounts.deliver();
    packet.release();
  }
  receiveError(): boolean {
    return true;
  }
}

function host(link: Link, address: number) {
  const common = { pool, accounts: new PacketAccounts(), random: new SeededRandom(1) };
  const timers = new TimerWheel({ capacity: 32, now: 0 });
  const ethernet = new EthernetInterface({ ...common, timers, link, index: 0 });
  const layer = new Ipv4Layer({ ...common, timers, now: 0, icmp: { echoesPerSecond: 1e9, echoesBurst: 1e9 } });
  layer.addInterface(ethernet, [{ address, prefixLength: 8 }], 0);
  const sink = new Sink(common.accounts);
  layer.registerProtocol(ipv4.Protocol.UDP, sink);
  return { ethernet, layer, sink };
}

const [left, right] = createPipe();
const a = host(left, ip('10.0.0.1'));
const B = ip('10.0.0.2'); // parsed once: that allocates
const b = host(right, B);

function exchange(): void {
  a.ethernet.flush();
  while (b.ethernet.poll(32, 0) > 0);
  b.ethernet.flush();
  while (a.ethernet.poll(32, 0) > 0);
  a.ethernet.flush();
}

const route = new Ipv4Route();

function burst(length: number, dontFragment: boolean): void {
  for (let i = 0; i < 16; i = (i + 1) | 0) {
    const packet = pool.take()!;
    packet.length = length;
    a.layer.send(packet, route, ipv4.Protocol.UDP, 0, 64, dontFragment, 0);
  }
  exchange();
}

it.each([
  ['a datagram sent and received', () => burst(64, true)],
  ['a datagram with an identification', () => burst(64, false)],
  ['a datagram in fragments, put together again', () => burst(1800, false)],
  [
    'routes resolved, and sources that are never the same twice',
    () => {
      for (let i = 0; i < 16; i = (i + 1) | 0) {
        a.layer.resolve(B, 0, route, -1);
        const packet = pool.take()!;
        packet.length = 64;
        route.source = (0x0a010000 + next()) | 0;
        a.layer.send(packet, route, ipv4.Protocol.UDP, 0, 64, true, 0);
      }
      exchange();
    },
  ],
  [
    'an echo and its answer',
    () => {
      for (let i = 0; i < 16; i = (i + 1) | 0) a.layer.icmp.ping(B, 1, i, 56, 0);
      exchange();
    },
  ],
])('%s: nothing is allocated', (what, work) => {
  expect(a.layer.resolve(B, 0, route, -1)).toBe(0);
  // Until the neighbours know each other.
  for (let i = 0; i < 3; i++) burst(64, true);
  const before = b.sink.packets;
  const bytes = steadyStateBytes(() => {
    for (let i = 0; i < 2000; i = (i + 1) | 0) work();
  });
  pool.assertNoLeaks();
  expect(bytes / 32_000).toBeLessThan(0.5);
  if (!what.includes('echo')) expect(b.sink.packets - before).toBe(10 * 32_000);
});

let count = 0;
function next(): number {
  count = (count + 1) & 0xffff;
  return count;
}
