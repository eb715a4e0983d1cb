import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_OPTIONS, type Options, parseOptions } from './options.js';

function run(...argv: string[]): Options {
  const parsed = parseOptions(argv);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

function error(...argv: string[]): string {
  const parsed = parseOptions(argv);
  if (parsed.kind !== 'error') throw new Error(JSON.stringify(parsed));
  return parsed.message;
}

describe('options', () => {
  it('have defaults: 15 seconds as fast as possible over the memory link', () => {
    expect(run()).toEqual(DEFAULT_OPTIONS);
    expect(run()).toMatchObject({ seconds: 15, ordersPerSecond: 0, link: 'memory', json: false });
  });

  it('set each field, in both spellings', () => {
    expect(run('--seconds', '2.5')).toEqual({ ...DEFAULT_OPTIONS, seconds: 2.5 });
    expect(run('--seconds=2')).toEqual({ ...DEFAULT_OPTIONS, seconds: 2 });
    expect(run('--forever')).toEqual({ ...DEFAULT_OPTIONS, seconds: Number.POSITIVE_INFINITY });
    expect(run('--seed', '4294967295')).toEqual({ ...DEFAULT_OPTIONS, seed: 4_294_967_295 });
    expect(run('--rate=250000')).toEqual({ ...DEFAULT_OPTIONS, ordersPerSecond: 250_000 });
    expect(run('--window', '64')).toEqual({ ...DEFAULT_OPTIONS, window: 64 });
    expect(run('--link', 'memory')).toEqual(DEFAULT_OPTIONS);
    expect(run('--json')).toEqual({ ...DEFAULT_OPTIONS, json: true });
    expect(run('--max-quantity', '0')).toEqual({ ...DEFAULT_OPTIONS, maximumQuantity: 0 });
    expect(run('--collar-permille', '100')).toEqual({ ...DEFAULT_OPTIONS, collarPermille: 100 });
    expect(run('--kill-after', '1000')).toEqual({ ...DEFAULT_OPTIONS, killAfterOrders: 1000 });
    expect(run('--json', '--seed', '7', '--forever')).toMatchObject({ json: true, seed: 7 });
  });

  it('say which ports are open, and who may log in to the session port', () => {
    expect(run('--ports', 'session', '--session-port=9100', '--session-window', '8')).toEqual({
      ...DEFAULT_OPTIONS,
      ports: 'session',
      sessionPort: 9100,
      sessionWindow: 8,
    });
    expect(error('--ports', 'tcp')).toBe('--ports needs one of both, datagram, session');
    expect(error('--account', 'FIRM001:secret')).toContain('--account needs USER:PASSWORD');
    const served = ['--link', 'packet', '--interface', 'eth1', '--address', '10.0.0.1/24'];
    expect(run(...served, '--account', 'FIRM01:secret')).toMatchObject({ account: 'FIRM01:secret' });
    expect(error(...served, '--ports', 'session')).toBe(
      '--ports session on an interface needs --account USER:PASSWORD',
    );
  });

  it('that nothing would use are an error, not ignored', () => {
    const closed = 'is for the session port, which --ports datagram leaves closed';
    expect(error('--ports', 'datagram', '--session-window', '4')).toBe(`--session-window ${closed}`);
    expect(error('--session-port', '9100', '--ports', 'datagram')).toBe(`--session-port ${closed}`);
    expect(error('--ports', 'datagram', '--account', 'a:b')).toBe(`--account ${closed}`);
    expect(error('--ports', 'session', '--window', '4')).toBe(
      '--window is for the datagram port, which --ports session leaves closed',
    );
    expect(error('--account', 'foo:bar')).toBe('--account is for --interface, which is not given');
  });

  it('name a link of the machine, and its options', () => {
    expect(run('--link', 'tap')).toEqual({ ...DEFAULT_OPTIONS, link: 'tap' });
    expect(run('--link=xdp?attach=generic&queue=1')).toEqual({
      ...DEFAULT_OPTIONS,
      link: 'xdp',
      linkOptions: 'attach=generic&queue=1',
    });
  });

  it('let the gateway serve on an interface, until it is stopped unless told otherwise', () => {
    const argv = ['--link', 'packet', '--interface', 'eth1', '--address', '10.0.0.1/24', '--router', '10.0.0.254'];
    const served = { link: 'packet', interface: 'eth1', address: '10.0.0.1/24', router: '10.0.0.254' };
    expect(run(...argv)).toMatchObject({ ...served, seconds: Number.POSITIVE_INFINITY });
    expect(run(...argv, '--seconds', '3')).toMatchObject({ ...served, seconds: 3 });
  });

  it('explain themselves', () => {
    const help = parseOptions(['--help', '--seed', '3']);
    if (help.kind !== 'help') throw new Error('no help');
    const options = help.text.match(/--[a-z-]+/g);
    expect(options).toEqual(
      expect.arrayContaining([
        '--seconds',
        '--forever',
        '--seed',
        '--rate',
        '--json',
        '--window',
        '--link',
        '--interface',
        '--address',
        '--router',
        '--ports',
        '--session-port',
        '--session-window',
        '--account',
        '--max-quantity',
        '--collar-permille',
        '--kill-after',
        '--help',
      ]),
    );
    expect(help.text).toContain('(default 15)');
    expect(Math.max(...help.text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('that are wrong are one clear error', () => {
    expect(error('--sedonds', '3')).toMatch(/^unknown option '--sedonds'; there are --seconds, .*--help$/);
    expect(error('-x')).toMatch(/^unknown option '-x'/);
    expect(error('--toString')).toMatch(/^unknown option '--toString'/);
    expect(error('--__proto__=1')).toMatch(/^unknown option '--__proto__'/);
    expect(error('fast')).toBe("unexpected argument 'fast'");
    expect(error('--', '--seed')).toBe("unexpected argument '--seed'");
    expect(error('--seconds')).toBe('--seconds needs a number from 0.1 to 1000000');
    expect(error('--seconds', '0')).toBe("--seconds needs a number from 0.1 to 1000000, not '0'");
    expect(error('--seconds=')).toBe("--seconds needs a number from 0.1 to 1000000, not ''");
    expect(error('--seconds', '-5')).toContain("not '-5'");
    expect(error('--seconds', '--json')).toContain("not '--json'");
    expect(error('--seconds', '1e3')).toContain("not '1e3'");
    expect(error('--seconds', 'Infinity')).toContain("not 'Infinity'");
    expect(error('--seed', '1.5')).toBe("--seed needs a whole number from 0 to 4294967295, not '1.5'");
    expect(error('--window', '0')).toBe("--window needs a whole number from 1 to 65536, not '0'");
    expect(error('--max-quantity', '21474837')).toContain('--max-quantity needs a whole number from 0 to 21474836');
    expect(error('--json=yes')).toBe("--json takes no value, but got 'yes'");
    expect(error('--link', 'dpdk')).toBe("--link 'dpdk' is not available; this version has: memory, xdp, packet, tap");
    expect(error('--link')).toBe('--link needs the name of a link: memory, xdp, packet, tap');
    expect(error('--link', 'memory?mtu=9000')).toBe("--link 'memory?mtu=9000': the memory link has no options");
    expect(error('--link', 'xdp?attach=driver')).toBe(
      "--link 'xdp?attach=driver': attach must be auto or native or generic, not driver",
    );
    expect(error('--link', 'xdp:eth1')).toContain("'xdp:eth1' is not available");
    expect(error('--address', '10.0.0.1/24')).toBe('--address is for --interface, which is not given');
    expect(error('--link', 'xdp', '--interface', 'eth1')).toBe(
      '--interface needs --address A.B.C.D/N, the address of the gateway there',
    );
    expect(error('--interface', 'eth1', '--address', '10.0.0.1/24')).toBe(
      '--interface needs a link that has one: --link xdp, packet or tap',
    );
    expect(error('--link', 'xdp', '--interface', 'eth1', '--address', '10.0.0.1')).toBe(
      "--address needs an address with its prefix length, A.B.C.D/N, not '10.0.0.1'",
    );
    const served = ['--link', 'xdp', '--interface', 'eth1', '--address', '10.0.0.1/24'];
    expect(error(...served, '--rate', '5')).toBe('--rate is for the load client, which does not run with --interface');
    expect(error('--seconds', '3', '--forever')).toBe('--seconds and --forever contradict each other');
    expect(error('--seed', '1', '--seed', '2')).toBe('--seed is given twice');
    expect(error('--a\nb\x1b[31m')).toMatch(/^unknown option '--a\\x0ab\\x1b\[31m'; /);
  });

  it('never throw, and an error is always a single line', () => {
    const argument = fc.oneof(
      fc.constantFrom(
        '--seconds',
        '--forever',
        '--seed=1',
        '--link',
        '--json',
        '--',
        '-',
        '--no-json',
        '-5',
        '7',
        '--=',
      ),
      fc.string({ maxLength: 12 }),
      fc.string({ maxLength: 8 }).map((text) => `--${text}`),
    );
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 6 }), (argv) => {
        const parsed = parseOptions(argv);
        if (parsed.kind === 'error') {
          expect(parsed.message).not.toMatch(/[\n\r]/);
          expect(parsed.message.length).toBeGreaterThan(10);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
