import type { BenchLab, Endpoint, Task } from '../../lab/bench-lab.js';
import { endOf } from '../../lab/command-output.js';
import { type Contestant, compete } from '../../lab/contest.js';
import { iperf3Tcp, startIperf3Server } from '../../lab/iperf3.js';
import { overLink } from '../../lab/over-link.js';
import { type Conditions, measurePair } from '../../lab/pairing.js';
import type { RoleName } from '../../lab/peer-job.js';
import { toolVersion } from '../../lab/tools.js';

const WRITE = 8000;
const LARGE_WRITE = 65_536;
/** Of the run that checks what arrives, each way. */
const HASHED_BYTES = 256 << 20;

const SHARE_OF_CONTEST = 0.9;

type End = readonly [Endpoint, RoleName];

/** One stream; Prism to Prism over AF_XDP, Prism against the kernel in both directions over the others. */
export const tcpThroughputOverLink = overLink('tcp-throughput', async (lab, options, conditions) => {
  const version = toolVersion('iperf3');
  const hasIperf = version !== 'not installed';
  const node: readonly [End, End] = [
    [lab.kernel('client'), 'node-net-source'],
    [lab.kernel('server'), 'node-net-sink'],
  ];
  const isPair = options.link.name === 'xdp';
  const prism = isPair
    ? stream(lab, [lab.prism('client'), 'prism-tcp-source'], [lab.prism('server'), 'prism-tcp-sink'], WRITE, conditions)
    : bothWays(lab, hasIperf, conditions);
  const tap = options.link.name === 'tap';
  const result = await compete(
    {
      prism,
      baseline: stream(lab, ...node, WRITE),
      others: {
        'node:net, writes of 64 KiB': stream(lab, ...node, LARGE_WRITE),
        ...(hasIperf
          ? { 'iperf3, writes of 8,000 bytes': iperf3Tcp(lab, WRITE), 'iperf3, writes of 128 KiB': iperf3Tcp(lab) }
          : {}),
        ...(tap
          ? { 'Prism without super-segments': bothWays(lab, hasIperf, {}, { 'offloads.segmentation': 'false' }) }
          : {}),
      },
    },
    { runs: options.runs, seconds: options.seconds * SHARE_OF_CONTEST },
  );
  const hashedBytes = Math.round(HASHED_BYTES * Math.min(1, options.seconds / 20));
  await checkHashes(lab, isPair, hashedBytes);
  const kernelEnd = isPair ? 'none: Prism at both ends' : hasIperf ? 'iperf3' : 'node:net';
  Object.assign(conditions, {
    write: WRITE,
    kernelEnd,
    iperf3: version,
    hashedBytes,
    secondsPerRun: result.measuredSeconds,
  });
  const plain = result.others['Prism without super-segments']?.['gbitPerSecond'];
  const figures =
    plain === undefined
      ? result.figures
      : { ...result.figures, superSegmentSpeedUp: result.figures['gbitPerSecond']! / plain };
  return { ...result, figures, baselineName: `node:net at both ends of the same veth pair, writes of ${WRITE} bytes` };
});

function stream(lab: BenchLab, source: End, sink: End, payload: number, conditions?: Conditions): Contestant {
  return {
    parts: 1,
    measure: async (timing) => {
      const task = (role: RoleName): Task => ({ ...timing, role, payload });
      const ends = [[source[0], task(source[1])] as const, [sink[0], task(sink[1])] as const] as const;
      const { measured, server } = await measurePair(lab, ...ends, 'client', conditions);
      const { retransmitted } = server;
      return { ...measured, ...(retransmitted === undefined ? {} : { retransmitted }) };
    },
  };
}

/** To the kernel and from it, one after the other; the slower counts. */
function bothWays(
  lab: BenchLab,
  hasIperf: boolean,
  conditions: Conditions,
  link: Readonly<Record<string, string>> = {},
): Contestant {
  const prism = lab.prism('client', link);
  const kernel = lab.kernelOpposite('server');
  const ways: readonly [Contestant, Contestant] = hasIperf
    ? [againstIperf3(lab, prism, kernel, false, conditions), againstIperf3(lab, prism, kernel, true, conditions)]
    : [
        stream(lab, [prism, 'prism-tcp-source'], [kernel, 'node-net-sink'], WRITE, conditions),
        stream(lab, [kernel, 'node-net-source'], [prism, 'prism-tcp-sink'], LARGE_WRITE, conditions),
      ];
  const measure: Contestant['measure'] = async (timing) => {
    const to = await ways[0].measure(timing);
    const from = await ways[1].measure(timing);
    return {
      gbitPerSecond: Math.min(to['gbitPerSecond']!, from['gbitPerSecond']!),
      gbitPerSecondToKernel: to['gbitPerSecond']!,
      gbitPerSecondFromKernel: from['gbitPerSecond']!,
      retransmitted: to['retransmitted'] ?? 0,
    };
  };
  return { parts: 2, measure };
}

/** An iperf3 server is the kernel's end: Node's own would be the slower of the two. */
function againstIperf3(
  lab: BenchLab,
  prism: Endpoint,
  kernel: Endpoint,
  reverse: boolean,
  conditions: Conditions,
): Contestant {
  const measure: Contestant['measure'] = async (timing) => {
    const server = await startIperf3Server(lab, kernel);
    try {
      const client = await lab.start(prism, kernel, {
        ...timing,
        role: 'prism-iperf3-client',
        payload: WRITE,
        reverse,
      });
      Object.assign(conditions, client.conditions);
      const { figures } = await client.measured();
      return { ...figures, ...(await client.stop()) };
    } finally {
      await endOf(server);
    }
  };
  return { parts: 1, measure };
}

/** Noise, once each way: what arrives must be what was sent. @throws Error when it is not. */
async function checkHashes(lab: BenchLab, isPair: boolean, hashedBytes: number): Promise<void> {
  const prism = lab.prism('client');
  const [otherSource, otherSink]: [End, End] = isPair
    ? [
        [lab.prism('server'), 'prism-tcp-source'],
        [lab.prism('server'), 'prism-tcp-sink'],
      ]
    : [
        [lab.kernelOpposite('server'), 'node-net-source'],
        [lab.kernelOpposite('server'), 'node-net-sink'],
      ];
  const ways: [End, End][] = [
    [[prism, 'prism-tcp-source'], otherSink],
    [otherSource, [prism, 'prism-tcp-sink']],
  ];
  for (const [source, sink] of ways) {
    const task = (role: RoleName): Task => ({ role, payload: WRITE, hashedBytes, warmUpSeconds: 0, seconds: 60 });
    const sending = await lab.start(source[0], sink[0], task(source[1]));
    const receiving = await lab.start(sink[0], source[0], task(sink[1]));
    const [sent, received] = await Promise.all([sending.measured(), receiving.measured()]);
    await receiving.stop();
    await sending.stop();
    if (sent.text === received.text && received.figures['bytes'] === hashedBytes) continue;
    throw new Error(
      `${source[1]} to ${sink[1]}: ${received.figures['bytes']} bytes arrived with another hash than sent`,
    );
  }
}
