import type { ReplayReport } from './replay.js';

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The report a person reads. */
export function renderReport(file: string, report: ReplayReport): string {
  const { account } = report;
  const lines = [
    `${file}: ${number(report.framesInCapture)} frames in the capture`,
    `  ${number(report.frames)} frames through the stack in ${report.seconds.toFixed(3)} s: ${number(report.framesPerSecond)} frames/s, ${number(report.megabitsPerSecond)} Mbit/s`,
  ];
  if (report.skipped > 0) lines.push(`  ${number(report.skipped)} records skipped: not Ethernet`);
  if (report.capturedShort > 0) lines.push(`  ${number(report.capturedShort)} frames were captured only in part`);
  if (report.partialChecksums > 0) {
    lines.push(
      `  ${number(report.partialChecksums)} frames were captured before their sender's card completed the checksum`,
    );
  }
  lines.push('', 'delivered');
  for (const { address, port, datagrams, bytes } of report.sockets) {
    lines.push(`  ${`${address}:${port}`.padEnd(24)} ${number(datagrams)} datagrams, ${number(bytes)} bytes`);
  }
  if (report.sockets.length === 0) lines.push('  no UDP datagrams for this host or a group');
  for (const feed of report.feeds) {
    const intact = feed.gaps === 0 && feed.repeated === 0;
    lines.push(
      `  IEX-TP channel ${feed.channel} session ${feed.session >>> 0}: ${number(feed.datagrams)} datagrams, ${number(feed.messages)} messages, ${number(feed.heartbeats)} heartbeats, sequence ${number(feed.firstSequence)} to ${number(feed.nextSequence - 1)}: ${
        intact
          ? 'no gaps'
          : `${number(feed.gaps)} gaps (${number(feed.missing)} messages), ${number(feed.repeated)} repeats`
      }`,
    );
  }
  lines.push('', 'not delivered');
  const dropped = Object.entries(account.dropped);
  for (const [reason, count] of dropped) lines.push(`  ${reason.padEnd(32)} ${number(count)}`);
  if (dropped.length === 0) lines.push('  nothing dropped');
  if (account.handled > 0) lines.push(`  ${'handled by the stack itself'.padEnd(32)} ${number(account.handled)}`);
  if (account.held > 0) lines.push(`  ${'held: incomplete datagrams'.padEnd(32)} ${number(account.held)}`);
  lines.push(
    '',
    `received ${number(account.received)} = delivered ${number(account.delivered)} + handled ${number(account.handled)} + dropped ${number(dropped.reduce((sum, [, count]) => sum + count, 0))} + held ${number(account.held)}; unexplained ${number(account.unexplained)}`,
    '',
  );
  return lines.join('\n');
}
