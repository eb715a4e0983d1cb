import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openXdpLink } from './open-xdp-link.js';
import type { XdpLink } from './xdp-link.js';
import { accountedFrames, deviceNames } from './xdp-link.testkit.js';

const KERNEL = '10.78.0.1';
const PRISM = '10.78.0.2';
const BYTES = 4 << 20;

/** Sockets of Node at the kernel's end: 7001 hashes what it is sent, 7002 sends as much as asked, 7003 echoes datagrams. */
const PEER = `
const { createHash } = require('node:crypto');
const { createServer } = require('node:net');
const address = process.argv[1];
createServer({ allowHalfOpen: true }, (socket) => {
  const hash = createHash('sha256');
  socket.on('data', (data) => hash.update(data));
  socket.on('end', () => socket.end(hash.digest('hex')));
}).listen(7001, address, () => console.log('ready'));
createServer((socket) => {
  socket.once('data', (request) => {
    const data = Buffer.alloc(Number(request));
    for (let i = 0; i < data.length; i++) data[i] = i * 31 + (i >> 8);
    socket.end(data);
  });
}).listen(7002, address, () => console.log('ready'));
const udp = require('node:dgram').createSocket('udp4');
udp.bind(7003, address, () => console.log('ready'));
udp.on('message', (data, from) => udp.send(data, from.port, from.address));
`;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.skipIf(labUnavailable('ethtool') !== null).each([
  ['native', 1500, true],
  ['native', 9000, true],
  ['generic', 1500, true],
  ['native', 1500, false],
] as const)('beside the kernel on veth: %s, MTU %i, offloads %s', (attach, mtu, offloads) => {
  let lab: NetworkLab;
  let link: XdpLink;
  let stack: Stack;

  beforeAll(async () => {
    lab = NetworkLab.open('xdpkernel');
    const names = deviceNames();
    lab.veth({
      left: { namespace: 'kernel', name: names.left, address: `${KERNEL}/24` },
      right: { namespace: 'prism', name: names.right },
      mtu,
      offloads,
    });
    const networkNamespace = lab.namespace('prism');
    link = openXdpLink({ interface: names.right, networkNamespace, attach, onFallback: () => {} });
    stack = createStack({ link, address: `${PRISM}/24` });
    const child = lab.spawn('kernel', [process.execPath, '-e', PEER, KERNEL], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await lines.next();
  });
  afterAll(() => {
    stack.close();
    link.pool.assertNoLeaks();
    lab.close();
  });
  afterEach(() => {
    const { unexplained, dropped } = stack.accounts.snapshot();
    expect(unexplained).toBe(0);
    expect(Object.keys(dropped).filter((reason) => /CHECKSUM|MALFORMED|TOO_SHORT|TOO_LONG/.test(reason))).toEqual([]);
    expect(link.statistics.dropped).toBe(0);
    expect(link.details.invalidRecords + link.disorder).toBe(0);
    expect(accountedFrames(link)).toBe(link.pool.region.frames);
  });

  it('answers the kernel’s ping, and is answered, fragments included', async () => {
    const ping = lab.spawn('kernel', ['ping', '-c', '2', '-i', '0.01', '-s', '4000', '-W', '5', PRISM]);
    expect(await new Promise((resolve) => ping.on('exit', resolve))).toBe(0);
    expect((await stack.ping(KERNEL, { payloadLength: 1000 })).address).toBe(KERNEL);
  });

  it('exchanges datagrams with the kernel, whose checksums are unfinished where it offloads them', async () => {
    const socket = stack.udpSocket().bind();
    for (const length of [0, 1, 64, 1472, 1473, 8972]) {
      const sent = new Uint8Array(length).map((_, i) => i * 7 + length);
      socket.send(sent, 7003, KERNEL);
      const answer = await socket.next();
      expect(answer!.data).toEqual(sent);
    }
    socket.close();
  });

  it('streams to the kernel and from it, and every byte arrives', async () => {
    const data = new Uint8Array(BYTES);
    for (let i = 0; i < BYTES; i++) data[i] = i * 31 + (i >> 8);
    const up = await stack.connect({ address: KERNEL, port: 7001 });
    await up.write(data);
    up.end();
    expect(new TextDecoder().decode(await up.read())).toBe(sha256(data));
    const down = await stack.connect({ address: KERNEL, port: 7002 });
    await down.write(String(BYTES));
    const hash = createHash('sha256');
    for await (const chunk of down) hash.update(chunk);
    expect(hash.digest('hex')).toBe(sha256(data));
    down.end();
  });

  it('makes no native call to receive, and no more than one per burst to send', () => {
    const { receiveCalls, transmitCalls } = link.details;
    expect(link.statistics.receivedPackets).toBeGreaterThan(500);
    expect(receiveCalls).toBe(0);
    expect(transmitCalls).toBeLessThanOrEqual(link.statistics.transmittedPackets);
  });

  it('asks the kernel for the checksums of what it sends', () => {
    expect(link.capabilities.transmitChecksum).toBe(true);
    expect(link.details.checksumRequests).toBeGreaterThan(100);
  });
});
