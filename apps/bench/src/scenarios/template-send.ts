import { createSocket } from 'node:dgram';
import { createNanosecondClock } from '@prism-net/time';
import { median, quantile, summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';
import { OtherWork } from './cold-caches.js';
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
  const kernel = await KernelDatagrams.open();
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
    const kernelCold = new ColdSamples();
    for (let round = 0; round < rounds; round++) {
      for (const [index, [, contestant]] of contestants.entries()) {
        samples[index]!.add(contestant());
        path.settle();
      }
      const start = performance.now();
      work.run(null);
      workMicroseconds.push((performance.now() - start) * 1000);
      kernelCold.add(kernel.time() - timerNs);
      await kernel.drain();
    }
    for (const [index, [name]] of contestants.entries()) Object.assign(figures, samples[index]!.figures(name));
    ours.push(figures);
    theirs.push({ datagramSendNs: (await kernel.hot(2000)) - timerNs, ...kernelCold.figures('coldSend') });
  }
  path.close();
  kernel.close();
  const { medians, spread } = summarise(ours);
  return {
    figures: medians,
    baseline: summarise(theirs).medians,
    baselineName: 'the call of send of a connected node:dgram socket, which passes the datagram to the kernel',
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

/** A connected pair of the kernel's sockets. */
class KernelDatagrams {
  readonly #clock = createNanosecondClock();
  readonly #sender = createSocket('udp4');
  readonly #receiver = createSocket('udp4');
  readonly #message = new Uint8Array(PAYLOAD);
  readonly #view = new DataView(this.#message.buffer);

  static async open(): Promise<KernelDatagrams> {
    const made = new KernelDatagrams();
    const receiver = made.#receiver;
    await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => made.#sender.connect(receiver.address().port, '127.0.0.1', resolve));
    receiver.on('message', () => {});
    await made.hot(5000);
    return made;
  }

  time(): number {
    const start = this.#clock.now();
    this.#view.setUint32(8, start);
    this.#view.setUint32(40, start);
    this.#sender.send(this.#message);
    return (this.#clock.now() - start) | 0;
  }

  async hot(sends: number): Promise<number> {
    const samples = new Float64Array(sends);
    for (let i = 0; i < sends; i++) {
      samples[i] = this.time();
      if (i % HOT_BURST === 0) await this.drain();
    }
    return quantile(samples, 0.5);
  }

  drain(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  close(): void {
    this.#sender.close();
    this.#receiver.close();
  }
}

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
