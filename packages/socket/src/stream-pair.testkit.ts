import { expect } from 'vitest';
import { LOOPBACK, LoopbackHost, turn } from './loopback-host.testkit.js';
import { connectStream } from './stream-connect.js';
import { StreamListener } from './stream-listener.js';
import type { StreamConnectOptions, StreamListenOptions } from './stream-options.js';
import type { StreamSocket } from './stream-socket.js';

export const PORT = 80;

/** Lets the host and the promises go on until `done` is settled. */
export async function drive<T>(host: LoopbackHost, done: Promise<T>, milliseconds = 0): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  done.then(over, over);
  for (let i = 0; !isOver; i++) {
    if (i > 100_000) throw new Error('nothing moves any more');
    host.settle();
    await Promise.resolve();
    if (i % 8 === 7) {
      await turn();
      if (!isOver) host.pass(milliseconds === 0 ? 1 : milliseconds, milliseconds === 0 ? 1 : 100);
    }
  }
  return done;
}

export interface Pair {
  readonly host: LoopbackHost;
  readonly listener: StreamListener;
  readonly client: StreamSocket;
  readonly server: StreamSocket;
}

/** Two sockets of one host that are connected with each other. */
export async function connectedPair(
  host = new LoopbackHost(),
  connect: Partial<StreamConnectOptions> = {},
  listen: Partial<StreamListenOptions> = {},
): Promise<Pair> {
  const listener = new StreamListener(host, { port: PORT, ...listen });
  const connecting = connectStream(host, { address: LOOPBACK, port: PORT, ...connect });
  const client = await drive(host, connecting);
  const server = await drive(host, listener.accept());
  if (server === undefined) throw new Error('no connection');
  expect([client.state, server.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
  return { host, listener, client, server };
}

/** Bytes that differ from their neighbours and repeat late. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** All chunks until the end, as one. */
export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const list: Uint8Array[] = [];
  for await (const chunk of chunks) list.push(chunk);
  const all = new Uint8Array(list.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of list) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
