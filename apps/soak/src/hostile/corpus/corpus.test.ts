import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, openCapture } from '@prism-net/link';
import { createStack } from '@prism-net/stack';
import { SeededRandom } from '@prism-net/tables';
import { ManualClock } from '@prism-net/time';
import { parseIpv4Address, parseMacAddress } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { type Corpus, FAMILIES, makeCorpus } from './corpus.js';
import { writeCorpusFile } from './corpus-file.js';
import type { Target } from './target.js';

const TARGET: Target = {
  macAddress: parseMacAddress('02:00:00:00:00:01'),
  address: parseIpv4Address('10.0.0.1'),
  peerMacAddress: parseMacAddress('02:00:00:00:00:02'),
  peerAddress: parseIpv4Address('10.0.0.2'),
  prefixLength: 24,
  mtu: 1500,
  cableMtu: 1600,
  udpPort: 7,
  tcpPort: 7,
  conversations: [],
};

function digest(seed: number): { corpus: Corpus; hash: string } {
  const hash = createHash('sha256');
  const corpus = makeCorpus(TARGET, seed, 5000, (frame) => hash.update(frame));
  return { corpus, hash: hash.digest('hex') };
}

describe('the hostile corpus', () => {
  it('is the same for a seed, and another for another', () => {
    expect(digest(1).hash).toBe(digest(1).hash);
    expect(digest(1).hash).not.toBe(digest(2).hash);
  });

  it('has every family, and every row of the table that a frame can be about', () => {
    let bytes = 0;
    let frames = 0;
    const corpus = makeCorpus(TARGET, 3, 50_000, (frame) => {
      frames++;
      bytes += frame.length;
    });
    expect(corpus).toMatchObject({ frames: 50_000, bytes });
    expect(frames).toBe(50_000);
    for (const [name, count] of corpus.families) expect(count, name).toBeGreaterThan(0);
    const rows = new Set(FAMILIES.flatMap((family) => family.rows));
    // Not: secrets of the host itself (12, 28), what its application does (33), its ends (34) and its timers (36).
    const about = Array.from({ length: 37 }, (_, i) => i + 1).filter((row) => ![12, 28, 33, 34, 36].includes(row));
    expect([...rows].sort((a, b) => a - b)).toEqual(expect.arrayContaining(about));
  });

  it('names no more than 1 frame in 250 that the cable cannot carry', () => {
    let impossible = 0;
    makeCorpus(TARGET, 4, 20_000, ({ length }) => {
      if (length < 14 || length > TARGET.cableMtu + 14) impossible++;
    });
    expect(impossible).toBeGreaterThan(0);
    expect(impossible).toBeLessThan(80);
  });

  it('is a capture that tcpreplay and others can read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'prism-hostile-'));
    try {
      const file = join(folder, 'corpus.pcap');
      const corpus = writeCorpusFile(file, TARGET, 6, 3000);
      const capture = openCapture(readFileSync(file));
      let bytes = 0;
      let frames = 0;
      for (; capture.next(); frames++) bytes += capture.capturedLength;
      expect({ frames, bytes }).toEqual({ frames: corpus.frames, bytes: corpus.bytes });
      expect(capture.linkType).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('does not say that the peer is elsewhere, though it lies about everybody else', () => {
    const { corpus } = digest(5);
    expect(corpus.withheld).toBeGreaterThan(0);
    const claims = new Set<string>();
    makeCorpus(TARGET, 5, 20_000, (frame) => {
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
      if (frame.length < 42 || view.getUint16(12) !== 0x0806) return;
      if (view.getInt32(28) === TARGET.peerAddress) claims.add(Buffer.from(frame.subarray(22, 28)).toString('hex'));
    });
    expect([...claims]).toEqual(['020000000002']);
  });
});

const seed = Number(process.env['PRISM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

it.each([
  { frames: 40_000, debug: false },
  // With released frames made unusable.
  { frames: 5000, debug: true },
])(
  `a stack that gets $frames of them (debug $debug) lives, answers less than it gets, and counts every one (PRISM_SEED=${seed})`,
  ({ frames, debug }) => {
    const { macAddress, peerMacAddress, cableMtu, udpPort, tcpPort } = TARGET;
    const [link, wire] = createPipe({ macAddresses: [macAddress, peerMacAddress], mtu: cableMtu + 200 });
    const clock = new ManualClock(seed | 0);
    const stack = createStack({
      link,
      address: '10.0.0.1/24',
      gateway: '10.0.0.2',
      mtu: TARGET.mtu,
      memory: PacketMemory.create({ frames: 4096, debug }),
      clock,
      random: new SeededRandom(seed),
      mode: 'manual',
    });
    const socket = stack.udpSocket({ port: udpPort });
    // Nobody can be answered at port 0, which says that there is no port (RFC 768).
    socket.onMessage(({ data, address, port }) => void (port !== 0 && socket.send(data, port, address)));
    stack.listen({ port: tcpPort });
    const pool = PacketPool.create(PacketMemory.create({ frames: 1024 }), 1024);
    const burst: Packet[] = [];
    const back: Packet[] = [];
    let sent = 0;
    let answered = 0;
    const round = (): void => {
      if (burst.length > 0) expect(wire.transmit(burst, 0, burst.length)).toBe(burst.length);
      burst.length = 0;
      clock.advance(300);
      stack.poll();
      for (let got = wire.receive(back, 64); got > 0; got = wire.receive(back, 64)) {
        for (let i = 0; i < got; i++) {
          answered += back[i]!.totalLength;
          back[i]!.release();
        }
      }
    };
    makeCorpus(TARGET, seed, frames, (frame) => {
      const packet = pool.take()!;
      packet.memory.write(packet.offset, frame, 0, frame.length);
      packet.length = frame.length;
      sent += frame.length;
      if (burst.push(packet) === 32) round();
    });
    round();
    const { receive, tcp } = stack.statistics();
    expect(receive.unexplained).toBe(0);
    expect(receive.received).toBe(frames);
    expect(Object.keys(receive.dropped).length).toBeGreaterThan(45);
    expect(receive.delivered).toBeGreaterThan(frames / 100);
    expect(answered).toBeLessThan(sent);
    expect(tcp.connections).toBe(0);
    for (let second = 0; second < 200; second++) {
      clock.advance(1_000_000);
      round();
    }
    expect(answered).toBeLessThan(sent);
    expect(stack.statistics().receive).toMatchObject({ held: 0, unexplained: 0 });
    expect(stack.pool.outstanding).toBe(0);
    stack.close();
    wire.close();
    stack.pool.assertNoLeaks();
    pool.assertNoLeaks();
  },
);
