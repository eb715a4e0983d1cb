import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { closeDescriptor } from './descriptor.js';
import { nativeUnavailable } from './native.testkit.js';
import { pinThread, threadProcessors } from './thread.js';

const index = fileURLToPath(new URL('../dist/index.js', import.meta.url));

describe.skipIf(nativeUnavailable() !== null)('pinThread', () => {
  it('binds the calling thread and no other', async () => {
    const all = threadProcessors();
    const chosen = all.at(-1)!;
    const code = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(index)}).then(({ pinThread, threadProcessors }) => {
        pinThread([${chosen}]);
        parentPort.postMessage(threadProcessors());
      });`;
    const worker = new Worker(code, { eval: true });
    const ended = once(worker, 'exit');
    expect(await once(worker, 'message')).toEqual([[chosen]]);
    expect(threadProcessors()).toEqual(all);
    await ended;
  });

  it('can be undone', () => {
    const all = threadProcessors();
    try {
      pinThread([all[0]!]);
      expect(threadProcessors()).toEqual([all[0]]);
    } finally {
      pinThread(all);
    }
    expect(threadProcessors()).toEqual(all);
  });

  it.each([[[]], [[1023]], [[100_000]]])('EINVAL for processors there are not: %j', (processors) => {
    expect(() => pinThread(processors)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});

describe.skipIf(nativeUnavailable() !== null)('closeDescriptor', () => {
  it('closes, and says nothing of what is closed', () => {
    const descriptor = openSync('/dev/null', 'r');
    closeDescriptor(descriptor);
    expect(() => fstatSync(descriptor)).toThrow(/EBADF/);
    closeDescriptor(-1);
    expect(() => closeSync(descriptor)).toThrow(/EBADF/);
  });
});
