import { parseArgs } from 'node:util';

export interface DoctorOptions {
  /** The diagnosis as one JSON object. */
  readonly json: boolean;
  /** A native link that does not work is a failure. */
  readonly strict: boolean;
}

export type Arguments =
  | { readonly command: 'doctor'; readonly options: DoctorOptions }
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'error'; readonly message: string };

export const USAGE = `Usage: prism <command> [options]

  prism doctor     which links this machine can run and why not the others; passes frames through each, in a
                   network of its own, and lists the machine's interfaces (which it only reads)

  --json           the result as one JSON object
  --strict         exit code 1 when a native link does not work, or could not be tried
  --version        the version of prism
  --help           this text

Exit code 0: the links inside the process work; 1: not so, or see --strict; 2: wrong option.
`;

const COMMANDS = ['doctor'] as const;
const FLAGS = ['json', 'strict', 'version', 'help'] as const;
const SHORT: Readonly<Record<string, string>> = { '-h': '--help', '-v': '--version' };

/** Reads the command line (without program and script). Never throws and never prints. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { tokens } = parseArgs({
    args: argv.map((text) => (Object.hasOwn(SHORT, text) ? SHORT[text]! : text)),
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(FLAGS.map((name) => [name, { type: 'boolean' as const }])),
  });
  const given = new Set<string>();
  const commands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') commands.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    if (!FLAGS.some((flag) => flag === name)) {
      return error(`unknown option '${rawName}'; there are ${FLAGS.map((flag) => `--${flag}`).join(', ')}`);
    }
    if (value !== undefined) return error(`${rawName} takes no value, but got '${value}'`);
    given.add(name);
  }
  if (given.has('help')) return { command: 'help' };
  if (given.has('version')) return { command: 'version' };
  const [command, ...rest] = commands;
  if (command === undefined) return error(`name a command: ${COMMANDS.join(', ')}`);
  if (!COMMANDS.some((known) => known === command)) {
    return error(`unknown command '${command}'; there is ${COMMANDS.join(', ')}`);
  }
  if (rest.length > 0) return error(`unexpected argument '${rest[0]}'`);
  return { command: 'doctor', options: { json: given.has('json'), strict: given.has('strict') } };
}

function error(message: string): Arguments {
  return { command: 'error', message };
}
