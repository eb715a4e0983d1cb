import type { BenchLab, Endpoint, Task } from '../../lab/bench-lab.js';
import { type Contestant, compete } from '../../lab/contest.js';
import { overLink } from '../../lab/over-link.js';
import { type Conditions, measurePair } from '../../lab/pairing.js';
import type { RoleName } from '../../lab/peer-job.js';

const PAYLOAD = 64;
const CONCURRENCY = 64;

/** Connect, 64 bytes, 64 bytes back, close; Prism against the kernel, with the same kernel's end as the contestant. */
export const tcpCyclesOverLink = overLink('tcp-cps', async (lab, options, conditions) => {
  const kernelServer = [lab.kernel('server'), 'node-cycle-server'] as const;
  const kernelClient = [lab.kernel('client'), 'node-cycle-client'] as const;
  const asClient = pair(
    lab,
    [lab.kernelOpposite('server'), 'node-cycle-server'],
    [lab.prism('client'), 'prism-cycle-client'],
    conditions,
  );
  const asServer = pair(
    lab,
    [lab.prism('server'), 'prism-cycle-server'],
    [lab.kernelOpposite('client'), 'node-cycle-client'],
    conditions,
  );
  const result = await compete(
    {
      prism: asClient,
      baseline: pair(lab, kernelServer, kernelClient),
      others: { 'Prism as the server, node:net as the client': asServer },
    },
    options,
  );
  Object.assign(conditions, { payload: PAYLOAD, inFlight: CONCURRENCY, secondsPerRun: result.measuredSeconds });
  return { ...result, baselineName: 'node:net at both ends of the same veth pair' };
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
