import { invalidArgument, type PosixError } from '@prism-net/errors';
import { Bbr } from './bbr/bbr.js';
import { type CongestionControl, type CongestionTraits, NO_TRAITS } from './congestion-control.js';
import { Cubic } from './cubic.js';
import { Dctcp } from './dctcp.js';
import { NewReno } from './new-reno.js';

/** Makes the state of one connection. */
export type CongestionControlFactory = () => CongestionControl;

const factories = new Map<string, CongestionControlFactory>([
  ['newreno', () => new NewReno()],
  ['cubic', () => new Cubic()],
  ['dctcp', () => new Dctcp()],
  ['bbr', () => new Bbr()],
]);

/** The names {@link createCongestionControl} knows, in the order of their registration. */
export function congestionControlNames(): readonly string[] {
  return [...factories.keys()];
}

/**
 * Makes an algorithm known by `name`, in this thread only. The factory is called once to see what it makes.
 * @throws PosixError EINVAL if the name is empty or taken, or something is missing of what it makes; what the factory throws
 */
export function registerCongestionControl(name: string, factory: CongestionControlFactory): void {
  const refuse = (why: string) => invalidArgument('registerCongestionControl', why);
  if (typeof name !== 'string' || name === '') throw refuse('an algorithm needs a name');
  if (factories.has(name)) throw refuse(`there already is a '${name}'`);
  if (typeof factory !== 'function') throw refuse(`'${name}' needs a function that makes one object per connection`);
  const checked = () => {
    const control = factory();
    const missing = missingMember(control);
    if (missing !== null) throw refuse(`'${name}' has no ${missing}`);
    return control;
  };
  checked();
  factories.set(name, checked);
}

const METHODS = [
  'start',
  'onSent',
  'onAcknowledgement',
  'onCongestion',
  'onRecovered',
  'onTimeout',
  'onUndo',
  'onIdle',
  'describe',
] as const satisfies readonly (keyof CongestionControl)[];

/** What a user's object lacks, which only TypeScript would have said; null: nothing. */
function missingMember(control: Partial<CongestionControl> | undefined): string | null {
  if (typeof control !== 'object' || control === null) return 'object: its function returns nothing';
  if (typeof control.name !== 'string') return 'name';
  for (const trait of Object.keys(NO_TRAITS) as (keyof CongestionTraits)[]) {
    if (typeof control.traits?.[trait] !== 'boolean') return `traits.${trait} (NO_TRAITS has all)`;
  }
  for (const method of METHODS) if (typeof control[method] !== 'function') return `method ${method}`;
  if (!['function', 'undefined'].includes(typeof control.exchange)) return 'method exchange, but something else';
  return null;
}

/**
 * An algorithm for one connection.
 * @throws PosixError EINVAL that lists the names there are, for any other; for a user's as {@link registerCongestionControl}
 */
export function createCongestionControl(name: string): CongestionControl {
  const factory = factories.get(name);
  if (factory === undefined) throw unknownName('createCongestionControl', '', name);
  return factory();
}

/** Checks the option `congestionControl` of the call that a user made. @throws PosixError EINVAL as {@link createCongestionControl} */
export function requireCongestionControl(syscall: string, name: string, prefix = ''): void {
  if (!factories.has(name)) throw unknownName(syscall, `${prefix}congestionControl: `, name);
}

function unknownName(syscall: string, option: string, name: unknown): PosixError {
  const names = congestionControlNames().join(', ');
  return invalidArgument(syscall, `${option}there is no '${String(name)}'; there are ${names}`);
}
