import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { ManualClock } from '@prism-net/time';
import { ethernet, type MacAddress } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import type { Link } from './link.js';
import { describeLinkContract, drain, makeFrame } from './link-contract.testkit.js';
import { createSwitch, type SwitchOptions } from './switch-link.js';

const FRAMES = 256;

function setUp(options: Partial<SwitchOptions> = {}, frames = FRAMES) {
  const memory = PacketMemory.create({ frames: 2 * FRAMES, debug: true });
  const pool = PacketPool.create(memory, FRAMES, { name: 'stations' });
  const floodPool = PacketPool.create(memory, frames, { name: 'switch' });
  const clock = new ManualClock();
  const it = createSwitch({ ports: 4, capacity: 32, clock, pool: floodPool, ...options });
  return { memory, pool, floodPool, clock, it, ports: it.ports };
}

describeLinkContract('switch port', () => {
  const { pool, floodPool, ports } = setUp({ ports: 2 });
  const [left, right] = ports as [Link, Link];
  return {
    left,
    right,
    leftPool: pool,
    rightPool: pool,
    backPressure: false,
    assertNothingLost() {
      pool.assertNoLeaks();
      floodPool.assertNoLeaks();
    },
  };
});

const BROADCAST: MacAddress = { high: 0xffff, low: -1 };

/** Sends a frame with these addresses from the port. */
function send(pool: PacketPool, port: Link, number: number, source: MacAddress, destination: MacAddress): void {
  const packet = makeFrame(pool, port, port, number);
  ethernet.write(packet.view, packet.offset, destination.high, destination.low, source.high, source.low, 0x88b5);
  expect(port.transmit([packet], 0, 1)).toBe(1);
}

const station = (number: number): MacAddress => ({ high: 0x0600, low: number });

describe('switch', () => {
  it('floods what it does not know to all ports but the one it came from, then sends to the learned port alone', () => {
    const { pool, floodPool, ports, it } = setUp();
    send(pool, ports[0]!, 1, station(10), station(12));
    expect(ports.map((port) => drain(port))).toEqual([[], [1], [1], [1]]);
    send(pool, ports[2]!, 2, station(12), station(10));
    expect(ports.map((port) => drain(port))).toEqual([[2], [], [], []]);
    send(pool, ports[0]!, 3, station(10), station(12));
    expect(ports.map((port) => drain(port))).toEqual([[], [], [3], []]);
    expect(it.statistics.snapshot()).toMatchObject({ flooded: 1, forwarded: 2, learned: 2 });
    pool.assertNoLeaks();
    floodPool.assertNoLeaks();
  });

  it('copies a flooded frame for all ports but the last, which gets the packet itself', () => {
    const { memory, pool, floodPool, ports } = setUp();
    send(pool, ports[1]!, 1, station(1), BROADCAST);
    expect(memory.copies[0]).toBe(2);
    expect([pool.outstanding, floodPool.outstanding]).toEqual([1, 2]);
    expect(ports.map((port) => drain(port))).toEqual([[1], [], [1], [1]]);
  });

  it('floods broadcast and multicast even if a station claimed such an address as its source', () => {
    const { pool, ports, it } = setUp({ ports: 3 });
    const group = { high: 0x0100, low: 0x5e000001 };
    send(pool, ports[0]!, 1, group, BROADCAST);
    send(pool, ports[1]!, 2, station(1), group);
    expect(ports.map((port) => drain(port))).toEqual([[2], [1], [1, 2]]);
    expect(it.learned).toBe(1);
  });

  it('follows a station that moves to another port', () => {
    const { pool, ports, it } = setUp({ ports: 3 });
    send(pool, ports[0]!, 1, station(1), BROADCAST);
    send(pool, ports[1]!, 2, station(1), BROADCAST);
    for (const port of ports) drain(port);
    send(pool, ports[2]!, 3, station(2), station(1));
    expect(ports.map((port) => drain(port))).toEqual([[], [3], []]);
    expect(it.statistics.moved).toBe(1);
  });

  it('drops a frame for a station behind the port it came from', () => {
    const { pool, ports, it } = setUp({ ports: 2 });
    send(pool, ports[0]!, 1, station(1), BROADCAST);
    send(pool, ports[0]!, 2, station(2), station(1));
    expect(ports.map((port) => drain(port))).toEqual([[], [1]]);
    expect(it.statistics.droppedLocal).toBe(1);
  });

  it('forgets a station that was silent for the given time', () => {
    const { pool, ports, it, clock } = setUp({ ports: 3, ageMicroseconds: 1000 });
    send(pool, ports[0]!, 1, station(1), BROADCAST);
    for (const port of ports) drain(port);
    clock.advance(999);
    send(pool, ports[1]!, 2, station(2), station(1));
    expect(ports.map((port) => drain(port))).toEqual([[2], [], []]);
    clock.advance(1);
    send(pool, ports[1]!, 3, station(2), station(1));
    expect(ports.map((port) => drain(port))).toEqual([[3], [], [3]]);
    expect(it.learned).toBe(1);
  });

  it('forgets also a station that was not among the oldest two, and one that was silent for an hour', () => {
    const { pool, ports, clock } = setUp({ ports: 2, ageMicroseconds: 1000 });
    for (let i = 0; i < 5; i++) send(pool, ports[0]!, i, station(i), BROADCAST);
    clock.advance(5000);
    send(pool, ports[0]!, 5, station(9), station(4));
    drain(ports[1]!);
    send(pool, ports[0]!, 6, station(9), station(9));
    expect(drain(ports[1]!)).toEqual([]);
    clock.advance(3_600_000_000);
    send(pool, ports[0]!, 7, station(8), station(9));
    expect(drain(ports[1]!)).toEqual([7]);
  });

  it('stays bounded under a flood of invented addresses, and keeps the stations that talk', () => {
    const { pool, ports, it } = setUp({ ports: 2, macTableSize: 64 });
    for (let i = 0; i < 3200; i++) {
      if (i % 32 === 0) send(pool, ports[1]!, i, station(-1), BROADCAST);
      send(pool, ports[0]!, i, station(i), BROADCAST);
      for (const port of ports) drain(port);
    }
    expect(it.learned).toBe(64);
    expect(it.statistics.evicted).toBe(3201 - 64);
    send(pool, ports[0]!, 1, station(1), station(-1));
    expect(it.statistics.forwarded).toBe(1);
  });

  it('loses frames at a full port, counted there, and not those for the others', () => {
    const { pool, floodPool, ports, it } = setUp({ ports: 3, capacity: 4 });
    for (let i = 0; i < 6; i++) {
      send(pool, ports[0]!, i, station(0), BROADCAST);
      drain(ports[2]!);
    }
    expect(drain(ports[1]!)).toEqual([0, 1, 2, 3]);
    expect(ports[1]!.statistics.dropped).toBe(2);
    expect(ports[2]!.statistics).toMatchObject({ dropped: 0, receivedPackets: 6 });
    expect(it.statistics.droppedFull).toBe(2);
    pool.assertNoLeaks();
    floodPool.assertNoLeaks();
  });

  it('serves at least the last port when its pool is exhausted', () => {
    const { pool, ports, it } = setUp({ ports: 4 }, 1);
    send(pool, ports[0]!, 1, station(0), BROADCAST);
    expect(ports.map((port) => drain(port))).toEqual([[], [1], [], [1]]);
    expect(it.statistics.droppedNoFrame).toBe(1);
    expect(ports[2]!.statistics.dropped).toBe(1);
  });

  it('drops frames too short for a header, and frames for a closed port', () => {
    const { pool, ports, it } = setUp({ ports: 2 });
    const runt = pool.take() as Packet;
    runt.length = 13;
    expect(ports[0]!.transmit([runt], 0, 1)).toBe(1);
    expect(it.statistics.droppedLength).toBe(1);
    send(pool, ports[1]!, 1, station(1), BROADCAST);
    ports[1]!.close();
    send(pool, ports[0]!, 2, station(0), station(1));
    send(pool, ports[0]!, 3, station(0), BROADCAST);
    expect(it.statistics.droppedClosed).toBe(2);
    ports[0]!.close();
    pool.assertNoLeaks();
  });

  it('explains options out of range', () => {
    const pool = PacketPool.create(PacketMemory.create({ frames: 4 }), 4);
    expect(() => createSwitch({ ports: 0, pool })).toThrow(/createSwitch EINVAL: ports/);
    expect(() => createSwitch({ ports: 2, pool, ageMicroseconds: 2 ** 31 })).toThrow(/EINVAL: ageMicroseconds/);
  });
});
