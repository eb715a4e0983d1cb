// The kernel's receiving end: takes all that comes.
import { createServer } from 'node:net';

/** What it prints once it listens. */
export type SinkSays = 'ready\n';

const READY: SinkSays = 'ready\n';

createServer((socket) => {
  socket.on('error', () => {});
  socket.resume();
}).listen(Number(process.argv[2]), () => process.stdout.write(READY));
