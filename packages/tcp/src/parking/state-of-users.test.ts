import { NewReno, registerCongestionControl, type StateExchange } from '@prism-net/congestion';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../connection.js';
import { type Opened, pattern, readAll, TestHost, write } from '../tcp.testkit.js';

type Exchange = (state: StateExchange) => void;

function asOften(count: number, what: () => void): void {
  for (let i = 0; i < count; i++) what();
}

const right: Exchange = (state) => {
  asOften(10, () => state.number(7));
  state.rare(1);
  state.flag(true);
  state.double(0.5);
  state.rareDouble(0.25);
};

let exchange = right;
class Users extends NewReno {
  override readonly name = 'users';

  override exchange(state: StateExchange): void {
    exchange(state);
  }
}
registerCongestionControl('users', () => new Users());

const settings = { congestionControl: 'users', warmConnections: 1000 };
const VARIES = "exchange EINVAL: congestion control 'users' has not always as many fields of each kind";
const TOO_MUCH = "exchange EINVAL: congestion control 'users' has more state than fits";

let calls = 0;
const mistakes: readonly (readonly [name: string, message: string, exchange: Exchange])[] = [
  ['in fewer fields', VARIES, () => undefined],
  ['in more numbers', VARIES, (state) => asOften(60, () => state.number(-1))],
  ['in more numbers than fit', VARIES, (state) => asOften(5000, () => state.number(-1))],
  ['in more rare ones than fit', VARIES, (state) => asOften(5000, () => state.rareDouble(state.rare(NaN)))],
  ['in more flags than fit', VARIES, (state) => asOften(500, () => state.flag(true))],
  ['in fields of other kinds', VARIES, (state) => asOften(8, () => state.double(1))],
  ['in more fields each time', VARIES, (state) => asOften(calls++ % 50, () => state.flag(state.number(1) > 0))],
  [
    'by throwing',
    'forgot',
    (state) => {
      state.number(1);
      throw new Error('forgot');
    },
  ],
  ['in what no int32 can be', 'Cannot convert a BigInt value to a number', (state) => state.number(5n as never)],
];

/** All that is known of a connection but its congestion control. */
function known(connection: Connection): object {
  return { ...connection.information(), congestionControl: '', congestionState: {} };
}

/** Both directions work, with every byte in its place. */
function talk({ host, peer, connection }: Opened, round: number): boolean {
  peer.send({ data: 10, seq: 1 + 10 * round });
  host.settle();
  const received = Buffer.from(readAll(connection));
  write(connection, 100);
  host.settle();
  peer.drain();
  peer.send({ ack: 101 + 100 * round, seq: 11 + 10 * round });
  host.settle();
  return received.equals(pattern(1 + 10 * round, 10)) && connection.unacknowledgedWrites === 0;
}

/** Established while the algorithm does it right; parked and woken while it does not. */
function parkAndWake(mistake: Exchange, wakes: boolean) {
  exchange = right;
  calls = 0;
  const host = new TestHost({ settings });
  const opened = Array.from({ length: 8 }, (_, i) => host.connect({ peer: { port: 100 + i, timestamps: true } }));
  const connections = opened.map(({ connection }) => connection);
  const before = connections.map(known);
  if (wakes) host.layer.blocks.parkAll();
  exchange = mistake;
  if (!wakes) host.layer.blocks.parkAll();
  const parked = connections.filter((each) => each.isParked).length;
  for (const each of connections) each.wake();
  const after = connections.map(known);
  const areRight: boolean[] = [];
  for (let round = 0; round < 4; round++) {
    host.layer.blocks.parkAll();
    areRight.push(...opened.map((each) => talk(each, round)));
    host.wait(500);
  }
  for (const each of connections) each.abort(host.now);
  host.settle();
  // Their blocks serve the next.
  areRight.push(talk(host.connect({ peer: { port: 99 } }), 0));
  host.finish();
  return { before, after, parked, areRight, failures: host.layer.controls.failures };
}

describe("what a user's algorithm saves of its state", () => {
  it('is kept while it is done right', () => {
    const { before, after, parked, areRight, failures } = parkAndWake(right, true);
    expect(after).toEqual(before);
    expect([parked, areRight.includes(false), failures]).toEqual([8, false, []]);
  });

  it.each(mistakes)('%s keeps the connection from being parked, and harms none', (_name, message, mistake) => {
    const { before, after, parked, areRight, failures } = parkAndWake(mistake, false);
    expect(after).toEqual(before);
    expect(parked).toBe(0);
    expect(areRight).not.toContain(false);
    expect((failures[0] as Error).message).toBe(message);
  });

  it.each(mistakes.slice(0, -1))('%s, when it is restored, harms no connection', (_name, message, mistake) => {
    const { before, after, parked, areRight, failures } = parkAndWake(mistake, true);
    expect(after).toEqual(before);
    expect(parked).toBe(8);
    expect(areRight).not.toContain(false);
    expect((failures[0] as Error).message).toBe(message);
  });

  it('is refused at once when it does not fit, or cannot be saved', () => {
    const refused = mistakes.map(([name, , mistake]) => {
      exchange = mistake;
      let message = 'none';
      try {
        new TestHost({ settings });
      } catch (thrown) {
        message = (thrown as Error).message;
      }
      return [name, message];
    });
    expect(refused.filter(([, message]) => message !== 'none')).toEqual([
      ['in more numbers than fit', TOO_MUCH],
      ['in more rare ones than fit', TOO_MUCH],
      ['in more flags than fit', TOO_MUCH],
      ['by throwing', 'forgot'],
      ['in what no int32 can be', 'Cannot convert a BigInt value to a number'],
    ]);
  });
});

describe("a user's factory", () => {
  let makes: () => NewReno = () => new Users();
  registerCongestionControl('moody', () => makes());

  it.each<[string, () => NewReno]>([
    ['throws', () => JSON.parse('')],
    ['returns nothing', () => undefined as never],
    ['returns half an algorithm', () => ({ name: 'half', traits: {} }) as never],
    ['returns one of another kind', () => new NewReno({ hyStart: true })],
  ])('that later %s harms no connection', (_name, mistake) => {
    exchange = right;
    makes = () => new Users();
    const host = new TestHost({ settings: { ...settings, congestionControl: 'moody' } });
    const first = host.connect({ peer: { port: 100 } });
    makes = mistake;
    const second = host.connect({ peer: { port: 101 } });
    const areRight: boolean[] = [];
    for (let round = 0; round < 3; round++) {
      host.layer.blocks.parkAll();
      areRight.push(talk(first, round), talk(second, round));
    }
    second.connection.abort(host.now);
    host.settle();
    areRight.push(talk(host.connect({ peer: { port: 102 } }), 0));
    expect(areRight).not.toContain(false);
    expect(host.layer.controls.failures.length).toBeGreaterThan(0);
    host.finish();
  });

  it('that throws from the start is heard of at once', () => {
    makes = () => {
      throw new Error('not today');
    };
    expect(() => new TestHost({ settings: { congestionControl: 'moody' } })).toThrow('not today');
  });
});
