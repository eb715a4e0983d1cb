import { createNanosecondClock } from '@prism-net/time';
import { median, quantile, summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';
import { OtherWork } from './cold-caches.js';
import { type KernelSender, openKernelDatagrams, openKernelStream } from './kernel-sender.js';
import { PAYLOAD, type Sender, SendPath } from './send-path.js';

const HOT_SENDS = 20_000;
/** What is sent in a row before the other side reads. */
const HOT_BURST = 16;

/** Nanoseconds from call to link, one send close upon the other. */
function hot(path: SendPath, sender: Sender, sends: number, timerNs: number): number {
  const samples = new Float64Array(sends);
  for (let i = 0; i < sends; i++) {
    samples[i] = path.time(sender, i) - timerNs;
    if (i % HOT_BURST === 0) path.settle();
  }
  return quantile(samples, 0.5);
}

/** Nanoseconds of whole calls: what is done behind the link is in it too. */
function whole(path: SendPath, sender: Sender, sends: number): number {
  const samples = new Float64Array(Math.ceil(sends / HOT_BURST));
  for (let i = 0; i < samples.length; i++) {
    const start = path.nanoseconds.now();
    for (let k = 0; k < HOT_BURST; k++) sender.send(k);
    samples[i] = ((path.nanoseconds.now() - start) | 0) / HOT_BURST;
    path.settle();
  }
  return quantile(samples, 0.5);
}

class ColdSamples {
  readonly #samples: number[] = [];
  add(nanoseconds: number): void {
    this.#samples.push(nanoseconds);
  }
  figures(name: string): Figures {
    return { [`${name}P50Ns`]: quantile(this.#samples, 0.5), [`${name}P99Ns`]: quantile(this.#samples, 0.99) };
  }
}

/** What is measured after other work has had the core, by the name of its figures. */
function coldContestants(path: SendPath, work: OtherWork, timerNs: number): [string, () => number][] {
  const cold = (sender: Sender) => () => {
    work.run(null);
    return path.time(sender, 1) - timerNs;
  };
  const warmed = (sender: Sender) => {
    const warm = () => sender.warm();
    return () => {
      work.run(warm);
      return path.time(sender, 1) - timerNs;
    };
  };
  return [
    ['coldSend', cold(path.plainDatagram)],
    ['warmedSend', warmed(path.plainDatagram)],
    ['coldTemplate', cold(path.templateDatagram)],
    ['warmedTemplate', warmed(path.templateDatagram)],
    ['coldStreamWrite', cold(path.plainStream)],
    ['warmedStreamWrite', warmed(path.plainStream)],
    ['coldStreamTemplate', cold(path.templateStream)],
    ['warmedStreamTemplate', warmed(path.templateStream)],
  ];
}

export const templateSend: RunScenario = async ({ seconds, runs }) => {
  const path = await SendPath.open();
  const work = new OtherWork();
  const kernels: [hot: string, cold: string, kernel: KernelSender][] = [
    ['datagramSend', 'coldSend', await openKernelDatagrams()],
    ['streamWrite', 'coldStreamWrite', await openKernelStream()],
  ];
  const timerNs = clockCostNs();
  const senders: [string, Sender][] = [
    ['datagramSend', path.plainDatagram],
    ['datagramTemplate', path.templateDatagram],
    ['streamWrite', path.plainStream],
    ['streamTemplate', path.templateStream],
  ];
  for (const [, sender] of senders) {
    hot(path, sender, HOT_SENDS, timerNs);
    for (let i = 0; i < HOT_SENDS; i++) sender.warm();
  }
  const contestants = coldContestants(path, work, timerNs);
  const started = performance.now();
  for (const [, contestant] of contestants) contestant();
  const roundMilliseconds = performance.now() - started;
  const rounds = Math.max(5, Math.min(200, Math.floor(((seconds / runs) * 700) / roundMilliseconds)));
  const workMicroseconds: number[] = [];

  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    const figures: Record<string, number> = {};
    for (const [name, sender] of senders) {
      figures[`${name}Ns`] = hot(path, sender, HOT_SENDS, timerNs);
      figures[`${name}CallNs`] = whole(path, sender, HOT_SENDS);
    }
    const samples = contestants.map(() => new ColdSamples());
    const kernelSamples = kernels.map(() => new ColdSamples());
    for (let round = 0; round < rounds; round++) {
      for (const [index, [, contestant]] of contestants.entries()) {
        samples[index]!.add(contestant());
        path.settle();
      }
      for (const [index, [, , kernel]] of kernels.entries()) {
        const start = performance.now();
        work.run(null);
        workMicroseconds.push((performance.now() - start) * 1000);
        kernelSamples[index]!.add(kernel.time() - timerNs);
        await kernel.drain();
      }
    }
    for (const [index, [name]] of contestants.entries()) Object.assign(figures, samples[index]!.figures(name));
    ours.push(figures);
    const kernelFigures: Record<string, number> = {};
    for (const [index, [hotName, coldName, kernel]] of kernels.entries()) {
      kernelFigures[`${hotName}Ns`] = (await kernel.hot(2000)) - timerNs;
      Object.assign(kernelFigures, kernelSamples[index]!.figures(coldName));
    }
    theirs.push(kernelFigures);
  }
  path.close();
  for (const [, , kernel] of kernels) kernel.close();
  const { medians, spread } = summarise(ours);
  return {
    figures: medians,
    baseline: summarise(theirs).medians,
    baselineName:
      'the calls of send of a connected node:dgram socket and write of node:net, which pass the bytes to the kernel',
    spread,
    runs,
    conditions: {
      link: 'pipe',
      payload: PAYLOAD,
      patched: '2 fields of 32 bits',
      otherWork: '32 MiB walked through, JSON, sorting, regular expressions',
      otherWorkUs: Math.round(median(workMicroseconds)),
      warmedEveryUs: Math.round(median(workMicroseconds) / 32),
      coldSends: rounds * runs,
      timerNs,
    },
  };
};

/** What a call of the clock adds to what is timed with it. */
function clockCostNs(): number {
  const clock = createNanosecondClock();
  const samples = new Float64Array(20_000);
  for (let i = 0; i < samples.length; i++) {
    const start = clock.now();
    samples[i] = (clock.now() - start) | 0;
  }
  return quantile(samples, 0.5);
}
