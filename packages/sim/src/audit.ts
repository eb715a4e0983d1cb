import type { PacketPool } from '@prism-net/buffers';
import { FrameEvent } from './frame-event.js';
import type { Line } from './line.js';
import type { SimulatedHost } from './simulated-host.js';

/** What is wrong in a simulation that has been closed, a line each; none when every packet and frame is accounted for. */
export function auditSimulation(
  hosts: readonly SimulatedHost[],
  lines: readonly Line[],
  network: PacketPool,
): string[] {
  return [...hosts.flatMap(auditHost), ...lines.flatMap(auditLine), ...auditNetwork(network)];
}

function auditHost({ name, accounts, pool, timers, tcp, udp }: SimulatedHost): string[] {
  const problems = auditPool(name, pool);
  const { unexplained, held } = accounts.snapshot();
  if (unexplained !== 0) problems.push(`${name}: ${unexplained} received frames are unexplained`);
  if (held !== 0) problems.push(`${name}: ${held} frames are still held`);
  if (timers.armed !== 0) problems.push(`${name}: ${timers.armed} timers are still armed`);
  if (udp.ports.size !== 0) problems.push(`${name}: ${udp.ports.size} UDP ports are still bound`);
  if (tcp.wheel.armed !== 0) problems.push(`${name}: ${tcp.wheel.armed} timers of TCP are still armed`);
  if (tcp.size !== 0) problems.push(`${name}: ${tcp.size} TCP connections are still open`);
  return problems;
}

/** What went in has come out, was lost for a reason, or was on the way when the simulation was closed. */
function auditLine(line: Line): string[] {
  const into = line.count(FrameEvent.SENT) + line.count(FrameEvent.DUPLICATED);
  const lost =
    line.count(FrameEvent.LOST) +
    line.count(FrameEvent.QUEUE_FULL) +
    line.count(FrameEvent.LINE_DOWN) +
    line.count(FrameEvent.TOO_LONG);
  const missing = into - line.count(FrameEvent.ARRIVED) - lost - line.cleared;
  return missing === 0 ? [] : [`${line.name}: ${missing} of ${into} frames vanished`];
}

/** A host may run out of packets; a network that does is not what it was told to be. */
function auditNetwork(pool: PacketPool): string[] {
  const problems = auditPool('network', pool);
  if (pool.statistics.exhausted !== 0) problems.push('network: it ran out of frames: raise networkFrames');
  return problems;
}

function auditPool(name: string, pool: PacketPool): string[] {
  const problems: string[] = [];
  const { doubleReleases } = pool.statistics;
  if (doubleReleases !== 0) problems.push(`${name}: ${doubleReleases} times a packet was used by who did not own it`);
  try {
    pool.assertNoLeaks();
  } catch (error) {
    problems.push(`${name}: ${(error as Error).message}`);
  }
  return problems;
}
