import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, impair } from '@prism-net/link';
import { Multiplexer, type StreamListener, type StreamSocket } from '@prism-net/socket';
import { createMonotonicClock } from '@prism-net/time';
import { afterEach, describe, expect, it } from 'vitest';
import { createStack, type Stack } from './stack.js';
import type { LoopMode } from './stack-options.js';
import { PORT, pattern, turn } from './stream.testkit.js';
import { HERE, PEER, text } from './two-hosts.testkit.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...parametersAndBody: string[]
) => (...values: unknown[]) => Promise<void>;

const stacks: Stack[] = [];
afterEach(() => {
  const all = stacks.splice(0);
  for (const stack of all) stack.close();
  for (const stack of all) {
    stack.pool.assertNoLeaks();
    expect(stack.accounts.snapshot().unexplained).toBe(0);
  }
});

/** Two hosts on the real clock, in one process. */
function hosts(mode: LoopMode, delayMicroseconds = 0): [here: Stack, peer: Stack] {
  const [left, right] = createPipe();
  const memory = PacketMemory.create();
  const pool = PacketPool.create(memory, memory.unreservedFrames);
  const clock = createMonotonicClock();
  const slow = () => impair(left, { seed: 1, clock, pool, transmit: { delayMicroseconds } });
  const link = delayMicroseconds === 0 ? left : slow();
  const here = createStack({ link, address: `${HERE}/24`, mode, pool, clock });
  const peer = createStack({ link: right, address: `${PEER}/24`, mode });
  stacks.push(here, peer);
  return [here, peer];
}

describe.each<LoopMode>(['interrupt', 'busy', 'adaptive'])('in mode %s', (mode) => {
  it('questions and answers, by loops', async () => {
    const [here, peer] = hosts(mode);
    const listener = peer.listen({ port: PORT });
    const serving = (async () => {
      for await (const socket of listener) {
        void (async () => {
          for await (const chunk of socket) await socket.write(text(chunk).toUpperCase());
          socket.end();
        })();
      }
    })();
    const socket = await here.connect({ address: PEER, port: PORT });
    for (let i = 0; i < 50; i++) {
      await socket.write(`hello ${i}`);
      expect(text(await socket.read())).toBe(`HELLO ${i}`);
    }
    socket.end();
    expect(await socket.read()).toBeUndefined();
    await socket.closed;
    listener.close();
    await serving;
  });

  it('10 MB through web streams and back', async () => {
    const [here, peer] = hosts(mode);
    peer.listen({ port: PORT }).onConnection((socket) => void socket.readable.pipeTo(socket.writable));
    const socket = await here.connect({ address: PEER, port: PORT });
    const sent = pattern(10_000_000);
    const writing = socket.write(sent).then(() => socket.end());
    const hash = createHash('sha256');
    for await (const chunk of socket) hash.update(chunk);
    await writing;
    expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
    await socket.closed;
  });

  it('callbacks without a copy, over a slow cable', async () => {
    const [here, peer] = hosts(mode, 2000);
    peer.listen({ port: PORT }).onConnection((socket) => {
      const echo = () => {
        while (socket.writableBytes > 0) {
          const packet = socket.receivePacket();
          if (packet === null) break;
          socket.commit(packet);
        }
        if (socket.isEndOfStream) socket.end();
      };
      socket.onReadable(echo);
    });
    const socket = await here.connect({ address: PEER, port: PORT, noDelay: true });
    const sent = pattern(1_000_000);
    const received = new Uint8Array(sent.length);
    let at = 0;
    const done = new Promise<void>((resolve) => {
      socket.onReadable(() => {
        if (at < received.length) at += socket.readInto(received, at);
        if (at === received.length && socket.isEndOfStream) resolve();
      });
    });
    await socket.write(sent);
    socket.end();
    await done;
    expect(Buffer.compare(sent, received)).toBe(0);
  });

  it('a multiplexer waits for all', async () => {
    const [here, peer] = hosts(mode);
    const multiplexer = new Multiplexer<StreamListener | StreamSocket>();
    const listener = peer.listen({ port: PORT });
    multiplexer.add(listener);
    const clients = await Promise.all([1, 2, 3].map(() => here.connect({ address: PEER, port: PORT })));
    for (const [index, client] of clients.entries()) {
      await client.write(`${index}`);
      client.end();
    }
    const words: string[] = [];
    while (words.length < 3) {
      for (const ready of await multiplexer.wait()) {
        if (ready === listener) {
          for (let socket = listener.tryAccept(); socket !== null; socket = listener.tryAccept())
            multiplexer.add(socket);
        } else {
          const socket = ready as StreamSocket;
          if (socket.readableBytes > 0) words.push(text(await socket.read()));
          else {
            multiplexer.delete(socket);
            socket.close();
          }
        }
      }
    }
    expect(words.sort()).toEqual(['0', '1', '2']);
  });

  it('connections that cannot be made', async () => {
    const [here] = hosts(mode);
    await expect(here.connect({ address: PEER, port: PORT })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const options = { address: '10.0.0.77', port: PORT, timeoutMilliseconds: 50 };
    await expect(here.connect(options)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const signal = AbortSignal.timeout(20);
    await expect(here.connect({ address: '10.0.0.77', port: PORT, signal })).rejects.toThrow('timeout');
  });
});

it('the stream of the README works', async () => {
  const lines: string[] = [];
  const console = { log: (line: string) => lines.push(line) };
  const [client, server] = hosts('interrupt');
  const code = /```ts\n(const listener.*?)```/s.exec(readme)![1]!.replace('10.0.0.1', PEER);
  const run = new AsyncFunction('client', 'server', 'console', code);
  await run(client, server, console);
  expect(lines).toEqual(['hello, stream']);
});

it('an idle connection costs no polls in mode interrupt', async () => {
  const [here, peer] = hosts('interrupt');
  const listener = peer.listen({ port: PORT });
  const socket = await here.connect({ address: PEER, port: PORT });
  await socket.write('once');
  const server = (await listener.accept())!;
  expect(text(await server.read())).toBe('once');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = here.statistics().polls.polls;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(here.statistics().polls.polls - before).toBeLessThan(10);
});

it('the loop keeps its turn while a reader takes its time', async () => {
  const [here, peer] = hosts('interrupt');
  const listener = peer.listen({ port: PORT });
  const socket = await here.connect({ address: PEER, port: PORT });
  const server = (await listener.accept())!;
  const sent = pattern(3_000_000);
  const writing = socket.write(sent).then(() => socket.end());
  const hash = createHash('sha256');
  for await (const chunk of server) {
    hash.update(chunk);
    await turn();
  }
  await writing;
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
});
