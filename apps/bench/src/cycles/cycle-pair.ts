import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { createStack, type Stack } from '@prism-net/stack';
import type { Clock } from '@prism-net/time';
import { CYCLE_SETTINGS, CycleClient, CycleServer } from './cycles.js';

const SERVER = '10.0.0.2';
const FRAMES = 4096;

/** Two stacks over the pipe in one thread, which open and close connections to each other. */
export class CyclePair {
  readonly client: CycleClient;
  readonly server: CycleServer;
  /** That of the client, and that of the server. */
  readonly stacks: readonly [Stack, Stack];
  readonly #pools: readonly PacketPool[];
  readonly #clock: Clock;

  /** @param payload bytes of a question, and of its answer @param concurrency cycles under way at a time */
  constructor(clock: Clock, payload: number, concurrency: number) {
    const memory = PacketMemory.create({ frames: 2 * FRAMES });
    const [left, right] = createPipe({ mtu: 1500 });
    const common = { mode: 'manual', clock, memory, tcp: CYCLE_SETTINGS } as const;
    const near = PacketPool.create(memory, FRAMES);
    const far = PacketPool.create(memory, FRAMES);
    this.#clock = clock;
    this.#pools = [near, far];
    this.stacks = [
      createStack({ ...common, link: left, address: '10.0.0.1/24', pool: near }),
      createStack({ ...common, link: right, address: `${SERVER}/24`, pool: far }),
    ];
    this.server = new CycleServer(this.stacks[1], payload);
    this.client = new CycleClient(this.stacks[0], SERVER, payload, concurrency);
  }

  round(): void {
    const now = this.#clock.now();
    const [near, far] = this.stacks;
    near.poll(now);
    this.client.round(now);
    far.poll(now);
    this.server.round(now);
  }

  get packetsInUse(): number {
    return this.#pools.reduce((sum, pool) => sum + pool.region.frames - pool.available, 0);
  }

  /** @throws Error when a frame is unaccounted for. */
  close(): void {
    this.client.close();
    this.server.close();
    for (const stack of this.stacks) stack.close();
    for (const { accounts } of this.stacks) {
      const { unexplained } = accounts.snapshot();
      if (unexplained !== 0) throw new Error(`cycles: ${unexplained} frames unexplained`);
    }
  }
}
