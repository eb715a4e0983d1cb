import { formatTime } from '../event-log.js';
import type { LineOptions } from '../line-options.js';
import type { Fault, FaultSchedule } from './fault-schedule.js';
import type { Flow, FlowSide } from './flow.js';

/** The schedule for people: network, flows, timetable. */
export function describeFaultSchedule(schedule: FaultSchedule): string {
  const { seed, start, knowsNeighbours, topology, faults, flows } = schedule;
  const lines = [
    `seed ${seed}: ${topology.shape}, clocks start at ${start}, neighbours ${knowsNeighbours ? 'known' : 'by ARP'}`,
  ];
  for (const { kind, name, interfaces, clockGranularityMicroseconds, interruptDelayMicroseconds } of topology.nodes) {
    const addresses = interfaces.map(({ address, mtu }) => ` ${address} mtu ${mtu}`).join();
    const clock = clockGranularityMicroseconds === 1 ? '' : `, clock in steps of ${clockGranularityMicroseconds} µs`;
    const delay = interruptDelayMicroseconds === 0 ? '' : `, interrupts ${interruptDelayMicroseconds} µs late`;
    lines.push(`  ${kind} ${name}${addresses}${kind === 'switch' ? '' : clock + delay}`);
  }
  for (const [i, { ends, options }] of topology.cables.entries()) {
    lines.push(`  cable ${i} ${ends.join('—')}: ${describeLine(options)}`);
  }
  for (const flow of flows) lines.push(`  ${describeFlow(flow)}`);
  for (const fault of faults) lines.push(`  ${describeFault(fault, schedule)}`);
  return lines.join('\n');
}

function describeLine(options: LineOptions): string {
  const parts = Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return parts.length === 0 ? 'perfect' : parts.join(', ');
}

function describeFlow({ client, server, port, at, fromClient, fromServer, ending }: Flow): string {
  return `${formatTime(at)} ${client} → ${server}:${port}, ${ending}; client ${describeSide(fromClient)}; server ${describeSide(fromServer)}`;
}

function describeSide(side: FlowSide): string {
  const { bytes, writeBytes, writeEveryMicroseconds, readBytes, readEveryMicroseconds } = side;
  const parts = [`sends ${bytes} bytes, ${writeBytes} at a time`];
  if (writeEveryMicroseconds > 0) parts.push(`every ${writeEveryMicroseconds} µs`);
  if (readEveryMicroseconds > 0) parts.push(`reads ${readBytes} every ${readEveryMicroseconds} µs`);
  if (side.noDelay) parts.push('no delay');
  if (side.receiveBuffer > 0) parts.push(`receive buffer ${side.receiveBuffer}`);
  if (side.sendBuffer > 0) parts.push(`send buffer ${side.sendBuffer}`);
  return parts.join(', ');
}

function describeFault({ at, lastsMicroseconds, what }: Fault, { topology }: FaultSchedule): string {
  const when = `${formatTime(at)} for ${formatTime(lastsMicroseconds)}:`;
  if (what.kind === 'pause') return `${when} ${what.node} does nothing`;
  const cable = `cable ${what.cable} (${topology.cables[what.cable]!.ends.join('—')})`;
  if (what.kind === 'mtu') return `${when} ${cable} has mtu ${what.mtu}`;
  return `${when} ${what.name} on ${cable}, ${what.direction}: ${describeLine(what.options)}`;
}
