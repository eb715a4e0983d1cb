import { labUnavailable } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { receiveStream, receiveText, type Stream, sendStream } from './prism-peer.testkit.js';
import { type Configuration, KERNEL, openSetting, PRISM, type Setting, TAP, XDP_NATIVE } from './setting.testkit.js';

const BYTES = 400_000;
const onOrOff = [1, 0];
/** Of the kernel: selective acknowledgements, timestamps, explicit congestion notification. */
const combinations = onOrOff.flatMap((sack) =>
  onOrOff.flatMap((timestamps) => onOrOff.map((ecn) => ({ sack, timestamps, ecn }))),
);

function agreed(stream: Stream): object {
  const { hasSelectiveAcknowledgements, hasTimestamps, hasEcn } = stream.tcpInfo();
  return { sack: Number(hasSelectiveAcknowledgements), timestamps: Number(hasTimestamps), ecn: Number(hasEcn) };
}

/** Both sides open a connection, in each the bytes go both ways, and what was agreed on is what the kernel is set to. */
function describeSettings(configuration: Configuration, loss: number): void {
  describe.skipIf(labUnavailable('ethtool') !== null)(`a kernel peer over ${configuration.name}, ${loss} lost`, () => {
    let setting: Setting;
    beforeAll(async () => {
      setting = await openSetting(configuration, { impairments: { loss }, stack: { tcp: { ecn: 'active' } } });
    });
    afterAll(() => setting?.close());

    it.each(combinations)('SACK $sack, timestamps $timestamps, ECN $ecn', async (wanted) => {
      const { lab, stack, peer } = setting;
      lab.sysctl('kernel', {
        'net.ipv4.tcp_sack': wanted.sack,
        'net.ipv4.tcp_timestamps': wanted.timestamps,
        'net.ipv4.tcp_ecn': wanted.ecn,
        // What one connection taught the kernel must not rule the next.
        'net.ipv4.tcp_no_metrics_save': 1,
      });
      const sink = (await peer.call('serve', 'sink', 0)) as number;
      const out = await stack.connect({ address: KERNEL, port: sink });
      expect(agreed(out)).toEqual(wanted);
      const [hash, answer] = await Promise.all([sendStream(out, BYTES), receiveText(out)]);
      expect(JSON.parse(answer)).toEqual({ bytes: BYTES, hash });

      const listener = stack.listen({ port: 0 });
      const accepted = listener.accept();
      const sending = peer.call('sendTo', PRISM, listener.localAddress.port, BYTES);
      const stream = (await accepted)!;
      expect(agreed(stream)).toEqual(wanted);
      const received = await receiveStream(stream);
      await stream.write('thanks');
      stream.end();
      expect(await sending).toEqual({ sent: received, answer: 'thanks' });
      listener.close();
    });
  });
}

describeSettings(TAP, 0);
describeSettings(XDP_NATIVE, 0.01);
