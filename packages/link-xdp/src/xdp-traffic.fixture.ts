// A process that sends until it is killed, for the tests: (interface, network namespace)
import type { Packet } from '@prism-net/buffers';
import { openXdpLink } from './open-xdp-link.js';

const [, , device = '', networkNamespace = ''] = process.argv;
const link = openXdpLink({ interface: device, networkNamespace, onFallback: () => {} });
const burst: Packet[] = [];
process.stdout.write('ready\n');
const loop = (): void => {
  const received = link.receive(burst, 32);
  for (let i = 0; i < received; i++) burst[i]!.release();
  for (let i = 0; i < 8; i++) {
    const packet = link.pool.take()!;
    packet.offset += 2;
    packet.length = 60;
    packet.memory.bytes.fill(0xff, packet.offset, packet.offset + 14);
    burst[i] = packet;
  }
  const taken = link.transmit(burst, 0, 8);
  for (let i = taken; i < 8; i++) burst[i]!.release();
  setImmediate(loop);
};
loop();
