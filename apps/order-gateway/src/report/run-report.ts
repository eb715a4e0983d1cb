import type { StackStatistics } from '@prism-net/stack';
import type { Options } from '../options.js';
import { rejectReasonName } from '../orders/reject-reason.js';
import type { RunReports } from '../runtime/run.js';
import { isFlawless } from '../session/reply-tracker.js';
import { LatencyHistogram } from './latency-histogram.js';
import { isSessionFlawless, sessionFigures, sessionLines } from './session-report.js';
import { renderTerminalHistogram } from './terminal-histogram.js';

/** The benchmark contract's figures of a run. */
export function toFigures(
  reports: RunReports,
  latencies: LatencyHistogram,
  sessionLatencies: LatencyHistogram = new LatencyHistogram(),
): Record<string, number> {
  const { client, gateway } = reports;
  const { totals } = client;
  const microseconds = (percent: number): number => latencies.percentile(percent) / 1000;
  return {
    ordersPerSecond: answersPerSecond(client),
    roundTripP50Us: microseconds(50),
    roundTripP90Us: microseconds(90),
    roundTripP99Us: microseconds(99),
    roundTripP999Us: microseconds(99.9),
    roundTripMaxUs: latencies.maximum / 1000,
    orders: totals.sent,
    answered: totals.answered,
    rejected: totals.answersByKind.rejected,
    lost: totals.lost,
    duplicated: totals.doubled,
    laterFills: totals.fills,
    restingOrders: reports.book.resting,
    unexplainedDrops: client.statistics.receive.unexplained + gateway.statistics.receive.unexplained,
    bytesAllocatedPerOrder: bytesPerOrder(reports),
    bytesAllocatedPerPacketGateway: perPacket(gateway.steadyState),
    bytesAllocatedPerPacketClient: perPacket(client.steadyState),
    ...sessionFigures(reports, sessionLatencies),
  };
}

/** 0 when every order was answered exactly once, no reply is missing and every frame is accounted for. */
export function exitCodeOf(reports: RunReports): number {
  const { client, gateway } = reports;
  const { malformed, refused, sequenceGaps } = client.faults;
  const faults = malformed + refused + sequenceGaps + gateway.refusedSends;
  const unexplained = client.statistics.receive.unexplained !== 0 || gateway.statistics.receive.unexplained !== 0;
  return isFlawless(client.totals) && isSessionFlawless(reports) && faults === 0 && !unexplained ? 0 : 1;
}

/** The report a person reads at the end; `columns`: the width of the terminal, if it goes to one. */
export function renderReport(
  reports: RunReports,
  latencies: LatencyHistogram,
  columns?: number,
  sessionLatencies: LatencyHistogram = new LatencyHistogram(),
  ports: Options['ports'] = 'both',
): string {
  const { client, gateway, book } = reports;
  const lines = [
    ...(ports === 'session' ? [] : datagramLines(reports, latencies, columns ?? 80)),
    ...sessionLines(reports, sessionLatencies, columns ?? 80),
    ...(ports === 'session' ? [`  ${bookLine(book)}`] : []),
    '',
    'frames',
    `  gateway  ${accountLine(gateway.statistics)}`,
    `  client   ${accountLine(client.statistics)}`,
    '',
    'bytes allocated per packet in steady state',
    `  gateway ${perPacket(gateway.steadyState).toFixed(3)}, book ${perPacket(book.steadyState).toFixed(3)}, client ${perPacket(client.steadyState).toFixed(3)}`,
    '',
  ];
  return lines.map((line) => wrap(line, columns ?? Number.POSITIVE_INFINITY)).join('\n');
}

/** What the load client saw of the datagram port. */
function datagramLines({ book, client, gateway }: RunReports, latencies: LatencyHistogram, width: number): string[] {
  const { faults, totals } = client;
  const kinds = totals.answersByKind;
  return [
    '',
    `${client.session === undefined ? '' : 'datagram port: '}${number(answersPerSecond(client))} orders/s: ${number(totals.answered)} orders answered in ${client.seconds.toFixed(2)} s`,
    '',
    renderTerminalHistogram(latencies, {
      title: 'round trip, order sent to answer received',
      width,
    }).trimEnd(),
    '',
    'answers',
    `  accepted ${number(kinds.accepted)}, filled ${number(kinds.filled)}, partially filled ${number(kinds.partiallyFilled)}, rejected ${number(kinds.rejected)}`,
    `  later fills of resting orders ${number(totals.fills)}; ${bookLine(book)}`,
    `  rejects: ${rejectList(client.rejects)}`,
    `  lost ${number(totals.lost)}, doubled ${number(totals.doubled)}, unknown ${number(totals.unknown)}, late ${number(totals.late)}, duplicates accepted ${number(totals.duplicatesAccepted)}, taken for duplicates ${number(totals.falseDuplicates)}${isFlawless(totals) ? ': every order answered exactly once' : ''}`,
    `  gaps in the numbers of replies ${number(faults.sequenceGaps)}, not a reply ${number(faults.malformed)}; the stacks refused to send ${number(faults.refused)} orders and ${number(gateway.refusedSends)} replies`,
  ];
}

function bookLine({ executions, resting }: RunReports['book']): string {
  return `the book made ${number(executions)} trades and holds ${number(resting)} orders`;
}

function answersPerSecond({ seconds, totals }: RunReports['client']): number {
  return seconds > 0 ? totals.answered / seconds : 0;
}

export function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Counts by reject reason, those that occurred. */
export function rejectList(rejects: readonly number[]): string {
  const list = rejects
    .map((count, reason) => ({ count, name: rejectReasonName(reason) }))
    .filter(({ count }, reason) => reason !== 0 && count > 0)
    .map(({ count, name }) => `${name} ${number(count)}`);
  return list.length > 0 ? list.join(', ') : 'none';
}

export function accountLine({ receive, transmitDrops }: StackStatistics): string {
  const list = (drops: Readonly<Record<string, number>>): string =>
    Object.entries(drops)
      .map(([reason, count]) => `${reason} ${number(count)}`)
      .join(', ') || 'none';
  return [
    `received ${number(receive.received)} = delivered ${number(receive.delivered)} + handled ${number(receive.handled)} + dropped`,
    `dropped: ${list(receive.dropped)}`,
    `not sent: ${list(transmitDrops)}`,
    `unexplained ${number(receive.unexplained)}`,
  ].join('; ');
}

export function perPacket({ bytesAllocated, packets }: { bytesAllocated: number; packets: number }): number {
  return packets > 0 ? bytesAllocated / packets : 0;
}

/** Of all three threads, per order the gateway took in while they were measured. */
function bytesPerOrder({ client, gateway, book }: RunReports): number {
  const orders = book.steadyState.packets;
  const bytes =
    client.steadyState.bytesAllocated + gateway.steadyState.bytesAllocated + book.steadyState.bytesAllocated;
  return orders > 0 ? bytes / orders : 0;
}

/** Breaks a line that is wider than the terminal behind its commas and semicolons, further lines indented. */
export function wrap(line: string, width: number): string {
  // The histogram has its own layout.
  if (line.length <= width || line.includes('\n')) return line;
  const indent = `${/^ */.exec(line)![0]}    `;
  const lines = [''];
  for (const part of line.split(/(?<=[,;] )/)) {
    const current = lines[lines.length - 1]!;
    const fits = current.length + part.trimEnd().length <= width || current.trim() === '';
    if (fits) lines[lines.length - 1] = current + part;
    else lines.push(indent + part);
  }
  return lines.map((each) => each.trimEnd()).join('\n');
}
