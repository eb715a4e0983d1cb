import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NetworkLab } from '@prism-net/netlab';
import { Emulator } from './emulator.js';
import type { PrismSenderReport } from './prism-sender.js';
import type { Schedule } from './schedule.js';
import type { SinkSays } from './sink.js';
import { becomeUrgent, URGENT } from './urgency.js';

export type Contestant = 'prism' | 'kernel';

export interface Run {
  readonly contestant: Contestant;
  readonly bitsPerSecond: number;
  /** Frames lost by the schedule, and by the full queue. */
  readonly lost: number;
  readonly overflowed: number;
  /** µs for which the path stood still at most, since the machine did something else. */
  readonly longestPause: number;
}

const KERNEL = '10.80.0.1';
const PRISM = '10.80.0.3';
const RECEIVER = '10.80.0.2';
const IPERF_PORT = 5201;
const SINK_PORT = 5202;
/** The largest frame that is one frame: nothing may pass for less than it is. */
const LARGEST_FRAME = 1514;
const program = (name: string): string => fileURLToPath(new URL(`../../dist/linux/${name}.js`, import.meta.url));

/**
 * Two hosts with an emulated path between them. The sender is the kernel's TCP, driven by iperf3, or Prism's on the same
 * interface; the receiver is the kernel's. Interfaces have no offloads: frames are what the wire would carry.
 */
export class Contest {
  readonly #lab: NetworkLab;
  readonly #congestionControl: string;
  readonly #calmDown = becomeUrgent();

  private constructor(lab: NetworkLab, congestionControl: string) {
    this.#lab = lab;
    this.#congestionControl = congestionControl;
  }

  static async open(congestionControl: string): Promise<Contest> {
    const lab = NetworkLab.open('congestion');
    const contest = new Contest(lab, congestionControl);
    try {
      await contest.#build();
      return contest;
    } catch (error) {
      contest.close();
      throw error;
    }
  }

  close(): void {
    this.#calmDown();
    this.#lab.close();
  }

  /** One connection of so many seconds. @throws Error when a sender fails, or used another algorithm. */
  async run(contestant: Contestant, schedule: Schedule, seconds: number, seed: number): Promise<Run> {
    const emulator = new Emulator(this.#lab.namespace('path'), 'path0', 'path1', schedule, seed);
    try {
      emulator.begin(contestant === 'kernel' ? IPERF_PORT : SINK_PORT);
      await (contestant === 'kernel' ? this.#kernel(seconds) : this.#prism(seconds));
      // What ends the connection has to arrive, too.
      await delay(200);
      if (emulator.largestFrame > LARGEST_FRAME) throw new Error(`a frame of ${emulator.largestFrame} bytes`);
      const { lost, overflowed } = emulator.outward;
      return {
        contestant,
        bitsPerSecond: emulator.goodput(seconds),
        lost,
        overflowed,
        longestPause: emulator.longestPause,
      };
    } finally {
      emulator.close();
    }
  }

  async #build(): Promise<void> {
    const lab = this.#lab;
    const off = { offloads: false } as const;
    lab.veth({
      left: { namespace: 'sender', name: 'sender0', address: `${KERNEL}/24` },
      right: { namespace: 'path', name: 'path0' },
      ...off,
    });
    lab.veth({
      left: { namespace: 'receiver', name: 'receiver0', address: `${RECEIVER}/24` },
      right: { namespace: 'path', name: 'path1' },
      ...off,
    });
    const sink = this.#spawn('receiver', [process.execPath, program('sink'), String(SINK_PORT)]);
    const said: SinkSays = String(await new Promise((resolve) => sink.stdout!.once('data', resolve))) as SinkSays;
    if (said !== 'ready\n') throw new Error(`the sink says '${said}'`);
  }

  async #kernel(seconds: number): Promise<void> {
    const server = this.#spawn('receiver', ['iperf3', '--server', '--one-off', '--port', String(IPERF_PORT)]);
    try {
      await delay(300);
      await this.#kernelClient(seconds);
    } finally {
      server.kill();
    }
  }

  async #kernelClient(seconds: number): Promise<void> {
    const command = ['iperf3', '--client', RECEIVER, '--port', String(IPERF_PORT), '--time', String(seconds)];
    const client = this.#spawn('sender', [...command, '--congestion', this.#congestionControl, '--json']);
    const output = outputOf(client);
    await delay(seconds * 500);
    // What the kernel really used, not what it was asked for.
    const sockets = this.#lab.run('sender', ['ss', '-tin', 'dst', RECEIVER]);
    const { error } = JSON.parse(await output) as { error?: string };
    if (error !== undefined) throw new Error(`iperf3: ${error}`);
    if (!new RegExp(`^\\s+${this.#congestionControl} `, 'm').test(sockets)) {
      throw new Error(`the kernel did not use ${this.#congestionControl}: ${sockets}`);
    }
  }

  async #prism(seconds: number): Promise<void> {
    const job = {
      interface: 'sender0',
      address: PRISM,
      target: RECEIVER,
      port: SINK_PORT,
      seconds,
      congestionControl: this.#congestionControl,
    };
    const output = await outputOf(
      this.#spawn('sender', [process.execPath, program('prism-sender'), JSON.stringify(job)]),
    );
    const report = JSON.parse(output) as PrismSenderReport;
    if (report.congestionControl !== this.#congestionControl) throw new Error(`Prism used ${report.congestionControl}`);
  }

  #spawn(namespace: string, command: readonly string[]): ChildProcess {
    return this.#lab.spawn(namespace, [...URGENT, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  }
}

/** What it prints, once it has ended. @throws Error with what it printed to standard error. */
function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  let errors = '';
  child.stdout!.on('data', (data) => (output += data));
  child.stderr!.on('data', (data) => (errors += data));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 || output !== '') resolve(output);
      else reject(new Error(`a sender ended with ${code}: ${errors.trim()}`));
    });
  });
}
