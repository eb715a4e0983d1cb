import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { createStack, type Stack } from '@prism-net/stack';
import type { Connection, Listener } from '@prism-net/tcp';
import { createMonotonicClock } from '@prism-net/time';
import { IpAddress } from '@prism-net/wire';

const PORT = 7000;
const SERVER = '10.0.0.2';

export interface TcpPairOptions {
  readonly mtu: number;
  readonly frames: number;
  /** Bytes per frame. */
  readonly frameSize: number;
  /** Receive window and send buffer of both, in bytes; undefined: they grow by themselves. */
  readonly buffers?: number;
}

/** Two complete stacks, back to back over the in-process pipe, in one thread, with one connection between them. */
export class TcpPair {
  readonly memory: PacketMemory;
  readonly clock = createMonotonicClock();
  readonly client: Stack;
  readonly server: Stack;
  readonly near: Connection;
  readonly far: Connection;
  readonly #listener: Listener;

  constructor({ mtu, frames, frameSize, buffers }: TcpPairOptions) {
    this.memory = PacketMemory.create({ frames: 2 * frames, frameSize });
    const [left, right] = createPipe({ mtu });
    const common = {
      mode: 'manual',
      clock: this.clock,
      memory: this.memory,
      tcp: { maximumConnections: 16, timeWaitSize: 16 },
    } as const;
    const pool = () => PacketPool.create(this.memory, frames);
    this.client = createStack({ ...common, link: left, address: '10.0.0.1/24', pool: pool() });
    this.server = createStack({ ...common, link: right, address: `${SERVER}/24`, pool: pool() });
    const sizes = buffers === undefined ? {} : { receiveBuffer: buffers, sendBuffer: buffers };
    const options = { noDelay: true, ...sizes };
    const listener = this.server.tcp.listen(null, PORT, options, null);
    if (typeof listener === 'number') throw new Error(`tcp: cannot listen, error ${listener}`);
    this.#listener = listener;
    this.near = this.client.tcp.open(null);
    this.near.apply(options);
    this.near.connect(IpAddress.parse(SERVER), PORT, this.clock.now());
    let accepted: Connection | null = null;
    for (let i = 0; i < 100 && accepted === null; i++) {
      this.poll();
      accepted = listener.accept();
    }
    if (accepted === null) throw new Error('tcp: the handshake does not get through');
    this.far = accepted;
  }

  poll(): void {
    const now = this.clock.now();
    this.client.poll(now);
    this.server.poll(now);
  }

  close(): void {
    const now = this.clock.now();
    this.near.abort(now);
    this.far.abort(now);
    this.#listener.close(now);
    this.client.close();
    this.server.close();
    for (const { accounts } of [this.client, this.server]) {
      const { unexplained } = accounts.snapshot();
      if (unexplained !== 0) throw new Error(`tcp: ${unexplained} frames unexplained`);
    }
  }
}
