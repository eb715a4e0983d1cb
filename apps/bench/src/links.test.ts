import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { labUnavailable } from '@prism-net/netlab';
import { afterEach, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const LINKS = ['xdp', 'packet', 'tap'] as const;
const ROUND_TRIP = ['roundTripP50Us', 'roundTripP99Us', 'roundTripP999Us'];
const FIGURES: Readonly<Record<string, readonly string[]>> = {
  'udp-echo': ROUND_TRIP,
  'tcp-echo': ROUND_TRIP,
  'udp-throughput': ['packetsPerSecond64', 'gbitPerSecond8900'],
  'tcp-throughput': ['gbitPerSecond'],
  'tcp-cps': ['cyclesPerSecond'],
};

/** What benches leave, or have, in the kernel. */
function namespaces(): string[] {
  try {
    return readdirSync('/run/netns').filter((name) => name.includes('-bench_'));
  } catch {
    return [];
  }
}

describe.skipIf(labUnavailable() !== null)('scenarios over real links', () => {
  afterEach(() => expect(namespaces()).toEqual([]));

  for (const link of LINKS) {
    for (const [scenario, names] of Object.entries(FIGURES)) {
      it(`${scenario} --link ${link} prints its figures, and the kernel's`, () => {
        const args = [scenario, '--link', link, '--seconds', '1', '--runs', '1', '--no-others', '--json'];
        const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        const { figures, baseline, conditions } = JSON.parse(stdout);
        // In a tenth of a second of a machine with other things to do a stream may not get its turn: 0 is a figure.
        for (const name of names) {
          expect(figures[name], name).toBeGreaterThanOrEqual(0);
          expect(baseline[name], name).toBeGreaterThanOrEqual(0);
        }
        expect(conditions).toMatchObject({ link, mtu: 9000, linkMtu: 9000, mode: expect.any(String) });
        if (scenario === 'udp-throughput' && link === 'xdp') {
          expect(figures.nativeCallsPerReceivedPacket).toBe(0);
          // One more at most: the first datagram has a burst of its own, as has what ARP says.
          expect(figures.nativeCallsPerTransmittedBurst).toBeLessThan(1.1);
        }
      });
    }
  }

  it('runs the other contestants that are installed, and says which are not', () => {
    const args = [
      'udp-echo',
      '--link',
      'xdp?attach=native',
      '--mtu',
      '1500',
      '--seconds',
      '1',
      '--runs',
      '1',
      '--json',
    ];
    const { status, stdout } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect(status).toBe(0);
    const { conditions, others } = JSON.parse(stdout);
    expect(conditions).toMatchObject({ link: 'xdp?attach=native', mtu: 1500, mode: expect.stringMatching(/^native/) });
    expect(Object.keys(others)).toContain('node:dgram spinning at both ends (setImmediate)');
    const hasSockperf = Object.hasOwn(others, 'sockperf ping-pong --nonblocked');
    expect(conditions.sockperf === 'not installed').toBe(!hasSockperf);
  });

  it('says in one line what a link does not take, and leaves nothing behind', () => {
    const args = ['udp-echo', '--link', 'xdp?attach=sideways', '--seconds', '1', '--runs', '1'];
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^bench: udp-echo failed: [^\n]*attach[^\n]*\n$/);
  });

  it('ended by Ctrl-C it takes the lab and everybody in it along', async () => {
    const child = spawn(process.execPath, [program, 'udp-echo', '--link', 'packet', '--seconds', '60', '--runs', '2']);
    while (namespaces().length < 2) await sleep(20);
    await sleep(300);
    const exit = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exit).toEqual([130, null]);
  });
});

it('without root a link is refused by one clear error', () => {
  const isRoot = process.getuid?.() === 0;
  // Somebody else, whom the kernel lets read the program but not open a lab.
  const { status, stderr } = spawnSync(process.execPath, [program, 'udp-echo', '--link', 'tap', '--seconds', '1'], {
    encoding: 'utf8',
    ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
  });
  expect(status).toBe(1);
  expect(stderr).toBe(
    'bench: udp-echo failed: --link opens a network lab, which needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN)\n',
  );
});
