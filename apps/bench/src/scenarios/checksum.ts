import { PacketMemory, sum20, sumBytes } from '@prism-net/buffers';
import { nsPerOperation, summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';

/** Packets cycled through, so that the data comes from the second-level cache as a received packet's would. */
const PACKETS = 64;
const STRIDE = 16_384;
/** Of each figure in each run; fewer when less than {@link FULL_SECONDS} are allowed. */
const CALLS = 100_000;
const FULL_SECONDS = 10;

/** Results are stored here, so that no call can be optimised away. */
const sink = new Int32Array(1);

export const checksum: RunScenario = async ({ runs, seconds }) => {
  const calls = Math.ceil(CALLS * Math.min(1, seconds / FULL_SECONDS));
  const memory = PacketMemory.create({ frames: (2 * PACKETS * STRIDE) / 2048 });
  const from = memory.layout.packetOffset;
  const to = from + PACKETS * STRIDE;
  for (let at = from; at < to; at++) memory.bytes[at] = (at * 31) >>> 3;
  const { kernels, view } = memory;
  const at = (i: number): number => from + (i % PACKETS) * STRIDE;

  const timed: Record<string, (count: number) => void> = {
    bytes20Ns: (count) => {
      for (let i = 0; i < count; i++) sink[0] = sum20(view, at(i));
    },
    bytes1460Ns: (count) => {
      for (let i = 0; i < count; i++) sink[0] = kernels.sum(at(i), 1460, 0);
    },
    bytes8960Ns: (count) => {
      for (let i = 0; i < count; i++) sink[0] = kernels.sum(at(i), 8960, 0);
    },
    memoryCopy1460Ns: (count) => {
      for (let i = 0; i < count; i++) kernels.copy(to + (i % PACKETS) * STRIDE, at(i), 1460);
    },
    copyAndChecksum1460Ns: (count) => {
      for (let i = 0; i < count; i++) sink[0] = kernels.copyAndSum(to + (i % PACKETS) * STRIDE, at(i), 1460, 0);
    },
  };
  const plain: Record<string, (count: number) => void> = {};
  for (const length of [20, 1460, 8960]) {
    plain[`bytes${length}Ns`] = (count) => {
      for (let i = 0; i < count; i++) sink[0] = sumBytes(view, at(i), length, 0);
    };
  }
  const measure = (set: Record<string, (count: number) => void>): Figures =>
    Object.fromEntries(Object.entries(set).map(([name, work]) => [name, nsPerOperation(work, calls)]));

  for (let warm = 0; warm < 3; warm++) {
    measure(timed);
    measure(plain);
  }
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(measure(timed));
    theirs.push(measure(plain));
  }
  const { medians, spread } = summarise(ours);
  return {
    figures: { ...medians, checksum1460OverCopy1460: medians['bytes1460Ns']! / medians['memoryCopy1460Ns']! },
    baseline: summarise(theirs).medians,
    baselineName: 'plain JavaScript over a DataView',
    spread,
    runs,
    conditions: { packets: PACKETS, callsPerRun: calls },
  };
};
