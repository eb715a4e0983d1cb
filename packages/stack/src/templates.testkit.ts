import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, impair, type PipeOptions } from '@prism-net/link';
import type { StreamConnectOptions, StreamSocket } from '@prism-net/socket';
import { RecordingLink } from './recording-link.testkit.js';
import type { Stack } from './stack.js';
import type { SingleInterfaceOptions } from './stack-options.js';
import { type Connected, connected } from './stream.testkit.js';
import { HERE, Network, PEER } from './two-hosts.testkit.js';

export interface World extends Connected {
  readonly network: Network;
  readonly here: Stack;
  readonly peer: Stack;
  readonly wire: RecordingLink;
}

export interface WorldOptions {
  readonly pipe?: PipeOptions;
  readonly stack?: Partial<SingleInterfaceOptions>;
  readonly connect?: Partial<StreamConnectOptions>;
  readonly loss?: number;
  readonly frames?: number;
  readonly debug?: boolean;
}

/** Two hosts with a connection between them; `wire` shows what the first one sends. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const { pipe = {}, stack = {}, connect = {}, loss = 0, frames = 256, debug = true } = options;
  const network = new Network();
  const [left, right] = createPipe(pipe);
  const memory = () => PacketMemory.create({ frames, debug });
  const spare = PacketPool.create(memory(), 16);
  const impaired = { seed: 5, clock: network.clock, pool: spare, transmit: { loss }, receive: { loss } };
  const wire = new RecordingLink(loss === 0 ? left : impair(left, impaired));
  const here = network.add({ link: wire, address: `${HERE}/24`, memory: memory(), ...stack });
  const peer = network.add({ link: right, address: `${PEER}/24`, memory: memory(), ...stack });
  const sockets = await connected({ network, here, peer }, { noDelay: true, ...connect }, { noDelay: true });
  network.settle();
  wire.take();
  return { network, here, peer, wire, ...sockets };
}

export function finish({ network, client, server, listener }: World): void {
  for (const socket of [client, server, listener]) socket.close();
  network.pass(1000);
  for (const stack of network.stacks) for (const each of stack.tcp.connections()) each.abort(stack.now());
  network.settle();
  network.finish();
}

export function readAll(socket: StreamSocket): Uint8Array {
  const parts: number[] = [];
  const buffer = new Uint8Array(4096);
  for (let count = socket.readInto(buffer); count > 0; count = socket.readInto(buffer)) {
    parts.push(...buffer.subarray(0, count));
  }
  return Uint8Array.from(parts);
}
