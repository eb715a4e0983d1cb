// The kernel's receiving end: takes all that comes.
import { createServer } from 'node:net';

createServer((socket) => {
  socket.on('error', () => {});
  socket.resume();
}).listen(Number(process.argv[2]), () => process.stdout.write('ready\n'));
