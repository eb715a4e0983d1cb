import {
  AcknowledgementSample,
  CongestionCause,
  type CongestionControl,
  CongestionWindow,
  NewReno,
  NO_TRAITS,
  registerCongestionControl,
  type StateExchange,
} from '@prism-net/congestion';
import { beforeEach, describe, expect, it } from 'vitest';
import { establish, write } from '../tcp.testkit.js';
import { GuardedControl, GuardedControls } from './guarded-control.js';

const EVENTS = [
  'start',
  'onSent',
  'onAcknowledgement',
  'onCongestion',
  'onRecovered',
  'onTimeout',
  'onUndo',
  'onIdle',
] as const;
type Event = (typeof EVENTS)[number];

let brokenEvent: Event | 'factory' | null = null;
const mistake = new Error('out of ideas');

/** NewReno that throws at one event, always. */
function broken(traits = NO_TRAITS): CongestionControl {
  if (brokenEvent === 'factory') throw mistake;
  class Broken extends NewReno {
    override readonly name = 'broken';
    override readonly traits = traits;
  }
  const control: CongestionControl = new Broken();
  if (brokenEvent === null) return control;
  const fail = () => {
    throw mistake;
  };
  return Object.assign(control, { [brokenEvent]: fail });
}
registerCongestionControl('broken', () => broken());
registerCongestionControl('broken-observer', () => broken({ ...NO_TRAITS, sent: true, deliveryRate: true }));
registerCongestionControl('broken-ruler', () => broken({ ...NO_TRAITS, rulesRecovery: true, deliveryRate: true }));
registerCongestionControl('broken-ecn', () => broken({ ...NO_TRAITS, preciseEcn: true }));
const NAMES = ['broken', 'broken-observer', 'broken-ruler', 'broken-ecn'];

beforeEach(() => {
  brokenEvent = null;
});

/** 60 segments over 10 ms, one lost, then a pause in which everything is lost, then an idle one, then more. */
function transfer(name: string, event: Event | 'factory') {
  brokenEvent = null;
  const { peer, connection, host } = establish({ peer: { sack: true, window: 60_000 } });
  brokenEvent = event;
  connection.apply({ congestionControl: name });
  let next = 1;
  let isSilent = false;
  /** First byte, and what follows the last. */
  const received = new Map<number, number>();
  let arrivals = 0;
  const until = (end: number, milliseconds = 60_000) => {
    for (let time = 0; time < milliseconds; time += 10) {
      const segments = peer.drain().filter((each) => each.length > 0);
      host.wait(10);
      if (isSilent) continue;
      for (const { seq, length } of segments) {
        arrivals++;
        if (arrivals === 5 || arrivals === 30) continue;
        received.set(seq, seq + length);
        while (received.has(next)) next = received.get(next)!;
        peer.send(seq > next ? { ack: next, sack: [[seq, seq + length]] } : { ack: next });
      }
      if (next === end) return;
    }
  };
  write(connection, 60_000);
  host.settle();
  until(60_001);
  expect(next).toBe(60_001);
  host.wait(5000);
  write(connection, 20_000);
  host.settle();
  isSilent = true;
  until(0, 1500);
  isSilent = false;
  until(80_001);
  expect(next).toBe(80_001);
  return { host, connection };
}

describe('a congestion control of a user that throws', () => {
  const reached = EVENTS.filter((event) => event !== 'onUndo');
  const cases = reached.flatMap((event) => NAMES.map((name) => [event, name] as const));
  it.each(cases.filter(([event, name]) => event !== 'onSent' || name === 'broken-observer'))(
    'at %s (%s) is replaced: everything arrives, nothing is thrown into the packet path, and it is heard of',
    (event, name) => {
      const { host, connection } = transfer(name, event);
      const { controls } = host.layer;
      expect(controls.failures).toEqual([mistake]);
      expect(connection.information().congestionControl).toBe(name === 'broken-ecn' ? 'dctcp' : 'newreno');
      expect(() => controls.surface()).toThrow(mistake);
      controls.surface();
    },
  );

  it('in its factory is reported, and the connection has NewReno instead', () => {
    const { host, connection } = transfer('broken', 'factory');
    expect(host.layer.controls.failures).toEqual([mistake]);
    expect(connection.information().congestionControl).toBe('newreno');
  });

  it.each(EVENTS)('once, at %s, is asked for nothing any more, and saves nothing', (event) => {
    brokenEvent = event;
    const owner = new GuardedControls();
    const guard = owner.create('broken') as GuardedControl;
    const window = new CongestionWindow(1000);
    window.reset(1000);
    window.bytesPerSecond = 5;
    expect(guard.exchange).toBeDefined();
    const size = window.window;
    const calls: Record<Event, () => void> = {
      start: () => guard.start(window, 0),
      onSent: () => guard.onSent(window, 1000, 1000, 0),
      onAcknowledgement: () => guard.onAcknowledgement(window, new AcknowledgementSample(), 0),
      onCongestion: () => guard.onCongestion(window, 10_000, CongestionCause.LOSS, 0),
      onRecovered: () => guard.onRecovered(window, 0),
      onTimeout: () => guard.onTimeout(window, 10_000, 0),
      onUndo: () => guard.onUndo(window, 0),
      onIdle: () => guard.onIdle(window, 1_000_000, 200_000, 0),
    };
    for (let i = 0; i < 3; i++) calls[event]();
    expect(owner.failures).toEqual([mistake]);
    expect(guard.name).toBe('newreno');
    expect(guard.exchange).toBeUndefined();
    expect(window.bytesPerSecond).toBe(0);
    if (event === 'onTimeout') expect(window.window).toBe(1000);
    if (event === 'onUndo' || event === 'start') expect(window.window).toBe(size);
  });

  it('keeps so many exceptions, and those of algorithms of this package are not guarded', () => {
    const owner = new GuardedControls();
    for (let i = 0; i < 100; i++) owner.note(i);
    expect(owner.failures).toEqual(Array.from({ length: 16 }, (_, i) => i));
    for (const name of ['newreno', 'cubic', 'dctcp', 'bbr'])
      expect(owner.create(name)).not.toBeInstanceOf(GuardedControl);
    expect(() => owner.create('magic')).toThrow("there is no 'magic'");
  });

  it('is saved by itself while it does not throw', () => {
    const guard = new GuardedControls().create('broken');
    const seen: number[] = [];
    const state = new Proxy({} as StateExchange, { get: () => (value: number) => seen.push(value) });
    guard.exchange!(state);
    expect(seen.length).toBeGreaterThan(0);
  });
});

describe('a congestion control of a user that sets what is no window', () => {
  let nonsense: unknown = 0;
  registerCongestionControl('careless', () => {
    const onSent = (window: CongestionWindow) =>
      Object.assign(window, { window: nonsense, slowStartThreshold: nonsense, bytesPerSecond: nonsense });
    return Object.assign(new NewReno(), { name: 'careless', traits: { ...NO_TRAITS, sent: true }, onSent });
  });

  it.each<[string, unknown, readonly number[]]>([
    ['NaN', NaN, [1000, 2000, 0]],
    ['0', 0, [1000, 2000, 0]],
    ['less than 0', -5, [1000, 2000, 0]],
    ['a fraction', 5000.7, [5000, 5000, 5000.7]],
    ['infinity', Infinity, [0x3fff_ffff, 0x3fff_ffff, 1e12]],
    ['undefined', undefined, [1000, 2000, 0]],
    ['null', null, [1000, 2000, 0]],
    ['text', '7000', [1000, 2000, 0]],
    ['a bigint', 7000n, [1000, 2000, 0]],
    ['a symbol', Symbol('7000'), [1000, 2000, 0]],
  ])('(%s) gets the nearest, also where nobody looks but the next segment', (_name, value, expected) => {
    nonsense = value;
    const window = new CongestionWindow(1000);
    new GuardedControls().create('careless').onSent(window, 1000, 1000, 0);
    expect([window.window, window.slowStartThreshold, window.bytesPerSecond]).toEqual(expected);
  });

  it.each([NaN, 0, null, 7000n])('(%s) does not stop the connection', (value) => {
    nonsense = value;
    const { peer, connection, host } = establish({ peer: { window: 60_000 } });
    connection.apply({ congestionControl: 'careless' });
    write(connection, 10_000);
    let next = 1;
    for (let time = 0; time < 60 && next < 10_001; time++) {
      host.wait(50);
      for (const { seq, length } of peer.drain()) if (seq === next) next += length;
      peer.send({ ack: next });
    }
    expect(next).toBe(10_001);
    host.finish();
  });
});
