import { createServer } from 'node:net';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';

/** What `node:net` stands on: libuv's TCP, without sockets, streams and events around it. Not documented, but there. */
interface TcpHandle {
  onconnection: (status: number, connection: TcpHandle) => void;
  onread: (this: TcpHandle, data: ArrayBuffer | undefined) => void;
  bind(address: string, port: number): number;
  listen(backlog: number): number;
  readStart(): number;
  writeBuffer(request: object, data: Uint8Array): number;
  close(): void;
}

interface Bindings {
  readonly tcp_wrap: { readonly TCP: new (kind: number) => TcpHandle; readonly constants: { readonly SERVER: number } };
  readonly stream_wrap: { readonly WriteWrap: new () => object };
}

const BACKLOG = 1024;

/**
 * The kernel's end of the cycles: reads a question from each connection, answers it, and closes. The contestants' other
 * end has to be faster than they are, or it would be what is measured: this takes less than half the time of a server
 * of `node:net`, and is the same for all.
 */
export async function kernelCycleServer(job: PeerJob, channel: PeerChannel): Promise<void> {
  const answer = Buffer.alloc(job.payload, 7);
  const kind = listenByHandles(answer) ? 'libuv handles' : listenByNet(answer);
  channel.ready({ kernelEnd: kind });
  await channel.stopped;
  channel.done();
}

function listenByHandles(answer: Uint8Array): boolean {
  const { binding } = process as unknown as { binding?: <K extends keyof Bindings>(name: K) => Bindings[K] };
  if (binding === undefined) return false;
  const { TCP, constants } = binding('tcp_wrap');
  const { WriteWrap } = binding('stream_wrap');
  function answerAndClose(this: TcpHandle, data: ArrayBuffer | undefined): void {
    // Without data it is the end of the stream, or an error.
    if (data !== undefined) this.writeBuffer(new WriteWrap(), answer);
    this.close();
  }
  const server = new TCP(constants.SERVER);
  server.onconnection = (status, connection) => {
    if (status !== 0) return;
    connection.onread = answerAndClose;
    connection.readStart();
  };
  if (server.bind('0.0.0.0', PORT) !== 0 || server.listen(BACKLOG) !== 0) throw new Error(`cannot listen on ${PORT}`);
  return true;
}

function listenByNet(answer: Uint8Array): string {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => socket.end(answer)).on('error', () => socket.destroy());
  });
  server.listen({ port: PORT, backlog: BACKLOG });
  return 'node:net';
}
