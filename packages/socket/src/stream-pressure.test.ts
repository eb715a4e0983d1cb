import type { Packet } from '@prism-net/buffers';
import { describe, expect, it } from 'vitest';
import { LOOPBACK, LoopbackHost } from './loopback-host.testkit.js';
import { connectStream } from './stream-connect.js';
import { StreamListener } from './stream-listener.js';
import { connectedPair, drive, PORT, pattern } from './stream-pair.testkit.js';
import type { StreamSocket } from './stream-socket.js';

/** Takes packets until writes get none. */
function drain(host: LoopbackHost): Packet[] {
  const taken: Packet[] = [];
  while (host.pool.available > host.pool.region.frames >> 3) taken.push(host.pool.take()!);
  return taken;
}

describe('a pool that has run low', () => {
  it('refuses writes, and they go on when packets are back, though no acknowledgement was to come', async () => {
    const { host, client, server } = await connectedPair();
    const taken = drain(host);
    let calls = 0;
    client.onWritable(() => calls++);
    expect([client.tryWrite(pattern(100)), client.reserve()]).toEqual([0, null]);
    const writing = client.write(pattern(100));
    host.pass(1000);
    expect([calls, server.readableBytes]).toEqual([0, 0]);
    expect(host.tcp.nextExpiry(host.now())).toBeLessThanOrEqual(10_000);
    for (const packet of taken) packet.release();
    host.settle();
    await writing;
    expect([calls, server.readableBytes]).toEqual([1, 100]);
    expect(host.tcp.nextExpiry(host.now())).not.toBe(10_000);
    host.finish();
  });

  it('serves all writers in turn', async () => {
    const host = new LoopbackHost(128);
    const listener = new StreamListener(host, { port: PORT });
    const received: number[] = [];
    listener.onConnection((socket) => {
      const index = received.push(0) - 1;
      const target = new Uint8Array(4096);
      socket.onReadable(() => {
        received[index]! += Math.max(0, socket.readInto(target));
      });
    });
    const clients: StreamSocket[] = [];
    for (let i = 0; i < 6; i++) {
      clients.push(await drive(host, connectStream(host, { address: LOOPBACK, port: PORT })));
    }
    // 6 × 400 kB wait for the 96 frames, 190 kB, that writes may take.
    const writes = clients.map((client) => client.write(pattern(400_000)));
    let halfway: number[] = [];
    for (let i = 0; i < 1000 && halfway.length === 0; i++) {
      host.tick();
      if (Math.max(...received) > 200_000) halfway = [...received];
    }
    await drive(host, Promise.all(writes), 100);
    host.pass(1000);
    expect(received).toEqual(new Array(6).fill(400_000));
    expect(Math.min(...halfway)).toBeGreaterThan(50_000);
    // With 128 packets for twelve ends a reply may have to wait.
    expect(host.pool.statistics.exhausted).toBeLessThan(5);
    host.finish();
  });
});

describe('a slow reader', () => {
  it('closes the window, and the writer waits: memory stays bounded and nothing is lost', async () => {
    const host = new LoopbackHost(512);
    const { client, server } = await connectedPair(host);
    const sent = pattern(3_000_000);
    let isWritten = false;
    const writing = client.write(sent).then(() => {
      isWritten = true;
    });
    const got = new Uint8Array(sent.length);
    let at = 0;
    let least = host.pool.available;
    let closedWindows = 0;
    while (at < sent.length) {
      host.pass(20, 20);
      at += server.readInto(got, at, Math.min(20_000, sent.length - at));
      if (at < 500_000) expect(isWritten).toBe(false);
      least = Math.min(least, host.pool.available);
      if (client.tcpInfo().sendWindow === 0) closedWindows++;
      await Promise.resolve();
    }
    await writing;
    expect(Buffer.compare(got, sent)).toBe(0);
    expect(least).toBeGreaterThan(0);
    expect(closedWindows).toBeGreaterThan(0);
    expect(host.pool.statistics.exhausted).toBe(0);
    host.finish();
  });
});
