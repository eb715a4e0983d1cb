import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DESCRIPTORS, nativeUnavailable } from './native.testkit.js';
import { listInterfaces } from './network-interface.js';
import { inNetworkNamespace } from './network-namespace.js';

const index = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const here = () => readlinkSync('/proc/thread-self/ns/net');

/** Descriptors of network namespaces that this process, all threads, has open. */
function namespacesOpen(): number {
  let count = 0;
  for (const descriptor of readdirSync(DESCRIPTORS)) {
    try {
      if (readlinkSync(`${DESCRIPTORS}/${descriptor}`).startsWith('net:')) count++;
    } catch {
      // the directory's own
    }
  }
  return count;
}

describe.skipIf(nativeUnavailable() !== null || labUnavailable() !== null)('inNetworkNamespace', () => {
  let lab: NetworkLab;
  let name = '';
  let home = '';

  beforeEach(() => {
    lab = NetworkLab.open('linuxnamespace');
    lab.tap({ namespace: 'inside', name: 'only0' });
    name = lab.namespace('inside');
    home = here();
  });
  afterEach(() => {
    expect(here(), 'the thread is back where it was').toBe(home);
    lab.close();
  });

  it('works there and comes back, with what the work returned', () => {
    const inside = inNetworkNamespace(name, () => ({ at: here(), interfaces: listInterfaces() }));
    expect(inside.at).not.toBe(home);
    expect(inside.interfaces).toContain('only0');
  });

  it('comes back when the work throws', () => {
    const work = () => {
      throw new Error('at work');
    };
    expect(() => inNetworkNamespace(name, work)).toThrow('at work');
  });

  it('nests', () => {
    const other = lab.namespace('other');
    const places = inNetworkNamespace(name, () => [here(), inNetworkNamespace(other, here), here()]);
    expect(places[0]).toBe(places[2]);
    expect(new Set([...places, home]).size).toBe(3);
  });

  it('takes paths, and stays for undefined', () => {
    expect(inNetworkNamespace(`/run/netns/${name}`, listInterfaces)).toContain('only0');
    expect(inNetworkNamespace(undefined, here)).toBe(home);
  });

  it('names what does not exist, and what is no namespace', () => {
    expect(() => inNetworkNamespace('nowhere', here)).toThrow(
      expect.objectContaining({ code: 'ENOENT', message: expect.stringContaining('network namespace nowhere') }),
    );
    expect(() => inNetworkNamespace('/proc/self/stat', here)).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining('no network namespace') }),
    );
  });

  it('leaves no descriptor open, whatever happened', () => {
    const before = readdirSync(DESCRIPTORS).length;
    for (let round = 0; round < 20; round++) {
      inNetworkNamespace(name, here);
      for (const wrong of ['nowhere', '/proc/self/stat']) expect(() => inNetworkNamespace(wrong, here)).toThrow();
      expect(() =>
        inNetworkNamespace(name, () => {
          throw new Error('at work');
        }),
      ).toThrow();
    }
    expect(readdirSync(DESCRIPTORS).length).toBe(before);
  });

  it('a worker that is terminated inside leaves no descriptor open', async () => {
    const before = namespacesOpen();
    for (let round = 0; round < 3; round++) {
      const code = `
        import(${JSON.stringify(index)}).then(({ inNetworkNamespace }) =>
          inNetworkNamespace(${JSON.stringify(name)}, () => {
            require('node:worker_threads').parentPort.postMessage('inside');
            for (;;);
          }));`;
      const worker = new Worker(code, { eval: true });
      await once(worker, 'message');
      await worker.terminate();
    }
    expect(namespacesOpen()).toBe(before);
  });

  it('joinNetworkNamespace moves one thread for good, and no other', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      const { readlinkSync } = require('node:fs');
      import(${JSON.stringify(index)}).then(async ({ joinNetworkNamespace, listInterfaces }) => {
        joinNetworkNamespace(${JSON.stringify(name)});
        await new Promise((resolve) => setTimeout(resolve, 5));
        parentPort.postMessage({ at: readlinkSync('/proc/thread-self/ns/net'), interfaces: listInterfaces() });
      });`;
    const worker = new Worker(code, { eval: true });
    const ended = once(worker, 'exit');
    const [inside] = (await once(worker, 'message')) as [{ at: string; interfaces: string[] }];
    expect(inside.at).toBe(inNetworkNamespace(name, here));
    expect(inside.interfaces).toContain('only0');
    await ended;
  });
});
