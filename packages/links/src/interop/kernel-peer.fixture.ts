// The peer that the kernel's own sockets are: a process in a network namespace, told by its parent what to do. Needs
// nothing but Node. Each request { id, call, args } is answered by { id, result } or { id, error }.
import { createHash } from 'node:crypto';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { Agent, createServer as createHttpServer, get } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { chunkAt } from './stream-bytes.fixture.js';

const servers: Server[] = [];
const datagramSockets: DatagramSocket[] = [];
const settled = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let code = '';
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? error.message));
    socket.on('close', () => resolve(code));
  });

/** Writes so many bytes as fast as they are taken, and returns their hash; ends unless told otherwise. */
async function send(socket: Socket, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for (let sent = 0; sent < bytes; ) {
    const chunk = chunkAt(sent, bytes - sent);
    hash.update(chunk);
    sent += chunk.length;
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  return hash.digest('hex');
}

/** Reads to the end of the stream. */
async function receive(socket: Socket): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, hash: hash.digest('hex') };
}

/** What a server of each kind does with a connection. All are half-open: the peer's end is not their own. */
const services: Record<string, (socket: Socket) => void> = {
  echo: (socket) => socket.pipe(socket),
  /** Reads all, then says what it was. */
  sink: (socket) => void receive(socket).then((result) => socket.end(JSON.stringify(result))),
  /** Ends its own side at once, and reads on; what it got is kept for `lastReceived`. */
  listener: (socket) => {
    socket.end('I am done');
    lastReceived = receive(socket).catch(() => ({ bytes: -1, hash: '' }));
  },
  /** The first line says how many bytes are wanted; the last thing it sends to its parent is their hash. */
  source: (socket) =>
    socket.once('data', (line) => {
      lastSent = send(socket, Number(line.toString()));
    }),
  /** Reads nothing until `wake`, then as sink. */
  sleeper: (socket) => {
    sleeping.push(() => services.sink!(socket));
  },
  resetter: (socket) => socket.once('data', () => socket.resetAndDestroy()),
};
const sleeping: (() => void)[] = [];
let lastReceived: Promise<{ bytes: number; hash: string }> = Promise.resolve({ bytes: 0, hash: '' });
let lastSent: Promise<string> = Promise.resolve('');

function listening(server: Server, port: number): Promise<number> {
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => resolve((server.address() as { port: number }).port));
  });
}

function datagramSocket(): DatagramSocket {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
  datagramSockets.push(socket);
  return socket;
}

const calls = {
  serve: (service: string, port: number) =>
    listening(
      createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => {});
        services[service]!(socket);
      }),
      port,
    ),

  serveHttp: (port: number) =>
    listening(
      createHttpServer((request, response) => {
        const hash = createHash('sha256');
        request.on('data', (chunk) => hash.update(chunk));
        request.on('end', () => response.end(`${request.method} ${request.url} ${hash.digest('hex')}`));
      }),
      port,
    ),

  wake: () => {
    for (const go of sleeping.splice(0)) go();
  },

  lastReceived: () => lastReceived,
  lastSent: () => lastSent,

  /** Sends so many bytes to a sink, and returns what it says beside what was sent. */
  sendTo: async (address: string, port: number, bytes: number) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    const [hash, answer] = await Promise.all([send(socket, bytes), text(socket)]);
    return { sent: { bytes, hash }, answer };
  },

  /** So many connections at once, each with its own bytes there and back; how many were right. */
  exchangeMany: async (address: string, port: number, connections: number, bytes: number) => {
    const one = async (): Promise<boolean> => {
      const socket = connect({ host: address, port, allowHalfOpen: true });
      const [hash, back] = await Promise.all([send(socket, bytes), receive(socket)]);
      return back.bytes === bytes && back.hash === hash;
    };
    const results = await Promise.all(Array.from({ length: connections }, one));
    return results.filter(Boolean).length;
  },

  /** Asks a source for so many bytes. */
  receiveFrom: (address: string, port: number, bytes: number) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    socket.write(String(bytes));
    return receive(socket).finally(() => socket.destroy());
  },

  /** Connects, sends, ends its side, and returns all that comes after. */
  halfClose: async (address: string, port: number, bytes: number) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    const hash = await send(socket, bytes);
    return { hash, received: await receive(socket) };
  },

  /** The code of the error that ends a connection on which something was sent; '' if none did. */
  connectAndWait: async (address: string, port: number) => {
    const socket = connect({ host: address, port });
    socket.on('connect', () => socket.write('hello'));
    socket.resume();
    return settled(socket);
  },

  /** Connects, says hello, and resets as soon as there is an answer. */
  connectAndReset: async (address: string, port: number) => {
    const socket = connect({ host: address, port });
    socket.write('hello');
    socket.once('data', () => socket.resetAndDestroy());
    return settled(socket);
  },

  httpGet: async (url: string, times: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const results: { status: number; bytes: number; hash: string }[] = [];
    for (let i = 0; i < times; i++) {
      results.push(
        await new Promise((resolve, reject) => {
          get(url, { agent }, (response) => {
            const hash = createHash('sha256');
            let bytes = 0;
            response.on('data', (chunk: Buffer) => {
              hash.update(chunk);
              bytes += chunk.length;
            });
            response.on('end', () => resolve({ status: response.statusCode!, bytes, hash: hash.digest('hex') }));
          }).on('error', reject);
        }),
      );
    }
    agent.destroy();
    return results;
  },

  udpEcho: (port: number) =>
    new Promise((resolve) => {
      const socket = datagramSocket();
      socket.on('message', (message, { address, port: from }) => socket.send(message, from, address));
      socket.bind(port, () => resolve(socket.address().port));
    }),

  /** Sends a datagram of each length and waits for it to come back; returns the lengths that did, with their bytes equal. */
  udpExchange: async (address: string, port: number, lengths: number[]) => {
    const socket = datagramSocket();
    const same: number[] = [];
    for (const length of lengths) {
      const message = chunkAt(length, length);
      const answer = await new Promise<Buffer | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), 10_000);
        socket.once('message', (bytes) => {
          clearTimeout(timer);
          resolve(bytes);
        });
        socket.send(message, port, address);
      });
      if (answer?.equals(message)) same.push(length);
    }
    socket.close();
    return same;
  },

  /** The error of a datagram to a port where nobody listens. */
  udpRefused: (address: string, port: number) =>
    new Promise((resolve) => {
      const socket = datagramSocket();
      const done = (code: string) => {
        clearTimeout(timer);
        socket.close();
        resolve(code);
      };
      const timer = setTimeout(() => done('nothing'), 10_000);
      socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      socket.connect(port, address, () => socket.send('hello'));
    }),
};

async function text(socket: Socket): Promise<string> {
  let all = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    all += chunk.toString();
  return all;
}

/** What the peer can be asked for. */
export type PeerCalls = typeof calls;

interface Request {
  readonly id: number;
  readonly call: keyof PeerCalls;
  readonly args: readonly unknown[];
}

process.on('message', ({ id, call, args }: Request) => {
  const answer = (content: object) => process.send!({ id, ...content });
  new Promise((resolve) => resolve((calls[call] as (...args: readonly unknown[]) => unknown)(...args))).then(
    (result) => answer({ result }),
    (error: Error) => answer({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit());
process.send!({ id: 0, result: 'ready' });
