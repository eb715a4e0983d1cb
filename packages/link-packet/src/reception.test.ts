import { ChecksumState, type Packet, PacketMemory, PacketPool, TimestampSource } from '@prism-net/buffers';
import { placeMemory } from '@prism-net/linux';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { ethernet, ipv4 } from '@prism-net/wire';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeFrame, readFrame } from '../../link/src/link-contract.testkit.js';
import { openPacketLink, type PacketLink, packetRingBytes } from './index.js';
import { cable, debugPool, MODES, openEnd, pause, RING, receiveAll } from './packet.testkit.js';

describe.skipIf(labUnavailable() !== null).each(MODES)('what is received in mode %s', (mode) => {
  let lab: NetworkLab;
  const open: PacketLink[] = [];
  const end = (...args: Parameters<typeof openEnd> extends [unknown, ...infer Rest] ? Rest : never): PacketLink => {
    const link = openEnd(lab, ...args);
    open.push(link);
    return link;
  };
  beforeAll(() => {
    lab = NetworkLab.open('packet_reception');
    cable(lab);
    lab.run('far', ['ip', 'address', 'add', '10.79.0.1/24', 'dev', 'right']);
  });
  afterEach(() => {
    for (const link of open.splice(0)) {
      link.close();
      link.pool.assertNoLeaks();
    }
  });
  afterAll(() => lab.close());

  const send = (from: PacketLink, to: PacketLink, number: number, length = 60, macHigh?: number): void => {
    const packet = makeFrame(from.pool, from, to, number, length);
    if (macHigh !== undefined) packet.view.setUint16(packet.offset, macHigh);
    expect(from.transmit([packet], 0, 1)).toBe(1);
  };
  const numbers = (packets: Packet[]): number[] =>
    packets.map((packet) => {
      const number = readFrame(packet);
      packet.release();
      return number;
    });

  it('is for the own address, for groups and for all; frames for others are not', () => {
    const [left, right] = [end('left', mode), end('right', mode)];
    send(left, right, 1);
    send(left, right, 2, 60, 0x0277); // unicast, somebody else's
    send(left, right, 3, 60, 0x0177); // a group's
    expect(numbers(receiveAll(right))).toEqual([1, 3]);
  });

  it('is for others, too, when the link is promiscuous', () => {
    const [left, right] = [end('left', mode), end('right', mode, { promiscuous: true })];
    send(left, right, 2, 60, 0x0277);
    expect(numbers(receiveAll(right))).toEqual([2]);
  });

  it('is for a chosen address, which makes the interface promiscuous until the link is closed', () => {
    const left = end('left', mode);
    const right = end('right', mode, { macAddress: '02:77:00:00:00:09' });
    const isPromiscuous = (): boolean =>
      / promiscuity [1-9]/.test(lab.run('far', ['ip', '-d', 'link', 'show', 'right']));
    expect(right.capabilities.macAddress).toEqual({ high: 0x0277, low: 9 });
    expect(isPromiscuous()).toBe(true);
    send(left, right, 4);
    expect(numbers(receiveAll(right))).toEqual([4]);
    right.close();
    expect(isPromiscuous()).toBe(false);
  });

  it('is never what this end sends', () => {
    const [left, right] = [end('left', mode), end('right', mode, { promiscuous: true })];
    send(right, left, 5);
    expect(numbers(receiveAll(left))).toEqual([5]);
    expect(receiveAll(right)).toEqual([]);
  });

  it('says of datagrams of a neighbour’s kernel that their checksum is partial, and is 4-byte aligned', () => {
    const left = end('left', mode);
    const { high, low } = left.capabilities.macAddress;
    const mac = Buffer.alloc(6);
    mac.writeUInt16BE(high);
    mac.writeInt32BE(low, 2);
    const address = mac.toString('hex').replace(/(..)(?=.)/g, '$1:');
    lab.run('far', ['ip', 'neigh', 'replace', '10.79.0.2', 'lladdr', address, 'dev', 'right']);
    const code = `require('node:dgram').createSocket('udp4').send('hello', 9, '10.79.0.2', () => process.exit())`;
    lab.run('far', [process.execPath, '-e', code]);
    const packets = receiveAll(left);
    const datagrams = packets.filter(
      ({ view, offset }) => ethernet.etherType(view, offset) === ethernet.EtherType.IPV4,
    );
    expect(datagrams).toHaveLength(1);
    const { view, offset, checksumState } = datagrams[0]!;
    expect(checksumState).toBe(ChecksumState.PARTIAL);
    expect((offset + 14) & 3).toBe(0);
    expect(ipv4.check(view, offset + 14, 33)).toBe(0);
    for (const packet of packets) packet.release();
  });

  it('has a time when asked for', () => {
    const left = end('left', mode);
    const right = end('right', mode, { timestamps: 'software' });
    expect(right.capabilities.timestamps).toBe(TimestampSource.SOFTWARE);
    let source: TimestampSource = TimestampSource.NONE;
    let seconds = 0;
    // The first socket to ask for times has the kernel begin to take them, which it does a moment later.
    for (let i = 0; i < 200 && source === TimestampSource.NONE; i++) {
      send(left, right, 6);
      for (const packet of receiveAll(right)) {
        source = packet.timestampSource;
        seconds = packet.timestampSeconds + packet.timestampNanoseconds / 1e9;
        packet.release();
      }
      pause(5);
    }
    expect(source).toBe(TimestampSource.SOFTWARE);
    expect(Math.abs(Date.now() / 1000 - seconds)).toBeLessThan(10);
  });

  it('stays with the kernel while the pool is empty, and comes when there are packets again', () => {
    const pool = debugPool(mode, 128);
    const [left, right] = [end('left', mode), end('right', mode, { pool })];
    right.receive([], 1);
    const kept: Packet[] = [];
    while (pool.available > 0) kept.push(pool.take()!);
    const burst: Packet[] = [];
    let received = 0;
    for (let number = 0; number < 100; number++) {
      send(left, right, number);
      pause(0.1);
      const count = right.receive(burst, 8);
      received += count;
      kept.push(...burst.slice(0, count));
      if (right.counters.starved > 0) break;
    }
    expect(right.counters.starved).toBeGreaterThan(0);
    expect(right.receive(burst, 8)).toBe(0);
    expect(right.nextReceive()).toBeGreaterThan(0);
    expect(right.arm(() => expect.fail('woke although it cannot receive'))).toBe(true);
    const sent = left.statistics.transmittedPackets;
    for (const packet of kept) packet.release();
    const later = numbers(receiveAll(right));
    expect(received + later.length).toBe(sent);
    expect(right.statistics.dropped + right.counters.kernelDrops).toBe(0);
    expect(right.nextReceive()).toBe(-1);
  });

  it('is copied when it comes from a packet of another memory', () => {
    const [left, right] = [end('left', mode), end('right', mode)];
    const elsewhere = debugPool('virtio', 32);
    const burst = [1, 2, 3].map((number) => makeFrame(number === 2 ? elsewhere : left.pool, left, right, number, 100));
    expect(left.transmit(burst, 0, 3)).toBe(3);
    expect(numbers(receiveAll(right))).toEqual([1, 2, 3]);
    elsewhere.assertNoLeaks();
  });

  it('may be kept after the link was closed', () => {
    const [left, right] = [end('left', mode), end('right', mode)];
    send(left, right, 7);
    const [packet] = receiveAll(right);
    right.close();
    expect(numbers([packet!])).toEqual([7]);
  });

  it('costs a native call for each burst, or none', () => {
    const [left, right] = [end('left', mode), end('right', mode)];
    for (let number = 0; number < 20; number++) send(left, right, number);
    pause(2);
    const before = right.nativeCalls;
    const burst: Packet[] = [];
    expect(right.receive(burst, 20)).toBe(20);
    expect(right.nativeCalls - before).toBe(mode === 'ring' ? 0 : 1);
    const calls = left.nativeCalls;
    const again = burst.map((packet, i) => {
      packet.release();
      return makeFrame(left.pool, left, right, i);
    });
    expect(left.transmit(again, 0, 20)).toBe(20);
    expect(left.nativeCalls - calls).toBe(1);
    numbers(receiveAll(right));
  });
});

describe.skipIf(labUnavailable() !== null)('a ring of small slots', () => {
  it('carries frames of the MTU, and drops and counts what is longer', () => {
    const lab = NetworkLab.open('packet_slots');
    cable(lab);
    const ring = { frames: 64, frameSize: 2048 };
    const memory = PacketMemory.create({
      frames: 256,
      kernelRingBytes: packetRingBytes({ ring }),
      place: placeMemory({ hugePages: false }),
    });
    const pool = PacketPool.create(memory, 256);
    const right = openPacketLink({
      interface: 'right',
      mode: 'ring',
      ring,
      pool,
      networkNamespace: lab.namespace('far'),
    });
    const left = openEnd(lab, 'left', 'virtio');
    expect(right.capabilities.segmentation).toBe(0);
    const lengths = [1514, 1400];
    const burst = lengths.map((length, number) => makeFrame(left.pool, left, right, number, length));
    left.transmit(burst, 0, 2);
    for (const [number, packet] of receiveAll(right).entries()) {
      expect(readFrame(packet)).toBe(number);
      expect(packet.totalLength).toBe(lengths[number]);
      packet.release();
    }
    lab.run('prism', ['ip', 'link', 'set', 'left', 'mtu', '4000']);
    lab.run('far', ['ip', 'link', 'set', 'right', 'mtu', '4000']);
    const jumbo = openEnd(lab, 'left', 'ring', { ring: RING });
    jumbo.transmit([makeLong(jumbo, right)], 0, 1);
    expect(receiveAll(right)).toEqual([]);
    expect(right.counters.truncated).toBe(1);
    expect(right.statistics.dropped).toBe(1);
    for (const link of [left, right, jumbo]) {
      link.close();
      link.pool.assertNoLeaks();
    }
    lab.close();
  });
});

function makeLong(from: PacketLink, to: PacketLink): Packet {
  const packet = makeFrame(from.pool, from, to, 0, 1500);
  const more = from.pool.take()!;
  more.length = 1500;
  packet.append(more);
  return packet;
}
