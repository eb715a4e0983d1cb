import { createHash } from 'node:crypto';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTapLink, type TapLink } from './index.js';
import { KernelPeer } from './kernel-peer.testkit.js';
import type { TapOffloads } from './tap-options.js';

const HOST = '10.77.0.1';
const PRISM = '10.77.0.2';
const BYTES = 8 << 20;

const modes: [string, TapOffloads, mtu: number][] = [
  ['super-segments', {}, 1500],
  ['super-segments, MTU 9,000', {}, 9000],
  ['checksums only', { segmentation: false }, 1500],
  ['no offloads', { checksum: false }, 1500],
];

describe.skipIf(labUnavailable() !== null).each(modes)(
  'a stack beside the kernel on a TAP with %s',
  (_, offloads, mtu) => {
    let lab: NetworkLab;
    let peer: KernelPeer;
    let link: TapLink;
    let stack: Stack;

    beforeAll(async () => {
      lab = NetworkLab.open('tap_kernel');
      const networkNamespace = lab.namespace('host');
      link = openTapLink({ hostAddress: `${HOST}/24`, mtu, offloads, networkNamespace });
      stack = createStack({ link, address: `${PRISM}/24` });
      peer = await KernelPeer.start(lab, 'host', HOST);
    });
    afterAll(() => {
      peer.stop();
      stack.close();
      link.pool.assertNoLeaks();
      lab.close();
    });
    afterEach(() => {
      const { unexplained, dropped } = stack.accounts.snapshot();
      expect(unexplained).toBe(0);
      // Nothing that came was damaged. What a slow machine answers late is sent twice.
      const { TCP_DUPLICATE, TCP_TIME_WAIT, TCP_OUT_OF_WINDOW, ...damaged } = dropped;
      expect(damaged).toEqual({});
      expect(link.statistics.dropped).toBe(0);
      expect(link.tap.refusedHeaders).toBe(0);
    });

    it('answers the kernel’s ping, and is answered, fragments included', async () => {
      const ping = lab.spawn('host', ['ping', '-c', '2', '-i', '0.01', '-s', '4000', '-W', '5', PRISM]);
      expect(await new Promise((resolve) => ping.on('exit', resolve))).toBe(0);
      expect((await stack.ping(HOST, { payloadLength: 1000 })).address).toBe(HOST);
    });

    it('exchanges datagrams with the kernel, also fragmented ones, with good checksums both ways', async () => {
      const socket = stack.udpSocket().bind();
      for (const length of [0, 1, 64, 1472, 1473, 8972, 30_000]) {
        const sent = new Uint8Array(length).map((_, i) => i * 7 + length);
        socket.send(sent, 7003, HOST);
        const received = await socket.next();
        expect(Buffer.from(received!.data).equals(sent)).toBe(true);
      }
      socket.close();
      // A datagram with a bad checksum would have been counted there.
      const counted = lab.run('host', ['cat', '/proc/net/snmp']);
      expect(/^Udp: \d+ \d+ (\d+) \d+ \d+ \d+ (\d+)/m.exec(counted)!.slice(1)).toEqual(['0', '0']);
    });

    it('sends the kernel a stream, whole, in super-segments where it may', async () => {
      const { superSegmentsSent } = link.tap;
      const { transmittedPackets, transmittedBytes } = link.statistics;
      const socket = await stack.connect({ address: HOST, port: 7001 });
      const hash = createHash('sha256');
      const block = new Uint8Array(100_000);
      for (let sent = 0; sent < BYTES; sent += block.length) {
        block.fill(sent % 251);
        hash.update(block);
        await socket.write(block);
      }
      socket.end();
      const answer: Uint8Array[] = [];
      for await (const chunk of socket) answer.push(chunk);
      expect(Buffer.concat(answer).toString()).toBe(hash.digest('hex'));
      socket.close();
      const frames = link.statistics.transmittedPackets - transmittedPackets;
      const mean = (link.statistics.transmittedBytes - transmittedBytes) / frames;
      if (link.capabilities.segmentation > 0) {
        expect(link.tap.superSegmentsSent - superSegmentsSent).toBeGreaterThan(BYTES / 65_536);
        expect(mean).toBeGreaterThan(8000);
      } else {
        expect(link.tap.superSegmentsSent).toBe(0);
        expect(mean).toBeLessThan(mtu + 18);
      }
    });

    it('receives a stream from the kernel, whole, in super-segments where it may', async () => {
      const { superSegmentsReceived } = link.tap;
      const socket = await stack.connect({ address: HOST, port: 7002 });
      await socket.write(String(BYTES));
      const hash = createHash('sha256');
      let received = 0;
      for await (const chunk of socket) {
        hash.update(chunk);
        received += chunk.length;
      }
      socket.close();
      expect(received).toBe(BYTES);
      expect(hash.digest('hex')).toBe(await peer.line());
      if (link.capabilities.segmentation > 0) {
        expect(link.tap.superSegmentsReceived - superSegmentsReceived).toBeGreaterThan(BYTES / 65_536);
      } else {
        expect(link.tap.superSegmentsReceived).toBe(0);
      }
    });

    it('moves a burst per call of the addon', () => {
      const { receivedPackets, transmittedPackets } = link.statistics;
      const { nativeCalls } = link.tap;
      // Asking in vain, and before each sleep, included.
      expect(nativeCalls).toBeLessThan(4 * (receivedPackets + transmittedPackets));
    });
  },
);
