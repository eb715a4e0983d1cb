import { openCapture, PcapWriter } from '@prism-net/link';
import { describe, expect, it } from 'vitest';
import { FRAME_EVENT_NAMES, FrameEvent } from './frame-event.js';
import { Simulation, type SimulationOptions } from './simulation.js';
import { SimulationError } from './simulation-error.js';
import { twoHosts } from './two-hosts.testkit.js';

describe('simulation', () => {
  it('exchanges datagrams exactly as late as the line is long, ARP included', () => {
    const { simulation, a, b, arrivals } = twoHosts({}, { delayMicroseconds: 1000 });
    a.udpSocket().send('first', 7, '10.0.0.2');
    simulation.runUntil(() => arrivals.length === 1);
    // Question and answer of ARP, then the datagram.
    expect(simulation.time).toBe(3000);
    a.udpSocket().send('second', 7, '10.0.0.2');
    simulation.runFor(999);
    expect(arrivals).toHaveLength(1);
    simulation.runFor(1);
    expect(arrivals).toEqual([3000, 4000]);
    expect(b.now()).toBe(4000);
    simulation.assertClean();
  });

  it('sees stacks through the wrap of their clocks', () => {
    for (const start of [2 ** 31 - 1500, -1500]) {
      const { simulation, a, arrivals } = twoHosts({ start }, { delayMicroseconds: 1000 });
      a.udpSocket().send('across', 7, '10.0.0.2');
      simulation.runFor(10_000);
      expect(arrivals).toEqual([3000]);
      simulation.assertClean();
    }
  });

  it('polls a stack when its timers fall due, and not otherwise', async () => {
    const { simulation, a } = twoHosts({}, { isUp: false });
    const reply = a.ping('10.0.0.2', { timeoutMilliseconds: 5000 }).catch((error) => error.code);
    simulation.runFor(20e6);
    expect(simulation.steps).toBeLessThan(60);
    expect(await reply).toBe('EHOSTUNREACH');
    simulation.assertClean();
  });

  it('a coarse clock shows and feels multiples of its step', () => {
    const { simulation, a, b } = twoHosts({}, {}, { clockGranularityMicroseconds: 10_000 });
    simulation.runFor(12_345);
    expect(a.now()).toBe(10_000);
    const times: number[] = [];
    const timer = a.timers.create({ onTimer: () => times.push(simulation.time) }, 0);
    a.timers.arm(timer, 15_000, a.now());
    a.requestPoll();
    simulation.runFor(50_000);
    // Due at 25,000 on a clock that shows 20,000 until it shows 30,000.
    expect(times).toEqual([30_000]);
    a.timers.destroy(timer);
    expect(b.clock.now()).toBe(60_000);
  });

  it('a paused host does nothing, what it had sent goes on, and what arrives waits or is lost', () => {
    const { simulation, a, b, arrivals } = twoHosts({}, { delayMicroseconds: 1000 }, { receiveQueue: 4 });
    simulation.introduceNeighbours();
    const socket = a.udpSocket();
    socket.send('on its way', 7, '10.0.0.2');
    simulation.runFor(0);
    a.pause();
    simulation.runFor(5000);
    expect(arrivals).toEqual([1000]);
    a.resume();
    b.pause();
    for (let i = 0; i < 6; i++) socket.send('waits', 7, '10.0.0.2');
    simulation.runFor(5000);
    expect(arrivals).toHaveLength(1);
    expect(b.isPaused).toBe(true);
    b.resume();
    simulation.runFor(0);
    expect(arrivals.slice(1)).toEqual([10_000, 10_000, 10_000, 10_000]);
    expect(a.ports[0]!.line!.count(FrameEvent.NOT_RECEIVED)).toBe(2);
    simulation.assertClean();
  });

  it('interrupts that come late bring frames in bursts', () => {
    const { simulation, a, b, arrivals } = twoHosts({}, {}, { interruptDelayMicroseconds: 500 });
    simulation.introduceNeighbours();
    simulation.runFor(1000);
    const before = b.polls.snapshot().workingPolls;
    const socket = a.udpSocket();
    for (let i = 0; i < 10; i++) simulation.after(i * 20, () => socket.send('x', 7, '10.0.0.2'));
    simulation.runFor(10_000);
    expect(arrivals).toEqual(new Array(10).fill(1500));
    expect(b.polls.snapshot().workingPolls - before).toBe(1);
  });

  it('does what is asked for at a time before anything else then, in the order asked', () => {
    const { simulation, a } = twoHosts({}, {});
    const done: string[] = [];
    simulation.at(2000, () => done.push('second'));
    simulation.at(1000, () => done.push('first'));
    simulation.at(2000, () => done.push('third'));
    simulation.after(2000, () => {
      done.push(`fourth at ${simulation.time}`);
      simulation.after(0, () => done.push('fifth'));
    });
    const timer = a.timers.create({ onTimer: () => done.push('timer') }, 0);
    a.timers.arm(timer, 2000, a.now());
    a.requestPoll();
    simulation.runFor(3000);
    expect(done).toEqual(['first', 'second', 'third', 'fourth at 2000', 'fifth', 'timer']);
    expect(() => simulation.at(2999, () => {})).toThrow(/EINVAL.*in the past/);
    a.timers.destroy(timer);
  });

  it('routes, with the time a hop takes, and cuts packets up for a narrower link', () => {
    const simulation = new Simulation({ seed: 1, debug: true });
    const a = simulation.host('a', { address: '10.0.0.1/24', gateway: '10.0.0.254', mtu: 9000 });
    const r = simulation.router('r', {
      interfaces: [
        { address: '10.0.0.254/24', mtu: 9000 },
        { address: '10.1.0.254/24', mtu: 1500 },
      ],
    });
    const b = simulation.host('b', { address: '10.1.0.1/24', gateway: '10.1.0.254' });
    simulation.connect(a, r, { delayMicroseconds: 100 });
    simulation.connect(r, b, { delayMicroseconds: 1000 });
    simulation.introduceNeighbours();
    const sizes: number[] = [];
    b.udpSocket({ port: 7 }).onMessage(({ data }) => sizes.push(data.length));
    const socket = a.udpSocket();
    const send = (length: number) => {
      socket.send(new Uint8Array(length), 7, '10.1.0.1');
      simulation.runFor(1099);
      const before = sizes.length;
      simulation.runFor(1);
      return sizes.length === before ? undefined : sizes.at(-1);
    };
    expect(send(1000)).toBe(1000);
    // What fits into a packet is not to be cut up: the router says what would fit, and the next ones are sent so.
    expect(send(8000)).toBe(undefined);
    expect(send(8000)).toBe(8000);
    expect(r.ports[1]!.statistics.transmittedPackets).toBeGreaterThan(5);
    r.setMtu(1, 576);
    expect(send(1000)).toBe(undefined);
    expect(send(1000)).toBe(1000);
    expect(() => r.setMtu(1, 9000)).toThrow(/EINVAL.*mtu/);
    simulation.assertClean();
  });

  it('switches, and floods only what it has not learned', () => {
    const simulation = new Simulation({ seed: 1, debug: true });
    const middle = simulation.switch('middle', { ports: 4 });
    const hosts = ['a', 'b', 'c'].map((name, i) => simulation.host(name, { address: `10.0.0.${i + 1}/24` }));
    for (const host of hosts) simulation.connect(host, middle, { delayMicroseconds: 10 });
    const received: string[] = [];
    hosts[1]!.udpSocket({ port: 7 }).onMessage(({ data }) => received.push(new TextDecoder().decode(data)));
    simulation.runFor(1000);
    const seenByC = hosts[2]!.ports[0]!.statistics.receivedPackets;
    hosts[0]!.udpSocket().send('hello', 7, '10.0.0.2');
    simulation.runFor(1000);
    expect(received).toEqual(['hello']);
    // The broadcast question of ARP alone.
    expect(hosts[2]!.ports[0]!.statistics.receivedPackets - seenByC).toBe(1);
    expect(middle.statistics.snapshot().forwarded).toBeGreaterThan(0);
    simulation.assertClean();
  });

  it('a partition cuts what crosses it, until it is mended', () => {
    const { simulation, a, arrivals, cable } = twoHosts({}, {});
    simulation.introduceNeighbours();
    const socket = a.udpSocket();
    const cut = simulation.partition([a]);
    expect(cut).toEqual([cable]);
    socket.send('lost', 7, '10.0.0.2');
    simulation.runFor(1000);
    expect(arrivals).toEqual([]);
    for (const each of cut) each.setUp(true);
    socket.send('found', 7, '10.0.0.2');
    simulation.runFor(1000);
    expect(arrivals).toEqual([1000]);
    expect(cable.forward.count(FrameEvent.LINE_DOWN)).toBeGreaterThan(0);
    simulation.assertClean();
  });

  it('one direction can be broken alone', () => {
    const { simulation, a, b, arrivals } = twoHosts({}, { backward: { loss: 1 } });
    simulation.introduceNeighbours();
    const answers: string[] = [];
    b.udpSocket({ port: 8 }).onMessage(({ address, port }) => b.udpSocket().send('lost', port, address));
    const socket = a.udpSocket().onMessage(() => answers.push('?'));
    socket.send('x', 7, '10.0.0.2');
    socket.send('x', 8, '10.0.0.2');
    simulation.runFor(1000);
    expect(arrivals).toEqual([0]);
    expect(answers).toEqual([]);
    simulation.assertClean();
  });

  it('captures what passes a port, with the time of the simulation', () => {
    const { simulation, a } = twoHosts({ start: -5 }, { delayMicroseconds: 2_500_000 });
    simulation.introduceNeighbours();
    simulation.runFor(100);
    const file: Uint8Array[] = [];
    const writer = new PcapWriter((bytes) => file.push(bytes));
    simulation.hosts[1]!.capture(writer);
    a.udpSocket().send('captured', 7, '10.0.0.2');
    simulation.runFor(3e6);
    simulation.hosts[1]!.capture(null);
    a.udpSocket().send('not captured', 7, '10.0.0.2');
    simulation.runFor(3e6);
    writer.flush();
    const reader = openCapture(file[0]!);
    const frames: { seconds: number; nanoseconds: number; length: number }[] = [];
    while (reader.next())
      frames.push({
        seconds: reader.timestampSeconds,
        nanoseconds: reader.timestampNanoseconds,
        length: reader.capturedLength,
      });
    expect(frames).toContainEqual({ seconds: 2, nanoseconds: 500_100_000, length: 14 + 28 + 8 });
    expect(frames.every(({ length }) => length !== 14 + 28 + 12)).toBe(true);
  });

  it('shows every event of every frame to who watches', () => {
    const { simulation, a } = twoHosts({}, { duplicate: 1 });
    simulation.introduceNeighbours();
    simulation.runFor(10_000_000);
    const seen: string[] = [];
    simulation.watch((event, line, packet, time) => {
      seen.push(`${time} ${line.name} ${FRAME_EVENT_NAMES[event]} ${packet.totalLength}`);
    });
    a.udpSocket().send('x', 7, '10.0.0.2');
    simulation.runFor(0);
    const line = '10000000 a→b';
    expect(seen).toEqual(['sent', 'duplicated', 'arrived', 'arrived'].map((event) => `${line} ${event} 43`));
  });
});

describe('applications that wait for promises', () => {
  const run = async () => {
    const { simulation, a, b } = twoHosts({ debug: false }, { delayMicroseconds: 1000, loss: 0.1 });
    const server = b.udpSocket({ port: 8 });
    (async () => {
      for await (const { data, address, port } of server) server.send(data, port, address);
    })();
    const times: number[] = [];
    const client = a.udpSocket().connect(8, '10.0.0.2');
    let isDone = false;
    (async () => {
      for (let i = 0; i < 20; i++) {
        simulation.after(50_000, () => client.send(`${i}`));
        await client.next();
        times.push(simulation.time);
      }
      isDone = true;
    })();
    // What is lost is asked again.
    const again = () => {
      client.send('again');
      simulation.after(100_000, again);
    };
    simulation.after(100_000, again);
    await simulation.play(() => isDone);
    simulation.assertClean();
    return { times, digest: simulation.digest };
  };

  it('go on in virtual time, and repeat themselves', async () => {
    const first = await run();
    expect(first.times).toHaveLength(20);
    expect(first.times[0]).toBeGreaterThan(52_000);
    expect(await run()).toEqual(first);
  });

  it('are found out when they wait for ever', async () => {
    const { simulation } = twoHosts({}, {});
    await expect(simulation.play(() => false)).rejects.toThrow(/nothing is left to happen/);
  });
});

describe('repetition', () => {
  const run = (options: SimulationOptions, extraDraw = false) => {
    const bad = {
      loss: 0.1,
      duplicate: 0.1,
      corrupt: 0.1,
      reorder: 0.1,
      jitterMicroseconds: 300,
      delayMicroseconds: 50,
    };
    const { simulation, a, b, arrivals } = twoHosts(options, bad);
    if (extraDraw) simulation.random.nextInt32();
    simulation.introduceNeighbours();
    const socket = a.udpSocket();
    for (let i = 0; i < 100; i++) simulation.after(i * 100, () => socket.send(`number ${i}`, 7, '10.0.0.2'));
    simulation.runFor(1e6);
    simulation.assertClean();
    return { digest: simulation.digest, steps: simulation.steps, arrivals, received: b.accounts.snapshot() };
  };

  it('the same seed gives the same frames at the same times; another seed, others', () => {
    const first = run({ seed: 5 });
    expect(run({ seed: 5 })).toEqual(first);
    expect(run({ seed: 5, debug: true })).toEqual(first);
    expect(run({ seed: 6 }).digest).not.toBe(first.digest);
  });

  it('what an application draws does not change what befalls frames', () => {
    expect(run({ seed: 5 }, true)).toEqual(run({ seed: 5 }));
  });

  it('the digest notices a single frame that is a microsecond late', () => {
    const digest = (delay: number) => {
      const { simulation, a } = twoHosts({}, {});
      simulation.introduceNeighbours();
      simulation.runFor(1000);
      const before = simulation.digest;
      const socket = a.udpSocket({ port: 9 });
      simulation.after(delay, () => socket.send('x', 7, '10.0.0.2'));
      simulation.runFor(1000);
      simulation.close();
      return [before, simulation.digest];
    };
    const [before, after] = digest(100);
    const [beforeAgain, later] = digest(101);
    expect(beforeAgain).toBe(before);
    expect(later).not.toBe(after);
  });
});

function thrownBy(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('what goes wrong', () => {
  it('nothing left to happen is a hang', () => {
    const { simulation } = twoHosts({}, {});
    expect(() => simulation.runUntil(() => false)).toThrow(/^seed 1, at .* s: hang: nothing is left to happen/);
  });

  it('no progress is a hang, although frames fly', () => {
    const { simulation, a } = twoHosts({ debug: false }, {});
    const socket = a.udpSocket();
    const again = () => {
      socket.send('x', 7, '10.0.0.2');
      simulation.after(1000, again);
    };
    again();
    let delivered = 0;
    const limits = { progress: () => Math.min(5, delivered++), stallMicroseconds: 1e6 };
    expect(() => simulation.runUntil(() => false, limits)).toThrow(/no progress for 1\.000000 s, at 5/);
    expect(simulation.time).toBeGreaterThan(5e6);
    expect(simulation.time).toBeLessThan(8e6);
  });

  it('limits of time and steps end a run', () => {
    const forever = () => {
      const { simulation } = twoHosts({}, {});
      const again = () => simulation.after(10, again);
      again();
      return simulation;
    };
    expect(() => forever().runUntil(() => false, { microseconds: 5000 })).toThrow(/not done after 0\.005000 s/);
    expect(() => forever().runUntil(() => false, { steps: 500 })).toThrow(/not done after 500 steps/);
  });

  it('time that stands still is a hang', () => {
    const { simulation } = twoHosts({}, {});
    const again = () => simulation.after(0, again);
    again();
    expect(() => simulation.runFor(1)).toThrow(/time stands still/);
  });

  it('what an action throws comes out with seed, time, cause and the last events', () => {
    const { simulation, a } = twoHosts({}, {});
    const cause = new Error('a bug');
    simulation.note('here it starts');
    a.udpSocket().send('x', 7, '10.0.0.2');
    simulation.after(10, () => {
      throw cause;
    });
    const error = thrownBy(() => simulation.runFor(1000));
    expect(error).toBeInstanceOf(SimulationError);
    expect(error).toMatchObject({ seed: 1, time: 10, cause });
    expect((error as Error).message).toMatch(/Error: a bug\n.*here it starts.*a→b: \d+ bytes arrived/s);
  });

  it('a callback ends the run where it fails', () => {
    const { simulation, a, b } = twoHosts({}, { delayMicroseconds: 10 });
    b.udpSocket({ port: 8 }).onMessage(({ data }) => simulation.fail(simulation.error(`not wanted: ${data}`)));
    a.udpSocket().send('x', 8, '10.0.0.2');
    expect(() => simulation.runFor(1000)).toThrow('not wanted: 120');
    expect(simulation.time).toBe(30);
  });

  it('a packet that is kept is found, also after everything was closed', () => {
    const { simulation, a } = twoHosts({}, {});
    const kept = a.udpSocket().reserve()!;
    expect(() => simulation.assertClean()).toThrow(/not clean:.*a: pool: 1 packets were not released/s);
    kept.release();
  });

  it('a packet released twice is found', () => {
    const { simulation, a } = twoHosts({ debug: false }, {});
    const packet = a.udpSocket().reserve()!;
    packet.release();
    packet.release();
    expect(() => simulation.assertClean()).toThrow(/a: 1 times a packet was used by who did not own it/);
  });

  it('a network that runs out of frames is no fair network', () => {
    const { simulation, a } = twoHosts({ networkFrames: 4 }, { delayMicroseconds: 1000 });
    simulation.introduceNeighbours();
    const socket = a.udpSocket();
    for (let i = 0; i < 10; i++) socket.send('x', 7, '10.0.0.2');
    simulation.runFor(5000);
    expect(() => simulation.assertClean()).toThrow(/raise networkFrames/);
  });

  it('mistakes are explained', () => {
    expect(() => new Simulation({ seed: 0.5 })).toThrow(/Simulation EINVAL: seed must be a whole number/);
    expect(() => new Simulation({ seed: 1, sede: 2 } as SimulationOptions)).toThrow(/no option 'sede'/);
    const simulation = new Simulation({ seed: 1 });
    expect(() => simulation.host('a', {})).toThrow(/a needs an address/);
    const a = simulation.host('a', { address: '10.0.0.1/24' });
    const b = simulation.host('b', { address: '10.0.0.2/24' });
    expect(() => a.port(1)).toThrow(/a has 1 ports/);
    expect(() => simulation.connect(a, b, { mtu: 12 })).toThrow(/cable EINVAL: mtu/);
    simulation.connect(a, b);
    expect(() => simulation.connect(a, b)).toThrow(/a has no free port/);
    expect(() => simulation.connect(a.port(0), b.port(0))).toThrow(/a has a cable already/);
  });
});
