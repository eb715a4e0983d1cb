// A queue in a thread of its own, for the tests: what comes in goes back, addresses turned round.
import { parentPort, workerData } from 'node:worker_threads';
import type { Packet } from '@prism-net/buffers';
import { openXdpLink } from './open-xdp-link.js';
import type { XdpShare } from './xdp-share.js';

const link = openXdpLink({ share: workerData as XdpShare });
parentPort!.postMessage(link.descriptor);

function turnRound({ view, offset }: Packet): void {
  for (let i = 0; i < 6; i++) {
    const byte = view.getUint8(offset + i);
    view.setUint8(offset + i, view.getUint8(offset + 6 + i));
    view.setUint8(offset + 6 + i, byte);
  }
}

const burst: Packet[] = [];
const loop = (): void => {
  const count = link.receive(burst, 32);
  for (let i = 0; i < count; i++) turnRound(burst[i]!);
  link.transmit(burst, 0, count);
  setImmediate(loop);
};
loop();
