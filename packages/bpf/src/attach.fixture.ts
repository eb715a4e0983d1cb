/** Attaches a program and waits to be killed: as a process (arguments: interface, namespace) or as a worker (workerData). */
import { parentPort, workerData } from 'node:worker_threads';
import { attachSteering } from './index.js';

const [device, networkNamespace] = parentPort === null ? process.argv.slice(2) : (workerData as string[]);
attachSteering({
  interface: device!,
  networkNamespace: networkNamespace!,
  steering: { rules: [{ protocol: 'udp', port: 7000, action: 'redirect' }], otherwise: 'pass' },
});
if (parentPort === null) process.stdout.write('attached\n');
else parentPort.postMessage('attached');
setInterval(() => {}, 1000);
