import { bytes, count, format, time } from '@prism-net/pictures';
import type { CaptureSurvey } from './capture/connections.js';
import { formatEndpoint } from './capture/tcp-frame.js';

/** Connections listed; a scan makes more than anybody reads. */
const MAXIMUM_LINES = 1000;

/** The connections of a capture as a table. */
export function listConnections(survey: CaptureSurvey): string {
  const { connections } = survey;
  const rows = connections
    .slice(0, MAXIMUM_LINES)
    .map((each) => [
      String(each.number),
      `${formatEndpoint(each.initiator)} → ${formatEndpoint(each.responder)}`,
      each.segments.toLocaleString('en-US'),
      format(each.bytesFromInitiator, bytes),
      format(each.bytesFromResponder, bytes),
      format(each.firstTime, time),
      format(each.lastTime - each.firstTime, time),
    ]);
  const head = ['', 'connection', 'segments', 'data →', 'data ←', 'begins', 'lasts'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column === 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  if (connections.length > MAXIMUM_LINES) lines.push(`and ${connections.length - MAXIMUM_LINES} more`);
  lines.push(`${count(connections.length, 'connection')} in ${count(survey.packets, 'packet')}`);
  if (survey.ignored > 0) lines.push(`${count(survey.ignored, 'segment')} of further connections were not looked at`);
  if (survey.damage !== '') lines.push(`the capture is damaged: ${survey.damage}`);
  return `${lines.join('\n')}\n`;
}
