import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, type Link } from '@prism-net/link';
import { createStack, type Stack } from '@prism-net/stack';
import { SeededRandom } from '@prism-net/tables';
import { type Connection, Listener } from '@prism-net/tcp';
import { createMonotonicClock } from '@prism-net/time';
import { IpAddress, parseIpv4Address } from '@prism-net/wire';
import { FloodFrame } from './flood-frame.js';

const PORT = 5000;
const BURST = 32;
const FRAMES = 4096;
const SERVER = '10.0.0.1';
const FLOODED = '10.128.0.1';
const GATEWAY = '10.128.0.2';

/** What a flood costs in real time: two stacks and a flooder in one process, on in-process cables. */
class Price {
  readonly clock = createMonotonicClock();
  readonly memory = PacketMemory.create({ frames: 3 * FRAMES });
  readonly server: Stack;
  readonly client: Stack;
  readonly near: Connection;
  far: Connection | null = null;
  readonly flooder: Link;
  readonly pool: PacketPool;
  readonly #frame: FloodFrame;
  readonly #burst: ReturnType<PacketPool['take']>[] = [];
  readonly #bytes = new Uint8Array(65_536);
  delivered = 0;

  constructor() {
    const pool = () => PacketPool.create(this.memory, FRAMES);
    const [near, far] = createPipe();
    const [flooder, flooded] = createPipe();
    this.flooder = flooder;
    this.pool = pool();
    const common = { mode: 'manual', clock: this.clock, memory: this.memory } as const;
    this.server = createStack({
      ...common,
      pool: pool(),
      interfaces: [
        { link: far, address: `${SERVER}/24` },
        { link: flooded, address: `${FLOODED}/9`, gateway: GATEWAY },
      ],
    });
    this.client = createStack({ ...common, pool: pool(), link: near, address: '10.0.0.2/24' });
    const gateway = flooder.capabilities.macAddress;
    this.server.interfaces[2]!.arp.addStaticNeighbour(parseIpv4Address(GATEWAY), gateway.high, gateway.low);
    const options = { noDelay: true, receiveBuffer: 1 << 17, sendBuffer: 1 << 17 };
    const listener = this.server.tcp.listen(null, PORT, options, null);
    if (!(listener instanceof Listener)) throw new Error(`listen: error ${listener}`);
    this.near = this.client.tcp.open(null);
    this.near.apply(options);
    this.near.connect(IpAddress.parse(SERVER), PORT, this.clock.now());
    for (let i = 0; i < 100 && this.far === null; i++) {
      this.poll();
      this.far = listener.accept();
    }
    if (this.far === null) throw new Error('the handshake does not get through');
    const address = parseIpv4Address(FLOODED);
    const target = { macAddress: flooded.capabilities.macAddress, address, port: PORT };
    const stream = { peerAddress: parseIpv4Address('10.0.0.2'), peerPort: this.near.localPort };
    const peer = { ...stream, ownAddress: parseIpv4Address(SERVER), ownPort: PORT };
    const sources = { base: parseIpv4Address('11.0.0.0'), bits: 24 };
    this.#frame = new FloodFrame({ ...target, ...peer }, sources, new SeededRandom(1), gateway);
  }

  poll(): void {
    const now = this.clock.now();
    this.client.poll(now);
    this.server.poll(now);
  }

  /** Puts SYNs on the cable and takes the answers off it. */
  flood(count: number): void {
    const burst = this.#burst;
    for (let i = 0; i < count; i++) {
      this.#frame.next('syn');
      const packet = this.pool.take();
      if (packet === null) throw new Error('the flooder is out of packets');
      packet.memory.write(packet.offset, this.#frame.bytes, 0, this.#frame.length);
      packet.length = this.#frame.length;
      burst[i] = packet;
    }
    const taken = this.flooder.transmit(burst as never, 0, count);
    for (let i = taken; i < count; i++) burst[i]!.release();
    const answers = this.flooder.receive(burst as never, 1 << 10);
    for (let i = 0; i < answers; i++) burst[i]!.release();
  }

  /** The sender writes what it may, up to `budget` bytes; the receiver reads everything. */
  stream(budget: number): number {
    const { near, far } = this;
    const bytes = this.#bytes;
    const written = Math.max(0, near.write(bytes, 0, Math.min(bytes.length, budget)));
    for (let packet = far!.receive(); packet !== null; packet = far!.receive()) {
      this.delivered += packet.length;
      packet.release();
    }
    return written;
  }

  close(): void {
    const now = this.clock.now();
    this.near.abort(now);
    this.far!.abort(now);
    this.server.close();
    this.client.close();
    this.flooder.close();
  }
}

export interface FloodPrice {
  /** CPU time of the attacked stack for each SYN answered by a cookie, in nanoseconds, alone. */
  readonly nanosecondsPerSyn: number;
  readonly synsPerSecond: number;
  /** Gbit/s of a stream at full speed, with none and with SYNs at the rate. */
  readonly fullSpeed: readonly [number, number];
  /** Gbit/s of a stream of a fixed rate, with none and with SYNs at the rate. */
  readonly fixed: readonly [number, number];
  readonly fixedRate: number;
  readonly rate: number;
}

/** Measures for about six times `seconds`. */
export function measureFloodPrice(seconds: number, rate: number, fixedGigabits: number): FloodPrice {
  const price = new Price();
  const stream = (gigabits: number, perSecond: number): number => {
    const before = price.delivered;
    const started = performance.now();
    let passed = 0;
    let syns = 0;
    let written = 0;
    while (passed < seconds * 1000) {
      for (let i = 0; i < 8; i++) {
        const budget = gigabits === 0 ? 65_536 : Math.max(0, passed * gigabits * 125_000 - written);
        written += price.stream(budget);
        price.poll();
      }
      passed = performance.now() - started;
      const due = Math.min(Math.floor((passed * perSecond) / 1000) - syns, 256);
      for (let left = due; left > 0; left -= BURST) price.flood(Math.min(left, BURST));
      syns += Math.max(due, 0);
    }
    return ((price.delivered - before) * 8) / (passed * 1e6);
  };
  stream(0, 0);
  // The rows fill; from then on there are cookies.
  for (let i = 0; i < 64; i++) {
    price.flood(BURST);
    price.server.poll(price.clock.now());
  }
  const rows = price.server.tcp.statistics.cookiesSent;
  // Alone: what polls with a burst of SYNs take, the forging apart.
  let busy = 0;
  let count = 0;
  for (let left = seconds * 1000; left > 0; ) {
    const started = performance.now();
    for (let i = 0; i < 8; i++) price.flood(BURST);
    const forged = process.cpuUsage();
    // Eight bursts wait on the cable.
    for (let i = 0; i < 8; i++) price.server.poll(price.clock.now());
    const { user, system } = process.cpuUsage(forged);
    busy += (user + system) / 1000;
    count += 8 * BURST;
    left -= performance.now() - started;
  }
  const cookiesSent = price.server.tcp.statistics.cookiesSent - rows;
  if (cookiesSent < count / 2) throw new Error(`only ${cookiesSent} of ${count} SYNs were answered by cookies`);
  const fullSpeed = [stream(0, 0), stream(0, rate)] as const;
  const fixed = [stream(fixedGigabits, 0), stream(fixedGigabits, rate)] as const;
  price.close();
  const nanosecondsPerSyn = (busy * 1e6) / count;
  return {
    nanosecondsPerSyn,
    synsPerSecond: 1e9 / nanosecondsPerSyn,
    fullSpeed,
    fixed,
    fixedRate: fixedGigabits,
    rate,
  };
}

export function printFloodPrice(price: FloodPrice): void {
  const pair = ([without, under]: readonly [number, number]): string =>
    `${without.toFixed(2)} → ${under.toFixed(2)} Gbit/s`;
  console.log(
    `price of a SYN (real time, in-process cables): ${price.nanosecondsPerSyn.toFixed(0)} ns of CPU, ` +
      `${(price.synsPerSecond / 1e6).toFixed(2)} million/s at most`,
  );
  console.log(
    `  with ${price.rate} SYN/s beside it a stream at full speed goes ${pair(price.fullSpeed)}, one of ` +
      `${price.fixedRate} Gbit/s ${pair(price.fixed)}; both stacks and the flooder share one thread`,
  );
}
