import { describe, expect, it } from 'vitest';
import { ReadyQueue, type ReadyTarget } from './ready-queue.js';
import { uncaught } from './uncaught.testkit.js';

class Target implements ReadyTarget {
  isMarked = false;
  told = 0;
  readonly #then: () => void;

  constructor(then: () => void = () => undefined) {
    this.#then = then;
  }

  ready(): void {
    this.told++;
    this.#then();
  }
}

describe('ReadyQueue', () => {
  it('tells a target once however often it was marked, in the order of marking', () => {
    const queue = new ReadyQueue();
    const order: string[] = [];
    const [first, second] = [new Target(() => order.push('first')), new Target(() => order.push('second'))];
    for (let i = 0; i < 5; i++) {
      queue.mark(second);
      queue.mark(first);
    }
    expect(queue.length).toBe(2);
    expect(queue.dispatch()).toBe(2);
    expect(order).toEqual(['second', 'first']);
    expect(queue.dispatch()).toBe(0);
  });

  it('tells what is marked during a dispatch in the next one: two that mark each other do not hold up the loop', () => {
    const queue = new ReadyQueue();
    const ping: Target = new Target(() => queue.mark(pong));
    const pong: Target = new Target(() => queue.mark(ping));
    queue.mark(ping);
    for (let tick = 1; tick <= 10; tick++) {
      expect(queue.dispatch()).toBe(1);
      expect(ping.told + pong.told).toBe(tick);
    }
    expect([ping.told, pong.told]).toEqual([5, 5]);
  });

  it('a target may mark itself again', () => {
    const queue = new ReadyQueue();
    const again: Target = new Target(() => queue.mark(again));
    queue.mark(again);
    for (let tick = 1; tick <= 3; tick++) {
      expect(queue.dispatch()).toBe(1);
      expect(again.told).toBe(tick);
    }
  });

  it('what a target throws is an uncaught error of its own; the others are told', async () => {
    const queue = new ReadyQueue();
    const faulty = new Target(() => {
      throw new Error('application bug');
    });
    const next = new Target();
    queue.mark(faulty);
    queue.mark(next);
    const errors = await uncaught(() => expect(queue.dispatch()).toBe(2));
    expect(errors.map(String)).toEqual(['Error: application bug']);
    expect(next.told).toBe(1);
    queue.mark(faulty);
    expect(await uncaught(() => queue.dispatch())).toHaveLength(1);
  });

  it('a dispatch within a dispatch tells what was marked so far, and loses nothing of the outer one', () => {
    const queue = new ReadyQueue();
    const late = [new Target(), new Target(), new Target()];
    const rest = [new Target(), new Target(), new Target()];
    const closing = new Target(() => {
      for (const target of late) queue.mark(target);
      expect(queue.dispatch()).toBe(3);
      for (const target of late) queue.mark(target);
    });
    queue.mark(closing);
    for (const target of rest) queue.mark(target);
    expect(queue.dispatch()).toBe(4);
    expect(rest.map((target) => target.told)).toEqual([1, 1, 1]);
    expect(queue.dispatch()).toBe(3);
    expect(late.map((target) => target.told)).toEqual([2, 2, 2]);
    expect(queue.dispatch()).toBe(0);
  });
});
