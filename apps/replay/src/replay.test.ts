import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { finishSum, sumBytes } from '@prism-net/buffers';
import { CaptureDirection, PcapWriter } from '@prism-net/link';
import { ethernet, ipv4, multicastMacLow, parseIpv4Address, udp } from '@prism-net/wire';
import { afterAll, describe, expect, it } from 'vitest';
import { readCaptureFile } from './capture-file.js';
import { replay } from './replay.js';
import { survey } from './survey.js';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const realCapture = fileURLToPath(new URL('../../../../shared/data/iex-tops16.pcapng.gz', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'prism-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const options = { loops: 1, pace: 'as-fast-as-possible' } as const;
const GROUP = '239.1.2.3';
const HOST = '10.9.8.7';

/** An Ethernet frame with a UDP datagram; `damage` is added to its checksum. */
function frame(destination: string, port: number, payload: Uint8Array, damage = 0): Uint8Array {
  const bytes = new Uint8Array(42 + payload.length);
  const view = new DataView(bytes.buffer);
  const source = parseIpv4Address('10.9.8.1');
  const target = parseIpv4Address(destination);
  const isGroup = destination === GROUP;
  const length = 8 + payload.length;
  ethernet.write(
    view,
    0,
    isGroup ? 0x0100 : 0x0200,
    isGroup ? multicastMacLow(target) : 7,
    0x0200,
    1,
    ethernet.EtherType.IPV4,
  );
  ipv4.write(view, 14, 0, 20 + length, 1, 0, 64, ipv4.Protocol.UDP, source, target);
  udp.write(view, 34, 5000, port, length, 0);
  bytes.set(payload, 42);
  const sum = sumBytes(view, 34, length, udp.pseudoHeaderSum(source, target, length));
  udp.setChecksum(view, 34, (finishSum(sum) + damage) & 0xffff);
  return bytes;
}

function captureOf(frames: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => parts.push(bytes.slice()));
  for (const each of frames) writer.writeBytes(each, 1, 0, CaptureDirection.UNKNOWN);
  writer.flush();
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A 40-byte IEX-TP header with `count` messages of no length. */
function feed(sequence: number, count: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(40));
  header.setUint8(0, 1);
  header.setUint16(2, 0x8003, true);
  header.setInt32(4, 1, true);
  header.setInt32(8, 99, true);
  header.setUint16(14, count, true);
  header.setUint32(24, sequence, true);
  return new Uint8Array(header.buffer);
}

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('replay', () => {
  it('says of every frame what became of it', async () => {
    const capture = captureOf([
      frame(GROUP, 7000, feed(1, 2)),
      frame(HOST, 53, new Uint8Array(10)),
      frame(HOST, 53, new Uint8Array(10)),
      frame(HOST, 53, new Uint8Array(10), 1),
      frame(GROUP, 7000, feed(3, 1)).subarray(0, 30),
      new Uint8Array(10),
    ]);
    const found = survey(capture);
    expect(found.destinations).toHaveLength(2);
    const fates: string[] = [];
    const report = await replay(capture, found, { ...options, onFrame: (_, fate) => fates.push(fate) });
    expect(report.sockets).toEqual([
      { address: GROUP, port: 7000, datagrams: 1, bytes: 40 },
      { address: HOST, port: 53, datagrams: 2, bytes: 20 },
    ]);
    expect(report.account.dropped).toEqual({ UDP_CHECKSUM: 1, IPV4_TRUNCATED: 1, FRAME_TOO_SHORT: 1 });
    expect(report.account.unexplained).toBe(0);
    expect(fates.slice(3)).toEqual(['dropped: UDP_CHECKSUM', 'dropped: IPV4_TRUNCATED', 'dropped: FRAME_TOO_SHORT']);
  });

  it('finds gaps and repeats in the sequence numbers of the feed', async () => {
    const datagrams = [feed(1, 2), feed(3, 0), feed(5, 1), feed(5, 1), feed(6, 4)].map((each) =>
      frame(GROUP, 7000, each),
    );
    const capture = captureOf(datagrams);
    const { feeds } = await replay(capture, survey(capture), options);
    expect(feeds).toMatchObject([
      { channel: 1, session: 99, messages: 8, heartbeats: 1, gaps: 1, missing: 2, repeated: 1, nextSequence: 10 },
    ]);
  });

  it('takes whatever addresses a capture holds', async () => {
    const groups = Array.from({ length: 300 }, (_, i) => frame(`239.2.${i >> 8}.${i & 0xff}`, 7000, new Uint8Array(1)));
    for (const each of groups) each.set([0x01, 0x00, 0x5e, each[31]!, each[32]!, each[33]!]);
    const strange = ['0.0.0.0', '127.0.0.1', '224.0.0.9', '240.0.0.1', '255.255.255.255', '192.168.7.255'];
    const toAll = strange.map((address) => {
      const bytes = frame(address, 9, new Uint8Array(1));
      bytes.fill(0xff, 0, 6);
      return bytes;
    });
    const unicast = strange.map((address) => frame(address, 9, new Uint8Array(1)));
    const edge = frame('10.9.8.255', 9, new Uint8Array(1));
    const capture = captureOf([...groups, ...toAll, ...unicast, edge, edge]);
    const report = await replay(capture, survey(capture), options);
    expect(report.sockets.find(({ address }) => address === '10.9.8.255')).toMatchObject({ datagrams: 2 });
    expect(report.sockets.filter(({ address }) => address.startsWith('239.2.'))).toHaveLength(300);
    expect(report.account).toMatchObject({ received: 314, unexplained: 0, held: 0 });
    expect(report.account.delivered).toBeGreaterThanOrEqual(303);
  });

  it('plays a capture several times', async () => {
    const capture = captureOf([frame(HOST, 53, new Uint8Array(3))]);
    const report = await replay(capture, survey(capture), { ...options, loops: 1000 });
    expect(report.account).toMatchObject({ received: 1000, delivered: 1000, unexplained: 0 });
  });

  it.skipIf(!existsSync(realCapture))('delivers a real exchange session whole and without gaps', async () => {
    const capture = readCaptureFile(realCapture);
    const report = await replay(capture, survey(capture), options);
    expect(report.sockets).toMatchObject([{ datagrams: 13_022 }]);
    expect(report.account).toMatchObject({ received: 13_022, delivered: 13_022, dropped: {}, unexplained: 0 });
    expect(report.feeds).toMatchObject([{ datagrams: 13_022, messages: 57_674, gaps: 0, repeated: 0 }]);
  });
});

describe('the command', () => {
  it('reads compressed captures and prints the report, as text and as JSON', async () => {
    const file = join(folder, 'two.pcapng.gz');
    writeFileSync(file, gzipSync(captureOf([frame(HOST, 53, new Uint8Array(3)), new Uint8Array(5)])));
    const text = await run(file);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toContain('10.9.8.7:53');
    expect(text.stdout).toContain('received 2 = delivered 1 + handled 0 + dropped 1 + held 0; unexplained 0');
    const json = await run(file, '--json');
    expect(JSON.parse(json.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ account: { unexplained: 0 } });
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const file = join(folder, 'many.pcapng');
    writeFileSync(file, captureOf(Array.from({ length: 5000 }, () => frame(HOST, 53, new Uint8Array(3)))));
    const child = spawn(process.execPath, [program, file, '--frames'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (text) => (errors += text));
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, errors }).toEqual({ code: 1, errors: '' });
  });

  it('answers mistakes with one clear line', async () => {
    const damaged = join(folder, 'damaged.pcap');
    writeFileSync(damaged, captureOf([new Uint8Array(100)]).subarray(0, 90));
    const mistakes: [string[], number, RegExp][] = [
      [[], 2, /name a capture file/],
      [['one', 'two'], 2, /one capture file at a time/],
      [['x', '--loops', '0'], 2, /--loops must be/],
      [['x', '--pace', 'fast'], 2, /--pace must be/],
      [['x', '--bad'], 2, /--bad/],
      [['missing.pcap'], 1, /no such file/],
      [[folder], 1, /is a folder/],
      [[program], 1, /neither a pcap nor a pcapng/],
      [[damaged], 1, /byte \d+/],
    ];
    for (const [args, code, message] of mistakes) {
      const result = await run(...args);
      expect(result.code, args.join(' ')).toBe(code);
      expect(result.stdout).toBe('');
      expect(result.stderr).toMatch(message);
      expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    }
  });
});
