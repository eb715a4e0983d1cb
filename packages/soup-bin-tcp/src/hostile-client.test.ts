import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENDING_COUNT, Ending, endingName } from './ending.js';
import { ACCOUNT, login, Pair, packet, viewOf } from './pair.testkit.js';

function receive(pair: Pair, ...packets: readonly Uint8Array[]): void {
  for (const bytes of packets) pair.connection.receive(viewOf(bytes), 0, bytes.length, pair.now);
}

/** How the connection ends, and what its peer is told. */
function outcome(...packets: readonly Uint8Array[]): string {
  const pair = new Pair();
  receive(pair, ...packets);
  const answer = new DataView(new ArrayBuffer(2048));
  const length = pair.connection.transmit(answer, 0, 1400, pair.now);
  const { ending } = pair.connection;
  if (ending !== Ending.none) {
    expect(pair.server.endings[ending]).toBe(1);
    expect(pair.server.connections).toBe(0);
    expect(pair.server.sessions[0]!.connection).toBeNull();
    // A connection that is over takes nothing more, and says nothing more.
    receive(pair, login(), packet('U', 'late'));
    expect(pair.connection.transmit(answer, 0, 1400, pair.now)).toBe(0);
    expect(pair.server.endings.reduce((sum, count) => sum + count, 0)).toBe(1);
  }
  const told = length === 0 ? '' : `, told ${Buffer.from(answer.buffer, 2, length - 2).toString('latin1')}`;
  return endingName(ending) + told;
}

const sequence20 = (text: string) => login('TRADER', 'secret', '', text);

describe('a hostile client', () => {
  it.each([
    ['a short login', [packet('L', 'TRADER')], 'wrong length'],
    ['a long login', [packet('L', 'x'.repeat(47))], 'wrong length'],
    ['a wrong password', [login('TRADER', 'Secret')], 'not authorised, told JA'],
    ['a password that is a beginning of the right one', [login('TRADER', 'secre')], 'not authorised, told JA'],
    ['no password', [login('TRADER', '')], 'not authorised, told JA'],
    ['an unknown user', [login('NOBODY')], 'not authorised, told JA'],
    ['another session', [login('TRADER', 'secret', 'DAY0')], 'session not available, told JS'],
    ['a sequence number that is none', [sequence20('1x')], 'session not available, told JS'],
    ['a negative sequence number', [sequence20('-1')], 'session not available, told JS'],
    ['an empty sequence number', [sequence20('')], 'session not available, told JS'],
    ['a sequence number beyond the end', [sequence20('2')], 'session not available, told JS'],
    ['a sequence number of twenty nines', [sequence20('9'.repeat(20))], 'session not available, told JS'],
    ['a sequence number with a hole', [sequence20('1 1')], 'session not available, told JS'],
    ['data before the login', [packet('U', 'order')], 'not logged in'],
    ['a second login', [login(), login()], 'second login'],
    ['sequenced data', [login(), packet('S', 'x')], 'unexpected type'],
    ['a login answer', [packet('A', 'x'.repeat(30))], 'unexpected type'],
    ['a server heartbeat', [login(), packet('H')], 'unexpected type'],
    ['an end of session', [login(), packet('Z')], 'unexpected type'],
    ['an unknown type', [login(), packet(0)], 'unexpected type'],
    ['a heartbeat with a payload', [login(), packet('R', 'x')], 'wrong length'],
    ['a logout with a payload', [login(), packet('O', 'x')], 'wrong length'],
    ['a length of 0', [login(), Uint8Array.from([0, 0])], 'zero length'],
    ['64 KiB', [login(), Uint8Array.from([0xff, 0xff, 0x55])], 'oversized'],
    ['one byte more than the limit', [login(), Uint8Array.from([2, 1])], 'oversized'],
  ])('%s', (_name, packets, expected) => {
    const text = outcome(...packets);
    // Who had logged in before was answered to that.
    expect(text.replace(/, told A.*/, '')).toBe(expected);
  });

  it('logs in well with zeros or spaces in front of the number, and with the session named', () => {
    for (const each of [login(), sequence20('00000000000000000001'), login('TRADER', 'secret', 'DAY1')]) {
      expect(outcome(each)).toMatch(/^none, told A {6}DAY1 {19}1$/);
    }
  });

  it('that connects again and again gets no more than so many connections', () => {
    const pair = new Pair({ maximumConnections: 8, loginMicroseconds: 1_000_000 });
    const open = Array.from({ length: 100 }, () => pair.server.open(pair.now)).filter((each) => each !== null);
    expect([open.length, pair.server.refused]).toEqual([7, 93]);
    for (const each of open) each.advance(pair.now + 1_000_000);
    expect(pair.server.connections).toBe(1);
    expect(pair.server.open(pair.now)).not.toBeNull();
  });

  it('may send anything, cut anywhere: no throw, one counted ending at most, and others are served', () => {
    const part = fc.oneof(
      fc.constantFrom(
        login(),
        login('TRADER', 'wrong'),
        packet('U', 'order'),
        packet('R'),
        packet('+', 'hello'),
        packet('O'),
      ),
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 60 }))
        .map(([type, bytes]) => packet(type, bytes)),
    );
    const flip = fc.tuple(fc.nat(5000), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 30 }),
        fc.array(flip, { maxLength: 3 }),
        fc.array(fc.nat(300), { maxLength: 30 }),
        (parts, flips, pieces) => {
          const stream = Uint8Array.from([...login(), ...parts.flatMap((bytes) => [...bytes])]);
          for (const [at, mask] of flips) stream[at % stream.length]! ^= mask;
          const pair = new Pair({ accounts: [ACCOUNT, { ...ACCOUNT, username: 'OTHER' }] });
          let from = 0;
          for (const piece of [...pieces, stream.length]) {
            const length = Math.min(piece, stream.length - from);
            const used = pair.connection.receive(viewOf(stream), from, length, pair.now);
            // Less only of a connection that is over.
            if (pair.connection.ending === Ending.none) expect(used).toBe(length);
            from += length;
          }
          const { ending } = pair.connection;
          expect(ending).toBeLessThan(ENDING_COUNT);
          const ended = pair.server.endings.reduce((sum, count) => sum + count, 0);
          expect(ended).toBe(ending === Ending.none ? 0 : 1);
          const other = new Pair({}, { username: 'OTHER' });
          Object.assign(other, { server: pair.server });
          other.connect();
          other.exchange();
          expect(other.client.isLoggedIn).toBe(true);
        },
      ),
    );
  });
});
