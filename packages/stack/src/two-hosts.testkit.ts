import { PacketMemory } from '@prism-net/buffers';
import { createPipe, type PipeOptions } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { ManualClock } from '@prism-net/time';
import { expect } from 'vitest';
import { createStack, type Stack } from './stack.js';
import type { SingleInterfaceOptions, StackOptions } from './stack-options.js';

export const HERE = '10.0.0.1';
export const PEER = '10.0.0.2';

/** Stacks in virtual time, each with a memory of its own. */
export class Network {
  /** Just before it wraps: every test in which time passes crosses that. */
  readonly clock = new ManualClock(2 ** 31 - 1000);
  readonly stacks: Stack[] = [];

  /** What every stack here has in common. */
  get common() {
    const { clock } = this;
    const memory = PacketMemory.create({ frames: 256, debug: true });
    return { mode: 'manual', clock, memory, random: new SeededRandom(this.stacks.length + 1) } as const;
  }

  add(options: SingleInterfaceOptions | StackOptions): Stack {
    const stack = createStack({ ...this.common, ...options });
    this.stacks.push(stack);
    return stack;
  }

  /** Until nothing moves any more: what is sent in a round without work arrives in the next. */
  settle(): void {
    for (let idle = 0; idle < 2; ) {
      let work = 0;
      for (const stack of this.stacks) work += stack.poll();
      idle = work > 0 ? 0 : idle + 1;
    }
  }

  pass(milliseconds: number, step = 100): void {
    for (let left = milliseconds; left > 0; left -= step) {
      this.clock.advance(Math.min(left, step) * 1000);
      this.settle();
    }
  }

  finish(): void {
    this.settle();
    for (const stack of this.stacks) stack.close();
    for (const { pool, accounts, tcp, timers, udp } of this.stacks) {
      pool.assertNoLeaks();
      expect([timers.armed, tcp.wheel.armed, tcp.size]).toEqual([0, 0, 0]);
      expect(udp.ports.size).toBe(0);
      const { unexplained, held } = accounts.snapshot();
      expect({ unexplained, held }).toEqual({ unexplained: 0, held: 0 });
    }
  }
}

/** Two hosts and the cable between them. */
export function twoHosts(options: Partial<SingleInterfaceOptions> = {}, pipe: PipeOptions = {}) {
  const network = new Network();
  const [left, right] = createPipe(pipe);
  const here = network.add({ link: left, address: `${HERE}/24`, ...options });
  const peer = network.add({ link: right, address: `${PEER}/24`, ...options });
  return { network, here, peer };
}

export function text(data: Uint8Array | undefined): string {
  return new TextDecoder().decode(data);
}
