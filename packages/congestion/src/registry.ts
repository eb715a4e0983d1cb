import { invalidArgument } from '@prism-net/errors';
import { Bbr } from './bbr/bbr.js';
import type { CongestionControl } from './congestion-control.js';
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

/** Makes an algorithm known by `name`, in this thread only. @throws PosixError EINVAL if the name is empty or taken */
export function registerCongestionControl(name: string, factory: CongestionControlFactory): void {
  if (name === '') throw invalidArgument('registerCongestionControl', 'an algorithm needs a name');
  if (factories.has(name)) throw invalidArgument('registerCongestionControl', `there already is a '${name}'`);
  factories.set(name, factory);
}

/** An algorithm for one connection. @throws PosixError EINVAL that lists the names there are, for any other */
export function createCongestionControl(name: string): CongestionControl {
  const factory = factories.get(name);
  if (factory === undefined) {
    throw invalidArgument(
      'createCongestionControl',
      `there is no '${name}'; there are ${congestionControlNames().join(', ')}`,
    );
  }
  return factory();
}
