import type { ChildProcess } from 'node:child_process';
import type { Figures } from '../scenario.js';
import type { Task } from './bench-lab.js';
import type { PeerMessage } from './peer-job.js';

type Kind = PeerMessage['kind'];
type Message<K extends Kind> = Extract<PeerMessage, { kind: K }>;

/** For what takes no measurable time: to start, to stop. */
const GRACE_SECONDS = 20;

/** A peer that runs, seen from the scenario. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #task: Task;
  readonly #messages: PeerMessage[] = [];
  #stderr = '';
  #hasEnded = false;
  #changed: () => void = () => {};
  conditions: Readonly<Record<string, string | number>> = {};

  static async of(child: ChildProcess, task: Task): Promise<PeerProcess> {
    const peer = new PeerProcess(child, task);
    peer.conditions = (await peer.#next('ready', GRACE_SECONDS)).conditions;
    return peer;
  }

  private constructor(child: ChildProcess, task: Task) {
    this.#child = child;
    this.#task = task;
    child.on('message', (message: PeerMessage) => {
      this.#messages.push(message);
      this.#changed();
    });
    child.stderr?.on('data', (data) => (this.#stderr += data));
    const ended = (): void => {
      this.#hasEnded = true;
      this.#changed();
    };
    child.once('close', ended);
    child.once('error', ended);
  }

  /** What it measured. */
  measured(): Promise<Message<'measured'>> {
    return this.#next('measured', this.#task.warmUpSeconds + this.#task.seconds + 2 * GRACE_SECONDS);
  }

  /** Ends it; returns what it counted from beginning to end. */
  async stop(): Promise<Figures> {
    this.#child.send('stop');
    const { figures } = await this.#next('done', GRACE_SECONDS);
    // A link is free again only once its process is gone.
    while (!this.#hasEnded) await this.#change(GRACE_SECONDS, 'end');
    return figures;
  }

  async #next<K extends Kind>(kind: K, seconds: number): Promise<Message<K>> {
    for (;;) {
      const at = this.#messages.findIndex((message) => message.kind === kind || message.kind === 'failed');
      const message = at < 0 ? undefined : this.#messages.splice(at, 1)[0]!;
      if (message?.kind === 'failed') throw new Error(`${this.#task.role}: ${message.message}`);
      if (message !== undefined) return message as Message<K>;
      if (this.#hasEnded) throw new Error(`${this.#task.role} ended early: ${this.#stderr.trim() || 'without a word'}`);
      await this.#change(seconds, kind);
    }
  }

  async #change(seconds: number, awaited: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#changed = resolve;
      timer = setTimeout(
        () => reject(new Error(`${this.#task.role}: no '${awaited}' in ${seconds} s`)),
        seconds * 1000,
      );
    });
    clearTimeout(timer);
  }
}
