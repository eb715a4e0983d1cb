import { type ChildProcess, fork } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NetworkLab } from '@prism-net/netlab';
import type { ClientAnswer, ClientQuestion } from './kernel-client.js';
import type { StackAnswer, StackQuestion, StackTask } from './stack-process.js';

/** Other processes run what is built, also when this one runs the sources. */
function program(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url)).replace(/\/src\/hostile\//, '/dist/hostile/');
}

/** The process of the stack that is attacked. */
export class StackProcess {
  /** Null while it lives; then how it ended. */
  ended: string | null = null;
  readonly #child: ChildProcess;
  readonly #answers: StackAnswer[] = [];
  #errors = '';
  #wake: () => void = () => {};

  constructor(task: StackTask) {
    this.#child = fork(program('stack-process'), [JSON.stringify(task)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (answer: StackAnswer) => {
      this.#answers.push(answer);
      this.#wake();
    });
    this.#child.stderr!.on('data', (text: Buffer) => {
      this.#errors = (this.#errors + text.toString()).slice(-4000);
    });
    this.#child.once('close', (code, signal) => {
      this.ended = code === 0 ? 'exit 0' : `${signal ?? `status ${code}`}: ${this.#errors.trim()}`;
      this.#wake();
    });
  }

  ask(question: StackQuestion): void {
    this.#child.send(question, () => {});
  }

  /** The next answer, which must be of this kind. @throws Error when the process fails, ends, or keeps silent. */
  async answer<K extends StackAnswer['kind']>(
    kind: K,
    milliseconds = 10_000,
  ): Promise<Extract<StackAnswer, { kind: K }>> {
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const answer = this.#answers.shift();
      if (answer?.kind === 'failed') throw new Error(answer.message);
      if (answer?.kind === kind) return answer as Extract<StackAnswer, { kind: K }>;
      if (answer !== undefined) continue;
      if (this.ended !== null) throw new Error(`the stack's process has ended: ${this.ended}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`the stack's process says nothing for ${milliseconds} ms`);
      await this.#change(left);
    }
  }

  /** Until it ends by itself. */
  async end(milliseconds = 5000): Promise<string> {
    const deadline = performance.now() + milliseconds;
    while (this.ended === null) {
      const left = deadline - performance.now();
      if (left <= 0) return 'does not end';
      await this.#change(left);
    }
    return this.ended;
  }

  kill(): void {
    if (this.ended === null) this.#child.kill('SIGKILL');
  }

  #change(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The kernel's client. */
export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(lab: NetworkLab, victims: number) {
    const command = [process.execPath, program('kernel-client'), String(victims)];
    this.#child = lab.spawn('kernel', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: Interface = createInterface({ input: this.#child.stdout! });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  ask(question: ClientQuestion): void {
    this.#child.stdin!.write(`${question}\n`);
  }

  async answer(): Promise<ClientAnswer> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the kernel's client has ended");
    return JSON.parse(value) as ClientAnswer;
  }

  end(): void {
    this.ask('end');
  }
}
