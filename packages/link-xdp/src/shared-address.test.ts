import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack } from '@prism-net/stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openXdpLink } from './open-xdp-link.js';
import { deviceNames } from './xdp-link.testkit.js';

const SHARED = '10.79.0.1';
const OTHER = '10.79.0.2';

const ECHO = `
const udp = require('node:dgram').createSocket('udp4');
udp.on('message', (data, from) => udp.send(data, from.port, from.address));
udp.bind(Number(process.argv[2]), process.argv[1], () => console.log('ready'));
`;

describe.skipIf(labUnavailable() !== null)('one address for the kernel and Prism', () => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('xdpaddress');
  });
  afterAll(() => lab.close());

  it.each(['busy', 'interrupt'] as const)('both reach a neighbour and are reached, in mode %s', async (mode) => {
    const names = deviceNames();
    const [here, there] = [`here${mode.length}`, `there${mode.length}`];
    lab.veth({
      left: { namespace: here, name: names.left, address: `${SHARED}/24` },
      right: { namespace: there, name: names.right, address: `${OTHER}/24` },
    });
    const link = openXdpLink({
      interface: names.left,
      networkNamespace: lab.namespace(here),
      steering: {
        rules: [{ protocol: 'udp', port: 7777, action: 'redirect' }],
        otherwise: 'pass',
        addresses: [SHARED],
        sharedAddress: true,
      },
      onFallback: () => {},
    });
    const stack = createStack({ link, address: `${SHARED}/24`, mode });
    const echo = lab.spawn(there, [process.execPath, '-e', ECHO, OTHER, '7000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => echo.stdout!.once('data', resolve));
    try {
      // Prism asks for the neighbour's address; the answer goes to the kernel, and a copy comes here.
      const socket = stack.udpSocket({ port: 7777 });
      for (const text of ['one', 'two']) {
        socket.send(text, 7000, OTHER);
        const answer = await socket.next();
        expect(new TextDecoder().decode(answer!.data)).toBe(text);
      }
      expect(link.details.copiesHeard).toBeGreaterThan(0);
      // Everything else still is the kernel's, and the neighbour knows one address.
      const ping = lab.spawn(there, ['ping', '-c', '2', '-i', '0.01', '-W', '5', SHARED]);
      expect(await new Promise((resolve) => ping.on('exit', resolve))).toBe(0);
      expect(link.pool.available + link.frames().fill + link.frames().receive).toBe(link.pool.region.frames);
    } finally {
      stack.close();
    }
    link.pool.assertNoLeaks();
  });
});
