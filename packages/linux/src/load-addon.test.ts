import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linuxAddon } from './addon.js';
import { interpreter, libc } from './libc.js';
import { isSystemError, LinkUnavailableError } from './link-unavailable-error.js';
import { loadAddon } from './load-addon.js';
import { nativeUnavailable } from './native.testkit.js';

const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'prism-addon-'));
});
afterEach(() => {
  Object.defineProperty(process, 'platform', platform);
  rmSync(root, { recursive: true, force: true });
});

function moduleUrl(): string {
  return pathToFileURL(join(root, 'dist', 'addon.js')).href;
}

function refusal(name: string): LinkUnavailableError {
  try {
    loadAddon(moduleUrl(), name);
  } catch (error) {
    if (error instanceof LinkUnavailableError) return error;
    throw error;
  }
  throw new Error('it loaded');
}

function write(...path: string[]): string {
  const file = join(root, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, 'not a shared object');
  return file;
}

describe('loadAddon', () => {
  it('says on other systems that it needs Linux, and what needs none', () => {
    Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' });
    const error = refusal('link-elsewhere');
    expect(error.code).toBe('PLATFORM');
    expect(error.link).toBe('link-elsewhere');
    expect(error.message).toMatch(/link-elsewhere: needs Linux, this is darwin; .*createPipe/);
  });

  it('says where it looked for the binary, and how to build it', () => {
    const error = refusal('link-nowhere');
    expect(error.code).toBe('NO_BINARY');
    expect(error.missing).toContain(join(root, 'build', 'Release', 'prism_link_nowhere.node'));
    expect(error.missing).toContain(
      join(root, 'prebuilds', `linux-${process.arch}-${libc()}`, 'prism_link_nowhere.node'),
    );
    expect(error.instead).toMatch(/npx cmake-js compile.*'npm install --no-save cmake-js node-addon-api'/);
  });

  it('says why a binary does not load, and remembers no failure', () => {
    const file = write('prebuilds', `linux-${process.arch}-${libc()}`, 'prism_link_broken.node');
    const error = refusal('link-broken');
    expect(error.code).toBe('LOAD');
    expect(error.missing).toContain(file);
    expect(error.cause).toBeInstanceOf(Error);
    rmSync(file);
    expect(refusal('link-broken').code).toBe('NO_BINARY');
  });

  it('takes what was built here before what was shipped', () => {
    write('prebuilds', `linux-${process.arch}-${libc()}`, 'prism_link_both.node');
    const built = write('build', 'Release', 'prism_link_both.node');
    expect(refusal('link-both').missing).toContain(built);
  });

  it.skipIf(nativeUnavailable() !== null)('loads once', () => {
    expect(linuxAddon()).toBe(linuxAddon());
  });
});

describe('libc', () => {
  /** An ELF header whose only program header names a dynamic loader. */
  function program(loader: string): string {
    const bytes = Buffer.alloc(256);
    bytes.writeUInt32BE(0x7f454c46, 0);
    bytes.set([2, 1], 4);
    bytes.writeBigUInt64LE(64n, 32);
    bytes.writeUInt16LE(56, 54);
    bytes.writeUInt16LE(1, 56);
    bytes.writeUInt32LE(3, 64);
    bytes.writeBigUInt64LE(128n, 64 + 8);
    bytes.writeBigUInt64LE(BigInt(loader.length + 1), 64 + 32);
    bytes.write(`${loader}\0`, 128, 'latin1');
    const file = join(root, 'program');
    writeFileSync(file, bytes);
    return file;
  }

  it('is known by the loader that the program names', () => {
    expect(interpreter(program('/lib/ld-musl-x86_64.so.1'))).toBe('/lib/ld-musl-x86_64.so.1');
    expect(interpreter(process.execPath)).toMatch(/^\/lib.*\/ld-/);
    const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
    expect(libc()).toBe(header.glibcVersionRuntime === undefined ? 'musl' : 'glibc');
  });

  it('is not asked of what is no program', () => {
    expect(interpreter(join(root, 'nothing'))).toBe('');
    expect(interpreter(write('text'))).toBe('');
  });
});

describe('LinkUnavailableError', () => {
  it('is one sentence of what is missing and what to do', () => {
    const error = new LinkUnavailableError('EPERM', 'xdp:eth0', 'needs CAP_NET_RAW', 'use tap');
    expect(error.message).toBe('xdp:eth0: needs CAP_NET_RAW; use tap');
    expect(error.name).toBe('LinkUnavailableError');
    expect('cause' in error).toBe(false);
    expect(isSystemError(error)).toBe(false);
  });
});
