import type { BenchLab, Endpoint, Task } from '../../lab/bench-lab.js';
import { type Contestant, compete } from '../../lab/contest.js';
import { overLink } from '../../lab/over-link.js';
import { type Conditions, measurePair } from '../../lab/pairing.js';
import type { RoleName } from '../../lab/peer-job.js';

const PAYLOAD = 64;
const CONCURRENCY = 64;

/**
 * Connect, 64 bytes, 64 bytes back, close. The contestants are the clients; their other end is the kernel's, the same
 * program for both. It closes first, so that clients never wait for a port; TIME-WAIT ends at once in the lab, since the
 * clients of one run know nothing of those before, whose ports they take again.
 */
export const tcpCyclesOverLink = overLink('tcp-cps', async (lab, options, conditions) => {
  const prismServer = [lab.kernelOpposite('server'), 'kernel-cycle-server'] as const;
  const kernelServer = [lab.kernel('server'), 'kernel-cycle-server'] as const;
  const kernelClient = [lab.kernel('client'), 'node-cycle-client'] as const;
  for (const [{ namespace }] of [prismServer, kernelServer, kernelClient]) lab.forgetTimeWait(namespace);
  const result = await compete(
    {
      prism: pair(lab, prismServer, [lab.prism('client'), 'prism-cycle-client'], conditions),
      baseline: pair(lab, kernelServer, kernelClient),
    },
    options,
  );
  Object.assign(conditions, { payload: PAYLOAD, inFlight: CONCURRENCY, secondsPerRun: result.measuredSeconds });
  return { ...result, baselineName: 'node:net as the client, over the veth pair; the same kernel server' };
});

function pair(
  lab: BenchLab,
  [server, serverRole]: readonly [Endpoint, RoleName],
  [client, clientRole]: readonly [Endpoint, RoleName],
  conditions?: Conditions,
): Contestant {
  return {
    parts: 1,
    measure: async (timing) => {
      const task = (role: RoleName): Task => ({ ...timing, role, payload: PAYLOAD, concurrency: CONCURRENCY });
      const ends = [[server, task(serverRole)] as const, [client, task(clientRole)] as const] as const;
      const result = await measurePair(lab, ...ends, 'client', conditions);
      const { cycles, failed } = result.client;
      return { ...result.measured, failedShare: failed! / Math.max(1, cycles!) };
    },
  };
}
