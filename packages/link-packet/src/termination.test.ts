import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../link/src/link-contract.testkit.js';
import { cable, MODES, openEnd, RING } from './packet.testkit.js';

/** Packet sockets of this process; one that is only mapped counts, too. */
function sockets(): number {
  let count = 0;
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`).startsWith('socket:')) count++;
    } catch {
      // closed in the meantime
    }
  }
  return count + (readFileSync('/proc/self/maps', 'latin1').match(/socket:\[/g)?.length ?? 0);
}

describe.skipIf(labUnavailable() !== null).each(MODES)('mode %s', (mode) => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('packet_termination');
    cable(lab);
  });
  afterAll(() => lab.close());

  /** Packet sockets that the kernel has in the namespace. */
  const inKernel = (): number => lab.run('prism', ['cat', '/proc/net/packet']).trim().split('\n').length - 1;

  it('links opened and closed many times over leave nothing, and the ring region can be used again', () => {
    const before = sockets();
    const first = openEnd(lab, 'left', mode);
    const { pool } = first;
    first.close();
    for (let i = 0; i < 10; i++) {
      const link = openEnd(lab, 'left', mode, { pool });
      link.receive([], 8);
      link.close();
    }
    expect(sockets()).toBe(before);
    expect(inKernel()).toBe(0);
    pool.assertNoLeaks();
  });

  it('a worker that is terminated leaves no socket and no mapping', async () => {
    const before = sockets();
    const networkNamespace = lab.namespace('prism');
    const options = { interface: 'left', mode, networkNamespace, ...(mode === 'ring' ? { ring: RING } : {}) };
    const worker = new Worker(new URL('../dist/terminated.fixture.js', import.meta.url), { workerData: options });
    expect(await new Promise((resolve) => worker.once('message', resolve))).toBe(mode);
    expect(sockets()).toBeGreaterThan(before);
    expect(inKernel()).toBe(1);
    await worker.terminate();
    expect(await eventually(() => inKernel() === 0)).toBe(true);
    expect(sockets()).toBe(before);
  });
});
