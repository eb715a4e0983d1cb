import type { BenchLab, Endpoint, Task } from '../../lab/bench-lab.js';
import { endOf } from '../../lab/command-output.js';
import { type Contestant, compete } from '../../lab/contest.js';
import { iperf3Tcp, startIperf3Server } from '../../lab/iperf3.js';
import { overLink } from '../../lab/over-link.js';
import { type Conditions, measurePair } from '../../lab/pairing.js';
import type { RoleName } from '../../lab/peer-job.js';
import { toolVersion } from '../../lab/tools.js';
import type { Figures } from '../../scenario.js';

const WRITE = 8000;
const LARGE_WRITE = 65_536;
/** Writes that `node:net` hands to the kernel together: what is fastest for it, if the application can wait so long. */
const CORKED = 32;
/** Of the run that checks what arrives, each way. */
const HASHED_BYTES = 256 << 20;

const WITH_OFFLOADS = 'Prism to the kernel, MTU 1,500';
const WITHOUT_OFFLOADS = 'Prism to the kernel, MTU 1,500, without offloads';
const SHARE_OF_CONTEST = 0.9;

type End = readonly [Endpoint, RoleName];

/** One stream; Prism to Prism over AF_XDP, Prism against the kernel in both directions over the others. */
export const tcpThroughputOverLink = overLink('tcp-throughput', async (lab, options, conditions) => {
  const version = toolVersion('iperf3');
  const hasIperf = version !== 'not installed';
  const { name } = options.link;
  const isPair = name === 'xdp';
  const source: End = [lab.kernel('client'), 'node-net-source'];
  const sink: End = [lab.kernel('server'), 'node-net-sink'];
  const result = await compete(
    {
      prism: isPair
        ? stream(lab, [lab.prism('client'), 'prism-tcp-source'], [lab.prism('server'), 'prism-tcp-sink'], conditions)
        : bothWays(lab, hasIperf, conditions),
      baseline: stream(lab, source, sink),
      others: {
        [`node:net, ${CORKED} writes at a time corked`]: stream(lab, source, sink, {}, { corked: CORKED }),
        'node:net, writes of 64 KiB': stream(lab, source, sink, {}, { payload: LARGE_WRITE }),
        ...(hasIperf ? iperf3AtBothEnds(lab) : {}),
        ...(name === 'tap' ? superSegments(lab, hasIperf) : {}),
      },
    },
    { ...options, seconds: options.seconds * SHARE_OF_CONTEST },
  );
  const hashedBytes = Math.round(HASHED_BYTES * Math.min(1, options.seconds / 20));
  await checkHashes(lab, isPair, hashedBytes);
  const kernelEnd = isPair ? 'none: Prism at both ends' : hasIperf ? 'iperf3' : 'node:net';
  const { measuredSeconds } = result;
  Object.assign(conditions, { write: WRITE, kernelEnd, iperf3: version, hashedBytes, secondsPerRun: measuredSeconds });
  return {
    ...result,
    figures: { ...result.figures, ...superSegmentSpeedUp(result.others) },
    baselineName: `node:net at both ends of the same veth pair, writes of ${WRITE} bytes`,
  };
});

function iperf3AtBothEnds(lab: BenchLab): Record<string, Contestant> {
  return { 'iperf3, writes of 8,000 bytes': iperf3Tcp(lab, WRITE), 'iperf3, writes of 128 KiB': iperf3Tcp(lab) };
}

/** To the kernel at the ordinary MTU, with everything that the TAP offers and as single frames. */
function superSegments(lab: BenchLab, hasIperf: boolean): Record<string, Contestant> {
  const plain = { mtu: 1500, 'offloads.checksum': 'false', 'offloads.segmentation': 'false' };
  return {
    [WITH_OFFLOADS]: toKernel(lab, hasIperf, {}, { mtu: 1500 }),
    [WITHOUT_OFFLOADS]: toKernel(lab, hasIperf, {}, plain),
  };
}

function superSegmentSpeedUp(others: Readonly<Record<string, Figures>>): Figures {
  const whole = others[WITH_OFFLOADS]?.['gbitPerSecond'];
  const cut = others[WITHOUT_OFFLOADS]?.['gbitPerSecond'];
  return whole === undefined || cut === undefined ? {} : { superSegmentSpeedUp: whole / cut };
}

function stream(
  lab: BenchLab,
  [source, sourceRole]: End,
  [sink, sinkRole]: End,
  conditions: Conditions = {},
  more: Partial<Task> = {},
): Contestant {
  return {
    parts: 1,
    measure: async (timing) => {
      const task = (role: RoleName): Task => ({ ...timing, role, payload: WRITE, ...more });
      const ends = [[source, task(sourceRole)] as const, [sink, task(sinkRole)] as const] as const;
      const { measured, server } = await measurePair(lab, ...ends, 'client', conditions);
      const { retransmitted } = server;
      return { ...measured, ...(retransmitted === undefined ? {} : { retransmitted }) };
    },
  };
}

type Options = Readonly<Record<string, string | number>>;

/** To the kernel and from it, one after the other; the slower counts. */
function bothWays(lab: BenchLab, hasIperf: boolean, conditions: Conditions): Contestant {
  const ways = [toKernel(lab, hasIperf, conditions), fromKernel(lab, hasIperf, conditions)] as const;
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

function toKernel(lab: BenchLab, hasIperf: boolean, conditions: Conditions, link: Options = {}): Contestant {
  const prism = lab.prism('client', link);
  const kernel = lab.kernelOpposite('server');
  if (hasIperf) return againstIperf3(lab, prism, kernel, false, conditions);
  return stream(lab, [prism, 'prism-tcp-source'], [kernel, 'node-net-sink'], conditions);
}

function fromKernel(lab: BenchLab, hasIperf: boolean, conditions: Conditions): Contestant {
  const prism = lab.prism('client');
  const kernel = lab.kernelOpposite('server');
  if (hasIperf) return againstIperf3(lab, prism, kernel, true, conditions);
  return stream(lab, [kernel, 'node-net-source'], [prism, 'prism-tcp-sink'], conditions, { payload: LARGE_WRITE });
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
