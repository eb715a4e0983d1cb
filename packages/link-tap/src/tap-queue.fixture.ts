import { parentPort, workerData } from 'node:worker_threads';
import type { Packet } from '@prism-net/buffers';
import { openTapLink, type TapOptions } from './index.js';

/** A thread with a queue of a TAP: says when it is open; to any message, how many UDP packets of IPv4 came. */
const link = openTapLink(workerData as TapOptions);
const port = parentPort!;
port.on('message', () => {
  const burst: Packet[] = [];
  let count = 0;
  for (let more = link.receive(burst, 32); more > 0; more = link.receive(burst, 32)) {
    for (const packet of burst.slice(0, more)) {
      if (packet.view.getUint16(packet.offset + 12) === 0x0800) count++;
      packet.release();
    }
  }
  port.postMessage(count);
});
port.postMessage(link.interface);
