import { formatTime } from '../event-log.js';
import type { LineOptions } from '../line-options.js';
import type { StreamPlan } from '../streams/stream-plan.js';
import type { Fault, FaultSchedule } from './fault-schedule.js';
import type { Flow } from './flow.js';
import type { Sending } from './sending.js';
import type { DrawnNode } from './topology.js';

/** The schedule for people: network, flows, timetable. */
export function describeFaultSchedule(schedule: FaultSchedule): string {
  const { seed, start, knowsNeighbours, topology, faults, flows } = schedule;
  const lines = [
    `seed ${seed}: ${topology.shape}, clocks start at ${start}, neighbours ${knowsNeighbours ? 'known' : 'by ARP'}`,
  ];
  for (const node of topology.nodes) lines.push(`  ${describeNode(node)}`);
  for (const [i, { ends, options }] of topology.cables.entries()) {
    lines.push(`  cable ${i} ${ends.join('—')}: ${describeLine(options)}`);
  }
  for (const flow of flows) lines.push(`  ${describeFlow(flow)}`);
  for (const fault of faults) lines.push(`  ${describeFault(fault, schedule)}`);
  return lines.join('\n');
}

function describeNode(node: DrawnNode): string {
  const {
    kind,
    name,
    interfaces,
    clockGranularityMicroseconds,
    interruptDelayMicroseconds,
    frames,
    receiveQueue,
    tcp,
  } = node;
  if (kind === 'switch') return `switch ${name}`;
  const parts = interfaces.map(({ address, mtu }) => `${address} mtu ${mtu}`);
  if (clockGranularityMicroseconds > 1) parts.push(`clock in steps of ${clockGranularityMicroseconds} µs`);
  if (interruptDelayMicroseconds > 0) parts.push(`interrupts ${interruptDelayMicroseconds} µs late`);
  if (frames < 512) parts.push(`${frames} packets`);
  if (receiveQueue < 256) parts.push(`receive queue ${receiveQueue}`);
  for (const [setting, value] of Object.entries(tcp)) parts.push(`${setting} ${value}`);
  return `${kind} ${name}: ${parts.join(', ')}`;
}

function describeLine(options: LineOptions): string {
  const parts = Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return parts.length === 0 ? 'perfect' : parts.join(', ');
}

function describeFlow({ client, server, port, at, ending, ...sides }: Flow): string {
  const atClient = describeSide(sides.fromClient) + describeSending(sides.clientSending);
  const atServer = describeSide(sides.fromServer) + describeSending(sides.serverSending);
  return `${formatTime(at)} ${client} → ${server}:${port}, ${ending}; client ${atClient}; server ${atServer}`;
}

function describeSending({ options, changes }: Sending): string {
  const parts = describeOptions(options);
  for (const change of changes) parts.push(`at ${formatTime(change.at)} ${describeOptions(change.options).join(', ')}`);
  return parts.map((part) => `, ${part}`).join('');
}

function describeOptions(options: object): string[] {
  return Object.entries(options).map(([name, value]) => `${name} ${value}`);
}

function describeSide(side: StreamPlan): string {
  const { bytes, writeBytes, writeEveryMicroseconds, readBytes, readEveryMicroseconds } = side;
  const parts = [`sends ${bytes} bytes, ${writeBytes} at a time`];
  if (writeEveryMicroseconds > 0) parts.push(`every ${writeEveryMicroseconds} µs`);
  if (readEveryMicroseconds > 0) parts.push(`reads ${readBytes} every ${readEveryMicroseconds} µs`);
  if (side.zeroCopy) parts.push('without copies');
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
