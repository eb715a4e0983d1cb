import { labUnavailable } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { receiveStream, receiveText, sendStream } from './prism-peer.testkit.js';
import {
  type Configuration,
  KERNEL,
  openSetting,
  PACKET_VIRTIO,
  PRISM,
  type Setting,
  TAP,
  XDP_NATIVE,
} from './setting.testkit.js';

/** More than the buffers of both sides hold. */
const BYTES = 12 * 1024 * 1024;
const CONNECTIONS = 200;

/** Waits until a value has been the same for 100 ms, and returns it. */
async function settled(read: () => number): Promise<number> {
  let value = read();
  for (let same = 0; same < 10; same++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const next = read();
    if (next !== value || next === 0) same = 0;
    value = next;
  }
  return value;
}

describe.skipIf(labUnavailable('ethtool') !== null).each<Configuration>([TAP, PACKET_VIRTIO, XDP_NATIVE])(
  'slow readers and many connections over $name',
  (configuration) => {
    let setting: Setting;
    beforeAll(async () => {
      setting = await openSetting(configuration);
      // Windows that close soon.
      setting.lab.sysctl('kernel', { 'net.ipv4.tcp_rmem': '4096 131072 262144' });
    });
    afterAll(() => setting?.close());

    it('Prism waits for a kernel that does not read, and nothing is lost', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serve', 'sleeper', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port });
      const sending = sendStream(stream, BYTES);
      expect(await settled(() => stream.tcpInfo().unsentBytes)).toBeGreaterThan(0);
      const { sendWindow, bytesInFlight } = stream.tcpInfo();
      expect(sendWindow - bytesInFlight, 'the window is closed, or too small for a segment').toBeLessThan(16_384);
      await peer.call('wake');
      const [hash, answer] = await Promise.all([sending, receiveText(stream)]);
      expect(JSON.parse(answer)).toEqual({ bytes: BYTES, hash });
      await stream.closed;
    });

    it('the kernel waits for a Prism that does not read, and nothing is lost', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serve', 'source', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port });
      await stream.write(String(BYTES));
      const waiting = await settled(() => stream.readableBytes);
      expect(waiting).toBeGreaterThan(0);
      expect(waiting, 'the window is closed').toBeLessThan(BYTES);
      const received = await receiveStream(stream);
      expect(received).toEqual({ bytes: BYTES, hash: await peer.call('lastSent') });
      stream.end();
      await stream.closed;
    });

    it(`${CONNECTIONS} connections of the kernel at once, echoed by Prism`, async () => {
      const { stack, peer } = setting;
      const listener = stack.listen({ port: 90, backlog: CONNECTIONS });
      listener.onConnection((connection) => void connection.readable.pipeTo(connection.writable));
      expect(await peer.call('exchangeMany', PRISM, 90, CONNECTIONS, 10_000)).toBe(CONNECTIONS);
      listener.close();
    });

    it(`${CONNECTIONS} connections of Prism at once, echoed by the kernel`, async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serve', 'echo', 0)) as number;
      const one = async (): Promise<boolean> => {
        const stream = await stack.connect({ address: KERNEL, port });
        const [hash, back] = await Promise.all([sendStream(stream, 10_000), receiveStream(stream)]);
        await stream.closed;
        return back.bytes === 10_000 && back.hash === hash;
      };
      const results = await Promise.all(Array.from({ length: CONNECTIONS }, one));
      expect(results.filter(Boolean)).toHaveLength(CONNECTIONS);
      expect(stack.statistics().tcp.connections).toBe(0);
    });
  },
);
