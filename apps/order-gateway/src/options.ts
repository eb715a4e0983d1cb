import { parseArgs } from 'node:util';
import { parseLinkSpecification } from '@prism-net/links';
import { parseIpv4Address, parseIpv4Prefix } from '@prism-net/wire';

/** Links the gateway and its load client can be joined by; all but the first need Linux and root. */
export const LINKS = ['memory', 'xdp', 'packet', 'tap'] as const;
export type LinkName = (typeof LINKS)[number];

/** UDP datagrams, TCP sessions (SoupBinTCP with OUCH), or both side by side. */
export const PORTS = ['both', 'datagram', 'session'] as const;
export type PortsName = (typeof PORTS)[number];

export interface Options {
  /** How long the load runs; `Infinity` with `--forever`. */
  readonly seconds: number;
  readonly seed: number;
  /** Orders per second on average; 0 = as fast as possible. */
  readonly ordersPerSecond: number;
  /** Orders that may wait for their answer at the same time. */
  readonly window: number;
  /** Which of the gateway's ports are open, and loaded. */
  readonly ports: PortsName;
  /** TCP port of the session port. */
  readonly sessionPort: number;
  /** As `window`, on the session port. */
  readonly sessionWindow: number;
  /** 'USER:PASSWORD' of the session port's account. */
  readonly account: string | undefined;
  readonly link: LinkName;
  /** Further options of the link as `openLink` takes them, 'attach=generic&busyPoll.budget=64'. */
  readonly linkOptions: string;
  /** Serve on this interface of the machine, without a load client. */
  readonly interface: string | undefined;
  /** The gateway's address there, with its prefix length. */
  readonly address: string | undefined;
  readonly router: string | undefined;
  /** Print the report as one JSON object. */
  readonly json: boolean;
  /** Largest quantity of one order, in whole units; 0 = no limit. */
  readonly maximumQuantity: number;
  /** Price collar around the last trade, in thousandths; 0 = none. */
  readonly collarPermille: number;
  /** Throw the kill switch after so many orders; 0 = never. */
  readonly killAfterOrders: number;
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: Options }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'error'; readonly message: string };

export const DEFAULT_OPTIONS: Options = {
  seconds: 15,
  seed: 1,
  ordersPerSecond: 0,
  window: 256,
  ports: 'both',
  sessionPort: 9001,
  sessionWindow: 64,
  account: undefined,
  link: 'memory',
  linkOptions: '',
  interface: undefined,
  address: undefined,
  router: undefined,
  json: false,
  maximumQuantity: 50_000,
  collarPermille: 50,
  killAfterOrders: 0,
};

/** A quantity in lots of 0.01 must be an int32. */
const LARGEST_QUANTITY = 21_474_836;
const LARGEST_INT32 = 2_147_483_647;

interface NumberOption {
  readonly field:
    | 'seconds'
    | 'seed'
    | 'ordersPerSecond'
    | 'window'
    | 'sessionPort'
    | 'sessionWindow'
    | 'maximumQuantity'
    | 'collarPermille'
    | 'killAfterOrders';
  readonly least: number;
  readonly most: number;
  readonly fraction?: true;
  readonly help: string;
}

const NUMBERS: Readonly<Record<string, NumberOption>> = {
  seconds: { field: 'seconds', least: 0.1, most: 1_000_000, fraction: true, help: 'how long the load runs' },
  seed: { field: 'seed', least: 0, most: 4_294_967_295, help: 'seed of the order flow: same seed, same orders' },
  rate: {
    field: 'ordersPerSecond',
    least: 0,
    most: 100_000_000,
    help: 'orders per second and port, the average of the day; 0 = unlimited',
  },
  window: { field: 'window', least: 1, most: 65_536, help: 'orders that may wait for their answer at the same time' },
  'session-port': { field: 'sessionPort', least: 1, most: 65_535, help: 'TCP port of the sessions' },
  'session-window': {
    field: 'sessionWindow',
    least: 1,
    most: 65_536,
    help: 'as --window, for the session',
  },
  'max-quantity': {
    field: 'maximumQuantity',
    least: 0,
    most: LARGEST_QUANTITY,
    help: 'risk: largest quantity of one order; 0 = no limit',
  },
  'collar-permille': {
    field: 'collarPermille',
    least: 0,
    most: 1_000_000,
    help: 'risk: price collar around the last trade, in thousandths; 0 = none',
  },
  'kill-after': {
    field: 'killAfterOrders',
    least: 0,
    most: LARGEST_INT32,
    help: 'risk: throw the kill switch after so many orders; 0 = never',
  },
};

interface TextOption {
  readonly field: 'interface' | 'address' | 'router' | 'account';
  readonly is: string;
  readonly help: string;
  /** Throws when the text is no such thing. */
  readonly check: (text: string) => unknown;
}

const TEXTS: Readonly<Record<string, TextOption>> = {
  interface: {
    field: 'interface',
    is: 'the name of an interface',
    help: 'serve on this interface of the machine until stopped, without a load client',
    check: (text) => parseLinkSpecification(`packet:${text}`),
  },
  address: {
    field: 'address',
    is: 'an address with its prefix length, A.B.C.D/N',
    help: "with --interface: the gateway's own address there, A.B.C.D/N",
    check: parseIpv4Prefix,
  },
  router: {
    field: 'router',
    is: 'an address, A.B.C.D',
    help: 'with --interface: the way to other networks',
    check: parseIpv4Address,
  },
  account: {
    field: 'account',
    is: 'USER:PASSWORD, letters and digits, at most 6 and 10',
    help: 'with --interface: who may log in to the session port, USER:PASSWORD',
    check: requireAccount,
  },
};

function requireAccount(text: string): void {
  if (!/^[0-9A-Za-z]{1,6}:[0-9A-Za-z]{1,10}$/.test(text)) throw new Error('not an account');
}

/** What only a load client has a use for. */
const LOAD_OPTIONS = ['seed', 'rate', 'session-window'];

const FLAGS: Readonly<Record<string, string>> = {
  forever: 'run until Ctrl-C',
  json: 'print the report as one JSON object',
  help: 'this text',
};

const ALL_NAMES = [...Object.keys(NUMBERS), 'ports', 'link', ...Object.keys(TEXTS), ...Object.keys(FLAGS)];

/** Reads the command line (without program and script). Never throws and never prints. */
export function parseOptions(argv: readonly string[]): ParsedOptions {
  // Not strict: the parser's own messages speak of its interface, ours of the option.
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: {
      ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: 'string' as const }])),
      ...Object.fromEntries(Object.keys(FLAGS).map((name) => [name, { type: 'boolean' as const }])),
      ...Object.fromEntries(
        ['ports', 'link', ...Object.keys(TEXTS)].map((name) => [name, { type: 'string' as const }]),
      ),
    },
  });
  const options: { -readonly [Field in keyof Options]: Options[Field] } = { ...DEFAULT_OPTIONS };
  const given = new Set<string>();
  for (const token of tokens) {
    if (token.kind === 'positional') return error(`unexpected argument '${token.value}'`);
    if (token.kind === 'option-terminator') continue;
    const { name, rawName, value } = token;
    if (given.has(name)) return error(`${rawName} is given twice`);
    given.add(name);
    const number = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
    if (number !== undefined) {
      const wanted = `${number.fraction ? 'a number' : 'a whole number'} from ${number.least} to ${number.most}`;
      if (value === undefined) return error(`${rawName} needs ${wanted}`);
      const parsed = (number.fraction ? /^\d+(\.\d+)?$/ : /^\d+$/).test(value) ? Number(value) : Number.NaN;
      if (!(parsed >= number.least && parsed <= number.most)) {
        return error(`${rawName} needs ${wanted}, not '${value}'`);
      }
      options[number.field] = parsed;
    } else if (name === 'ports') {
      const ports = PORTS.find((known) => known === value);
      if (ports === undefined) return error(`${rawName} needs one of ${PORTS.join(', ')}`);
      options.ports = ports;
    } else if (name === 'link') {
      const wrong = readLink(options, value);
      if (wrong !== undefined) return error(`${rawName} ${wrong}`);
    } else if (Object.hasOwn(TEXTS, name)) {
      const text = TEXTS[name]!;
      if (value === undefined || !isValid(text, value)) {
        return error(`${rawName} needs ${text.is}${value === undefined ? '' : `, not '${value}'`}`);
      }
      options[text.field] = value;
    } else if (!Object.hasOwn(FLAGS, name)) {
      return error(`unknown option '${rawName}'; there are ${ALL_NAMES.map((known) => `--${known}`).join(', ')}`);
    } else if (value !== undefined) {
      return error(`${rawName} takes no value, but got '${value}'`);
    }
  }
  if (given.has('help')) return { kind: 'help', text: helpText() };
  if (given.has('forever')) {
    if (given.has('seconds')) return error('--seconds and --forever contradict each other');
    options.seconds = Number.POSITIVE_INFINITY;
  }
  const wrong = contradiction(options, given);
  if (wrong !== undefined) return error(wrong);
  if (options.interface !== undefined && !given.has('seconds')) options.seconds = Number.POSITIVE_INFINITY;
  options.json = given.has('json');
  return { kind: 'run', options };
}

/** Reads 'xdp' or 'xdp?attach=generic'. Returns what is wrong with it. */
function readLink(options: { link: LinkName; linkOptions: string }, value: string | undefined): string | undefined {
  if (value === undefined) return `needs the name of a link: ${LINKS.join(', ')}`;
  const [name = '', ...rest] = value.split('?');
  const link = LINKS.find((known) => known === name);
  if (link === undefined) return `'${value}' is not available; this version has: ${LINKS.join(', ')}`;
  options.link = link;
  options.linkOptions = rest.join('?');
  if (options.linkOptions === '') return undefined;
  if (link === 'memory') return `'${value}': the memory link has no options`;
  try {
    parseLinkSpecification(`${link}:any?${options.linkOptions}`);
    return undefined;
  } catch (wrong) {
    return `'${value}': ${(wrong as { detail: string }).detail}`;
  }
}

function isValid(option: TextOption, text: string): boolean {
  try {
    option.check(text);
    return true;
  } catch {
    return false;
  }
}

/** What only one of the ports has a use for, by the choice of `--ports` that closes it. */
const PORT_OPTIONS: Readonly<Partial<Record<PortsName, readonly string[]>>> = {
  datagram: ['session-port', 'session-window', 'account'],
  session: ['window'],
};

function contradiction(options: Options, given: ReadonlySet<string>): string | undefined {
  const closed = PORT_OPTIONS[options.ports]?.find((name) => given.has(name));
  if (closed !== undefined) {
    const port = options.ports === 'datagram' ? 'session' : 'datagram';
    return `--${closed} is for the ${port} port, which --ports ${options.ports} leaves closed`;
  }
  if (options.interface === undefined) {
    const lost = ['address', 'router', 'account'].find((name) => given.has(name));
    return lost === undefined ? undefined : `--${lost} is for --interface, which is not given`;
  }
  if (options.link === 'memory') return '--interface needs a link that has one: --link xdp, packet or tap';
  if (options.address === undefined) return '--interface needs --address A.B.C.D/N, the address of the gateway there';
  if (options.ports === 'session' && options.account === undefined)
    return '--ports session on an interface needs --account USER:PASSWORD';
  const lost = LOAD_OPTIONS.find((name) => given.has(name));
  return lost === undefined ? undefined : `--${lost} is for the load client, which does not run with --interface`;
}

/** One line whatever was typed: control characters in it are shown by their code. */
function error(message: string): ParsedOptions {
  const printable = [...message].map((letter) => (letter < ' ' || letter === '\x7f' ? escaped(letter) : letter));
  return { kind: 'error', message: printable.join('') };
}

function escaped(letter: string): string {
  return `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function helpText(): string {
  const entries: [string, string][] = [];
  for (const [name, option] of Object.entries(NUMBERS)) {
    entries.push([`--${name} N`, `${option.help} (default ${DEFAULT_OPTIONS[option.field]})`]);
  }
  entries.push([
    '--link NAME[?OPTION=VALUE…]',
    `what joins gateway and load client: ${LINKS.join(', ')} (default ${DEFAULT_OPTIONS.link})`,
  ]);
  entries.push([
    '--ports NAME',
    `${PORTS.join(', ')}: UDP datagrams, TCP sessions (OUCH 5.0) (default ${DEFAULT_OPTIONS.ports})`,
  ]);
  for (const [name, { help }] of Object.entries(TEXTS)) entries.push([`--${name} TEXT`, help]);
  for (const [name, help] of Object.entries(FLAGS)) entries.push([`--${name}`, help]);
  const column = Math.max(...entries.map(([usage]) => usage.length)) + 3;
  return [
    'An order gateway and its load client, each a Prism stack in a thread of its own.',
    '',
    'Usage: npm start -- [options]',
    '',
    ...entries.map(([usage, help]) => `  ${usage.padEnd(column)}${help}`),
    '',
    'All links but memory need Linux and root: they make a network of their own, which goes with them.',
    'Ctrl-C ends the run with the same report. Exit code 0: every order was answered exactly once; 1: not; 2: wrong option.',
    '',
  ].join('\n');
}
