import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { ChecksumState, HEADROOM, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { steadyStateBytes } from '@prism-net/measure';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { ethernet, ipv4, tcp } from '@prism-net/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFrame } from '../../link/src/link-contract.testkit.js';
import { openTapLink, type TapLink, type TapOptions } from './index.js';
import { bridgedTaps, debugPool, exists } from './tap.testkit.js';

const WORKER = new URL('../dist/tap-queue.fixture.js', import.meta.url);

/** Descriptors of TAP queues this process has open. */
function openQueues(): number {
  let count = 0;
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${descriptor}`) === '/dev/net/tun') count++;
    } catch {
      // the directory's own
    }
  }
  return count;
}

function nextMessage(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe.skipIf(labUnavailable() !== null)('a TAP', () => {
  let lab: NetworkLab;
  let networkNamespace: string;
  const links: TapLink[] = [];
  const open = (options: TapOptions = {}): TapLink => {
    const link = openTapLink({ networkNamespace, pool: debugPool(), ...options });
    links.push(link);
    return link;
  };
  beforeEach(() => {
    lab = NetworkLab.open('tap_link');
    networkNamespace = lab.namespace('host');
  });
  afterEach(() => {
    for (const link of links.splice(0)) {
      link.close();
      expect(link.pool.outstanding).toBe(0);
    }
    lab.close();
    expect(openQueues()).toBe(0);
  });

  describe('as a device', () => {
    it('gets the first free number, is up, has its MTU and the host’s address, and is gone when it is closed', () => {
      const first = open({ hostAddress: '10.1.0.1/24', mtu: 4000 });
      const second = open({ interface: 'left%d' });
      expect([first.interface, first.name, second.interface]).toEqual(['prism0', 'tap:prism0', 'left0']);
      expect(first.capabilities).toMatchObject({ mtu: 4000, segmentation: 65_535, receiveChecksum: true });
      expect(second.capabilities.mtu).toBe(1500);
      const shown = lab.run('host', ['ip', 'address', 'show', 'prism0']);
      expect(shown).toMatch(/<.*\bUP\b.*> mtu 4000/);
      expect(shown).toContain('inet 10.1.0.1/24');
      first.close();
      expect(exists(lab, 'host', 'prism0')).toBe(false);
    });

    it('has an address of its own, random or given, which is not the kernel’s', () => {
      const [one, two] = [open(), open()];
      for (const link of [one, two]) {
        const { high, low } = link.capabilities.macAddress;
        expect(high & 0x0300).toBe(0x0200); // locally administered, unicast
        expect([high, low]).not.toEqual([link.kernelMacAddress.high, link.kernelMacAddress.low]);
      }
      expect(one.capabilities.macAddress).not.toEqual(two.capabilities.macAddress);
      const given = open({ macAddress: '02:11:22:33:44:55' });
      expect(given.capabilities.macAddress).toEqual({ high: 0x0211, low: 0x2233_4455 });
    });

    it('that is persistent stays, is found again as it was, and goes when that is asked for', () => {
      open({ interface: 'stays', persistent: true, mtu: 2000, hostAddress: '10.1.0.1/24' }).close();
      expect(exists(lab, 'host', 'stays')).toBe(true);
      const again = open({ interface: 'stays' });
      expect(again.capabilities.mtu).toBe(2000);
      again.close();
      expect(exists(lab, 'host', 'stays')).toBe(true);
      open({ interface: 'stays', persistent: false }).close();
      expect(exists(lab, 'host', 'stays')).toBe(false);
    });

    it('made by an administrator is used', () => {
      lab.tap({ namespace: 'host', name: 'made', address: '10.2.0.1/24', mtu: 1400 });
      expect(open({ interface: 'made' }).capabilities.mtu).toBe(1400);
    });

    it('deleted under its users is silent: nothing comes, what is sent is dropped, nobody is woken', async () => {
      const link = open();
      const peer = open();
      lab.run('host', ['ip', 'link', 'delete', link.interface]);
      expect(link.receive([], 8)).toBe(0);
      expect(link.arm(() => expect.fail('woken for a device that is gone'))).toBe(true);
      expect(link.transmit([makeFrame(link.pool, link, peer, 1)], 0, 1)).toBe(1);
      expect(link.statistics).toMatchObject({ dropped: 1, transmittedPackets: 0 });
      await new Promise((resolve) => setTimeout(resolve, 20));
    });

    it('that is down refuses for good what is sent', () => {
      const link = open();
      lab.run('host', ['ip', 'link', 'set', link.interface, 'down']);
      const burst = [1, 2].map((number) => makeFrame(link.pool, link, link, number));
      expect(link.transmit(burst, 0, 2)).toBe(2);
      expect(link.statistics).toMatchObject({ dropped: 2, transmittedPackets: 0, transmittedBytes: 0 });
      expect(link.tap.refusedByKernel).toBe(2);
    });
  });

  describe('cannot be opened', () => {
    it.each<[string, TapOptions, RegExp]>([
      ['an unknown option', { ifname: 'x' } as TapOptions, /no option 'ifname'/],
      ['an unknown offload', { offloads: { tso: true } } as TapOptions, /no option 'tso'/],
      ['a name that is too long', { interface: 'sixteen-letters-' }, /interface must be/],
      ['two numbers in a name', { interface: 'a%db%d' }, /interface must be/],
      ['a path as a name', { interface: '../x' }, /interface must be/],
      ['an MTU that is too small', { mtu: 67 }, /mtu must be a whole number from 68/],
      ['an MTU that is too large', { mtu: 65_522 }, /mtu must be a whole number/],
      ['frames of somebody else’s pool', { frames: 100 }, /frames are those of the pool/],
      ['segments without checksums', { offloads: { checksum: false, segmentation: true } }, /needs offloads.checksum/],
      ['a group as an address', { macAddress: '03:00:00:00:00:01' }, /multicast/],
      ['no address', { hostAddress: '10.0.0.1' }, /not an IPv4 prefix/],
      ['a word for yes', { persistent: 'yes' } as unknown as TapOptions, /persistent must be true or false/],
    ])('with %s: EINVAL says which', (_, options, message) => {
      expect(() => open(options)).toThrow(
        expect.objectContaining({ code: 'EINVAL', message: expect.stringMatching(message) }),
      );
    });

    it('with a pool that a single packet could empty', () => {
      expect(() => open({ pool: debugPool(64, 2048) })).toThrow(/64 frames of 2048 bytes are too few/);
    });

    it('twice: EBUSY', () => {
      const { interface: name } = open();
      expect(() => open({ interface: name })).toThrow(
        expect.objectContaining({
          name: 'LinkUnavailableError',
          code: 'EBUSY',
          message: expect.stringMatching(/in use/),
        }),
      );
    });

    it('where an interface of another kind has the name, or one of another number of queues: EINVAL', () => {
      const refused = expect.objectContaining({ name: 'LinkUnavailableError', code: 'EINVAL' });
      expect(() => open({ interface: 'lo' })).toThrow(refused);
      const { interface: name } = open({ multiQueue: true });
      expect(() => open({ interface: name })).toThrow(/multiQueue: true/);
    });

    it('in a namespace there is not: ENOENT', () => {
      expect(() => open({ networkNamespace: 'prism-nowhere' })).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    });

    it('by somebody without the right to: EPERM, and what would give it; a device made for him he may use', () => {
      const index = new URL('../dist/index.js', import.meta.url).href;
      const asNobody = (options: TapOptions) => {
        const script = `import { openTapLink } from '${index}';
          try { const link = openTapLink(${JSON.stringify(options)}); console.log('open', link.interface); link.close(); }
          catch (error) { console.log(error.name, error.code, error.message); }`;
        const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
        return lab.run('host', [...nobody, process.execPath, '--input-type=module', '-e', script]).trim();
      };
      expect(asNobody({})).toMatch(/^LinkUnavailableError (EPERM|EACCES) .*(CAP_NET_ADMIN|ip tuntap add)/);
      // As systems usually have it: everybody may open the file, few may make a device.
      if ((statSync('/dev/net/tun').mode & 0o006) !== 0o006) return;
      expect(asNobody({})).toMatch(
        /^LinkUnavailableError EPERM .*may not make or open prism%d.*CAP_NET_ADMIN.*name prism0/,
      );
      lab.run('host', ['ip', 'tuntap', 'add', 'mode', 'tap', 'user', '65534', 'name', 'his', 'vnet_hdr']);
      expect(asNobody({ interface: 'his' })).toMatch(
        /^LinkUnavailableError EPERM .*change the settings of his.*ip link set his mtu N up/,
      );
      lab.run('host', ['ip', 'link', 'set', 'his', 'up']);
      expect(asNobody({ interface: 'his' })).toBe('open his');
    });
  });

  describe('of several queues', () => {
    it('is opened once in each thread, and the kernel’s flows are spread over them', async () => {
      const pool = debugPool();
      const link = open({ interface: 'queues', multiQueue: true, hostAddress: '10.3.0.1/24', pool });
      lab.run('host', ['ip', 'neigh', 'add', '10.3.0.2', 'lladdr', '02:00:00:00:00:09', 'dev', 'queues']);
      const worker = new Worker(WORKER, { workerData: { interface: 'queues', multiQueue: true, networkNamespace } });
      expect(await nextMessage(worker)).toBe('queues');
      const flood = `const socket = () => require('node:dgram').createSocket('udp4');
        let left = 64; for (let i = 0; i < 64; i++) { const s = socket(); s.send('x', 7, '10.3.0.2', () => { s.close(); }); }`;
      lab.run('host', [process.execPath, '-e', flood]);
      const burst: Packet[] = [];
      let here = 0;
      for (let more = link.receive(burst, 32); more > 0; more = link.receive(burst, 32)) {
        for (const packet of burst.slice(0, more)) {
          if (packet.view.getUint16(packet.offset + 12) === 0x0800) here++;
          packet.release();
        }
      }
      worker.postMessage('count');
      const there = (await nextMessage(worker)) as number;
      expect(here + there).toBe(64);
      expect(Math.min(here, there)).toBeGreaterThan(5);
      await worker.terminate();
    });
  });

  it('of a thread that is terminated is closed, and gone', async () => {
    const worker = new Worker(WORKER, { workerData: { interface: 'ends', networkNamespace } });
    expect(await nextMessage(worker)).toBe('ends');
    expect(openQueues()).toBe(1);
    await worker.terminate();
    expect(openQueues()).toBe(0);
    expect(exists(lab, 'host', 'ends')).toBe(false);
  });

  describe('and its packets', () => {
    it('sends and receives a virtual segment as one, its ECN bit included, and says what is missing of its checksum', () => {
      const [left, right] = bridgedTaps(lab);
      links.push(left, right);
      for (const flags of [tcp.Flag.ACK, tcp.Flag.ACK | tcp.Flag.CWR]) {
        const packet = virtualSegment(left, right, 30_000, 1400, flags);
        const bytes = packet.toBytes();
        expect(left.transmit([packet], 0, 1)).toBe(1);
        const burst: Packet[] = [];
        expect(right.receive(burst, 8)).toBe(1);
        const [received] = burst as [Packet];
        expect(received).toMatchObject({ gsoSize: 1400, checksumState: ChecksumState.PARTIAL });
        expect(received.offset & 3).toBe(2); // the IP header lies on a 4-byte boundary
        expect(Buffer.from(received.toBytes()).equals(bytes)).toBe(true);
        received.release();
      }
      expect([left.tap.superSegmentsSent, right.tap.superSegmentsReceived]).toEqual([2, 2]);
      expect(left.statistics).toMatchObject({ transmittedPackets: 2, transmittedBytes: 2 * 30_054 });
    });

    it('come in bursts that fit a cache, however many are asked for', () => {
      const [left, right] = bridgedTaps(lab, { pool: debugPool(2048) }, { pool: debugPool(2048) });
      links.push(left, right);
      for (let i = 0; i < 10; i++) left.transmit([virtualSegment(left, right, 60_000, 1400, tcp.Flag.ACK)], 0, 1);
      const burst: Packet[] = [];
      const counts: number[] = [];
      for (let count = right.receive(burst, 32); count > 0; count = right.receive(burst, 32)) {
        counts.push(count);
        for (const packet of burst.slice(0, count)) packet.release();
      }
      expect(counts).toEqual([5, 5]); // 5 × 60,054 bytes reach 256 KiB
    });

    it('cut by the kernel for a TAP that takes no super-segments, with good checksums', () => {
      const [left, right] = bridgedTaps(lab, {}, { offloads: { checksum: false } });
      links.push(left, right);
      left.transmit([virtualSegment(left, right, 14_000, 1400, tcp.Flag.ACK)], 0, 1);
      const burst: Packet[] = [];
      expect(right.receive(burst, 32)).toBe(10);
      for (const packet of burst.slice(0, 10)) {
        expect(packet.length).toBe(1454);
        expect(packet).toMatchObject({ gsoSize: 0, nextSegment: null });
        packet.consume(34);
        const pseudoHeader = tcp.pseudoHeaderSum(0x0a00_0001, 0x0a00_0002, packet.length);
        expect(packet.sum(pseudoHeader)).toBe(0xffff);
        packet.release();
      }
    });

    it.each<[string, (packet: Packet) => void]>([
      ['longer than IP allows', (packet) => packet.append(filler(packet, 2000, 40))],
      ['with segments longer than the MTU', (packet) => (packet.gsoSize = 1501)],
      ['whose checksum is not partial', (packet) => (packet.checksumState = ChecksumState.UNKNOWN)],
    ])('drops a virtual segment %s', (_, spoil) => {
      const link = open();
      const packet = virtualSegment(link, link, 3000, 1400, tcp.Flag.ACK);
      spoil(packet);
      const good = makeFrame(link.pool, link, link, 1);
      expect(link.transmit([packet, good], 0, 2)).toBe(2);
      expect(link.statistics).toMatchObject({ dropped: 1, transmittedPackets: 1 });
    });

    it('copies packets of another memory, and sends none when there is nothing to copy into', () => {
      const [left, right] = bridgedTaps(lab);
      links.push(left, right);
      const foreign = debugPool(64);
      const send = () => {
        const packet = makeFrame(foreign, left, right, 5, 500);
        const taken = left.transmit([packet], 0, 1);
        if (taken === 0) packet.release();
        return taken;
      };
      expect(send()).toBe(1);
      expect(left.tap.copied).toBe(1);
      const held: Packet[] = [];
      while (left.pool.available > 0) held.push(left.pool.take()!);
      expect(send()).toBe(0);
      for (const packet of held) packet.release();
      expect(send()).toBe(1);
      const burst: Packet[] = [];
      expect(right.receive(burst, 8)).toBe(2);
      for (const packet of burst.slice(0, 2)) packet.release();
      expect(foreign.outstanding).toBe(0);
    });

    it('leaves packets in the kernel’s queue while the pool is empty, asks to be looked after, and goes on', () => {
      const [left, right] = bridgedTaps(lab);
      links.push(left, right);
      const held: Packet[] = [];
      // The list of frames to fill is emptied by receiving.
      const burst: Packet[] = [];
      let number = 0;
      for (;;) {
        while (right.pool.available > 0) held.push(right.pool.take()!);
        left.transmit([makeFrame(left.pool, left, right, number++)], 0, 1);
        const count = right.receive(burst, 8);
        held.push(...burst.slice(0, count));
        if (count === 0) break;
      }
      expect(right.tap.starved).toBeGreaterThan(0);
      expect(right.nextReceive()).toBeGreaterThan(0);
      expect(right.arm(() => expect.fail('woken for what cannot be received'))).toBe(true);
      for (const packet of held) packet.release();
      expect(right.nextReceive()).toBe(-1);
      expect(right.arm(() => {})).toBe(false);
      expect(right.receive(burst, 8)).toBe(1);
      burst[0]!.release();
      expect(right.statistics).toMatchObject({ receivedPackets: number, dropped: 0 });
    });

    it('are accounted for when it is closed while some are out', () => {
      const [left, right] = bridgedTaps(lab);
      left.transmit([makeFrame(left.pool, left, right, 1), makeFrame(left.pool, left, right, 2)], 0, 2);
      const burst: Packet[] = [];
      expect(right.receive(burst, 1)).toBe(1);
      left.close();
      right.close();
      expect([left.pool.outstanding, right.pool.outstanding]).toEqual([0, 1]);
      expect(burst[0]!.toBytes().length).toBe(60);
      burst[0]!.release();
      const { available, lent, region } = right.pool;
      expect([available, lent]).toEqual([region.frames, 0]);
    });

    it('are held back by a slow queue beyond the device, and go on when that has room', async () => {
      // What a bridge passes on counts against its sender until it has left: into a shaper here.
      const [link, peer] = bridgedTaps(lab, { sendBuffer: 1 << 20, pool: plainPool() });
      links.push(link, peer);
      lab.veth({ left: { namespace: 'bridge', name: 'slow' }, right: { namespace: 'beyond', name: 'end' } });
      lab.run('bridge', ['ip', 'link', 'set', 'slow', 'master', 'br0']);
      peer.close();
      const shape = (verb: string, rate: string) => {
        const shaper = ['tbf', 'rate', rate, 'burst', '16kb', 'limit', '100mb'];
        lab.run('bridge', ['tc', 'qdisc', verb, 'dev', 'slow', 'root', ...shaper]);
      };
      shape('add', '1mbit');
      const send = () => {
        const packet = makeFrame(link.pool, link, peer, 1);
        packet.length = 1400;
        const taken = link.transmit([packet], 0, 1);
        if (taken === 0) packet.release();
        return taken;
      };
      let sent = 0;
      while (sent < 1000 && send() === 1) sent++;
      expect(sent).toBeLessThan(1000); // a megabyte of them, by the kernel's count
      expect(link.statistics.transmitRefused).toBe(1);
      const woken = new Promise<void>((resolve) => {
        if (!link.arm(resolve)) expect.fail('there is no room yet');
      });
      shape('change', '1gbit');
      await woken;
      expect(send()).toBe(1);
    });

    it('cost no allocation, and far less than a call of the addon each', () => {
      const [left, right] = bridgedTaps(lab, { pool: plainPool() }, { pool: plainPool() });
      links.push(left, right);
      const burst: Packet[] = [];
      const work = (): void => {
        for (let i = 0; i < 300; i++) {
          for (let k = 0; k < 16; k++) {
            const packet = left.pool.take()!;
            packet.length = 60;
            ethernet.write(packet.view, packet.offset, 0x0200, 77, 0x0200, 78, 0x88b5);
            burst[k] = packet;
          }
          left.transmit(burst, 0, 16);
          const count = right.receive(burst, 32);
          for (let k = 0; k < count; k++) burst[k]!.release();
        }
      };
      const bytes = steadyStateBytes(work);
      expect(bytes).toBeLessThan(10_000); // one number per packet would be 76,800
      expect(right.statistics.receivedPackets).toBe(left.statistics.transmittedPackets);
      expect(left.tap.nativeCalls * 16).toBe(left.statistics.transmittedPackets);
      expect(right.tap.nativeCalls * 16).toBe(right.statistics.receivedPackets);
    });
  });
});

/** Without the checks of {@link debugPool}, which allocate. */
function plainPool(): PacketPool {
  return PacketPool.create(PacketMemory.create({ frames: 512 }), 512);
}

function filler(packet: Packet, length: number, segments: number): Packet {
  const { pool } = packet;
  const first = pool.take()!;
  first.length = first.tailroom;
  for (let i = 1; i < segments; i++) {
    const next = pool.take()!;
    next.length = Math.min(length, next.tailroom);
    first.append(next);
  }
  return first;
}

/** A TCP segment of 10.0.0.1 to 10.0.0.2 with so many bytes of payload, its checksum partial. */
function virtualSegment(from: TapLink, to: TapLink, payload: number, gsoSize: number, flags: number): Packet {
  const first = from.pool.take()!;
  const { view } = first;
  const at = first.offset;
  const [source, target] = [from.capabilities.macAddress, to.capabilities.macAddress];
  ethernet.write(view, at, target.high, target.low, source.high, source.low, ethernet.EtherType.IPV4);
  ipv4.write(view, at + 14, 0, 40 + payload, 1, ipv4.DONT_FRAGMENT, 64, ipv4.Protocol.TCP, 0x0a00_0001, 0x0a00_0002);
  tcp.write(view, at + 34, 1000, 2000, 1, 1, 20, flags, 500);
  tcp.setChecksum(view, at + 34, tcp.pseudoHeaderSum(0x0a00_0001, 0x0a00_0002, 20 + payload));
  first.length = 54;
  first.gsoSize = gsoSize;
  first.checksumState = ChecksumState.PARTIAL;
  let last = first;
  for (let left = payload; left > 0; left -= last.length) {
    const next = from.pool.take()!;
    next.length = Math.min(left, next.frameSize - HEADROOM);
    for (let i = 0; i < next.length; i++) view.setUint8(next.offset + i, (left - i) & 0xff);
    last.nextSegment = next;
    last = next;
  }
  return first;
}
