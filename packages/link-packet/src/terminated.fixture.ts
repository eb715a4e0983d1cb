import { parentPort, workerData } from 'node:worker_threads';
import { openPacketLink, type PacketLinkOptions } from './index.js';

/** Runs in another thread, which is terminated while its link is open. */
const link = openPacketLink(workerData as PacketLinkOptions);
link.arm(() => undefined);
parentPort!.postMessage(link.capabilities.mode);
setInterval(() => link.receive([], 1), 10);
