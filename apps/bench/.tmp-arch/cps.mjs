import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { createStack } from '@prism-net/stack';
import { createMonotonicClock } from '@prism-net/time';
import { IpAddress } from '@prism-net/wire';

const memory = PacketMemory.create({ frames: 8192, frameSize: 2048 });
const clock = createMonotonicClock();
const [left, right] = createPipe({ mtu: 1500 });
const common = {
  mode: 'manual',
  clock,
  memory,
  tcp: {
    maximumConnections: 4096,
    timeWaitSize: 65536,
    timeWaitMilliseconds: 100,
    ephemeralPorts: { first: 1024, last: 65535 },
  },
};
const pool = () => PacketPool.create(memory, 4096);
const client = createStack({ ...common, link: left, address: '10.0.0.1/24', pool: pool() });
const server = createStack({ ...common, link: right, address: '10.0.0.2/24', pool: pool() });
const request = new Uint8Array(64).fill(7);
const into = new Uint8Array(64);
let cycles = 0;
let failed = 0;
const listener = server.tcp.listen(null, 7000, { backlog: 256 }, null);
const dst = IpAddress.parse('10.0.0.2');
const N = 64;

const srv = [];
const cli = [];
const free = [];
function startClient(now) {
  const c = client.tcp.open(null);
  c.apply({ noDelay: true });
  const e = c.connect(dst, 7000, now);
  if (e !== 0) {
    failed++;
    c.close(now);
    return false;
  }
  cli.push({ c, sent: false, got: 0 });
  return true;
}
function round() {
  const now = clock.now();
  while (cli.length < 64) if (!startClient(now)) break;
  client.poll(now);
  server.poll(now);
  for (;;) {
    const c = listener.accept();
    if (c === null) break;
    c.apply({ noDelay: true });
    srv.push({ c, got: 0 });
  }
  for (let i = srv.length - 1; i >= 0; i--) {
    const s = srv[i];
    const p = s.c.receive();
    if (p !== null) {
      s.got += p.length;
      p.release();
      if (s.got >= 64) {
        s.c.write(request, 0, 64, now);
      }
    }
    if (s.c.isEndOfStream) {
      s.c.close(now);
      srv[i] = srv[srv.length - 1];
      srv.pop();
    }
  }
  for (let i = cli.length - 1; i >= 0; i--) {
    const s = cli[i];
    if (!s.sent) {
      const n = s.c.write(request, 0, 64, now);
      if (n === 64) s.sent = true;
      continue;
    }
    const p = s.c.receive();
    if (p !== null) {
      s.got += p.length;
      p.release();
      if (s.got >= 64) {
        s.c.close(now);
        cycles++;
        cli[i] = cli[cli.length - 1];
        cli.pop();
      }
    }
  }
  client.poll(now);
  server.poll(now);
}
const t0 = performance.now();
const last = 0;
for (let k = 0; k < 8; k++) {
  const t = performance.now();
  const c0 = cycles;
  while (performance.now() - t < 500) for (let i = 0; i < 16; i++) round();
  console.log(Math.round((cycles - c0) / ((performance.now() - t) / 1000)), failed, client.tcp.size, server.tcp.size);
}
console.log(client.accounts.snapshot());
process.exit();
