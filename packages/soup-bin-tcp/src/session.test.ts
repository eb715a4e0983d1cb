import { describe, expect, it } from 'vitest';
import { Ending } from './ending.js';
import { ACCOUNT, Pair } from './pair.testkit.js';

function loggedIn(pair = new Pair()): Pair {
  pair.connect();
  pair.exchange();
  expect(pair.client.isLoggedIn).toBe(true);
  return pair;
}

describe('a session', () => {
  it('sends what was asked for from the first, and goes on after the last seen', () => {
    const pair = loggedIn();
    for (const text of ['a', 'b', 'c']) pair.say(text);
    pair.exchange();
    expect(pair.seen).toEqual(['a', 'b', 'c']);
    pair.say('d');
    pair.connection.disconnected();
    pair.client.disconnected();
    pair.connect();
    pair.exchange();
    expect(pair.seen).toEqual(['a', 'b', 'c', 'd']);
    expect([pair.client.session, pair.client.nextNumber]).toEqual(['DAY1', 5]);
  });

  it('starts at the latest message when asked for number 0', () => {
    const pair = loggedIn();
    for (const text of ['a', 'b', 'c']) pair.say(text);
    pair.connection.disconnected();
    const late = new Pair({}, { nextNumber: 0 });
    Object.assign(late, { server: pair.server });
    late.connect();
    late.exchange();
    expect(late.seen).toEqual(['c']);
    expect(late.client.nextNumber).toBe(4);
  });

  it('keeps a silent connection alive by heartbeats of both sides, and for ever', () => {
    const pair = loggedIn();
    pair.pass(60);
    expect([pair.connection.ending, pair.client.ending]).toEqual([Ending.none, Ending.none]);
  });

  it('sends one heartbeat a second, and none while there are messages', () => {
    const pair = loggedIn();
    const heartbeats = () => {
      pair.now += 1_000_000;
      pair.connection.advance(pair.now);
      return pair.exchange();
    };
    expect(heartbeats()).toBe(3);
    pair.now += 999_999;
    pair.connection.advance(pair.now);
    expect(pair.connection.hasOutput).toBe(false);
    pair.say('x');
    expect(pair.exchange()).toBe(4);
  });

  it('takes a client for dead after 15 seconds of silence, and a client its server', () => {
    const server = loggedIn();
    server.pass(14.9, 'client');
    expect(server.connection.ending).toBe(Ending.none);
    server.pass(0.2, 'client');
    expect([server.connection.ending, server.connection.mustAbort]).toEqual([Ending.heartbeatTimeout, true]);
    const client = loggedIn();
    client.pass(14.9, 'server');
    expect(client.client.ending).toBe(Ending.none);
    client.pass(0.2, 'server');
    expect(client.client.ending).toBe(Ending.heartbeatTimeout);
  });

  it('cuts off who connects and does not log in, and who waits for an answer in vain', () => {
    const pair = new Pair({ loginMicroseconds: 2_000_000 }, { loginMicroseconds: 3_000_000 });
    pair.connect();
    pair.pass(2.1, 'both');
    expect(pair.connection.ending).toBe(Ending.loginTimeout);
    pair.pass(1, 'both');
    expect(pair.client.ending).toBe(Ending.loginTimeout);
  });

  it('cuts off a client that heartbeats but never reads: when its messages are overwritten, or after 15 seconds', () => {
    const full = loggedIn(new Pair({ accounts: [{ ...ACCOUNT, store: { bytes: 1024, messages: 8 } }] }));
    for (let n = 0; n < 9; n++) full.say('m');
    full.connection.advance(full.now);
    expect([full.connection.ending, full.connection.mustAbort]).toEqual([Ending.slowReader, true]);
    // What is gone is gone: the client is told, and cannot resume without noticing.
    full.client.disconnected();
    full.connect();
    full.exchange();
    expect(full.client.ending).toBe(Ending.sessionNotAvailable);
    const slow = loggedIn();
    slow.say('m');
    for (let n = 0; n < 151; n++) {
      slow.now = (slow.now + 100_000) | 0;
      slow.connection.receive(new DataView(Uint8Array.from([0, 1, 0x52]).buffer), 0, 3, slow.now);
      slow.connection.advance(slow.now);
    }
    expect(slow.connection.ending).toBe(Ending.slowReader);
  });

  it('is taken over by a second login, or keeps its first if it was told so', () => {
    const pair = loggedIn();
    const first = pair.connection;
    pair.connect();
    pair.exchange();
    expect([first.ending, first.mustAbort, pair.client.isLoggedIn]).toEqual([Ending.superseded, true, true]);
    pair.say('x');
    pair.exchange();
    expect(pair.seen).toEqual(['x']);
    const strict = loggedIn(new Pair({ takeOver: false }));
    const kept = strict.connection;
    strict.connect();
    strict.exchange();
    expect([kept.ending, strict.client.ending]).toEqual([Ending.none, Ending.sessionNotAvailable]);
  });

  it('ends with everything sent, then the end of the session', () => {
    const pair = loggedIn();
    pair.say('last');
    pair.server.sessions[0]!.end();
    pair.exchange();
    expect(pair.seen).toEqual(['last']);
    expect([pair.client.ending, pair.connection.ending]).toEqual([Ending.endOfSession, Ending.endOfSession]);
    expect(pair.server.connections).toBe(1);
  });

  it('is counted as ended by a logout, and its account is free again', () => {
    const pair = loggedIn();
    pair.client.logout();
    pair.exchange();
    expect(pair.connection.ending).toBe(Ending.logout);
    expect(pair.server.endings[Ending.logout]).toBe(1);
    expect(pair.server.sessions[0]!.connection).toBeNull();
  });

  it('that has another name, or goes on later than asked for, is a gap to the client and no message is taken for another', () => {
    const pair = loggedIn();
    pair.say('a');
    pair.exchange();
    const other = new Pair({ accounts: [{ ...ACCOUNT, session: 'DAY2' }] });
    Object.assign(pair, { server: other.server });
    pair.client.disconnected();
    pair.connect();
    pair.exchange();
    expect(pair.client.ending).toBe(Ending.sessionNotAvailable);
  });

  it('sends only whole packets, and goes on where it stopped for want of room', () => {
    const pair = loggedIn();
    for (const text of ['aaaa', 'bbbb', 'cccc']) pair.say(text);
    expect(pair.exchange(10)).toBe(21);
    expect(pair.seen).toEqual(['aaaa', 'bbbb', 'cccc']);
    pair.say('dddd');
    expect(pair.exchange(6)).toBe(0);
    expect(pair.exchange(7)).toBe(7);
  });
});
