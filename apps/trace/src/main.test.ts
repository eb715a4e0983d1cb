import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { tcp } from '@prism-net/wire';
import { afterAll, describe, expect, it } from 'vitest';
import { CaptureBuilder } from './capture/capture-builder.testkit.js';
import { scenarioNames } from './scenarios/scenarios.js';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'prism-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function file(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const builder = new CaptureBuilder().from(1001).handshake().server({ length: 100 });
builder.from(1002).handshake().at(5000).server({ length: 1000 }).at(6000).client({ acknowledgement: 1000, length: 50 });
const capture = builder.at(400_000).server({ length: 1000, acknowledgement: 50 }).finish();
const path = file('two.pcapng.gz', gzipSync(capture));

describe('the command', () => {
  it('draws the largest connection of a compressed capture, 80 columns wide, without colour', async () => {
    const { code, stdout, stderr } = await run(path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('10.0.0.2:80 → 10.0.0.1:1002');
    expect(stdout).toContain('two.pcapng.gz, connection 2 of 2');
    expect(stdout).toMatch(/needless│ +n +1/);
    expect(stdout).not.toContain('\u001b');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const narrow = (await run(path, '--width', '50')).stdout.split('\n');
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(50);
  });

  it('draws another connection, and the other direction', async () => {
    expect((await run(path, '--connection', '1')).stdout).toContain('10.0.0.2:80 → 10.0.0.1:1001\n0 B in');
    expect((await run(path, '--reverse')).stdout).toContain('10.0.0.1:1002 → 10.0.0.2:80\n50 B in');
  });

  it('writes an SVG beside the picture, or alone to standard output', async () => {
    const out = join(folder, 'picture.svg');
    const { stdout } = await run(path, '--out', out, '--svg-width', '700');
    expect(stdout).toContain('10.0.0.2:80');
    const svg = readFileSync(out, 'utf8');
    expect(svg).toMatch(/^<svg [^>]*width="700"/);
    expect((await run(path, '--out', '-', '--svg-width', '700')).stdout).toBe(svg);
  });

  it('lists connections and events', async () => {
    expect((await run(path, '--list')).stdout).toMatch(
      /2 {2}10\.0\.0\.1:1002 → 10\.0\.0\.2:80 .*\n2 connections in 10 packets\n/,
    );
    expect((await run(path, '--events')).stdout).toMatch(/^ +0\.\d{6} {2}needless {4}0 \+1000\n$/);
  });

  it('runs a scenario, each run the same, and lists them all', async () => {
    const out = join(folder, 'scenario.svg');
    const { code, stdout, stderr } = await run('slow-start', '--out', out);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/→ 10\.0\.0\.2:80\n500 kB in /);
    expect(stdout).toContain('━━ congestion window');
    expect((await run('slow-start', '--out', '-')).stdout).toBe(readFileSync(out, 'utf8'));
    const { stdout: help } = await run('--help');
    for (const name of scenarioNames) expect(help).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const scan = new CaptureBuilder();
    for (let port = 1; port < 1000; port++) scan.from(port).client({ flags: tcp.Flag.SYN });
    const child = spawn(process.execPath, [program, file('scan.pcapng', scan.finish()), '--list']);
    let errors = '';
    child.stderr.on('data', (text) => (errors += text));
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, errors }).toEqual({ code: 1, errors: '' });
  });

  it('answers mistakes with one clear line', async () => {
    const empty = file('empty.pcapng', new CaptureBuilder().raw(new Uint8Array(60)).finish());
    const mistakes: [string[], number, RegExp][] = [
      [[], 2, /name a scenario or a capture file/],
      [['one', 'two'], 2, /one picture at a time/],
      [['slow-start', '--width', '39'], 2, /--width must be a whole number from 40/],
      [['slow-start', '--svg-width', 'wide'], 2, /--svg-width must be/],
      [[path, '--connection', '3'], 2, /--connection must be a whole number from 1 to 2/],
      [['slow-start', '--bad'], 2, /--bad/],
      [['slow-start', '--reverse'], 2, /--reverse is for captures/],
      [['slow-start', '--seed', 'x'], 2, /--seed must be a whole number/],
      [[path, '--seed', '2'], 2, /--seed is for scenarios/],
      [['slow-strat'], 2, /no scenario and no file 'slow-strat'/],
      [[join(folder, 'missing.pcap')], 1, /no such file/],
      [[folder], 1, /is a folder/],
      [[program], 1, /neither a pcap nor a pcapng/],
      [[file('bad.gz', gzipSync(capture).subarray(0, 100))], 1, /cannot decompress/],
      [[empty], 1, /no TCP among its 1 packets/],
      [[path, '--out', join(folder, 'none', 'x.svg')], 1, /cannot write .*no such folder/],
    ];
    for (const [args, code, message] of mistakes) {
      const result = await run(...args);
      expect(result.code, args.join(' ')).toBe(code);
      expect(result.stderr).toMatch(message);
      expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    }
  });
});
