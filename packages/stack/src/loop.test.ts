import { createPipe, type Link } from '@prism-net/link';
import { ManualClock } from '@prism-net/time';
import { afterEach, describe, expect, it } from 'vitest';
import { Loop, type Pollable } from './loop.js';
import type { Scheduler } from './scheduler.js';
import { createStack, type Stack } from './stack.js';
import type { LoopMode } from './stack-options.js';
import { PEER, text } from './two-hosts.testkit.js';

/** An event loop that turns when told to. */
class ManualScheduler implements Scheduler {
  readonly immediates: (() => void)[] = [];
  readonly timeouts = new Map<number, { callback: () => void; milliseconds: number; keepsAlive: boolean }>();
  #next = 1;

  immediate(callback: () => void): void {
    this.immediates.push(callback);
  }

  timeout(callback: () => void, milliseconds: number, keepsAlive: boolean): unknown {
    this.timeouts.set(this.#next, { callback, milliseconds, keepsAlive });
    return this.#next++;
  }

  cancel(timeout: unknown): void {
    this.timeouts.delete(timeout as number);
  }

  /** One iteration; false when there was nothing to do. */
  turn(): boolean {
    const due = this.immediates.splice(0);
    for (const callback of due) callback();
    return due.length > 0;
  }

  /** All timeouts fire. */
  elapse(): void {
    const due = [...this.timeouts.values()];
    this.timeouts.clear();
    for (const { callback } of due) callback();
  }

  get sleeps(): number[] {
    return [...this.timeouts.values()].filter((each) => !each.keepsAlive).map((each) => each.milliseconds);
  }

  get keepsAlive(): boolean {
    return [...this.timeouts.values()].some((each) => each.keepsAlive);
  }
}

/** Something to poll, with as much work as the test says. */
class Machine implements Pollable {
  readonly clock = new ManualClock(-5_000_000);
  readonly scheduler = new ManualScheduler();
  readonly links: Link[] = [];
  work = 0;
  polls = 0;
  next = -1;
  lastPoll = this.clock.now();

  poll(): number {
    this.polls++;
    this.lastPoll = this.clock.now();
    if (this.work === 0) return 0;
    this.work--;
    return 1;
  }

  nextEvent(): number {
    return this.next;
  }

  start(mode: LoopMode, spinMicroseconds = 1000): Loop {
    const loop = new Loop(this, mode, spinMicroseconds, this.scheduler);
    loop.start();
    return loop;
  }

  /** Turns until the loop sleeps, or a hundred times. */
  run(): number {
    let turns = 0;
    while (turns < 100 && this.scheduler.turn()) turns++;
    return turns;
  }
}

describe('interrupt', () => {
  it('polls while there is work, then sleeps without a timeout', () => {
    const machine = new Machine();
    machine.work = 10;
    const loop = machine.start('interrupt');
    expect(machine.run()).toBe(4);
    expect(machine.polls).toBe(11 + 1);
    expect(machine.scheduler.sleeps).toEqual([]);
    expect(loop.isAsleep).toBe(true);
    loop.stop();
  });

  it('sleeps until the next timer, rounded up, and is not early', () => {
    const machine = new Machine();
    machine.next = 2001;
    const loop = machine.start('interrupt');
    machine.run();
    expect(machine.scheduler.sleeps).toEqual([3]);
    machine.next = 2 ** 30;
    loop.request();
    machine.run();
    expect(machine.scheduler.sleeps).toEqual([60_000]);
    loop.stop();
    expect(machine.scheduler.sleeps).toEqual([]);
  });

  it('is woken by request, once however often it is asked', () => {
    const machine = new Machine();
    const loop = machine.start('interrupt');
    machine.run();
    const before = machine.polls;
    for (let i = 0; i < 5; i++) loop.request();
    machine.run();
    expect(machine.polls).toBe(before + 1);
    loop.stop();
  });

  it('does not fall asleep over a link that has something', () => {
    const machine = new Machine();
    let waiting = 3;
    machine.links.push({ arm: () => waiting-- <= 0 } as unknown as Link);
    const loop = machine.start('interrupt');
    expect(machine.run()).toBe(4);
    loop.stop();
  });
});

describe('busy', () => {
  it('polls in every iteration of the event loop, work or not', () => {
    const machine = new Machine();
    const loop = machine.start('busy');
    expect(machine.run()).toBe(100);
    expect(machine.polls).toBe(100);
    loop.stop();
    expect(machine.run()).toBe(1);
    expect(machine.polls).toBe(100);
  });
});

describe('adaptive', () => {
  it('spins for a while after the last work, then sleeps', () => {
    const machine = new Machine();
    machine.work = 1;
    const loop = machine.start('adaptive', 1000);
    machine.scheduler.turn();
    machine.clock.advance(900);
    expect(machine.run()).toBe(100);
    machine.clock.advance(101);
    expect(machine.run()).toBe(1);
    expect(loop.isAsleep).toBe(true);
    loop.stop();
  });

  it('without work it does not spin: neither at the start nor half an hour later', () => {
    const machine = new Machine();
    const loop = machine.start('adaptive', 1000);
    expect(machine.run()).toBe(1);
    machine.work = 1;
    loop.request();
    machine.scheduler.turn();
    machine.clock.advance(2000);
    machine.run();
    // Past the point where the difference of two instants becomes negative.
    for (let minutes = 0; minutes < 40; minutes += 10) {
      machine.clock.advance(600_000_000);
      loop.request();
      expect(machine.run()).toBe(1);
    }
    loop.stop();
  });
});

describe('manual', () => {
  it('never polls by itself', () => {
    const machine = new Machine();
    const loop = machine.start('manual');
    loop.request();
    expect(machine.run()).toBe(0);
    expect([machine.polls, loop.isAsleep]).toEqual([0, false]);
    loop.stop();
  });
});

it('the process is held while there are users, and only while it runs', () => {
  const machine = new Machine();
  const loop = machine.start('interrupt');
  expect(machine.scheduler.keepsAlive).toBe(false);
  loop.addUser();
  loop.addUser();
  loop.removeUser();
  expect(machine.scheduler.keepsAlive).toBe(true);
  machine.scheduler.elapse();
  expect(machine.scheduler.keepsAlive).toBe(true);
  loop.removeUser();
  expect(machine.scheduler.keepsAlive).toBe(false);
  loop.addUser();
  loop.stop();
  expect(machine.scheduler.keepsAlive).toBe(false);
});

describe('on the event loop of Node.js', () => {
  const stacks: Stack[] = [];

  afterEach(() => {
    for (const stack of stacks.splice(0)) stack.close();
  });

  function pair(mode: LoopMode, spinMicroseconds = 1000): [Stack, Stack] {
    const [left, right] = createPipe();
    const here = createStack({ link: left, address: '10.0.0.1/24', mode, spinMicroseconds });
    const peer = createStack({ link: right, address: `${PEER}/24`, mode, spinMicroseconds });
    stacks.push(here, peer);
    return [here, peer];
  }

  const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  async function exchange(here: Stack, peer: Stack): Promise<void> {
    const server = peer.udpSocket({ port: 7 });
    const client = here.udpSocket();
    client.send('wake up', 7, PEER);
    expect(text((await server.next())?.data)).toBe('wake up');
    server.close();
    client.close();
  }

  it('interrupt: an idle stack is not polled at all, and a packet wakes it', async () => {
    const [here, peer] = pair('interrupt');
    await exchange(here, peer);
    await sleep(50);
    const before = peer.statistics().polls.polls;
    await sleep(200);
    expect(peer.statistics().polls.polls - before).toBe(0);
    await exchange(here, peer);
    expect(peer.statistics().polls.polls).toBeGreaterThan(before);
  });

  it('busy: polled all the time', async () => {
    const [here, peer] = pair('busy');
    await exchange(here, peer);
    const before = peer.statistics().polls.polls;
    await sleep(100);
    expect(peer.statistics().polls.polls - before).toBeGreaterThan(1000);
  });

  it('adaptive: spins after a packet, then sleeps', async () => {
    const [here, peer] = pair('adaptive', 50_000);
    await exchange(here, peer);
    const before = peer.statistics().polls.polls;
    await sleep(30);
    const spun = peer.statistics().polls.polls - before;
    expect(spun).toBeGreaterThan(100);
    await sleep(100);
    const asleep = peer.statistics().polls.polls;
    await sleep(100);
    expect(peer.statistics().polls.polls - asleep).toBe(0);
  });

  it('ping and timers work while the loop sleeps in between', async () => {
    const [here, peer] = pair('interrupt');
    expect((await here.ping(PEER)).address).toBe(PEER);
    peer.close();
    const started = performance.now();
    await expect(here.ping(PEER, { timeoutMilliseconds: 100 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(performance.now() - started).toBeGreaterThan(95);
  });
});
