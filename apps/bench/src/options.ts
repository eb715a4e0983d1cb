import { parseArgs } from 'node:util';
import { LINK_NAMES, type LinkChoice, type LinkName, type ScenarioOptions } from './scenario.js';

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CommandLine {
  readonly help: boolean;
  readonly json: boolean;
  readonly scenario: string | undefined;
  readonly options: ScenarioOptions;
  readonly link: LinkChoice | undefined;
}

export const OPTIONS_HELP = `  --link LINK     over a real link in a network lab: xdp, packet or tap, with options as in 'xdp?attach=generic'; needs root
  --mtu N         of the lab's cable, or the TAP (default 9000, 576 to 65535)
  --frames N      packet frames of Prism's link (default: the link's)
  --no-others     with --link: only Prism and the baseline
  --seconds N     about how long the scenario may take (default 20, with --link 45; at most 600)
  --runs N        repetitions the medians are taken over (default 7, with --link 5; at most 100)
  --connections N of tcp-connections (default 100000, at most 1048576)
  --json          the result as one JSON object on the last line
`;

const SECONDS = '20';
const RUNS = '7';
/** More contestants, and every measurement has processes of its own. */
const SECONDS_OVER_LINK = '45';
const RUNS_OVER_LINK = '5';

/** @throws UsageError */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  const [scenario, ...excess] = positionals;
  if (excess.length > 0) throw new UsageError(`one scenario at a time, not also '${excess.join(' ')}'`);
  const { connections, link: linkText } = values;
  if (connections !== undefined && scenario !== 'tcp-connections') {
    throw new UsageError('--connections is for tcp-connections');
  }
  if (linkText === undefined) {
    for (const name of ['mtu', 'frames', 'no-others'] as const) {
      if (values[name] !== undefined) throw new UsageError(`--${name} is for --link`);
    }
  }
  const seconds = values.seconds ?? (linkText === undefined ? SECONDS : SECONDS_OVER_LINK);
  const runs = values.runs ?? (linkText === undefined ? RUNS : RUNS_OVER_LINK);
  return {
    help: values.help,
    json: values.json,
    scenario,
    options: {
      seconds: numberOption('seconds', seconds, 0, 600, false),
      runs: numberOption('runs', runs, 1, 100, true),
      others: values['no-others'] !== true,
      ...(connections === undefined ? {} : { connections: numberOption('connections', connections, 1, 1 << 20, true) }),
    },
    link: linkText === undefined ? undefined : linkOption(linkText, values.mtu ?? '9000', values.frames),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        link: { type: 'string' },
        mtu: { type: 'string' },
        frames: { type: 'string' },
        'no-others': { type: 'boolean' },
        connections: { type: 'string' },
        seconds: { type: 'string' },
        runs: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    // The parser's first sentence names the option; the advice behind it is not ours.
    throw new UsageError((error as Error).message.split(/\n|\. /)[0]!);
  }
}

function linkOption(text: string, mtu: string, frames: string | undefined): LinkChoice {
  const at = text.indexOf('?');
  const name = at < 0 ? text : text.slice(0, at);
  if (!LINK_NAMES.includes(name as LinkName)) {
    throw new UsageError(`--link must be ${LINK_NAMES.join(', ')}, not '${name}'`);
  }
  return {
    name: name as LinkName,
    query: at < 0 ? '' : text.slice(at + 1),
    mtu: numberOption('mtu', mtu, 576, 65_535, true),
    ...(frames === undefined ? {} : { frames: numberOption('frames', frames, 64, 1 << 20, true) }),
  };
}

function numberOption(name: string, text: string, minimum: number, maximum: number, whole: boolean): number {
  const value = Number(text);
  const isInRange = value > 0 && value >= minimum && value <= maximum;
  if (text.trim() !== '' && isInRange && (!whole || Number.isInteger(value))) return value;
  const range = minimum > 1 ? `from ${minimum} to ${maximum}` : `above 0 and at most ${maximum}`;
  throw new UsageError(`--${name} must be a ${whole ? 'whole ' : ''}number ${range}, not '${text}'`);
}
