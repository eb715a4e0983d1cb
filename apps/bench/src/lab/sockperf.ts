import type { Figures } from '../scenario.js';
import type { BenchLab } from './bench-lab.js';
import { endOf, outputOf } from './command-output.js';
import type { Contestant } from './contest.js';
import { sleep } from './peer-channel.js';
import { PORT } from './peer-job.js';

const PERCENTILES = {
  roundTripP50Us: '50.000',
  roundTripP99Us: '99.000',
  roundTripP999Us: '99.900',
} as const;

/** sockperf's ping-pong in C over the kernel's sockets, which neither end ever sleeps in. */
export function sockperf(lab: BenchLab, protocol: 'udp' | 'tcp', payload: number): Contestant {
  const target = ['--ip', lab.kernel('server').address, '--port', String(PORT)];
  const common = [...target, ...(protocol === 'tcp' ? ['--tcp'] : []), '--nonblocked'];
  const measure: Contestant['measure'] = async ({ seconds }) => {
    const server = lab.command(lab.kernel('server'), ['sockperf', 'server', ...common]);
    await sleep(0.2);
    // Half a second of its time is warm-up of its own.
    const time = ['--time', String(Math.max(1, Math.round(seconds)))];
    const more = ['--msg-size', String(payload), '--full-rtt'];
    try {
      const printed = await outputOf(
        lab.command(lab.kernel('client'), ['sockperf', 'ping-pong', ...common, ...time, ...more]),
      );
      return readPercentiles(printed);
    } finally {
      await endOf(server);
    }
  };
  return { parts: 1, measure };
}

/** @throws Error when it printed something else. */
export function readPercentiles(printed: string): Figures {
  const figures: Record<string, number> = {};
  for (const [figure, percentile] of Object.entries(PERCENTILES)) {
    const match = new RegExp(`percentile ${percentile.replace('.', '\\.')} *= *([\\d.]+)`).exec(printed);
    if (match === null) throw new Error(`sockperf printed no percentile ${percentile}: ${printed.trim().slice(-200)}`);
    figures[figure] = Number(match[1]);
  }
  return figures;
}
