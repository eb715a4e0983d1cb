import { createHash, randomBytes } from 'node:crypto';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPacketLink, type PacketLink } from './index.js';
import { KernelPeer } from './kernel-peer.testkit.js';
import { MODES } from './packet.testkit.js';

const KERNEL = '10.78.0.1';
const PRISM = '10.78.0.2';
const BYTES = 8 << 20;

const settings = MODES.flatMap((mode) => [
  [mode, 1500, 'offloads'] as const,
  [mode, 9000, 'offloads'] as const,
  // The kernel completes checksums and cuts what the interface does not.
  [mode, 1500, 'no offloads'] as const,
]);

describe.skipIf(labUnavailable('ethtool', 'ping') !== null).each(settings)(
  'a stack over mode %s, MTU %i, %s, to the kernel',
  (mode, mtu, offloads) => {
    let lab: NetworkLab;
    let link: PacketLink;
    let stack: Stack;
    let peer: KernelPeer;
    beforeAll(async () => {
      lab = NetworkLab.open('packet_kernel');
      lab.veth({
        left: { namespace: 'prism', name: 'left', offloads: offloads === 'offloads' },
        right: { namespace: 'kernel', name: 'right', address: `${KERNEL}/24` },
        mtu,
      });
      link = openPacketLink({ interface: 'left', mode, networkNamespace: lab.namespace('prism') });
      stack = createStack({ link, address: `${PRISM}/24` });
      peer = await KernelPeer.start(lab, 'kernel', KERNEL);
    });
    afterEach(() => {
      const { unexplained, dropped } = stack.accounts.snapshot();
      expect(unexplained).toBe(0);
      // Nothing that came was damaged: not one bad checksum, not one bad length. (A busy machine makes TCP repeat itself.)
      const { TCP_DUPLICATE, TCP_TIME_WAIT, TCP_NO_CONNECTION, ...damaged } = dropped;
      expect(damaged).toEqual({});
      expect(link.statistics.dropped).toBe(0);
      // A ring has few places: on a busy machine it is full before the loop comes by, and TCP repeats what is lost.
      if (mode === 'virtio') expect(link.counters.kernelDrops).toBe(0);
    });
    afterAll(() => {
      peer?.stop();
      stack?.close();
      link?.pool.assertNoLeaks();
      lab?.close();
    });

    const ping = (...options: string[]): Promise<unknown> => {
      const child = lab.spawn('kernel', ['ping', '-c', '1', '-W', '5', ...options, PRISM]);
      return new Promise((resolve) => child.on('exit', resolve));
    };

    /** What the kernel found damaged: errors, and bad checksums among them. */
    const kernelErrors = (protocol: string): number[] => {
      const lines = lab.run('kernel', ['cat', '/proc/net/snmp']).split('\n');
      const [names, values] = lines.filter((line) => line.startsWith(`${protocol}:`)).map((line) => line.split(' '));
      return ['InErrors', 'InErrs', 'InCsumErrors']
        .filter((name) => names!.includes(name))
        .map((name) => Number(values![names!.indexOf(name)]));
    };

    it('answers the kernel’s ping, and is answered, fragments included', async () => {
      expect(await ping()).toBe(0);
      expect(await ping('-s', '8000')).toBe(0);
      expect((await stack.ping(KERNEL, { payloadLength: 1000 })).address).toBe(KERNEL);
    });

    it('exchanges datagrams with the kernel, with good checksums both ways', async () => {
      const socket = stack.udpSocket().bind();
      for (const length of [0, 1, 64, 1472, 1473, 8972, 30_000]) {
        const sent = new Uint8Array(length).map((_, i) => i * 7 + length);
        socket.send(sent, 7003, KERNEL);
        const received = await socket.next();
        expect(Buffer.from(received!.data).equals(sent)).toBe(true);
      }
      socket.close();
      // A datagram with a bad checksum would have been counted there: InErrors, InCsumErrors.
      const counted = lab.run('kernel', ['cat', '/proc/net/snmp']);
      expect(/^Udp: \d+ \d+ (\d+) \d+ \d+ \d+ (\d+)/m.exec(counted)!.slice(1)).toEqual(['0', '0']);
    });

    it('exchanges streams with the kernel, whole, in super-segments both ways', async () => {
      const { receivedSuperSegments, transmittedSuperSegments } = link.counters.snapshot();
      const socket = await stack.connect({ address: KERNEL, port: 7001 });
      const sent = createHash('sha256');
      const sending = (async () => {
        const block = randomBytes(100_000);
        for (let at = 0; at < BYTES; at += block.length) {
          sent.update(block);
          await socket.write(block);
        }
        socket.end();
      })();
      const received = createHash('sha256');
      for await (const chunk of socket) received.update(chunk);
      await sending;
      socket.close();
      const digest = sent.digest('hex');
      expect(received.digest('hex')).toBe(digest);
      expect(await peer.line()).toBe(digest);
      expect(kernelErrors('Tcp')).toEqual([0, 0]);
      const after = link.counters.snapshot();
      expect(after.receivedSuperSegments! - receivedSuperSegments!).toBeGreaterThan(BYTES / 65_536);
      expect(after.transmittedSuperSegments! - transmittedSuperSegments!).toBeGreaterThan(BYTES / 65_536);
    });
  },
);
