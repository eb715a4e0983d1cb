import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DAY_PROFILE_PERMILLE } from './flow/trading-day.js';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const bootstrap = fileURLToPath(new URL('../../../tooling/scripts/bootstrap.mjs', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

const running = new Set<ChildProcess>();

class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  /** In a process group of its own, as a terminal gives one to each command. */
  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const started = performance.now();
    this.child = spawn(process.execPath, args, { detached: true, env: { ...process.env, ...environment } });
    running.add(this.child);
    this.child.stdout!.on('data', (data: Buffer) => {
      this.#stdout += data.toString();
    });
    this.child.stderr!.on('data', (data: Buffer) => {
      this.#stderr += data.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        running.delete(this.child);
        const milliseconds = performance.now() - started;
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr, milliseconds });
      });
    });
  }

  /** Resolves once the program has printed this. */
  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#stdout)) {
      if (this.child.exitCode !== null) throw new Error(`ended first: ${this.#stdout}${this.#stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

afterEach(() => {
  for (const child of running) {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
});

const run = (...args: string[]): Promise<Ended> => new Program([program, ...args]).ended;

interface Printed {
  readonly figures: Readonly<Record<string, number>>;
  readonly conditions: Readonly<Record<string, string | number>>;
}

/** Runs with `--json`, checks that all went well, and returns the last line. */
async function runJson(...args: string[]): Promise<Printed> {
  const { code, stderr, stdout } = await run('--json', ...args);
  const printed = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Printed;
  expect(printed.figures).toMatchObject({ lost: 0, duplicated: 0, unexplainedDrops: 0 });
  expect(printed.figures['answered']).toBe(printed.figures['orders']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return printed;
}

/** What a run that ended well has printed. */
const report =
  /orders answered in [\d.]+ s[\s\S]+ p50 [\s\S]+│█[\s\S]+every order answered exactly once[\s\S]+unexplained 0/;

describe('the order gateway program', () => {
  it('explains itself on --help', async () => {
    const { code, stdout, stderr } = await run('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const option of ['--seconds', '--forever', '--seed', '--rate', '--window', '--json']) {
      expect(stdout).toContain(option);
    }
  });

  it('answers a wrong option with one line on stderr and exit code 2', async () => {
    for (const args of [['--bogus'], ['--seconds', 'soon'], ['stray'], ['--seconds', '2', '--forever']]) {
      const { code, stdout, stderr } = await run(...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^order-gateway: .+\n$/);
    }
  });

  it('prints the figures of the contract as one JSON object on the last line', async () => {
    const { figures, conditions } = await runJson('--seconds', '2');
    for (const name of ['ordersPerSecond', 'roundTripP50Us', 'roundTripP99Us', 'roundTripP999Us']) {
      expect(figures[name], name).toBeGreaterThan(0);
    }
    expect(figures['bytesAllocatedPerOrder']).toBeGreaterThanOrEqual(0);
    expect(figures).toMatchObject({ sessionLost: 0, sessionDuplicated: 0 });
    expect(figures['sessionOrdersPerSecond']).toBeGreaterThan(0);
    expect(figures['sessionAnswered']).toBe(figures['sessionOrders']);
    expect(figures).not.toHaveProperty('doubled');
    expect(figures['roundTripP99Us']).toBeGreaterThanOrEqual(figures['roundTripP50Us']!);
    expect(figures['roundTripMaxUs']).toBeGreaterThanOrEqual(figures['roundTripP999Us']!);
    expect(figures['laterFills']).toBeGreaterThan(0);
    expect(conditions).toMatchObject({ link: 'shared-memory', mtu: 1500, window: 256, seed: 1, seconds: 2 });
  });

  it('shows progress and the report with its histogram', async () => {
    const { code, stdout, stderr } = await run('--seconds', '2');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^UDP [\d,]+ orders\/s {2}[\d,]+ answered .+ │ TCP [\d,]+ orders\/s {2}[\d,]+ answered/m);
    expect(stdout).toMatch(report);
    // Every trade was heard of: nothing was cut off at the end.
    expect(stdout).toContain('messages missing 0');
    expect(stdout).toContain('nothing lost, nothing repeated');
    const alone = await run('--seconds', '1', '--ports', 'datagram');
    const [, fills, trades] = /later fills of resting orders ([\d,]+); the book made ([\d,]+) trades/.exec(
      alone.stdout,
    )!;
    expect(fills).toBe(trades);
    expect(alone.stdout).toMatch(/^[\d,]+ orders\/s {2}[\d,]+ answered/m);
    expect(stdout).not.toContain('\x1b');
  });

  it.each(['both', 'datagram', 'session'])('rejects only the bad orders, and fills no book: %s', async (ports) => {
    const { figures } = await runJson('--seconds', '3', '--ports', ports);
    const { orders = 0, rejected = 0, restingOrders = 0, sessionOrders = 0, sessionRejected = 0 } = figures;
    expect(orders + sessionOrders).toBeGreaterThan(1000);
    expect(rejected).toBeLessThan(0.01 * orders + 20);
    // Replacements that come too late among them.
    expect(sessionRejected).toBeLessThan(0.02 * sessionOrders + 20);
    expect(restingOrders).toBeLessThan(12_000);
  });

  it('loads for the time it was told to, however short', async () => {
    const { figures } = await runJson('--seconds', '0.2');
    expect(figures['orders']).toBeGreaterThan(100);
    expect(figures['answered']! / figures['ordersPerSecond']!).toBeGreaterThan(0.15);
  });

  // The upper bounds hold always; how well a rate is kept depends on who else wants the cores.
  it('keeps to the rate of the day, and is then far from its limits', { retry: 2 }, async () => {
    const paced = await runJson('--seconds', '2', '--rate', '20000', '--ports', 'datagram');
    const expected = (20_000 * DAY_PROFILE_PERMILLE[0]!) / 1000;
    // A loaded machine can make it slower, but nothing makes it faster.
    expect(paced.figures['ordersPerSecond']).toBeGreaterThan(0.6 * expected);
    expect(paced.figures['ordersPerSecond']).toBeLessThan(1.2 * expected);
    const unpaced = await runJson('--seconds', '1', '--ports', 'datagram');
    expect(paced.figures['roundTripP50Us']).toBeLessThan(0.5 * unpaced.figures['roundTripP50Us']!);
  });

  it('rejects everything after the kill switch', async () => {
    const { code, stdout } = await run('--seconds', '1', '--kill-after', '1000');
    expect(code).toBe(0);
    expect(stdout).toMatch(report);
    const count = (pattern: RegExp): number => Number(pattern.exec(stdout)![1]!.replaceAll(',', ''));
    const answered = count(/([\d,]+) orders answered/);
    const rejected = count(/rejected ([\d,]+)\n/);
    const killed = count(/kill switch ([\d,]+)/);
    expect(answered).toBeGreaterThan(2000);
    expect(answered - rejected).toBeLessThanOrEqual(1000);
    expect(killed).toBeGreaterThan(0.97 * (answered - 1000));
  });

  it('works with one order in flight and with 65,536, also with risk limits that refuse nearly all', async () => {
    await runJson('--seconds', '1', '--window', '1');
    const { conditions } = await runJson('--seconds', '1', '--window', '65536');
    expect(conditions['window']).toBe(65_536);
    await runJson('--seconds', '1', '--max-quantity', '1', '--collar-permille', '1');
    await runJson('--seconds', '1', '--max-quantity', '0', '--collar-permille', '0');
    const { figures } = await runJson('--seconds', '1', '--ports', 'session', '--session-window', '1024');
    expect(figures).toMatchObject({ orders: 0, sessionLost: 0 });
  });

  it('takes no offence when its reader goes away', async () => {
    const gateway = new Program([program, '--seconds', '5']);
    await gateway.prints(/order gateway/);
    gateway.child.stdout!.destroy();
    const { code, stderr, milliseconds } = await gateway.ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(milliseconds).toBeLessThan(4500);
  });
});

describe('the order gateway program is stopped', () => {
  const live = /orders\/s {2}[\d,]*[1-9][\d,]* answered/;

  async function stops(gateway: Program, kill: () => void): Promise<void> {
    await gateway.prints(live);
    const asked = performance.now();
    kill();
    const { code, signal, stdout, stderr } = await gateway.ended;
    expect(performance.now() - asked).toBeLessThan(5000);
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(stdout).toMatch(report);
    expect(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('prism: '))).toEqual([]);
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`by ${signal}: with the same report`, async () => {
      const gateway = new Program([program, '--forever']);
      await stops(gateway, () => gateway.child.kill(signal));
    });
  }

  it('by two signals at once, as a terminal and npm send them', async () => {
    const gateway = new Program([program, '--forever', '--rate', '1000']);
    await stops(gateway, () => {
      gateway.child.kill('SIGINT');
      setTimeout(() => gateway.child.kill('SIGINT'), 10);
    });
  });

  it('while it starts: nothing was sent, and that is no error', async () => {
    const gateway = new Program([program, '--forever', '--json']);
    // The handlers stand before the threads do.
    await new Promise((resolve) => setTimeout(resolve, 150));
    gateway.child.kill('SIGTERM');
    const { code, signal, stdout } = await gateway.ended;
    if (signal === null) {
      expect(code).toBe(0);
      expect((JSON.parse(stdout) as Printed).conditions['seconds']).toBe('until stopped');
    } else {
      expect({ signal, stdout }).toEqual({ signal: 'SIGTERM', stdout: '' });
    }
  });

  it('by Ctrl-C at `npm start`, which signals the whole group', async () => {
    const gateway = new Program([bootstrap, 'start', '--forever']);
    await stops(gateway, () => process.kill(-gateway.child.pid!, 'SIGINT'));
  });

  it('by a signal to `npm start` alone', async () => {
    const gateway = new Program([bootstrap, 'start', '--forever']);
    await stops(gateway, () => gateway.child.kill('SIGINT'));
  });
});

describe('the order gateway program when one of its threads dies or hangs', () => {
  let folder: string;
  let saboteur: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'order-gateway-'));
    saboteur = join(folder, 'saboteur.cjs');
    // Loaded before every thread's own module: breaks the one that is named, at once or in the middle of its loop.
    writeFileSync(
      saboteur,
      `const { threadId } = require('node:worker_threads');
      const [thread, when] = process.env.SABOTAGE.split(' ');
      const fail = () => {
        if (when === 'exit') process.exit(3);
        if (when === 'spin') for (;;);
        if (when === 'wait') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
        throw new Error('broken on purpose');
      };
      if (threadId === Number(thread)) {
        if (when === 'start') fail();
        const load = Atomics.load;
        let calls = 0;
        Atomics.load = (words, at) => {
          if (++calls === 20000) fail();
          return load(words, at);
        };
      }`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  // In the order in which they are started; thread 0 is the main thread.
  for (const [thread, name] of ['', 'book', 'gateway', 'load client'].entries()) {
    if (thread === 0) continue;
    for (const when of ['start', 'later', 'exit']) {
      it(`says which and ends: the ${name}, ${when}`, async () => {
        const environment = { NODE_OPTIONS: `--require ${saboteur}`, SABOTAGE: `${thread} ${when}` };
        const { code, stdout, stderr, milliseconds } = await new Program([program, '--forever', '--json'], environment)
          .ended;
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
        const reason = when === 'exit' ? 'ended early, with code 3' : 'failed: broken on purpose';
        expect(stderr).toBe(`order-gateway: the thread of the ${name} ${reason}\n`);
        expect(milliseconds).toBeLessThan(5000);
      });
    }
    for (const when of ['spin', 'wait']) {
      it(`ends within 2 s of a signal when the ${name} hangs: ${when}`, async () => {
        const environment = { NODE_OPTIONS: `--require ${saboteur}`, SABOTAGE: `${thread} ${when}` };
        const gateway = new Program([program, '--forever'], environment);
        await gateway.prints(/answered/);
        const asked = performance.now();
        gateway.child.kill(when === 'spin' ? 'SIGTERM' : 'SIGINT');
        const { code, stderr } = await gateway.ended;
        // Some of it for a loaded machine.
        expect(performance.now() - asked).toBeLessThan(2500);
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: 'order-gateway: its threads did not end in time: no report\n',
        });
      });
    }
  }
});
