import { createPipe } from '@prism-net/link';
import { createStack } from '@prism-net/stack';

const [left] = createPipe({ mtu: 1500 });
const client = createStack({ mode: 'manual', link: left, address: '10.0.0.1/24', tcp: { maximumConnections: 4096 } });
const keep = [];
for (let k = 0; k < 5; k++) {
  const t = performance.now();
  for (let i = 0; i < 20000; i++) {
    const c = client.tcp.open(null);
    keep[i & 63] = c;
  }
  console.log((((performance.now() - t) / 20000) * 1000).toFixed(2), 'us per open');
}

import v8 from 'node:v8';

global.gc?.();
const m0 = process.memoryUsage();
const all = [];
for (let i = 0; i < 5000; i++) all.push(client.tcp.open(null));
global.gc?.();
const m1 = process.memoryUsage();
console.log((m1.heapUsed - m0.heapUsed) / 5000, 'heap', (m1.arrayBuffers - m0.arrayBuffers) / 5000, 'ab');
process.exit();
