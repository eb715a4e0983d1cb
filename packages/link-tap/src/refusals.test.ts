import type { Packet } from '@prism-net/buffers';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, makeFrame } from '../../link/src/link-contract.testkit.js';
import { openTapLink, type TapLink } from './index.js';
import { debugPool, exists } from './tap.testkit.js';

describe.skipIf(labUnavailable() !== null)('a TAP that refuses', () => {
  let lab: NetworkLab;
  let networkNamespace: string;
  const links: TapLink[] = [];
  beforeEach(() => {
    lab = NetworkLab.open('tap_refusals');
    networkNamespace = lab.namespace('host');
  });
  afterEach(() => {
    for (const link of links.splice(0)) link.close();
    lab.close();
  });

  it('counts each packet once, those of several frames among them', () => {
    const link = openTapLink({ networkNamespace, pool: debugPool() });
    lab.run('host', ['ip', 'link', 'set', link.interface, 'down']);
    links.push(link);
    const burst = [1, 2, 3, 4].map((number) => chain(makeFrame(link.pool, link, link, number), number));
    expect(link.transmit(burst, 0, burst.length)).toBe(4);
    expect(link.statistics.dropped).toBe(4);
    expect(link.statistics.transmittedPackets).toBe(0);
    expect(link.tap.refusedByKernel).toBe(4);
    link.close();
    link.pool.assertNoLeaks();
  });

  it('drops what is cut off because the MTU has grown since it was opened', async () => {
    const offloads = { segmentation: false };
    const link = openTapLink({ networkNamespace, pool: debugPool(), hostAddress: '10.77.0.1/24', offloads });
    links.push(link);
    lab.run('host', ['ip', 'link', 'set', link.interface, 'mtu', '9000']);
    lab.run('host', ['ip', 'neigh', 'add', '10.77.0.2', 'lladdr', '02:00:00:00:00:09', 'dev', link.interface]);
    const code = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for length in (8000, 1600): s.sendto(b'x' * length, ('10.77.0.2', 9))`;
    lab.run('host', ['python3', '-c', code]);
    const lengths: number[] = [];
    const burst: Packet[] = [];
    const take = (): boolean => {
      const count = link.receive(burst, 8);
      for (const packet of burst.slice(0, count)) {
        if (packet.view.getUint16(packet.offset + 12) === 0x0800) lengths.push(packet.totalLength);
        packet.release();
      }
      return lengths.includes(1642);
    };
    expect(await eventually(take)).toBe(true);
    expect(lengths).toEqual([1642]);
    expect(link.tap.refusedHeaders).toBe(1);
  });

  it('for want of frames to copy into asks for another look, and does not claim to be ready', () => {
    // The kernel says nothing of its own accord.
    lab.run('host', ['sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
    const [link, foreign] = [openTapLink({ networkNamespace, pool: debugPool() }), debugPool()];
    links.push(link);
    const kept: Packet[] = [];
    while (link.pool.available > 0) kept.push(link.pool.take()!);
    const burst = [makeFrame(foreign, link, link, 1)];
    expect(link.transmit(burst, 0, 1)).toBe(0);
    const drained: Packet[] = [];
    for (let count = link.receive(drained, 8); count > 0; count = link.receive(drained, 8)) {
      for (const packet of drained.slice(0, count)) packet.release();
    }
    while (link.pool.available > 0) kept.push(link.pool.take()!);
    expect(link.transmit(burst, 0, 1)).toBe(0);
    expect(link.arm(() => {})).toBe(true);
    expect(link.nextReceive()).toBeGreaterThan(0);
    for (const packet of kept) packet.release();
    expect(link.transmit(burst, 0, 1)).toBe(1);
    expect(link.nextReceive()).toBe(-1);
  });

  it('leaves nothing behind when a persistent device cannot be opened', () => {
    const pool = debugPool(32);
    expect(() => openTapLink({ networkNamespace, interface: 'left0', persistent: true, pool })).toThrow('pool:');
    expect(exists(lab, 'host', 'left0')).toBe(false);
    pool.assertNoLeaks();
  });

  it('keeps a persistent device when it cannot be opened as one that goes', () => {
    openTapLink({ networkNamespace, interface: 'left0', persistent: true, pool: debugPool() }).close();
    expect(() => openTapLink({ networkNamespace, interface: 'left0', persistent: false, pool: debugPool(32) })).toThrow(
      'pool:',
    );
    expect(exists(lab, 'host', 'left0')).toBe(true);
  });

  it('takes no name that the kernel would cut off, and no address of nobody', () => {
    for (const options of [{ interface: 'left\0right' }, { macAddress: '00:00:00:00:00:00' }]) {
      expect(() => openTapLink({ networkNamespace, ...options })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });

  it('says that descriptors are lacking, and not a right', () => {
    const code = `
      import { openTapLink } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      import { openSync } from 'node:fs';
      openTapLink().close(); // what is read once is read
      try { for (;;) openSync('/dev/null'); } catch {}
      try { openTapLink(); } catch (error) { console.log(error.message); }`;
    const script = ['bash', '-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, code];
    const message = lab.run('host', script);
    expect(message).toContain('EMFILE');
    expect(message).not.toContain('this user');
  });
});

/** The packet with `segments` more segments of ten bytes. */
function chain(packet: Packet, segments: number): Packet {
  for (let i = 0; i < segments; i++) {
    const segment = packet.pool.take()!;
    segment.length = 10;
    packet.append(segment);
  }
  return packet;
}
