import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack } from '@prism-net/stack';
import { describe, expect, it } from 'vitest';
import { openPacketLink } from './index.js';
import { MODES } from './packet.testkit.js';

/** Seven messages of 1,000 bytes and one of 5 in one call (UDP_SEGMENT, which Node does not know), and one more behind them. */
const SENDER = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(17, 103, 1000)
for k in range(3):
    s.sendto(b''.join(bytes([10 * k + i]) * 1000 for i in range(7)) + b'x' * 5, ('10.9.0.2', 9))
    s.sendto(bytes([99]) * 7, ('10.9.0.2', 9))
`;

describe.skipIf(labUnavailable('python3') !== null).each(MODES)('mode %s', (mode) => {
  it('what the kernel sends by UDP_SEGMENT arrives as the messages it was, in order', async () => {
    const lab = NetworkLab.open('packet_udp');
    lab.veth({
      left: { namespace: 'prism', name: 'left' },
      right: { namespace: 'kernel', name: 'right', address: '10.9.0.1/24' },
    });
    const link = openPacketLink({ interface: 'left', mode, networkNamespace: lab.namespace('prism') });
    const stack = createStack({ link, address: '10.9.0.2/24' });
    const socket = stack.udpSocket({ port: 9 });
    await stack.ping('10.9.0.1', { timeoutMilliseconds: 5000 });
    lab.spawn('kernel', ['python3', '-c', SENDER], { stdio: 'inherit' });
    const expected = [0, 10, 20].flatMap((first) => [
      ...Array.from({ length: 7 }, (_, i) => [1000, first + i]),
      [5, 120],
      [7, 99],
    ]);
    for (const [length, byte] of expected) {
      const { data } = (await socket.next())!;
      expect(data.length).toBe(length);
      expect(data.every((each) => each === byte)).toBe(true);
    }
    expect(link.counters.receivedSuperSegments).toBe(3);
    stack.close();
    link.pool.assertNoLeaks();
    lab.close();
  });
});
