import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isSystemError } from './link-unavailable-error.js';
import { DESCRIPTORS, nativeUnavailable } from './native.testkit.js';
import { Readable, Readiness, Writable } from './readiness.js';

const index = fileURLToPath(new URL('../dist/index.js', import.meta.url));
let folder = '';
let fifo = '';
let descriptor = -1;
const open: Readiness[] = [];

function watch(): Readiness {
  const readiness = new Readiness(descriptor);
  open.push(readiness);
  return readiness;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A worker with `Readiness` and a FIFO of its own, both ends of which `descriptor` is. */
function worker(body: string): Worker {
  const code = `
    const { openSync, constants, writeSync } = require('node:fs');
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(index)}).then(({ Readiness, Readable }) => {
      const descriptor = openSync(${JSON.stringify(fifo)}, constants.O_RDWR | constants.O_NONBLOCK);
      const readiness = new Readiness(descriptor);
      ${body}
    });`;
  return new Worker(code, { eval: true });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prism-readiness-'));
  fifo = join(folder, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  descriptor = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
});
afterEach(() => {
  for (const readiness of open.splice(0)) readiness.close();
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

describe.skipIf(nativeUnavailable() !== null)('Readiness', () => {
  it('calls back once per arm, when there is something to read', async () => {
    const readiness = watch();
    let calls = 0;
    readiness.arm(Readable, () => calls++);
    await pause(10);
    expect(calls).toBe(0);
    writeSync(descriptor, 'x');
    await pause(20);
    expect(calls).toBe(1);
    await pause(10);
    expect(calls, 'still readable, but not armed again').toBe(1);
    readiness.arm(Readable, () => calls++);
    await pause(20);
    expect(calls).toBe(2);
    readSync(descriptor, Buffer.alloc(1));
  });

  it('tells of room to write, alone and together with reading', async () => {
    await new Promise<void>((resolve) => watch().arm(Writable, resolve));
    open.pop()!.close();
    await new Promise<void>((resolve) => watch().arm(Readable | Writable, resolve));
  });

  it('may be armed again from the callback', async () => {
    const readiness = watch();
    writeSync(descriptor, 'x');
    let calls = 0;
    await new Promise<void>((resolve) => {
      const again = () => {
        calls++;
        if (calls === 5) resolve();
        else readiness.arm(Readable, again);
      };
      readiness.arm(Readable, again);
    });
    expect(calls).toBe(5);
  });

  it('the last arm holds; disarmed it is silent', async () => {
    const readiness = watch();
    const called: string[] = [];
    readiness.arm(Readable, () => called.push('first'));
    readiness.arm(Readable, () => called.push('second'));
    writeSync(descriptor, 'x');
    await pause(20);
    expect(called).toEqual(['second']);
    readiness.arm(Readable, () => called.push('third'));
    readiness.disarm();
    readiness.disarm();
    await pause(20);
    expect(called).toEqual(['second']);
  });

  it('closes twice, from its own callback, and before an event that was on its way; armed after that it is silent', async () => {
    const readiness = watch();
    writeSync(descriptor, 'x');
    let calls = 0;
    await new Promise<void>((resolve) => {
      readiness.arm(Readable, () => {
        calls++;
        readiness.close();
        readiness.close();
        resolve();
      });
    });
    readiness.arm(Readable, () => calls++);
    readiness.disarm();
    const other = watch();
    other.arm(Readable, () => calls++);
    other.close();
    await pause(20);
    expect(calls).toBe(1);
  });

  it('lets the descriptor be watched again once closed, and by one at a time', async () => {
    const [first, second] = [watch(), watch()];
    first.arm(Readable, () => {});
    const exists = expect.objectContaining({ code: 'EEXIST' });
    expect(() => second.arm(Readable, () => {})).toThrow(exists);
    expect(() => watch()).toThrow(exists);
    first.close();
    writeSync(descriptor, 'x');
    await new Promise<void>((resolve) => watch().arm(Readable, resolve));
  });

  it('refuses what cannot be waited for, with the code of the kernel', () => {
    const file = openSync(fileURLToPath(import.meta.url), 'r');
    try {
      const refused = (): unknown => {
        try {
          return new Readiness(file);
        } catch (error) {
          return error;
        }
      };
      const error = refused();
      expect(isSystemError(error) && error.code).toBe('EPERM');
    } finally {
      closeSync(file);
    }
    expect(() => new Readiness(-1)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  it('an exception of the callback reaches the process as from any event, and the next arm works', async () => {
    const readiness = watch();
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const caught = once(process, 'uncaughtException');
    try {
      writeSync(descriptor, 'x');
      readiness.arm(Readable, () => {
        throw new Error('from the callback');
      });
      expect(await caught).toEqual([expect.objectContaining({ message: 'from the callback' }), 'uncaughtException']);
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    await new Promise<void>((resolve) => readiness.arm(Readable, resolve));
  });

  it('promises settle before the next event', async () => {
    const readiness = watch();
    writeSync(descriptor, 'x');
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      readiness.arm(Readable, () => {
        void Promise.resolve().then(() => order.push('promise'));
        process.nextTick(() => order.push('tick'));
        setImmediate(() => {
          order.push('immediate');
          resolve();
        });
      });
    });
    expect(order).toEqual(['tick', 'promise', 'immediate']);
  });

  it('does not keep a process alive', () => {
    const code = `
      const { Readiness, Readable } = await import(${JSON.stringify(index)});
      const { openSync } = await import('node:fs');
      new Readiness(openSync(${JSON.stringify(fifo)}, 'r+')).arm(Readable, () => {});
      console.log('armed');`;
    const options = { encoding: 'utf8', timeout: 5_000 } as const;
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], options);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'armed\n' });
  });

  it('is collected once it is closed', () => {
    const code = `
      const { Readiness, Readable } = await import(${JSON.stringify(index)});
      const { openSync } = await import('node:fs');
      const descriptor = openSync(${JSON.stringify(fifo)}, 'r+');
      const open = () => {
        const readiness = new Readiness(descriptor);
        readiness.arm(Readable, () => {});
        readiness.close();
        return new WeakRef(readiness);
      };
      const reference = open();
      for (let i = 0; i < 10 && reference.deref() !== undefined; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
      }
      console.log(reference.deref() === undefined);`;
    const flags = ['--expose-gc', '--input-type=module', '-e', code];
    expect(spawnSync(process.execPath, flags, { encoding: 'utf8' }).stdout).toBe('true\n');
  });

  it('keeps alive what closes the descriptor, until it is closed: the number stays that of its file', () => {
    const code = `
      const { Readiness, Readable } = await import(${JSON.stringify(index)});
      const { openSync } = await import('node:fs');
      const open = (isClosed) => {
        const owner = {};
        const readiness = new Readiness(openSync(${JSON.stringify(fifo)}, 'r+'), owner);
        readiness.arm(Readable, () => {});
        if (isClosed) readiness.close();
        return new WeakRef(owner);
      };
      const references = [open(false), open(true)];
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
      }
      console.log(references.map((reference) => reference.deref() !== undefined).join());
      process.exit();`;
    const flags = ['--expose-gc', '--input-type=module', '-e', code];
    expect(spawnSync(process.execPath, flags, { encoding: 'utf8' }).stdout).toBe('true,false\n');
  });

  it('a worker that ends, or is terminated while armed, takes its watch along', async () => {
    const before = readdirSync(DESCRIPTORS).length;
    for (let round = 0; round < 5; round++) {
      const ending = worker(`readiness.arm(Readable, () => {});`);
      expect(await once(ending, 'exit')).toEqual([0]);
      const waiting = worker(`
        readiness.arm(Readable, () => {});
        parentPort.on('message', () => {});
        parentPort.postMessage('armed');`);
      await once(waiting, 'message');
      expect(await waiting.terminate()).toBe(1);
    }
    // The FIFO itself was left open by the workers, ten times; no epoll descriptor may be.
    const after = readdirSync(DESCRIPTORS).length;
    expect(after - before).toBeLessThanOrEqual(10);
  });

  it('a worker that is terminated within its callback does not take the process along', async () => {
    const busy = worker(`
      readiness.arm(Readable, () => {
        parentPort.postMessage('called');
        for (;;);
      });
      parentPort.on('message', () => {});
      writeSync(descriptor, 'x');`);
    await once(busy, 'message');
    expect(await busy.terminate()).toBe(1);
  });

  it('an exception of the callback within a worker ends that worker', async () => {
    const throwing = worker(`
      readiness.arm(Readable, () => { throw new Error('from a worker'); });
      parentPort.on('message', () => {});
      writeSync(descriptor, 'x');`);
    const [error] = await once(throwing, 'error');
    expect((error as Error).message).toBe('from a worker');
  });
});
