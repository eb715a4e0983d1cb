import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { isInstalled, labUnavailable, NetworkLab } from './index.js';
import { listNamespaces, ownerOf, processesIn } from './namespaces.js';
import { identityOf, isAlive } from './process-identity.js';

const labs: NetworkLab[] = [];

function open(label: string): NetworkLab {
  const lab = NetworkLab.open(label);
  labs.push(lab);
  return lab;
}

function cable(lab: NetworkLab, mtu = 1500, offloads = true): void {
  lab.veth({
    left: { namespace: 'left', name: 'left0', address: '10.9.0.1/24', mac: '02:00:00:00:00:01' },
    right: { namespace: 'right', name: 'right0', address: '10.9.0.2/24' },
    mtu,
    queues: 2,
    offloads,
  });
}

function isRunning(pid: number): boolean {
  return identityOf(pid) !== undefined;
}

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds() && waited < 5_000; waited += 10) await new Promise((go) => setTimeout(go, 10));
  expect(holds()).toBe(true);
}

/** A child process that opens a lab from the built package, starts a process in it, prints both pids and waits. */
function openInChild(label: string) {
  const index = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const code = `
    const { NetworkLab } = await import(${JSON.stringify(index)});
    const lab = NetworkLab.open('${label}');
    lab.veth({ left: { namespace: 'a', name: 'a0' }, right: { namespace: 'b', name: 'b0' } });
    const inside = lab.spawn('a', ['sleep', '1000'], { stdio: 'ignore' });
    console.log(JSON.stringify({ inside: inside.pid, namespaces: [lab.namespace('a'), lab.namespace('b')] }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = new Promise<{ inside: number; namespaces: string[] }>((resolve) => {
    child.stdout.once('data', (text) => resolve(JSON.parse(String(text))));
  });
  return { child, ready };
}

afterEach(() => {
  for (const lab of labs.splice(0)) lab.close();
});

describe.skipIf(labUnavailable('ping', 'ethtool') !== null)('NetworkLab', () => {
  it('connects namespaces by a cable, with MTU, queues and addresses as asked', () => {
    const lab = open('cable');
    cable(lab, 9000);
    const left = lab.run('left', ['ip', '-d', 'address', 'show', 'left0']);
    expect(left).toContain('mtu 9000');
    expect(left).toContain('numtxqueues 2 numrxqueues 2');
    expect(left).toContain('02:00:00:00:00:01');
    expect(left).toContain('inet 10.9.0.1/24');
    expect(left).not.toContain('inet6');
    expect(lab.run('right', ['ping', '-c', '1', '-s', '8000', '-M', 'do', '-W', '2', '10.9.0.1'])).toContain(
      '1 received',
    );
  });

  it('leaves the interfaces of the machine alone', () => {
    const before = spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout.match(/^\d+: (left0|right0)/gm);
    cable(open('apart'));
    const after = spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout.match(/^\d+: (left0|right0)/gm);
    expect(after).toEqual(before);
  });

  it('makes TAP devices that links can open by name', () => {
    const lab = open('taps');
    lab.tap({ namespace: 'left', name: 'tap0', address: '10.9.1.1/24', mtu: 4000, multiQueue: true });
    const device = lab.run('left', ['ip', '-d', 'address', 'show', 'tap0']);
    expect(device).toContain('mtu 4000');
    expect(device).toContain('vnet_hdr');
    expect(device).toContain('multi_queue');
    expect(device).toContain('inet 10.9.1.1/24');
  });

  it('sets kernel settings in one namespace only', () => {
    const lab = open('settings');
    lab.sysctl('left', { 'net.ipv4.tcp_sack': 0, 'net.ipv4.tcp_timestamps': 0 });
    lab.namespace('right');
    const read = (name: string) => lab.run(name, ['cat', '/proc/sys/net/ipv4/tcp_sack']).trim();
    expect([read('left'), read('right')]).toEqual(['0', '1']);
  });

  it('switches offloads off', () => {
    const lab = open('offloads');
    cable(lab, 1500, false);
    const features = lab.run('left', ['ethtool', '-k', 'left0']);
    expect(features).toContain('tx-checksum-ip-generic: off');
    expect(features).toContain('tcp-segmentation-offload: off');
    expect(features).toContain('tx-udp-segmentation: off');
  });

  it('says what a command printed when it fails, what is missing, and when it took too long', () => {
    const lab = open('failing');
    expect(() => lab.run('left', ['ip', 'link', 'show', 'nowhere'])).toThrow(/nowhere.*does not exist/);
    expect(() => lab.run('left', ['no-such-command'])).toThrow(/no-such-command/);
    expect(() => lab.run('left', ['sleep', '10'], { timeout: 50 })).toThrow(/within 50 ms/);
    expect(lab.run('left', ['cat'], { input: 'text' })).toBe('text');
  });

  it('impairs a device, or says clearly that the kernel cannot', () => {
    const lab = open('netem');
    cable(lab);
    try {
      lab.impair('left', 'left0', 'loss 100%');
    } catch (error) {
      expect((error as Error).message).toMatch(/no netem.*impair\(\) of @prism-net\/link/);
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSYS');
      return;
    }
    expect(() => lab.run('left', ['ping', '-c', '1', '-W', '1', '10.9.0.2'])).toThrow(/100% packet loss/);
  });

  it('refuses what it cannot do: labels, a label twice, a closed lab', () => {
    const lab = open('once');
    expect(() => NetworkLab.open('once')).toThrow(/'once' is open/);
    expect(() => NetworkLab.open('No Such')).toThrow(/label/);
    expect(() => lab.namespace('a b')).toThrow(/namespace/);
    lab.close();
    expect(() => lab.namespace('late')).toThrow(/closed/);
  });

  it('ends processes and namespaces at its end, also when closed twice, and can be opened again', async () => {
    for (let round = 0; round < 2; round++) {
      const lab = open('again');
      cable(lab);
      const own = [lab.namespace('left'), lab.namespace('right')];
      expect(listNamespaces()).toEqual(expect.arrayContaining(own));
      const child = lab.spawn('left', ['sleep', '1000']);
      // A grandchild of which the lab has no number.
      lab.run('right', ['sh', '-c', 'sleep 1000 > /dev/null 2>&1 &']);
      const [grandchild] = processesIn(own[1]!);
      const ended = once(child, 'exit');
      lab.close();
      lab.close();
      await ended;
      await until(() => !isRunning(grandchild!));
      expect(listNamespaces().filter((name) => own.includes(name))).toEqual([]);
    }
  });

  it('gives two labs at once namespaces of their own', () => {
    const [first, second] = [open('first'), open('second')];
    cable(first);
    cable(second);
    first.close();
    expect(second.run('left', ['ping', '-c', '1', '-W', '2', '10.9.0.2'])).toContain('1 received');
  });

  it('several processes open labs at once', async () => {
    const children = [0, 1, 2, 3].map((number) => openInChild(`many${number}`));
    const opened = await Promise.all(children.map(({ ready }) => ready));
    const names = opened.flatMap(({ namespaces }) => namespaces);
    expect(new Set(names).size).toBe(8);
    expect(listNamespaces()).toEqual(expect.arrayContaining(names));
    for (const { child } of children) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    open('sweeper');
    expect(listNamespaces().filter((name) => names.includes(name))).toEqual([]);
  });

  it('the next open removes what a killed process left: namespaces, interfaces, processes', async () => {
    const { child, ready } = openInChild('killed');
    const { inside, namespaces } = await ready;
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(listNamespaces()).toEqual(expect.arrayContaining(namespaces));
    expect(isRunning(inside)).toBe(true);
    open('next');
    expect(listNamespaces().filter((name) => namespaces.includes(name))).toEqual([]);
    await until(() => !isRunning(inside));
  });

  it('does not take a lab from a living process', async () => {
    const { child, ready } = openInChild('living');
    const { namespaces } = await ready;
    open('other');
    expect(listNamespaces()).toEqual(expect.arrayContaining(namespaces));
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('knows a process by its start time: a number that is in use again does not protect a dead lab', () => {
    const self = identityOf(process.pid)!;
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ pid: self.pid, startTime: self.startTime - 1 })).toBe(false);
    const lab = open('identity');
    expect(ownerOf(lab.namespace('left'))).toEqual(self);
    expect(ownerOf('prism-lab-default-left')).toBeUndefined();
  });
});

describe.skipIf(labUnavailable('ping', 'tcpdump') !== null)('capture', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('has every packet from its first moment to its last', async () => {
    folder = mkdtempSync(join(tmpdir(), 'netlab-'));
    const lab = open('capture');
    cable(lab);
    const file = join(folder, 'right0.pcap');
    const capture = lab.capture('right', 'right0', file, { filter: 'icmp', direction: 'in' });
    lab.run('left', ['ping', '-q', '-c', '200', '-i', '0.001', '-l', '20', '10.9.0.2']);
    expect(await capture.stop()).toEqual({ dropped: 0 });
    expect(await capture.stop()).toEqual({ dropped: 0 });
    // 24 bytes of file header; 16 of packet header; Ethernet 14, IP 20, ICMP 8 and 56 of payload.
    expect(statSync(file).size).toBe(24 + 200 * (16 + 98));
  });

  it('says why it cannot capture', () => {
    const lab = open('deaf');
    expect(() => lab.capture('left', 'nowhere', '/dev/null')).toThrow(/nowhere/);
  });
});

describe('labUnavailable', () => {
  it('names commands that are missing, and with CI=true lets nothing be skipped', () => {
    if (labUnavailable() !== null) return;
    const before = process.env.CI;
    try {
      delete process.env.CI;
      expect(labUnavailable('no-such-command')).toContain('no-such-command');
      process.env.CI = 'true';
      expect(() => labUnavailable('no-such-command')).toThrow(/no-such-command.*must not be skipped/);
    } finally {
      if (before === undefined) delete process.env.CI;
      else process.env.CI = before;
    }
    expect(isInstalled('ip')).toBe(true);
  });
});
