import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Link } from '@prism-net/link';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLink } from '../open-link.js';
import type { CrashMessage, CrashTask } from './crash.fixture.js';

const PRISM = '10.77.0.1';
const KERNEL = '10.77.0.2/24';
const OTHER_MAC = '02:00:00:77:00:01';
/** The kernel takes a killed process apart on its own time: files first, devices and programs a little later. */
const PATIENCE_MILLISECONDS = 3000;

/** The fixture runs as plain JavaScript: what is built. */
const FIXTURE = fileURLToPath(new URL('../../dist/crash/crash.fixture.js', import.meta.url));

interface Device {
  readonly promiscuity: number;
  readonly xdp: unknown;
}

describe.skipIf(labUnavailable('ping') !== null)('a process killed (SIGKILL) in the middle of traffic', () => {
  let lab: NetworkLab;
  let child: ChildProcess | undefined;
  let stack: Stack | undefined;
  beforeEach(() => {
    lab = NetworkLab.open('crash');
    child = undefined;
    stack = undefined;
  });
  afterEach(() => {
    stack?.close();
    child?.kill('SIGKILL');
    lab.close();
  });

  /** A stack in another process, under fire from both a ping flood and datagrams; returns when it is busy. */
  async function startBusy(link: string, namespace: string): Promise<void> {
    const task: CrashTask = { link, networkNamespace: namespace, address: `${PRISM}/24`, frames: 2000 };
    child = fork(FIXTURE, [JSON.stringify(task)], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    expect(await message()).toBe('ready');
    lab.spawn('kernel', ['ping', '-f', '-q', PRISM], { stdio: 'ignore' });
    expect(await message()).toBe('busy');
  }

  async function message(): Promise<CrashMessage> {
    const [told] = (await once(child!, 'message', { signal: AbortSignal.timeout(20_000) })) as [CrashMessage];
    return told;
  }

  async function kill(): Promise<void> {
    const exit = once(child!, 'exit');
    child!.kill('SIGKILL');
    expect(await exit).toEqual([null, 'SIGKILL']);
  }

  function device(namespace: string, name: string): Device | null {
    try {
      const [found] = JSON.parse(lab.run(namespace, ['ip', '-d', '-j', 'link', 'show', 'dev', name])) as [Device];
      return found;
    } catch {
      return null;
    }
  }

  async function soon(what: () => boolean): Promise<boolean> {
    for (const deadline = performance.now() + PATIENCE_MILLISECONDS; performance.now() < deadline; await delay(20)) {
      if (what()) return true;
    }
    return what();
  }

  /** Opens the link again, with patience for what the kernel has not taken apart yet, and has it answer the kernel. */
  async function answersAgain(link: string, namespace: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MILLISECONDS;
    let opened: Link | undefined;
    while (opened === undefined) {
      try {
        opened = await openLink(link, { networkNamespace: namespace });
      } catch (error) {
        if ((error as { code?: string }).code !== 'EBUSY' || performance.now() > deadline) throw error;
        await delay(20);
      }
    }
    stack = createStack({ link: opened, address: `${PRISM}/24` });
    const ping = lab.spawn('kernel', ['ping', '-n', '-c', '3', '-i', '0.05', '-W', '2', PRISM], { stdio: 'ignore' });
    expect(await once(ping, 'exit')).toEqual([0, null]);
    stack.close();
    expect(stack.accounts.snapshot().unexplained).toBe(0);
    stack.pool.assertNoLeaks();
  }

  function layCable(): string {
    lab.veth({
      left: { namespace: 'prism', name: 'left' },
      right: { namespace: 'kernel', name: 'right', address: KERNEL },
      offloads: false,
    });
    return lab.namespace('prism');
  }

  it.each(['native', 'generic'])(
    'leaves no XDP program on its interface (%s), and the queue is free again',
    async (attach) => {
      const namespace = layCable();
      const link = `xdp:left?attach=${attach}`;
      await startBusy(link, namespace);
      expect(device('prism', 'left')?.xdp).toBeDefined();
      await kill();
      expect(await soon(() => device('prism', 'left')?.xdp === undefined)).toBe(true);
      await answersAgain(link, namespace);
      expect(device('prism', 'left')?.xdp).toBeUndefined();
    },
  );

  it.each(['virtio', 'ring'])('leaves no interface promiscuous (AF_PACKET, %s)', async (mode) => {
    const namespace = layCable();
    const link = `packet:left?mode=${mode}&macAddress=${OTHER_MAC}`;
    await startBusy(link, namespace);
    expect(device('prism', 'left')?.promiscuity).toBe(1);
    await kill();
    expect(await soon(() => device('prism', 'left')?.promiscuity === 0)).toBe(true);
    await answersAgain(link, namespace);
    expect(device('prism', 'left')?.promiscuity).toBe(0);
  });

  it('leaves no TAP device that was not meant to stay', async () => {
    const namespace = lab.namespace('kernel');
    const link = `tap:prism7?hostAddress=${KERNEL}`;
    await startBusy(link, namespace);
    expect(device('kernel', 'prism7')).not.toBeNull();
    await kill();
    expect(await soon(() => device('kernel', 'prism7') === null)).toBe(true);
    await answersAgain(link, namespace);
    expect(device('kernel', 'prism7')).toBeNull();
  });

  it('leaves a persistent TAP device that the next one uses', async () => {
    const namespace = lab.namespace('kernel');
    const link = `tap:prism8?hostAddress=${KERNEL}&persistent=true`;
    await startBusy(link, namespace);
    await kill();
    await answersAgain(link, namespace);
    expect(device('kernel', 'prism8')).not.toBeNull();
  });
});
