import { createSocket } from 'node:dgram';
import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { allocatedBytes } from '@prism-net/measure';
import type { DatagramSocket } from '@prism-net/socket';
import { createStack, type Stack } from '@prism-net/stack';
import { ManualClock } from '@prism-net/time';
import { quantile, summarise, timerCostNs } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';

const PAYLOAD = 64;
const BURST = 32;
const FRAMES = 1024;
const ALLOCATION_DATAGRAMS = 1_000_000;
const ALLOCATION_PASSES = 5;

/** Two complete stacks, back to back over the in-process pipe, in one thread. */
class Path {
  readonly memory = PacketMemory.create({ frames: 2 * FRAMES });
  readonly clock = new ManualClock();
  readonly client: Stack;
  readonly server: Stack;
  readonly #sender: DatagramSocket;
  readonly #payload = new Uint8Array(PAYLOAD).map((_, i) => i);
  readonly #burst: Packet[] = [];
  delivered = 0;
  /** Sum over a word of every payload: the receiver really reads what it gets. */
  readonly seen = new Float64Array(1);

  constructor() {
    const [left, right] = createPipe();
    const common = { mode: 'manual', clock: this.clock, memory: this.memory } as const;
    this.client = createStack({
      ...common,
      link: left,
      address: '10.0.0.1/24',
      pool: PacketPool.create(this.memory, FRAMES),
    });
    this.server = createStack({
      ...common,
      link: right,
      address: '10.0.0.2/24',
      pool: PacketPool.create(this.memory, FRAMES),
    });
    this.server.udpSocket({ port: 7000 }).onReadable((socket) => this.#drain(socket));
    this.#sender = this.client.udpSocket().connect(7000, '10.0.0.2');
    // The first datagram waits for ARP.
    this.sendBurst(1);
    for (let i = 0; i < 4; i++) this.poll();
    if (this.delivered !== 1) throw new Error('udp-path: the path does not deliver');
  }

  poll(): void {
    const now = this.clock.now();
    this.client.poll(now);
    this.server.poll(now);
  }

  /** The ordinary way: the application's bytes are copied into the frame. */
  sendBurst(count: number): void {
    const socket = this.#sender;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const packet = socket.reserve()!;
      packet.memory.write(packet.offset, this.#payload, 0, PAYLOAD);
      packet.length = PAYLOAD;
      socket.commit(packet);
    }
  }

  /** The zero-copy way: the application composes its message in the frame. */
  composeBurst(count: number): void {
    const socket = this.#sender;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const packet = socket.reserve()!;
      const { view, offset } = packet;
      for (let at = 0; at < PAYLOAD; at = (at + 4) | 0) view.setInt32(offset + at, (i + at) | 0, true);
      packet.length = PAYLOAD;
      socket.commit(packet);
    }
  }

  #drain(socket: DatagramSocket): void {
    const count = socket.receiveBurst(this.#burst, BURST);
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const packet = this.#burst[i]!;
      this.seen[0]! += packet.view.getInt32(packet.offset, true);
      packet.release();
    }
    this.delivered = (this.delivered + count) | 0;
  }

  round(zeroCopy: boolean): void {
    if (zeroCopy) this.composeBurst(BURST);
    else this.sendBurst(BURST);
    // One poll each: the client's flushes, the server's receives and delivers.
    this.poll();
  }

  /** Nanoseconds per datagram of each round, less what the timer costs. */
  time(rounds: number, zeroCopy: boolean, timerNs: number): Float64Array {
    const samples = new Float64Array(rounds);
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      this.round(zeroCopy);
      samples[i] = ((performance.now() - start) * 1e6 - timerNs) / BURST;
    }
    return samples;
  }

  close(): void {
    this.client.close();
    this.server.close();
    for (const { accounts } of [this.client, this.server]) {
      const { unexplained } = accounts.snapshot();
      if (unexplained !== 0) throw new Error(`udp-path: ${unexplained} frames unexplained`);
    }
  }
}

export const udpPath: RunScenario = async ({ seconds, runs }) => {
  const timerNs = timerCostNs();
  const path = new Path();
  const warmRounds = 20_000;
  path.time(warmRounds, false, timerNs);
  path.time(warmRounds, true, timerNs);
  // About a third of the time each for the two APIs and the baseline; a round takes some 6 µs.
  const rounds = Math.max(1000, Math.min(40_000, Math.floor((seconds / 3 / runs) * 100_000)));

  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    const before = path.delivered;
    const copied = path.time(rounds, false, timerNs);
    const composed = path.time(rounds, true, timerNs);
    if (path.delivered - before !== 2 * rounds * BURST) throw new Error('udp-path: datagrams were lost');
    ours.push({
      nsPerDatagramMedian: quantile(copied, 0.5),
      nsPerDatagramP99: quantile(copied, 0.99),
      nsPerDatagramZeroCopyApiMedian: quantile(composed, 0.5),
      nsPerDatagramZeroCopyApiP99: quantile(composed, 0.99),
    });
    theirs.push(await dgramOverLoopback(Math.floor(rounds / 40)));
  }

  const { medians, spread } = summarise(ours);
  const counted = countCopiesAndAllocation(path);
  const figures = { ...medians, ...counted.figures };
  path.close();
  return {
    figures,
    baseline: summarise(theirs).medians,
    baselineName: 'node:dgram over the loopback interface of the kernel',
    spread: { ...spread, ...summarise(counted.passes).spread },
    runs,
    conditions: {
      link: 'pipe',
      mtu: 1500,
      payload: PAYLOAD,
      burst: BURST,
      checksums: 'software, both ends',
      timerNs,
    },
  };
};

/**
 * What does not vary: bytes allocated over a million datagrams (the median of several passes: a late compilation allocates
 * on this heap too) and payload bytes copied.
 */
function countCopiesAndAllocation(path: Path): { figures: Figures; passes: Figures[] } {
  const { copies } = path.memory;
  const rounds = ALLOCATION_DATAGRAMS / BURST;
  const datagrams = rounds * BURST;
  const copiesOf = (zeroCopy: boolean): number => {
    const before = copies[1]!;
    for (let i = 0; i < 1000; i++) path.round(zeroCopy);
    return (copies[1]! - before) / (1000 * BURST * PAYLOAD);
  };
  const passes = Array.from({ length: ALLOCATION_PASSES }, () => {
    const bytes = allocatedBytes(() => {
      for (let i = 0; i < rounds; i++) path.round(false);
    });
    return { bytesAllocatedPerDatagram: bytes / datagrams, bytesAllocatedInAll: bytes };
  });
  const figures = {
    ...summarise(passes).medians,
    datagramsForAllocation: datagrams,
    payloadCopiesPerDatagram: copiesOf(false),
    payloadCopiesPerDatagramZeroCopyApi: copiesOf(true),
  };
  return { figures, passes };
}

/** The same datagrams, the same burst, through the kernel: two node:dgram sockets in this process. */
async function dgramOverLoopback(rounds: number): Promise<Figures> {
  const receiver = createSocket('udp4');
  const sender = createSocket('udp4');
  await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => sender.connect(receiver.address().port, '127.0.0.1', resolve));
  const payload = new Uint8Array(PAYLOAD);
  const samples = new Float64Array(rounds);
  let arrived = 0;
  let done: () => void = () => {};
  receiver.on('message', () => {
    if (++arrived === BURST) done();
  });
  for (let round = 0; round < rounds; round++) {
    arrived = 0;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    const start = performance.now();
    for (let i = 0; i < BURST; i++) sender.send(payload);
    await all;
    samples[round] = ((performance.now() - start) * 1e6) / BURST;
  }
  receiver.close();
  sender.close();
  return { nsPerDatagramMedian: quantile(samples, 0.5), nsPerDatagramP99: quantile(samples, 0.99) };
}
