import { createPipe } from '@prism-net/link';
import { createStack } from '@prism-net/stack';
import { SeededRandom } from '@prism-net/tables';
import { ManualClock } from '@prism-net/time';
import { IpAddress } from '@prism-net/wire';
import { expect, it } from 'vitest';
import type { Connection } from './connection.js';

it('moves bytes', () => {
  const clock = new ManualClock(1000);
  const [left, right] = createPipe();
  const a = createStack({ link: left, address: '10.0.0.1/24', mode: 'manual', clock, random: new SeededRandom(1) });
  const b = createStack({ link: right, address: '10.0.0.2/24', mode: 'manual', clock, random: new SeededRandom(2) });
  const listener = b.tcp.listen(null, 80, {}, null);
  if (typeof listener === 'number') throw new Error(`${listener}`);
  const c = a.tcp.open(null);
  expect(c.connect(IpAddress.parse('10.0.0.2'), 80, clock.now())).toBe(0);
  let server: Connection | null = null;
  const data = new Uint8Array(3_000_000).map((_, i) => i * 7);
  let sent = 0;
  const got = new Uint8Array(data.length);
  let received = 0;
  for (let i = 0; i < 20000 && received < data.length; i++) {
    clock.advance(10);
    a.poll();
    b.poll();
    server ??= listener.accept();
    if (c.state >= 4 && sent < data.length) sent += c.write(data, sent, data.length - sent);
    if (server !== null) received += server.read(got, received, got.length - received);
  }
  console.log(c.information(), a.statistics().receive, b.statistics().receive, b.statistics().transmitDrops);
  expect(received).toBe(data.length);
  expect(got).toEqual(data);
});
