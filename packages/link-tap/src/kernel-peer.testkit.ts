import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { NetworkLab } from '@prism-net/netlab';

/** The kernel's end of the tests: sockets of Node in a process of a namespace. */
const PEER = `
const { createHash, randomBytes } = require('node:crypto');
const { createServer, connect } = require('node:net');
const address = process.argv[1];
const say = (line) => console.log(line);

// Hashes what it is sent, answers with the digest.
createServer({ allowHalfOpen: true }, (socket) => {
  const hash = createHash('sha256');
  socket.on('data', (data) => hash.update(data));
  socket.on('end', () => socket.end(hash.digest('hex')));
}).listen(7001, address, () => say('ready'));

// Sends as many bytes as the request says, and prints their digest.
createServer((socket) => {
  socket.once('data', (request) => {
    const hash = createHash('sha256');
    const block = randomBytes(1 << 20);
    let left = Number(request);
    const more = () => {
      while (left > 0) {
        const part = block.subarray(0, Math.min(left, block.length));
        hash.update(part);
        left -= part.length;
        if (!socket.write(part)) return void socket.once('drain', more);
      }
      socket.end();
      say(hash.digest('hex'));
    };
    more();
  });
}).listen(7002, address, () => say('ready'));

const udp = require('node:dgram').createSocket('udp4');
udp.bind(7003, address, () => say('ready'));
udp.on('message', (data, from) => udp.send(data, from.port, from.address));
`;

export class KernelPeer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  /** TCP: 7001 hashes, 7002 sends; UDP: 7003 echoes. */
  static async start(lab: NetworkLab, namespace: string, address: string): Promise<KernelPeer> {
    const child = lab.spawn(namespace, [process.execPath, '-e', PEER, address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const peer = new KernelPeer(child);
    for (let i = 0; i < 3; i++) await peer.line();
    return peer;
  }

  /** The next line it prints. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the peer in the kernel has ended');
    return value;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
