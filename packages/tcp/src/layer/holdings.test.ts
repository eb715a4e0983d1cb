import { describe, expect, it } from 'vitest';
import type { Connection } from '../connection.js';
import { type Opened, readAll, TestHost, write } from '../tcp.testkit.js';

const FRAMES = 1024;
const HOARDERS = 300;

function crowd(settings = {}) {
  return new TestHost({
    frames: FRAMES,
    isFast: true,
    settings: { maximumConnections: 1000, timeWaitSize: 1000, ...settings },
  });
}

/** One round trip of an honest stream each way; returns the bytes that got through. */
function exchange({ connection, host, peer }: Opened, size = 20_000): number {
  let bytes = 0;
  const offered = (connection.block!.receiveWindow.edge - connection.block!.receiveNext) | 0;
  for (let left = Math.min(size, offered); left >= 1000; left -= 1000) peer.inject({ data: 1000 });
  host.settle();
  bytes += readAll(connection).length;
  write(connection, size);
  host.settle();
  for (const each of peer.drain()) bytes += each.length;
  peer.send();
  host.wait(20);
  return bytes;
}

/** Peers that send what nobody reads. */
function unread(host: TestHost, count: number): Connection[] {
  return Array.from({ length: count }, () => {
    const { connection, peer } = host.connect();
    for (let i = 0; i < 40; i++) peer.inject({ data: 1000 });
    host.settle();
    peer.inbox.length = 0;
    return connection;
  });
}

/** Peers that acknowledge nothing of what is written for them. */
function unacknowledged(host: TestHost, count: number): Connection[] {
  return Array.from({ length: count }, () => {
    const { connection, peer } = host.connect();
    write(connection, 100_000);
    host.settle();
    peer.inbox.length = 0;
    return connection;
  });
}

describe.each([
  ['hundreds of connections that nobody reads', unread],
  ['hundreds of peers that acknowledge nothing', unacknowledged],
])('%s', (_, hoard) => {
  it('keep 11/16 of the packets at most, and an honest stream goes on as before', () => {
    const host = crowd({ standstillMilliseconds: 0 });
    const honest = host.connect({ peer: { window: 60_000 } });
    for (let i = 0; i < 20; i++) exchange(honest);
    const usual = exchange(honest);
    expect(usual).toBe(40_000);
    let hoarders: Connection[] = [];
    for (let i = 0; i < HOARDERS; i += 10) {
      hoarders = [...hoarders, ...hoard(host, 10)];
      expect(exchange(honest)).toBeGreaterThanOrEqual(usual * 0.9);
    }
    expect(host.layer.holdings.standing).toBeGreaterThanOrEqual(FRAMES / 2);
    expect(host.layer.holdings.standing).toBeLessThanOrEqual((FRAMES * 11) / 16 + 32);
    let after = 0;
    for (let i = 0; i < 50; i++) after += exchange(honest);
    expect(after).toBeGreaterThanOrEqual(usual * 50 * 0.9);
    for (const each of hoarders) each.abort(host.now);
    host.settle();
    expect(host.layer.holdings.standing).toBe(0);
    expect(exchange(honest)).toBe(usual);
  });

  it('of which those that hold most are reset after ten seconds, until newcomers find room', () => {
    const host = crowd();
    hoard(host, HOARDERS);
    host.wait(9000);
    expect(host.layer.statistics.standingEvicted).toBe(0);
    host.wait(6000);
    const { connections, standingEvicted } = host.layer.statistics;
    // No more than needed: peers of writers get no further than to where newcomers have room.
    expect(standingEvicted).toBeLessThan(HOARDERS / 4);
    expect(standingEvicted > 0).toBe(hoard === unread);
    expect(connections).toBe(HOARDERS - standingEvicted);
    expect(host.layer.holdings.isCrowded).toBe(false);
    const newcomer = host.connect({ peer: { window: 60_000 } });
    let bytes = 0;
    for (let i = 0; i < 50; i++) bytes += exchange(newcomer);
    expect(bytes).toBeGreaterThan(100_000);
  });
});

it('writers that stand still leave something for newcomers who are sent something and read it, at once', () => {
  const host = crowd();
  const hoarders = unacknowledged(host, 400);
  for (let i = 0; i < 100 && host.layer.holdings.standing < (FRAMES * 10) / 16; i++) {
    for (const each of hoarders) each.write(new Uint8Array(2000), 0, 2000);
    host.wait(20);
  }
  expect(host.layer.holdings.standing).toBeGreaterThanOrEqual((FRAMES * 10) / 16);
  const { connection, peer } = host.connect();
  let bytes = 0;
  for (let i = 0; i < 50; i++) {
    peer.inject({ data: 1000 });
    host.settle();
    bytes += readAll(connection).length;
    host.wait(10);
  }
  expect(bytes).toBe(50_000);
  expect(host.layer.statistics.standingEvicted).toBe(0);
});

it('few connections that nobody reads keep what their windows allow, for ever: nothing is short', () => {
  const host = crowd();
  const connections = unread(host, 10);
  host.wait(60_000);
  expect(host.layer.statistics).toMatchObject({ connections: 10, standingEvicted: 0 });
  expect(connections.every(({ readableBytes }) => readableBytes === 40_000)).toBe(true);
});
