import { type AddressInfo, createServer, Socket } from 'node:net';
import { HEADROOM } from '@prism-net/buffers';
import { allocatedBytes } from '@prism-net/measure';
import { summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';
import { TcpPair } from './tcp-pair.js';

const ALLOCATION_PASSES = 5;
const KERNEL_WRITE = 65_536;

/** One stream from one application to the other. */
class Stream {
  readonly pair: TcpPair;
  readonly #message: number;
  readonly #messageLength: number;
  /** Bytes the receiving application was handed; and a sum over a word of each packet: it really looks. */
  readonly delivered = new Float64Array(2);

  constructor(mtu: number) {
    const isJumbo = mtu > 1500;
    const frameSize = isJumbo ? 16_384 : 2048;
    // Enough for a burst each way; more would only leave the caches.
    const buffers = isJumbo ? 1 << 18 : 1 << 17;
    this.pair = new TcpPair({ mtu, frameSize, frames: isJumbo ? 512 : 2048, buffers });
    this.#messageLength = frameSize - HEADROOM;
    // What the application sends lies ready in packet memory, as received market data or a file would.
    const source = this.pair.client.pool.take()!;
    this.#message = source.offset;
    for (let i = 0; i < this.#messageLength; i++) source.view.setUint8(source.offset + i, i * 7);
  }

  /** The sender fills its buffer, by the zero-copy API; then each stack is polled; the receiver takes what has come. */
  round(): void {
    const { near, far, memory } = this.pair;
    for (;;) {
      const packet = near.reserve();
      if (packet === null) break;
      memory.copy(packet.offset, this.#message, this.#messageLength);
      packet.length = this.#messageLength;
      near.commit(packet);
    }
    this.pair.poll();
    for (;;) {
      const packet = far.receive();
      if (packet === null) break;
      this.delivered[0]! += packet.length;
      this.delivered[1]! += packet.view.getUint8(packet.offset);
      packet.release();
    }
  }

  /** Gigabits per second over about `seconds`. */
  run(seconds: number): number {
    const before = this.delivered[0]!;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < seconds * 1000) {
      for (let i = 0; i < 64; i++) this.round();
      elapsed = performance.now() - start;
    }
    return ((this.delivered[0]! - before) * 8) / (elapsed * 1e6);
  }

  bytesAllocatedPerSegment(): Figures {
    const segmentsBefore = this.pair.near.information().bytesSent;
    const bytes = allocatedBytes(() => {
      for (let i = 0; i < 5000; i++) this.round();
    });
    const { bytesSent, segmentSize } = this.pair.near.information();
    return {
      bytesAllocatedPerSegment: bytes / ((bytesSent - segmentsBefore) / segmentSize),
      bytesAllocatedInAll: bytes,
    };
  }
}

export const tcpThroughput: RunScenario = async ({ seconds, runs }) => {
  const ordinary = new Stream(1500);
  const jumbo = new Stream(9000);
  const share = Math.max(0.05, seconds / runs / 4);
  ordinary.run(1);
  jumbo.run(1);
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push({ gbitPerSecondMtu1500: ordinary.run(share), gbitPerSecondMtu9000: jumbo.run(share) });
    theirs.push({ gbitPerSecond: await netOverLoopback(share) });
  }
  const { medians, spread } = summarise(ours);
  const allocation = Array.from({ length: ALLOCATION_PASSES }, () => ordinary.bytesAllocatedPerSegment());
  const retransmitted = ordinary.pair.near.information().retransmitted + jumbo.pair.near.information().retransmitted;
  ordinary.pair.close();
  jumbo.pair.close();
  const counted = summarise(allocation);
  const { gbitPerSecond } = summarise(theirs).medians;
  return {
    figures: { ...medians, ...counted.medians, retransmitted },
    baseline: { gbitPerSecondMtu1500: gbitPerSecond!, gbitPerSecondMtu9000: gbitPerSecond! },
    baselineName: 'node:net over the loopback interface of the kernel (MTU 65,536, no checksums, segments of 64 KiB)',
    spread: { ...spread, ...counted.spread },
    runs,
    conditions: {
      link: 'pipe',
      streams: 1,
      buffers: '128 KiB at MTU 1,500, 256 KiB at 9,000',
      checksums: 'software, both ends',
      api: 'reserve and commit, receive views',
    },
  };
};

/** The kernel's loopback in this process, with large writes. */
async function netOverLoopback(seconds: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let received = 0;
  server.on('connection', (socket) => socket.on('data', (data) => (received += data.length)));
  const client = new Socket();
  await new Promise<void>((resolve) => client.connect((server.address() as AddressInfo).port, '127.0.0.1', resolve));
  const block = Buffer.alloc(KERNEL_WRITE, 7);
  const start = performance.now();
  const until = start + seconds * 1000;
  const write = (): void => {
    while (performance.now() < until) if (!client.write(block)) return;
  };
  client.on('drain', write);
  write();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const rate = (received * 8) / ((performance.now() - start) * 1e6);
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  return rate;
}
