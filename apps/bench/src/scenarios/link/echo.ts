import type { BenchLab, Endpoint, Task } from '../../lab/bench-lab.js';
import { type Contestant, compete } from '../../lab/contest.js';
import { overLink } from '../../lab/over-link.js';
import { type Conditions, measurePair } from '../../lab/pairing.js';
import type { RoleName } from '../../lab/peer-job.js';
import { sockperf } from '../../lab/sockperf.js';
import { toolVersion } from '../../lab/tools.js';
import type { RunOverLink } from '../../scenario.js';

const PAYLOAD = 64;

interface EchoRoles {
  readonly protocol: 'udp' | 'tcp';
  readonly module: 'dgram' | 'net';
  readonly prism: { readonly client: RoleName; readonly server: RoleName };
  readonly node: { readonly client: RoleName; readonly server: RoleName };
}

/** A question of 64 bytes and its answer, one at a time. */
function echo({ protocol, module, prism, node }: EchoRoles): RunOverLink {
  return overLink(`${protocol}-echo`, async (lab, options, conditions) => {
    const version = toolVersion('sockperf');
    const spinning = pair(lab, [lab.kernel('server'), node.server], [lab.kernel('client'), node.client], true);
    const result = await compete(
      {
        prism: prismPair(lab, prism, node.server, conditions),
        baseline: pair(lab, [lab.kernel('server'), node.server], [lab.kernel('client'), node.client], false),
        others: {
          [`node:${module} spinning at both ends (setImmediate)`]: spinning,
          ...(version === 'not installed'
            ? {}
            : { 'sockperf ping-pong --nonblocked': sockperf(lab, protocol, PAYLOAD) }),
        },
      },
      options,
    );
    const opposite = options.link.name === 'tap' ? `node:${module} in the kernel's namespace` : 'Prism';
    Object.assign(conditions, { payload: PAYLOAD, opposite, sockperf: version, secondsPerRun: result.measuredSeconds });
    return { ...result, baselineName: `node:${module} at both ends of the same veth pair` };
  });
}

function prismPair(
  lab: BenchLab,
  roles: EchoRoles['prism'],
  kernelServer: RoleName,
  conditions: Conditions,
): Contestant {
  const client = [lab.prism('client'), roles.client] as const;
  // A TAP leads to the kernel: Prism can be one end only.
  if (lab.choice.name !== 'tap') return pair(lab, [lab.prism('server'), roles.server], client, false, conditions);
  return pair(lab, [lab.kernelOpposite('server'), kernelServer], client, false, conditions);
}

function pair(
  lab: BenchLab,
  [server, serverRole]: readonly [Endpoint, RoleName],
  [client, clientRole]: readonly [Endpoint, RoleName],
  spin: boolean,
  conditions?: Conditions,
): Contestant {
  return {
    parts: 1,
    measure: async (timing) => {
      const task = (role: RoleName): Task => ({ ...timing, role, payload: PAYLOAD, spin });
      const ends = [[server, task(serverRole)] as const, [client, task(clientRole)] as const] as const;
      return (await measurePair(lab, ...ends, 'client', conditions)).measured;
    },
  };
}

export const udpEchoOverLink = echo({
  protocol: 'udp',
  module: 'dgram',
  prism: { client: 'prism-udp-echo-client', server: 'prism-udp-echo-server' },
  node: { client: 'node-dgram-echo-client', server: 'node-dgram-echo-server' },
});

export const tcpEchoOverLink = echo({
  protocol: 'tcp',
  module: 'net',
  prism: { client: 'prism-tcp-echo-client', server: 'prism-tcp-echo-server' },
  node: { client: 'node-net-echo-client', server: 'node-net-echo-server' },
});
