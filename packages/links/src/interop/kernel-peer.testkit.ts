import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NetworkLab } from '@prism-net/netlab';
import type { PeerCalls } from './kernel-peer.fixture.js';

const program = fileURLToPath(new URL('../../dist/interop/kernel-peer.fixture.js', import.meta.url));

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Result<Name extends keyof PeerCalls> = Awaited<ReturnType<PeerCalls[Name]>>;

/** A process in a namespace of the lab, whose sockets are the kernel's. It ends with the lab. */
export class KernelPeer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  static async start(lab: NetworkLab, namespace: string): Promise<KernelPeer> {
    const child = lab.spawn(namespace, [process.execPath, program], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return new KernelPeer(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (error === undefined) waiting.resolve(result);
      else waiting.reject(new Error(`the kernel's side: ${error}`));
    });
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the kernel's side has ended"));
    });
  }

  call<Name extends keyof PeerCalls>(name: Name, ...args: Parameters<PeerCalls[Name]>): Promise<Result<Name>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#child.send({ id, call: name, args });
    });
  }
}
