import type { BenchLab, Endpoint } from '../../lab/bench-lab.js';
import { type Contestant, compete } from '../../lab/contest.js';
import { iperf3Udp } from '../../lab/iperf3.js';
import { overLink } from '../../lab/over-link.js';
import { type Conditions, measurePair } from '../../lab/pairing.js';
import type { RoleName } from '../../lab/peer-job.js';
import { toolVersion } from '../../lab/tools.js';
import type { Figures } from '../../scenario.js';

const SMALL = 64;
const LARGE = 8900;

/** Datagrams in one direction, counted by the receiving application; the sender is held back by nothing but its link. */
export const udpThroughputOverLink = overLink('udp-throughput', async (lab, options, conditions) => {
  const version = toolVersion('iperf3');
  // IP and UDP headers: a datagram should not be cut up.
  const large = Math.min(LARGE, options.link.mtu - 28);
  const prismSource = [lab.prism('client'), 'prism-udp-source'] as const;
  const dgramSource = [lab.kernel('client'), 'node-dgram-source'] as const;
  const dgramSink = [lab.kernel('server'), 'node-dgram-sink'] as const;
  const prismSink =
    options.link.name === 'tap'
      ? ([lab.kernelOpposite('server'), 'node-dgram-sink'] as const)
      : ([lab.prism('server'), 'prism-udp-sink'] as const);
  const result = await compete(
    {
      prism: both(lab, prismSink, prismSource, large, conditions),
      baseline: both(lab, dgramSink, dgramSource, large),
      others: version === 'not installed' ? {} : { 'iperf3 --udp --bitrate 0': iperf3(lab, large) },
    },
    options,
  );
  const opposite = options.link.name === 'tap' ? "node:dgram in the kernel's namespace" : 'Prism';
  Object.assign(conditions, { largePayload: large, opposite, iperf3: version, secondsPerRun: result.measuredSeconds });
  return { ...result, baselineName: 'node:dgram at both ends of the same veth pair' };
});

type End = readonly [Endpoint, RoleName];

function both(lab: BenchLab, sink: End, source: End, large: number, conditions?: Conditions): Contestant {
  const measure: Contestant['measure'] = async (timing) => {
    const one = (payload: number) =>
      measurePair(
        lab,
        [sink[0], { ...timing, role: sink[1], payload }],
        [source[0], { ...timing, role: source[1], payload }],
        'server',
        conditions,
      );
    const small = await one(SMALL);
    const jumbo = await one(large);
    return {
      packetsPerSecond64: small.measured['packetsPerSecond']!,
      gbitPerSecond8900: jumbo.measured['gbitPerSecond']!,
      lostShare64: lostShare(small.client, small.server),
      lostShare8900: lostShare(jumbo.client, jumbo.server),
      ...counted(small.client, 'nativeCallsPerTransmittedBurst', 'packetsPerBurst', 'nativeCallsPerTransmittedPacket'),
      ...counted(small.server, 'nativeCallsPerReceivedPacket'),
    };
  };
  return { parts: 2, measure };
}

function lostShare(source: Figures, sink: Figures): number {
  return Math.max(0, 1 - sink['received']! / source['sent']!);
}

/** Those of the figures that this end has counted. */
function counted(figures: Figures, ...names: readonly string[]): Figures {
  return Object.fromEntries(
    names.filter((name) => Number.isFinite(figures[name])).map((name) => [name, figures[name]!]),
  );
}

function iperf3(lab: BenchLab, large: number): Contestant {
  const measure: Contestant['measure'] = async ({ seconds }) => ({
    packetsPerSecond64: (await iperf3Udp(lab, SMALL, seconds)).packetsPerSecond,
    gbitPerSecond8900: (await iperf3Udp(lab, large, seconds)).gbitPerSecond,
  });
  return { parts: 2, measure };
}
