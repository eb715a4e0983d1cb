import type { ConnectionTrace } from '../model/connection-trace.js';
import { eventKinds } from '../model/event-kinds.js';

/** A line for each event: seconds, what, and the bytes it is about. */
export function listEvents({ events }: ConnectionTrace): string {
  const lines = events.map(({ kind, time, sequence, length }) => {
    const where = Number.isNaN(sequence) ? '' : `${sequence}${length > 0 ? ` +${length}` : ''}`;
    return `${(time / 1e6).toFixed(6).padStart(12)}  ${eventKinds[kind].label.padEnd(10)}  ${where}`.trimEnd();
  });
  return lines.length === 0 ? 'no events\n' : `${lines.join('\n')}\n`;
}
