import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { attachSteering } from '@prism-net/bpf';
import { PacketMemory, PacketPool, TimestampSource } from '@prism-net/buffers';
import { inNetworkNamespace, LinkUnavailableError } from '@prism-net/linux';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFrame } from '../../link/src/link-contract.testkit.js';
import { openXdpLink } from './open-xdp-link.js';
import { deviceNames, receiveExactly } from './xdp-link.testkit.js';
import type { XdpLinkOptions } from './xdp-options.js';

function codeOf(open: () => unknown): [code: string, message: string] {
  try {
    open();
  } catch (error) {
    return [(error as { code: string }).code, (error as Error).message];
  }
  throw new Error('it opened');
}

describe('options', () => {
  it.each<[string, object]>([
    ["there is no option 'interfce'", { interfce: 'eth0', interface: 'eth0' }],
    ['interface: the name of one is needed', {}],
    ['queue must be a whole number', { interface: 'eth0', queue: -1 }],
    ['attach must be auto, native or generic', { interface: 'eth0', attach: 'hardware' }],
    ['bind must be auto, zero-copy or copy', { interface: 'eth0', bind: 'fast' }],
    ['rings.fill must be a power of two', { interface: 'eth0', rings: { fill: 100 } }],
    ["there is no option 'rx'", { interface: 'eth0', rings: { rx: 64 } }],
    ["there is no option 'usecs'", { interface: 'eth0', busyPoll: { usecs: 1 } }],
    ['busyPoll.budget must be', { interface: 'eth0', busyPoll: { budget: 0 } }],
    ['frames must be', { interface: 'eth0', frames: 1 }],
  ])('are refused by name: %s', (message, options) => {
    const [code, text] = codeOf(() => openXdpLink(options as XdpLinkOptions));
    expect(code).toBe('EINVAL');
    expect(text).toContain(message);
  });
});

describe.skipIf(labUnavailable() !== null)('opening', () => {
  let lab: NetworkLab;
  let device: string;
  let networkNamespace: string;
  const silent = { onFallback: () => {} };
  beforeAll(() => {
    lab = NetworkLab.open('xdpopen');
    device = deviceNames().left;
    const right = deviceNames().right;
    lab.veth({ left: { namespace: 'left', name: device }, right: { namespace: 'right', name: right }, queues: 2 });
    networkNamespace = lab.namespace('left');
  });
  afterAll(() => lab.close());

  const attached = () => lab.run('left', ['ip', '-d', 'link', 'show', device]).includes('prog/xdp');

  it('names an interface that does not exist', () => {
    const [code, message] = codeOf(() => openXdpLink({ interface: 'nothere', networkNamespace }));
    expect(code).toBe('ENODEV');
    expect(message).toContain('nothere');
  });

  it('says which queues there are', () => {
    const [code, message] = codeOf(() => openXdpLink({ interface: device, queue: 2, networkNamespace }));
    expect(code).toBe('EINVAL');
    expect(message).toContain(`${device} has no queue 2`);
    expect(message).toContain('it has 2, numbered from 0');
  });

  it('takes no interface without Ethernet', () => {
    expect(codeOf(() => openXdpLink({ interface: 'lo', networkNamespace }))[0]).toBe('EOPNOTSUPP');
  });

  it('says that a queue has a socket already, and leaves that alone', () => {
    const program = attachSteering({
      interface: device,
      steering: { rules: [], otherwise: 'redirect' },
      networkNamespace,
    });
    const first = openXdpLink({ interface: device, program, networkNamespace, ...silent });
    const [code, message] = codeOf(() => openXdpLink({ interface: device, program, networkNamespace, ...silent }));
    expect(code).toBe('EBUSY');
    expect(message).toContain(`queue 0 of ${device} has an AF_XDP socket already`);
    // Without a program of its own it fails earlier, by the program that is attached.
    expect(codeOf(() => openXdpLink({ interface: device, networkNamespace, ...silent }))[0]).toBe('EBUSY');
    expect(first.frames().fill).toBeGreaterThan(0);
    first.close();
    program.close();
    expect(attached()).toBe(false);
  });

  it('opens again at once after a close, many times', () => {
    const pool = PacketPool.create(PacketMemory.create({ frames: 256, kernelRingBytes: 1 << 18 }), 256);
    for (let i = 0; i < 10; i++) {
      const link = openXdpLink({ interface: device, pool, networkNamespace, ...silent });
      expect(attached()).toBe(true);
      link.close();
    }
    expect(pool.available).toBe(256);
    expect(attached()).toBe(false);
  });

  it('refuses zero-copy where the driver has none, and leaves nothing behind', () => {
    const [code, message] = codeOf(() =>
      openXdpLink({ interface: device, bind: 'zero-copy', networkNamespace, ...silent }),
    );
    expect(code).toBe('EOPNOTSUPP');
    expect(message).toContain('no zero-copy');
    expect(attached()).toBe(false);
  });

  it('is loud about falling back, and says what is in force', () => {
    const said: string[] = [];
    const link = openXdpLink({ interface: device, networkNamespace, onFallback: (message) => said.push(message) });
    expect(link.capabilities.mode).toBe('native, copy');
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('copy mode');
    link.close();
    // One queue cannot take what two of the peer send: the driver refuses its native mode.
    const names = deviceNames();
    lab.veth({ left: { namespace: 'left', name: names.left }, right: { namespace: 'right', name: names.right } });
    lab.run('left', ['ip', 'link', 'add', 'link', names.left, 'name', `m${names.left}`, 'type', 'macvlan']);
    lab.run('left', ['ip', 'link', 'set', `m${names.left}`, 'up']);
    const generic = openXdpLink({
      interface: `m${names.left}`,
      networkNamespace,
      onFallback: (message) => said.push(message),
    });
    expect(generic.capabilities.mode).toBe('generic, copy');
    expect(said.some((message) => message.includes('generic'))).toBe(true);
    generic.close();
    const asked = openXdpLink({
      interface: device,
      attach: 'generic',
      bind: 'copy',
      networkNamespace,
      onFallback: (message) => said.push(message),
    });
    expect(said).toHaveLength(3);
    asked.close();
  });

  it('says when the interface is down, which it opens all the same', () => {
    const said: string[] = [];
    lab.run('left', ['ip', 'link', 'set', device, 'down']);
    const link = openXdpLink({ interface: device, networkNamespace, onFallback: (message) => said.push(message) });
    link.close();
    lab.run('left', ['ip', 'link', 'set', device, 'up']);
    expect(said[0]).toContain(`${device} is down: nothing passes until 'ip link set ${device} up'`);
  });

  it('warns the process where nobody listens', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const link = openXdpLink({ interface: device, networkNamespace });
    expect((await warned).message).toContain('copy mode');
    link.close();
  });

  it('refuses frames of other sizes than the kernel takes, and a ring region that is too small', () => {
    const odd = PacketMemory.create({ frames: 64, frameSize: 8192, kernelRingBytes: 1 << 18 });
    expect(codeOf(() => openXdpLink({ interface: device, memory: odd, networkNamespace }))[1]).toContain(
      '2048 or 4096',
    );
    const tight = PacketMemory.create({ frames: 64 });
    const [code, message] = codeOf(() => openXdpLink({ interface: device, memory: tight, networkNamespace }));
    expect(code).toBe('ENOMEM');
    expect(message).toContain('kernelRingBytes');
  });

  it('sets busy polling of the socket, and calls the kernel when idle', () => {
    const link = openXdpLink({
      interface: device,
      busyPoll: { microseconds: 50, budget: 16 },
      networkNamespace,
      ...silent,
    });
    link.receive([], 8);
    expect(link.details.receiveCalls).toBe(1);
    link.close();
  });

  it('stamps what it receives when asked', () => {
    const names = deviceNames();
    lab.veth({ left: { namespace: 'left', name: names.left }, right: { namespace: 'right', name: names.right } });
    const link = openXdpLink({ interface: names.left, timestamps: true, networkNamespace, ...silent });
    expect(link.capabilities.timestamps).toBe(1);
    const peer = openXdpLink({ interface: names.right, networkNamespace: lab.namespace('right'), ...silent });
    peer.transmit([makeFrame(peer.pool, peer, link, 1), makeFrame(peer.pool, peer, link, 2)], 0, 2);
    const before = Math.floor(Date.now() / 1000);
    for (const packet of receiveExactly(link, 2)) {
      expect(packet.timestampSource).toBe(TimestampSource.SOFTWARE);
      expect(packet.timestampSeconds - before).toBeLessThan(5);
      expect(packet.timestampNanoseconds).toBeLessThan(1e9);
      packet.release();
    }
    peer.close();
    link.close();
  });

  it('says that rights are missing', () => {
    const built = fileURLToPath(new URL('../dist/index.js', import.meta.url));
    const script = `
      import { openXdpLink } from '${built}';
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      try { openXdpLink({ interface: '${device}' }); } catch (error) { console.log(error.name, error.code, error.message); }`;
    const child = inNetworkNamespace(networkNamespace, () =>
      spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
    );
    expect(child.stderr).toBe('');
    expect(child.stdout).toContain('LinkUnavailableError EPERM');
    expect(child.stdout).toContain('CAP_NET_RAW');
  });

  it('throws errors of one kind', () => {
    expect(() => openXdpLink({ interface: 'nothere', networkNamespace })).toThrow(LinkUnavailableError);
  });
});
