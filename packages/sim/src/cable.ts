import { Errno, posixError } from '@prism-net/errors';
import { Line, type LineContext } from './line.js';
import type { LineOptions } from './line-options.js';
import type { Jack } from './port.js';

/** Both directions of a cable, and what is different in either. */
export interface CableOptions extends LineOptions {
  /** From the first end to the second. */
  readonly forward?: LineOptions;
  /** From the second end to the first. */
  readonly backward?: LineOptions;
}

/** A cable between two jacks: a line each way. */
export class Cable {
  readonly name: string;
  readonly forward: Line;
  readonly backward: Line;
  readonly ends: readonly [Jack, Jack];

  /** @throws PosixError EADDRINUSE when a jack is taken, EINVAL when an option is out of range. */
  constructor(context: LineContext, a: Jack, b: Jack, seeds: readonly [number, number], options: CableOptions) {
    const taken = a.line !== null ? a : b.line !== null ? b : undefined;
    if (taken !== undefined) throw posixError(Errno.EADDRINUSE, 'connect', `${taken.name} has a cable already`);
    const { forward, backward, ...both } = options;
    this.name = `${a.name}—${b.name}`;
    this.ends = [a, b];
    this.forward = new Line(`${a.name}→${b.name}`, context, b, seeds[0], { ...both, ...forward });
    this.backward = new Line(`${b.name}→${a.name}`, context, a, seeds[1], { ...both, ...backward });
    a.line = this.forward;
    b.line = this.backward;
  }

  /** Changes what is named, while the simulation runs. @throws PosixError EINVAL. */
  change(options: CableOptions): void {
    const { forward, backward, ...both } = options;
    this.forward.change({ ...both, ...forward });
    this.backward.change({ ...both, ...backward });
  }

  /** Pulls the cable out, or plugs it in again. */
  setUp(isUp: boolean): void {
    this.change({ isUp });
  }
}
