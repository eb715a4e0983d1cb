import type { CableOptions } from '@prism-net/sim';
import type { ConnectionOptions, TcpSettings } from '@prism-net/tcp';
import type { ScenarioRun } from './scenario-run.js';

/** A transfer over a network with one property worth seeing. The sender is 10.0.0.1. */
export interface Scenario {
  readonly name: string;
  /** What there is to see: a line. */
  readonly summary: string;
  /** The cable between the two, from the sender's end; with a router, the one behind it. */
  readonly cable: CableOptions;
  /** Bytes the sender sends. */
  readonly bytes: number;
  /** Of both stacks. */
  readonly tcp?: Partial<TcpSettings>;
  readonly sender?: ConnectionOptions;
  /** Default: a receive buffer that is large and fixed. */
  readonly receiver?: ConnectionOptions;
  /** There is a router in between, and the path behind it carries packets of this size. */
  readonly routerMtu?: number;
  /** What happens on the way. */
  readonly script?: (run: ScenarioRun) => void;
}
