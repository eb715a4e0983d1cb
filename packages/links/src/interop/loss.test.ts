import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { receiveStream, receiveText, sendStream } from './prism-peer.testkit.js';
import { type Configuration, KERNEL, openSetting, PACKET_VIRTIO, TAP, XDP_NATIVE } from './setting.testkit.js';

const BULK = 8 * 1024 * 1024;
/** Frames, both ways, each on its own. */
const LOSS = 0.01;

describe.skipIf(labUnavailable('ethtool') !== null)('1 % of the frames lost, both ways', () => {
  it.each<Configuration>([TAP, PACKET_VIRTIO, XDP_NATIVE])('8 MiB each way over $name arrive whole', async (over) => {
    const setting = await openSetting(over, { impairments: { loss: LOSS } });
    try {
      const { stack, peer } = setting;
      const sink = (await peer.call('serve', 'sink', 0)) as number;
      const out = await stack.connect({ address: KERNEL, port: sink });
      const [hash, answer] = await Promise.all([sendStream(out, BULK), receiveText(out)]);
      expect(JSON.parse(answer)).toEqual({ bytes: BULK, hash });
      expect(out.tcpInfo().retransmitted).toBeGreaterThan(10);

      const source = (await peer.call('serve', 'source', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port: source });
      await stream.write(String(BULK));
      const received = await receiveStream(stream);
      expect(received).toEqual({ bytes: BULK, hash: await peer.call('lastSent') });
      stream.end();
      expect(setting.link.statistics.dropped).toBeGreaterThan(20);
    } finally {
      setting.close();
    }
  });
});
