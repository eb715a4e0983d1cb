import type { Figures, LinkChoice } from '../scenario.js';
import type { BenchLab, Endpoint, Task } from './bench-lab.js';

export interface PairResult {
  readonly measured: Figures;
  /** What each end counted from its beginning to its end. */
  readonly client: Figures;
  readonly server: Figures;
  readonly text: readonly (string | undefined)[];
}

/** Conditions that peers of Prism stated, for the report: the mode really in force. */
export type Conditions = Record<string, string | number>;

/**
 * Starts the server, then the client; waits for what one of them measures; stops the client, then the server, so that
 * the server's counts are complete.
 */
export async function measurePair(
  lab: BenchLab,
  [server, serverTask]: readonly [Endpoint, Task],
  [client, clientTask]: readonly [Endpoint, Task],
  measuring: 'client' | 'server',
  conditions: Conditions = {},
): Promise<PairResult> {
  const serving = await lab.start(server, client, serverTask);
  const asking = await lab.start(client, server, clientTask);
  Object.assign(conditions, serving.conditions, asking.conditions);
  const { figures, text } = await (measuring === 'client' ? asking : serving).measured();
  const clientCounts = await asking.stop();
  const serverCounts = await serving.stop();
  return { measured: figures, client: clientCounts, server: serverCounts, text: [text] };
}

/** What every report over a link says. */
export function linkConditions({ name, query, mtu }: LinkChoice, conditions: Conditions): Conditions {
  return { link: query === '' ? name : `${name}?${query}`, mtu, ...conditions };
}
