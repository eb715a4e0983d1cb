import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface Printed {
  readonly scenario: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly baseline?: Readonly<Record<string, number>>;
  readonly ratio?: Readonly<Record<string, number>>;
  readonly spread: Readonly<Record<string, { readonly min: number; readonly max: number }>>;
  readonly runs: number;
  readonly conditions: Readonly<Record<string, unknown>>;
}

function bench(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** A short run; checks what all scenarios have in common. */
function measure(scenario: string, ...names: string[]): Printed {
  const { status, stdout, stderr } = bench(scenario, '--seconds', '1', '--runs', '1', '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const printed = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Printed;
  expect(printed).toMatchObject({ scenario, runs: 1 });
  expect(printed.conditions).toMatchObject({ node: process.version, cpu: expect.any(String) });
  for (const name of names) expect(Number.isFinite(printed.figures[name]), name).toBe(true);
  for (const [name, ratio] of Object.entries(printed.ratio ?? {})) {
    expect(ratio / (printed.figures[name]! / printed.baseline![name]!), name).toBeCloseTo(1, 2);
  }
  return printed;
}

describe('the bench program', () => {
  it('lists its scenarios, one line each', () => {
    for (const args of [[], ['--help']]) {
      const { status, stdout, stderr } = bench(...args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      for (const scenario of ['ring', 'checksum', 'udp-path', 'order-gateway']) {
        expect(stdout).toMatch(new RegExp(`^ {2}${scenario} +\\S.{20,}$`, 'm'));
      }
    }
  });

  it('answers a wrong command line with one short line on stderr and exit code 2', () => {
    const wrong: [args: string[], message: RegExp][] = [
      [['bogus'], /unknown scenario 'bogus'/],
      [['ring', '--bogus'], /Unknown option '--bogus' \(/],
      [['ring', '--seconds'], /--seconds/],
      [['ring', '--seconds', 'soon'], /--seconds .*'soon'/],
      [['ring', '--seconds', '0'], /--seconds/],
      [['ring', '--runs', '1.5'], /--runs .*whole/],
      [['ring', '--json=yes'], /--json/],
      [['ring', 'checksum'], /one scenario at a time/],
      [['ring', '--link', 'xdp'], /ring runs without --link only/],
      [['udp-throughput'], /udp-throughput needs --link/],
      [['udp-echo', '--link', 'wlan'], /--link must be xdp, packet, tap, not 'wlan'/],
      [['tcp-connections', '--connections', '0'], /--connections must be a whole number above 0/],
      [['ring', '--connections', '5'], /--connections is for tcp-connections/],
      [['udp-echo', '--mtu', '1500'], /--mtu is for --link/],
      [['udp-echo', '--link', 'tap', '--mtu', '100'], /--mtu .*from 576 to 65535/],
    ];
    for (const [args, message] of wrong) {
      const { status, stdout, stderr } = bench(...args);
      expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: '' });
      expect(stderr).toMatch(/^bench: [^\n]{1,140}\n$/);
      expect(stderr).toMatch(message);
    }
  });

  it('prints a table without --json', () => {
    const { status, stdout } = bench('checksum', '--seconds', '1', '--runs', '1');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^checksum: medians of 1 runs\n/);
    expect(stdout).toMatch(/^bytes1460Ns +[\d.,]+/m);
  });
});

describe('scenarios print the figures of the contract', () => {
  it('ring', () => {
    const { figures } = measure('ring', 'enqueueP99Ns', 'dequeueP99Ns');
    for (const name of ['spscOpsPerSecond', 'spscTwoThreadOpsPerSecond', 'mpmcOpsPerSecond']) {
      expect(figures[name], name).toBeGreaterThan(0);
    }
  });

  it('checksum', () => {
    const names = ['bytes20Ns', 'bytes1460Ns', 'bytes8960Ns', 'memoryCopy1460Ns', 'copyAndChecksum1460Ns'];
    const { figures } = measure('checksum', ...names);
    for (const name of names) expect(figures[name], name).toBeGreaterThan(0);
  });

  it('udp-path, and what does not vary there is as it must be', () => {
    const { figures } = measure('udp-path', 'nsPerDatagramMedian', 'nsPerDatagramP99', 'bytesAllocatedPerDatagram');
    expect(figures['nsPerDatagramMedian']).toBeGreaterThan(0);
    expect(figures['nsPerDatagramP99']).toBeGreaterThanOrEqual(figures['nsPerDatagramMedian']!);
    expect(figures['payloadCopiesPerDatagram']).toBeGreaterThan(0);
    expect(figures['payloadCopiesPerDatagram']).toBeLessThanOrEqual(1);
    expect(figures['payloadCopiesPerDatagramZeroCopyApi']).toBe(0);
    expect(figures['datagramsForAllocation']).toBeGreaterThanOrEqual(1_000_000);
    expect(figures['bytesAllocatedInAll']).toBeLessThan(65_536);
  });

  it('udp-echo', () => {
    const { figures } = measure('udp-echo', 'roundTripP50Us', 'roundTripP99Us', 'roundTripP999Us');
    expect(figures['roundTripP99Us']).toBeGreaterThanOrEqual(figures['roundTripP50Us']!);
    expect(figures['bytesAllocatedPerRoundTrip']).toBeLessThan(2);
  });

  it('tcp-cps', () => {
    const { figures } = measure('tcp-cps', 'cyclesPerSecond');
    expect(figures['cyclesPerSecond']).toBeGreaterThan(0);
    expect(figures['failed']).toBe(0);
  });

  it('tcp-connections', () => {
    const { status, stdout, stderr } = bench('tcp-connections', '--connections', '3000', '--seconds', '1', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { figures } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Printed;
    expect(figures['established']).toBe(3000);
    expect(figures['activeConnections']).toBe(30);
    expect(figures['packetBytesPerIdleConnection']).toBe(0);
    // Few enough that what both stacks have anyway counts.
    expect(figures['bytesPerIdleConnection']).toBeGreaterThan(100);
    expect(figures['bytesPerIdleConnection']).toBeLessThan(8192);
  });

  it('template-send', () => {
    const { figures } = measure('template-send', 'datagramSendNs', 'coldSendP50Ns', 'coldSendP99Ns');
    const names = ['datagramTemplateNs', 'datagramTemplateCallNs', 'streamWriteNs', 'streamTemplateNs'];
    for (const cold of ['warmedSend', 'coldTemplate', 'coldStreamWrite', 'warmedStreamTemplate'])
      names.push(`${cold}P50Ns`, `${cold}P99Ns`);
    for (const name of names) expect(figures[name], name).toBeGreaterThan(0);
  });

  it('session-port', () => {
    const { figures } = measure('session-port', 'ordersPerSecond', 'bytesAllocatedPerOrder', 'roundTripP50Us');
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, messagesMissing: 0 });
  });

  it('order-gateway', () => {
    const { figures } = measure('order-gateway', 'bytesAllocatedPerOrder');
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, unexplainedDrops: 0 });
    for (const name of ['ordersPerSecond', 'roundTripP50Us', 'roundTripP99Us', 'roundTripP999Us']) {
      expect(figures[name], name).toBeGreaterThan(0);
    }
  });
});
