import { tcp } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { FrameEvent } from '../frame-event.js';
import { Simulation } from '../simulation.js';
import { SegmentReader } from './segment-reader.js';
import { runTransfers, Transfer } from './transfer.js';

/** Bytes of sequence space, so that a FIN counts, marked on the way, and bytes that the client was told were; counted on the wire. */
function marks(congestionControl: string) {
  const simulation = new Simulation({ seed: 5 });
  const client = simulation.host('client', { address: '10.0.0.1/24', frames: 4096 });
  const server = simulation.host('server', { address: '10.0.0.2/24', frames: 4096, receiveQueue: 1024 });
  const cable = { delayMicroseconds: 2000, rateBitsPerSecond: 50e6, queueLimit: 1000, markAt: 15 };
  const line = simulation.connect(client, server, cable);
  simulation.introduceNeighbours();
  const reader = new SegmentReader();
  const counts = { sent: 0, marked: 0, told: 0, lost: 0 };
  let last: number | null = null;
  simulation.watch((event, on, packet) => {
    if (!reader.read(packet)) return;
    if (on === line.forward) {
      if (event === FrameEvent.SENT) counts.sent += reader.length;
      else if (event === FrameEvent.MARKED) counts.marked += reader.length + (reader.has(tcp.Flag.FIN) ? 1 : 0);
      else if (event !== FrameEvent.ARRIVED) counts.lost++;
    } else if (event === FrameEvent.ARRIVED) {
      const advance = last === null ? 0 : (reader.acknowledgement - last) | 0;
      last = reader.acknowledgement;
      if ((reader.flags & (tcp.Flag.ECE | tcp.Flag.SYN)) === tcp.Flag.ECE) counts.told += advance;
    }
  });
  const options = { congestionControl, ecn: 'active', receiveBuffer: 1_000_000 } as const;
  const fromClient = { bytes: 8_000_000, zeroCopy: true };
  runTransfers(simulation, [new Transfer(simulation, { client, server, address: '10.0.0.2', fromClient, options })]);
  return counts;
}

it('every byte that was marked is told of, and no other (RFC 8257 §3.2)', () => {
  const { sent, marked, told, lost } = marks('dctcp');
  expect(lost).toBe(0);
  expect(sent).toBe(8_000_000);
  expect(marked).toBeGreaterThan(200_000);
  expect(told).toBe(marked);
});

it('which the echo of RFC 3168 does not do', () => {
  const { marked, told } = marks('newreno');
  expect(marked).toBeGreaterThan(1000);
  expect(told).toBeGreaterThan(1.5 * marked);
});

it.each(['dctcp', 'newreno', 'cubic'])(
  'DCTCP grows again after marks at its smallest window, whoever echoes them: %s',
  (congestionControl) => {
    const simulation = new Simulation({ seed: 5 });
    const client = simulation.host('client', { address: '10.0.0.1/24' });
    const server = simulation.host('server', { address: '10.0.0.2/24' });
    const cable = { delayMicroseconds: 10_000, rateBitsPerSecond: 50e6, queueLimit: 1000 };
    const { forward } = simulation.connect(client, server, { ...cable, forward: { markAt: 0 } });
    simulation.introduceNeighbours();
    simulation.at(1_000_000, () => forward.replace(cable));
    const transfer = new Transfer(simulation, {
      client,
      server,
      address: '10.0.0.2',
      fromClient: { bytes: 2_000_000 },
      clientOptions: { congestionControl: 'dctcp' },
      serverOptions: { congestionControl },
    });
    runTransfers(simulation, [transfer], 4e6);
  },
);
