import { OuchRejectReason } from '@prism-net/ouch';
import { ENDING_COUNT, Ending, endingName } from '@prism-net/soup-bin-tcp';
import type { SessionClientReport, SessionPortReport } from '../runtime/reports.js';
import type { RunReports } from '../runtime/run.js';
import type { LatencyHistogram } from './latency-histogram.js';
import { renderTerminalHistogram } from './terminal-histogram.js';

/** The session port's figures, in the benchmark contract's units; none without a session. */
export function sessionFigures({ client }: RunReports, latencies: LatencyHistogram): Record<string, number> {
  const { session } = client;
  if (session === undefined) return {};
  const microseconds = (percent: number): number => latencies.percentile(percent) / 1000;
  return {
    sessionOrdersPerSecond: perSecond(session, client.seconds),
    sessionRoundTripP50Us: microseconds(50),
    sessionRoundTripP99Us: microseconds(99),
    sessionRoundTripP999Us: microseconds(99.9),
    sessionOrders: session.totals.sent,
    sessionAnswered: session.totals.answered,
    sessionLost: session.totals.lost,
    sessionRejected: session.rejects,
    sessionDuplicated: session.totals.doubled,
    sessionExecutions: session.executions,
  };
}

/** Every order was answered exactly once, and every message of the gateway has come through. */
export function isSessionFlawless({ client, gateway }: RunReports): boolean {
  const { session } = client;
  if (session === undefined || gateway.session === undefined) return true;
  const { doubled, lost, outstanding, unknown } = session.totals;
  const { malformed, reconnects } = session.faults;
  const isWhole = gateway.session.messages === session.messages && gateway.session.orders === session.totals.sent;
  return lost + doubled + unknown + outstanding + malformed + reconnects === 0 && isWhole;
}

/** The lines of the report that are about the session port. */
export function sessionLines(reports: RunReports, latencies: LatencyHistogram, columns: number): string[] {
  const { client, gateway } = reports;
  const { session } = client;
  if (session === undefined || gateway.session === undefined) return [];
  const { totals } = session;
  const missing = gateway.session.messages - session.messages;
  return [
    '',
    `session port: ${number(perSecond(session, client.seconds))} orders/s: ${number(totals.answered)} acknowledged in ${client.seconds.toFixed(2)} s, one connection`,
    '',
    renderTerminalHistogram(latencies, { title: 'round trip over the session', width: columns }).trimEnd(),
    '',
    'messages of the session',
    `  executed ${number(session.executions)}, cancelled ${number(session.cancellations)}, rejected ${number(session.rejects)}; cancels sent ${number(session.cancelsSent)}`,
    `  rejects: ${ouchRejectList(session.rejectsByCode)}`,
    `  lost ${number(totals.lost)}, doubled ${number(totals.doubled)}, unknown ${number(totals.unknown)}, messages missing ${number(missing)}; sent again ${number(totals.resent)}, reconnects ${number(session.faults.reconnects)}${isSessionFlawless(reports) ? ': nothing lost, nothing repeated' : ''}`,
  ];
}

/** What a gateway without a load client says of its sessions. */
export function sessionServiceLine(session: SessionPortReport): string {
  return [
    `  session port: ${number(session.orders)} orders, ${number(session.cancels)} cancels, ${number(session.messages)} messages`,
    `rejected ${number(session.rejected)}, sent again ${number(session.duplicates)}, malformed ${number(session.malformed)}`,
    `connections ended: ${endings(session.endings)}; refused ${number(session.refusedConnections)}`,
  ].join('; ');
}

/** In words, as far as OUCH's reasons have some: `replaceNotAllowed` → `replace not allowed`. */
function ouchRejectList(rejects: readonly number[]): string {
  const list = Object.entries(OuchRejectReason)
    .filter(([, code]) => (rejects[code] ?? 0) > 0)
    .map(([name, code]) => {
      const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
      return `${words} ${number(rejects[code] ?? 0)}`;
    });
  return list.join(', ') || 'none';
}

function endings(counts: readonly number[]): string {
  const list: string[] = [];
  for (let ending = Ending.none + 1; ending < ENDING_COUNT; ending++) {
    const count = counts[ending] ?? 0;
    if (count > 0) list.push(`${endingName(ending)} ${number(count)}`);
  }
  return list.join(', ') || 'none';
}

function perSecond({ totals }: SessionClientReport, seconds: number): number {
  return seconds > 0 ? totals.answered / seconds : 0;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
