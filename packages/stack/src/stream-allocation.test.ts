import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { steadyStateBytes } from '@prism-net/measure';
import type { StreamSocket } from '@prism-net/socket';
import { expect, it } from 'vitest';
import { createStack } from './stack.js';
import { connected, type Hosts } from './stream.testkit.js';
import { HERE, Network, PEER } from './two-hosts.testkit.js';

const MESSAGES = 4000;

/** Two hosts with a memory each, or with one between them, as threads that share it have. */
function hosts(isShared: boolean): Hosts {
  const network = new Network();
  const [left, right] = createPipe();
  const { memory: _memory, ...common } = network.common;
  const memory = PacketMemory.create({ frames: 2048 });
  const other = isShared ? memory : PacketMemory.create({ frames: 1024 });
  const here = createStack({ ...common, link: left, address: `${HERE}/24`, pool: PacketPool.create(memory, 1024) });
  const peer = createStack({ ...common, link: right, address: `${PEER}/24`, pool: PacketPool.create(other, 1024) });
  network.stacks.push(here, peer);
  return { network, here, peer };
}

/** Sends back what comes, in the packets it came in. */
function echo(socket: StreamSocket): void {
  while (socket.writableBytes > 0) {
    const packet = socket.receivePacket();
    if (packet === null) return;
    socket.commit(packet);
  }
}

it.each([
  ['64 bytes, a memory each', 64, false, false],
  ['1,000 bytes, one memory: no copy but those into segments', 1000, true, false],
  ['200 bytes, by tryWrite and readInto', 200, false, true],
])('echoes allocate nothing: %s', async (_name, length, isShared, isCopied) => {
  const pair = hosts(isShared);
  const { network, here, peer } = pair;
  const { client, server } = await connected(pair, { noDelay: true }, { noDelay: true });
  const message = new Uint8Array(length).fill(7);
  const answer = new Uint8Array(length);
  server.onReadable(echo);
  let received = 0;
  client.onReadable((socket) => {
    if (isCopied) {
      received = (received + socket.readInto(answer)) | 0;
      return;
    }
    for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
      received = (received + packet.length) | 0;
      packet.release();
    }
  });
  const { clock } = network;
  const work = () => {
    received = 0;
    for (let i = 0; i < MESSAGES; i = (i + 1) | 0) {
      if (isCopied) {
        client.tryWrite(message, 0, length);
      } else {
        const packet = client.reserve()!;
        packet.length = length;
        packet.view.setInt32(packet.offset, i);
        client.commit(packet);
      }
      clock.advance(20);
      const now = clock.now();
      here.poll(now);
      peer.poll(now);
      here.poll(now);
      peer.poll(now);
    }
  };
  const [copiesBefore = 0] = here.memory.copies;
  const bytes = steadyStateBytes(work);
  const rounds = 10;
  expect(received).toBe(MESSAGES * length);
  expect(bytes / MESSAGES).toBeLessThan(1);
  // Two for an echo: its text is kept until it is acknowledged, so each segment is made of a copy.
  if (isShared) expect(here.memory.copies[0]! - copiesBefore).toBe(2 * rounds * MESSAGES);
  network.finish();
});
