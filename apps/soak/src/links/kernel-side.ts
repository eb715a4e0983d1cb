import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { chunkAt } from './stream-bytes.js';

/** The process whose sockets are the kernel's; it says a line of JSON for each of these. */
export type KernelSays =
  | { readonly ready: { readonly sink: number; readonly source: number } }
  | { readonly sent: string };

function say(what: KernelSays): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** Reads to the end and answers with the hash. */
async function swallow(socket: Socket): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) hash.update(chunk);
  socket.end(hash.digest('hex'));
}

/** Sends as many bytes as the first thing it reads says, and says their hash. */
async function produce(socket: Socket): Promise<void> {
  const bytes = Number(await new Promise<Buffer>((resolve) => socket.once('data', resolve)));
  const hash = createHash('sha256');
  for (let sent = 0; sent < bytes; ) {
    const chunk = chunkAt(sent, bytes - sent);
    hash.update(chunk);
    sent += chunk.length;
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  say({ sent: hash.digest('hex') });
}

function listen(service: (socket: Socket) => Promise<void>): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => void service(socket));
  return new Promise((resolve) => server.listen(0, () => resolve((server.address() as { port: number }).port)));
}

say({ ready: { sink: await listen(swallow), source: await listen(produce) } });
