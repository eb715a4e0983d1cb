import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { NetworkLab } from '@prism-net/netlab';

/** The kernel's end: sockets of Node in a process of a namespace. TCP echoes on 7001 and reports its digest; UDP echoes on 7003. */
const PEER = `
const { createHash } = require('node:crypto');
const address = process.argv[1];
const say = (line) => console.log(line);
require('node:net').createServer((socket) => {
  const hash = createHash('sha256');
  socket.on('data', (data) => {
    hash.update(data);
    if (!socket.write(data)) { socket.pause(); socket.once('drain', () => socket.resume()); }
  });
  socket.on('end', () => say(hash.digest('hex')));
}).listen(7001, address, () => say('ready'));
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

  static async start(lab: NetworkLab, namespace: string, address: string): Promise<KernelPeer> {
    const command = [process.execPath, '-e', PEER, address];
    const peer = new KernelPeer(lab.spawn(namespace, command, { stdio: ['ignore', 'pipe', 'inherit'] }));
    for (let i = 0; i < 2; i++) await peer.line();
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
