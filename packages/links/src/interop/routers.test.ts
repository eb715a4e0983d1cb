import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLink } from '../index.js';
import { KernelPeer } from './kernel-peer.testkit.js';
import { bodyOf, receiveStream, receiveText, sendStream } from './prism-peer.testkit.js';

const PRISM = '10.10.1.2';
const FAR = '10.10.3.2';
const NARROW = 1300;
const BULK = 4 * 1024 * 1024;

/**
 * Prism — near router — far router — the kernel: the routers are the kernel's too, and the cable between them takes
 * packets of 1,300 bytes only. Neither end knows until a router says so.
 */
describe.skipIf(labUnavailable() !== null)('a path of routers that is narrower than its ends', () => {
  let lab: NetworkLab;
  let stack: Stack;
  let peer: KernelPeer;

  beforeAll(async () => {
    lab = NetworkLab.open('routers');
    lab.veth({
      left: { namespace: 'prism', name: 'prism0' },
      right: { namespace: 'near', name: 'near0', address: '10.10.1.1/24' },
    });
    lab.veth({
      left: { namespace: 'near', name: 'near1', address: '10.10.2.1/24' },
      right: { namespace: 'far', name: 'far0', address: '10.10.2.2/24' },
      mtu: NARROW,
    });
    lab.veth({
      left: { namespace: 'far', name: 'far1', address: '10.10.3.1/24' },
      right: { namespace: 'kernel', name: 'kernel0', address: `${FAR}/24` },
    });
    for (const router of ['near', 'far']) lab.sysctl(router, { 'net.ipv4.ip_forward': 1 });
    lab.run('near', ['ip', 'route', 'add', '10.10.3.0/24', 'via', '10.10.2.2']);
    lab.run('far', ['ip', 'route', 'add', '10.10.1.0/24', 'via', '10.10.2.1']);
    lab.run('kernel', ['ip', 'route', 'add', 'default', 'via', '10.10.3.1']);
    const link = await openLink('packet:prism0', { networkNamespace: lab.namespace('prism') });
    stack = createStack({ link, address: `${PRISM}/24`, gateway: '10.10.1.1' });
    peer = await KernelPeer.start(lab, 'kernel');
  });
  afterAll(() => {
    stack?.close();
    stack?.pool.assertNoLeaks();
    lab?.close();
  });

  it('TCP to the kernel finds the size that passes', async () => {
    const port = (await peer.call('serve', 'sink', 0)) as number;
    const stream = await stack.connect({ address: FAR, port });
    expect(stream.tcpInfo().segmentSize).toBe(1500 - 52);
    const [hash, answer] = await Promise.all([sendStream(stream, BULK), receiveText(stream)]);
    expect(JSON.parse(answer)).toEqual({ bytes: BULK, hash });
    expect(stream.tcpInfo().pathMtu).toBe(NARROW);
    expect(stream.tcpInfo().segmentSize).toBe(NARROW - 52);
    await stream.closed;
  });

  it('TCP from the kernel, which finds it too', async () => {
    const port = (await peer.call('serve', 'source', 0)) as number;
    const stream = await stack.connect({ address: FAR, port });
    await stream.write(String(BULK));
    expect(await receiveStream(stream)).toEqual({ bytes: BULK, hash: await peer.call('lastSent') });
    stream.end();
    await stream.closed;
  });

  it('UDP both ways, in fragments of fragments', async () => {
    const port = (await peer.call('udpEcho', 0)) as number;
    const socket = stack.udpSocket().connect(port, FAR);
    for (const length of [100, 1_400, 9_000, 40_000]) {
      socket.send(bodyOf(length));
      const answer = await socket.next();
      expect(answer!.data).toEqual(bodyOf(length));
    }
    socket.close();
  });

  it('a router says that there is nothing behind it', async () => {
    await expect(stack.ping('10.10.4.1')).rejects.toMatchObject({ code: 'ENETUNREACH' });
    // To TCP that is a hint only (RFC 1122 §4.2.3.9): it tries on, and then says why in vain.
    const options = { address: '10.10.4.1', port: 80, timeoutMilliseconds: 300 };
    await expect(stack.connect(options)).rejects.toMatchObject({ code: 'ENETUNREACH' });
  });
});
