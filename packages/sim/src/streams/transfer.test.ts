import { Errno } from '@prism-net/errors';
import { State } from '@prism-net/tcp';
import { describe, expect, it } from 'vitest';
import type { CableOptions } from '../cable.js';
import { twoHosts } from '../two-hosts.testkit.js';
import { checkConnections } from './connection-invariants.js';
import { runTransfers, Transfer, type TransferOptions } from './transfer.js';

function run(options: Partial<TransferOptions>, cable: CableOptions = { delayMicroseconds: 1000 }) {
  const { simulation, a, b } = twoHosts({ debug: false }, cable);
  for (const host of [a, b]) checkConnections(simulation, host);
  const transfer = new Transfer(simulation, { client: a, server: b, address: '10.0.0.2', ...options });
  runTransfers(simulation, [transfer]);
  const { time } = simulation;
  simulation.runFor(150e6);
  transfer.close();
  simulation.assertClean();
  return { simulation, transfer, time };
}

/** A stream in the middle of its life. */
function busy() {
  const hosts = twoHosts({ debug: false }, { delayMicroseconds: 1000, rateBitsPerSecond: 10e6 });
  const { simulation, a, b } = hosts;
  const fromClient = { bytes: 500_000, sendBuffer: 16_384 };
  const transfer = new Transfer(simulation, { client: a, server: b, address: '10.0.0.2', fromClient });
  simulation.runUntil(() => transfer.delivered > 50_000);
  return { ...hosts, transfer };
}

describe('transfer', () => {
  const sides = { fromClient: { bytes: 200_000 }, fromServer: { bytes: 100_000 } };

  it.each(['close', 'half-close'] as const)('delivers both ways and ends: %s', (ending) => {
    const { transfer } = run({ ...sides, ending });
    expect(transfer.delivered).toBe(300_000);
    expect(transfer.problems()).toEqual([]);
    expect(transfer.client!.outcome).toBe(Errno.NONE);
  });

  it('an abort ends both sides, the other one with ECONNRESET', () => {
    const { transfer } = run({ ...sides, ending: 'abort' });
    expect(transfer.client!.outcome).toBe(Errno.ECONNABORTED);
    expect(transfer.server!.outcome).toBe(Errno.ECONNRESET);
    expect(transfer.server!.received).toBeLessThan(200_000);
  });

  it('slow readers and writers take the time they take', () => {
    const fromClient = { bytes: 1000, writeBytes: 10, writeEveryMicroseconds: 5000 };
    expect(run({ fromClient }).time).toBeGreaterThan(99 * 5000);
    const fromServer = { bytes: 0, readBytes: 500, readEveryMicroseconds: 10_000 };
    expect(run({ fromClient: { bytes: 50_000 }, fromServer }).time).toBeGreaterThan(99 * 10_000);
  });

  it('works without copies as well', () => {
    const zeroCopy = { bytes: 300_000, zeroCopy: true };
    expect(run({ fromClient: zeroCopy, fromServer: zeroCopy }).transfer.delivered).toBe(600_000);
  });

  it('a stream that differs ends the simulation', () => {
    const { simulation, transfer } = busy();
    const at = transfer.server!.received;
    transfer.server!.received += 4;
    const expected = `a→b:5000, server: the stream differs at byte ${at + 4} of 500000`;
    expect(() => runTransfers(simulation, [transfer])).toThrow(expected);
  });

  it('a connection that cannot come about is a problem, not a hang', () => {
    const { simulation, a, b } = twoHosts({ debug: false }, { isUp: false });
    const transfer = new Transfer(simulation, { client: a, server: b, address: '10.0.0.2', fromClient: { bytes: 1 } });
    expect(() => runTransfers(simulation, [transfer])).toThrow(/one side never came into being/);
  });

  it('a peer that waits for ever for one that is gone is a hang', () => {
    const { simulation, transfer, cable } = busy();
    cable.setUp(false);
    expect(() => runTransfers(simulation, [transfer])).toThrow(/hang: nothing is left to happen/);
  });
});

describe('invariants', () => {
  it.each([
    ['SND.UNA is beyond SND.NXT', /SND\.UNA \S+ is beyond SND\.NXT/, 'unacknowledged'],
    ['a congestion window below a segment', /the congestion window is 1/, 'window'],
    ['a receive window that ends in the past', /the window ends at \S+, RCV\.NXT is/, 'edge'],
  ])('%s ends the simulation', (_, expected, what) => {
    const { simulation, transfer, a } = busy();
    checkConnections(simulation, a);
    const { connection } = transfer.client!;
    expect(connection.state).toBe(State.ESTABLISHED);
    if (what === 'unacknowledged')
      connection.wake().recovery.unacknowledged = (connection.wake().recovery.next + 5) | 0;
    if (what === 'window') connection.wake().recovery.window.window = 1;
    if (what === 'edge') connection.wake().receiveWindow.edge = (connection.wake().receiveNext - 5) | 0;
    a.tcp.probe!(connection, null, a.now());
    expect(() => simulation.runFor(1e6)).toThrow(expected);
  });
});
