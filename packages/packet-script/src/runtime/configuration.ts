import { type Ipv4Prefix, parseIpv4Prefix } from '@prism-net/wire';
import type { HeaderOption, Script } from '../language/syntax.js';
import { Unsupported } from '../values/unsupported.js';

/** What the `--name=value` lines of a script, or the command line, say. Times in microseconds. */
export interface Configuration {
  local: Ipv4Prefix;
  remote: number;
  /** Port a socket binds to where the script leaves it open, and the peer's where it connects. */
  bindPort: number;
  connectPort: number;
  mtu: number;
  /** What an event may be early or late; a share of the time since the event before, in percent, where that is more. */
  tolerance: number;
  tolerancePercent: number;
  /** Microseconds of a tick of the timestamp clock; 0: values of timestamps are not compared. */
  timestampTick: number;
  interpolateTimestamps: boolean;
  /** An expected packet must leave as one, not as several that make it up. */
  strictSegments: boolean;
  defines: Map<string, string>;
}

export interface ConfigurationError {
  readonly line: number;
  readonly reason: string;
}

const DEFAULT_NETWORK = '192.168.0.1/16';
const DEFAULT_REMOTE = '192.0.2.1/24';
const PORT = 8080;

/** Options about how packetdrill itself runs; nothing of that exists here. (`dry_run` is the caller's to obey.) */
// biome-ignore format: a table
const WITHOUT_MEANING = new Set([
  'speed', 'init_scripts', 'code_command', 'code_format', 'code_sockopt', 'verbose', 'debug', 'send_omit_free',
  'gateway_ip', 'netmask_ip', 'persistent_tun_dev', 'dry_run',
]);

export function defaultConfiguration(): Configuration {
  return {
    local: parseIpv4Prefix(DEFAULT_NETWORK),
    remote: parseIpv4Prefix(DEFAULT_REMOTE).address,
    bindPort: PORT,
    connectPort: PORT,
    mtu: 1500,
    tolerance: 4000,
    tolerancePercent: 0,
    timestampTick: 0,
    interpolateTimestamps: false,
    strictSegments: false,
    defines: new Map(),
  };
}

/** Options in the order given, later ones on top. @throws Unsupported with the option's name */
export function applyOptions(configuration: Configuration, options: readonly HeaderOption[]): void {
  for (const { name, value } of options) applyOption(configuration, name, value);
  const netmask = options.findLast(({ name }) => name === 'netmask_ip')?.value;
  if (netmask !== undefined && netmask !== null) {
    const prefixLength = prefixLengthOf(netmask);
    configuration.local = { ...configuration.local, prefixLength };
  }
}

/** The options of a script that the host cannot have; null: all are understood. */
export function checkOptions(script: Script): ConfigurationError | null {
  for (const option of script.options) {
    try {
      applyOption(defaultConfiguration(), option.name, option.value);
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      return { line: option.line, reason: error.message };
    }
  }
  return null;
}

function applyOption(configuration: Configuration, name: string, value: string | null): void {
  switch (name) {
    case 'ip_version':
      if (value !== 'ipv4') throw new Unsupported(`option --ip_version=${value}`);
      return;
    case 'local_ip':
      configuration.local = prefix(name, value, configuration.local.prefixLength);
      return;
    case 'remote_ip':
      configuration.remote = prefix(name, value, 24).address;
      return;
    case 'bind_port':
      configuration.bindPort = number(name, value, 1, 65_535);
      return;
    case 'connect_port':
      configuration.connectPort = number(name, value, 1, 65_535);
      return;
    case 'mtu':
      configuration.mtu = number(name, value, 68, 65_535);
      return;
    case 'mss':
      // Bytes of data in a segment without options.
      configuration.mtu = number(name, value, 28, 65_495) + 40;
      return;
    case 'tolerance':
    case 'tolerance_usecs':
      configuration.tolerance = number(name, value, 0, 1e9);
      return;
    case 'tolerance_percent':
      configuration.tolerancePercent = number(name, value, 0, 1000);
      return;
    case 'tcp_ts_tick_usecs':
      configuration.timestampTick = number(name, value, 0, 1e9);
      return;
    case 'tcp_ts_ecr_scaled':
      configuration.interpolateTimestamps = true;
      return;
    case 'strict_segments':
      configuration.strictSegments = true;
      return;
    case 'define':
      addDefine(configuration.defines, value ?? '');
      return;
    default:
      if (!WITHOUT_MEANING.has(name)) throw new Unsupported(`option --${name}`);
  }
}

export function addDefine(defines: Map<string, string>, text: string): void {
  const equals = text.indexOf('=');
  if (equals > 0) defines.set(text.slice(0, equals), text.slice(equals + 1));
}

function prefix(name: string, value: string | null, prefixLength: number): Ipv4Prefix {
  const text = value ?? '';
  try {
    return parseIpv4Prefix(text.includes('/') ? text : `${text}/${prefixLength}`);
  } catch {
    throw new Unsupported(`option --${name}=${text}`);
  }
}

function prefixLengthOf(netmask: string): number {
  const bits = prefix('netmask_ip', netmask, 32).address;
  return 32 - Math.round(Math.log2(-bits >>> 0 || 1));
}

function number(name: string, value: string | null, minimum: number, maximum: number): number {
  const result = Number(value ?? Number.NaN);
  if (result >= minimum && result <= maximum) return result;
  throw new Unsupported(`option --${name}=${value ?? ''}`);
}
