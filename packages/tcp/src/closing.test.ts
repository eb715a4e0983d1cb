import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import type { Connection } from './connection.js';
import { State, stateName } from './state.js';
import { describeSeen, establish, type Opened, readAll, TestHost, write } from './tcp.testkit.js';

const name = ({ connection }: Opened) => stateName(connection.state);

/** The application closes, and the FIN is out. */
function closing(options: Parameters<typeof establish>[0] = {}) {
  const opened = establish(options);
  opened.connection.close(opened.host.now);
  opened.host.settle();
  opened.peer.expect({ flags: 'F.', seq: 1 });
  expect(name(opened)).toBe('FIN-WAIT-1');
  return opened;
}

describe('the normal close (RFC 9293 §3.6, figure 12)', () => {
  it('FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT', () => {
    const opened = closing();
    const { peer, host, events } = opened;
    peer.send({ ack: 2 });
    expect(name(opened)).toBe('FIN-WAIT-2');
    peer.send({ flags: 'F.' });
    peer.expect({ flags: '.', seq: 2, ack: 2 });
    expect(events.take()).toContain('ended NONE');
    expect(host.layer.statistics).toMatchObject({ connections: 0, timeWait: 1, orphans: 0 });
    // §3.4.2: for 2 MSL.
    host.wait(59_990);
    expect(host.layer.statistics.timeWait).toBe(1);
    host.wait(20);
    expect(host.layer.statistics.timeWait).toBe(0);
  });

  it('FIN and ACK of ours in one segment: TIME-WAIT at once', () => {
    const opened = closing();
    opened.peer.send({ flags: 'F.', ack: 2 });
    opened.peer.expect({ flags: '.', ack: 2 });
    expect(opened.host.layer.statistics).toMatchObject({ connections: 0, timeWait: 1 });
  });

  it('text, FIN and ACK of ours in one segment: the text is read before the end', () => {
    const opened = establish();
    const { peer, connection, host, events } = opened;
    connection.shutdownWrite();
    host.settle();
    peer.drain();
    peer.send({ flags: 'FP.', ack: 2, data: 'bye' });
    peer.expect({ flags: '.', ack: 5 });
    expect(new TextDecoder().decode(readAll(connection))).toBe('bye');
    expect(connection.isEndOfStream).toBe(true);
    expect(events.take()).toEqual(['readable', 'ended NONE']);
  });

  it('the other way: CLOSE-WAIT, LAST-ACK, gone without TIME-WAIT', () => {
    const opened = establish();
    const { peer, connection, host, events } = opened;
    peer.send({ flags: 'F.' });
    peer.expect({ flags: '.', ack: 2 });
    expect(name(opened)).toBe('CLOSE-WAIT');
    expect(write(connection, 100)).toBe(100);
    connection.close(host.now);
    host.settle();
    expect(name(opened)).toBe('LAST-ACK');
    peer.expect({ flags: 'FP.', length: 100 });
    peer.send({ ack: 102 });
    expect(name(opened)).toBe('CLOSED');
    expect(events.take()).toEqual(['readable', 'ended NONE']);
    expect(host.layer.statistics).toMatchObject({ connections: 0, timeWait: 0, orphans: 0 });
  });
});

describe('the simultaneous close (§3.6, figure 13)', () => {
  it('CLOSING, TIME-WAIT', () => {
    const opened = closing();
    const { peer, host } = opened;
    peer.send({ flags: 'F.', ack: 1 });
    peer.expect({ flags: '.', seq: 2, ack: 2 });
    expect(name(opened)).toBe('CLOSING');
    peer.send({ ack: 2 });
    expect(host.layer.statistics).toMatchObject({ connections: 0, timeWait: 1 });
  });

  it('in CLOSING our FIN is sent again, and a RST ends it without an error', () => {
    const opened = closing();
    const { peer, host, events } = opened;
    peer.send({ flags: 'F.', ack: 1 });
    peer.drain();
    host.wait(1500);
    expect(peer.drain().every((each) => each.flags === 'F.' && each.seq === 1)).toBe(true);
    peer.send({ flags: 'R', seq: 2 });
    expect(events.take()).toContain('ended NONE');
  });

  it('our FIN unacknowledged for ever ends CLOSING and LAST-ACK (row 33)', () => {
    const settings = { retransmissions: 4 };
    const first = closing({ settings });
    first.peer.send({ flags: 'F.', ack: 1 });
    first.host.wait(60_000);
    expect(name(first)).toBe('CLOSED');
    const second = establish({ settings });
    second.peer.send({ flags: 'F.' });
    second.connection.close(second.host.now);
    second.host.wait(60_000);
    expect(name(second)).toBe('CLOSED');
  });
});

describe('the half-close (§3.10.4)', () => {
  it('our half: the peer still sends, and is read, for as long as it likes', () => {
    const opened = establish();
    const { peer, connection, host } = opened;
    expect(connection.shutdownWrite()).toBe(Errno.NONE);
    host.settle();
    peer.expect({ flags: 'F.' });
    peer.send();
    expect(name(opened)).toBe('FIN-WAIT-2');
    expect(connection.write(new Uint8Array(1), 0, 1)).toBe(-Errno.EPIPE);
    // No FIN-WAIT-2 timeout while somebody reads.
    host.wait(600_000);
    for (let i = 0; i < 20; i++) peer.send({ data: 1000 });
    expect(readAll(connection).length).toBe(20_000);
    peer.send({ flags: 'F.' });
    expect(host.layer.statistics.timeWait).toBe(1);
  });

  it('the peer’s half: we still send', () => {
    const opened = establish();
    const { peer, connection, host } = opened;
    peer.send({ flags: 'F.' });
    peer.drain();
    host.wait(600_000);
    for (let i = 0; i < 5; i++) {
      write(connection, 3000);
      host.settle();
      peer.send();
    }
    expect(peer.received).toBe(15_001);
  });

  it('asked twice changes nothing', () => {
    const { peer, connection, host } = establish();
    connection.shutdownWrite();
    expect(connection.shutdownWrite()).toBe(Errno.NONE);
    host.settle();
    expect(peer.drain().map(describeSeen)).toEqual(['F. 1:1(0) ack 1 win 65535']);
  });

  it('of what is not connected: ENOTCONN', () => {
    const connection = new TestHost().open();
    expect(connection.shutdownWrite()).toBe(Errno.ENOTCONN);
    expect(connection.shutdownRead()).toBe(Errno.ENOTCONN);
  });

  it('before the handshake is done the FIN waits for it, behind the text (§3.10.4, SYN-SENT)', () => {
    const opened = new TestHost().startConnect();
    const { peer, connection } = opened;
    peer.drain();
    write(connection, 10);
    expect(connection.shutdownWrite()).toBe(Errno.NONE);
    expect(write(connection, 10)).toBe(-Errno.EPIPE);
    peer.answerSyn();
    peer.expect({ flags: 'FP.', length: 10 });
    expect(name(opened)).toBe('FIN-WAIT-1');
  });
});

describe('close with text unread (RFC 2525 §2.17)', () => {
  it('resets, so that the peer knows that it got lost, and the packets come back', () => {
    const { peer, connection, host, events } = establish();
    peer.send({ data: 5000 });
    peer.drain();
    connection.close(host.now);
    peer.expect({ flags: 'R.', seq: 1, ack: 5001 });
    expect(events.take()).toContain('ended NONE');
    expect(host.pool.outstanding).toBe(0);
  });
});

describe('SO_LINGER', () => {
  it('of 0 seconds resets at once, and gives everything back', () => {
    const { peer, connection, host } = establish({ connection: { lingerSeconds: 0 } });
    peer.send({ data: 3000 });
    write(connection, 50_000);
    connection.close(host.now);
    expect(peer.drain().at(-1)!.flags).toBe('R.');
    expect(host.pool.outstanding).toBe(0);
  });

  it('of n seconds lets the rest go, and resets what is left of it then', () => {
    const { peer, connection, host, events } = establish({ connection: { lingerSeconds: 5 } });
    write(connection, 2000);
    connection.close(host.now);
    host.settle();
    expect(peer.drain().at(-1)!.flags).toBe('FP.');
    host.wait(4990);
    expect(connection.state).toBe(State.FIN_WAIT_1);
    peer.drain();
    host.wait(20);
    expect(peer.drain().at(-1)!.flags).toBe('R.');
    expect(events.take()).toEqual(['ended ECONNABORTED']);
  });

  it('is over when everything is acknowledged in time', () => {
    const { peer, connection, host } = establish({ connection: { lingerSeconds: 5 } });
    write(connection, 2000);
    connection.close(host.now);
    host.settle();
    peer.send();
    host.wait(10_000);
    expect(connection.state).toBe(State.FIN_WAIT_2);
  });
});

describe('FIN-WAIT-2 of a closed connection (row 33)', () => {
  it('ends after 60 s, without a word: a FIN that comes later is for no connection', () => {
    const opened = closing();
    const { peer, host, events } = opened;
    peer.send({ ack: 2 });
    host.wait(59_900);
    expect(name(opened)).toBe('FIN-WAIT-2');
    host.wait(200);
    expect(name(opened)).toBe('CLOSED');
    expect(events.take()).toContain('ended NONE');
    expect(peer.drain().map((each) => each.flags)).toEqual([]);
    peer.send({ flags: 'F.' });
    peer.expect({ flags: 'R' });
  });

  it('counts from the close, when our half was closed before', () => {
    const opened = establish();
    const { peer, connection, host } = opened;
    connection.shutdownWrite();
    host.settle();
    peer.send();
    host.wait(100_000);
    connection.close(host.now);
    host.wait(59_900);
    expect(name(opened)).toBe('FIN-WAIT-2');
    host.wait(200);
    expect(name(opened)).toBe('CLOSED');
  });
});

describe('abort (§3.10.5)', () => {
  const states: [string, (opened: Opened) => void, boolean][] = [
    ['ESTABLISHED', () => {}, true],
    ['FIN-WAIT-1', ({ connection }) => connection.shutdownWrite(), true],
    [
      'FIN-WAIT-2',
      ({ connection, host, peer }) => {
        connection.shutdownWrite();
        host.settle();
        peer.send();
      },
      true,
    ],
    ['CLOSE-WAIT', ({ peer }) => peer.send({ flags: 'F.' }), true],
    [
      'CLOSING',
      ({ connection, host, peer }) => {
        connection.shutdownWrite();
        host.settle();
        peer.send({ flags: 'F.', ack: 1 });
      },
      false,
    ],
    [
      'LAST-ACK',
      ({ connection, peer }) => {
        peer.send({ flags: 'F.' });
        connection.shutdownWrite();
      },
      false,
    ],
  ];

  it.each(states)('in %s gives everything up; the peer is reset, unless both have closed', (state, reach, isReset) => {
    const opened = establish();
    reach(opened);
    expect(name(opened)).toBe(state);
    const { peer, connection, host, events } = opened;
    write(connection, 1000);
    host.settle();
    peer.drain();
    connection.abort(host.now);
    if (isReset) peer.expect({ flags: 'R.' });
    else peer.expectNothing();
    expect(name(opened)).toBe('CLOSED');
    expect(events.take().at(-1)).toBe('ended ECONNABORTED');
    connection.abort(host.now);
    peer.expectNothing();
    expect(host.layer.size).toBe(0);
    expect(host.layer.wheel.armed).toBe(0);
  });

  it('in SYN-SENT nobody is there to be told', () => {
    const { peer, connection, host } = new TestHost().startConnect();
    peer.drain();
    connection.abort(host.now);
    peer.expectNothing();
    expect(host.layer.size).toBe(0);
  });

  it('of what was never opened does nothing', () => {
    const host = new TestHost();
    host.open().abort(host.now);
    expect(host.network.sentCount).toBe(0);
  });
});

describe('close', () => {
  it('in SYN-SENT gives the attempt up (§3.10.4)', () => {
    const { peer, connection, host, events } = new TestHost().startConnect();
    peer.drain();
    connection.close(host.now);
    expect(events.take()).toEqual(['ended ECONNABORTED']);
    // The answer that comes is for nobody.
    peer.answerSyn();
    peer.expect({ flags: 'R' });
  });

  it('twice is once', () => {
    const { peer, connection, host } = establish();
    connection.close(host.now);
    connection.close(host.now);
    host.settle();
    expect(peer.drain().length).toBe(1);
    expect(host.layer.orphans.size).toBe(1);
  });

  it('of what has ended gives back what was not read', () => {
    const { peer, connection, host } = establish();
    peer.burst({ data: 1000 }, { flags: 'R' });
    expect(connection.readableBytes).toBe(1000);
    connection.close(host.now);
    expect(host.pool.outstanding).toBe(0);
  });

  it('of what was only bound gives its port back', () => {
    const host = new TestHost();
    const connection = host.open();
    connection.bind(null, 555);
    connection.close(host.now);
    expect(host.open().bind(null, 555)).toBe(Errno.NONE);
  });
});

describe('closed connections are bounded (row 33)', () => {
  it('beyond the limit the oldest is reset', () => {
    const host = new TestHost({ settings: { maximumOrphans: 3 } });
    const opened = Array.from({ length: 5 }, () => host.connect());
    for (const { connection } of opened) {
      connection.close(host.now);
      host.settle();
    }
    expect(opened.map(name)).toEqual(['CLOSED', 'CLOSED', 'FIN-WAIT-1', 'FIN-WAIT-1', 'FIN-WAIT-1']);
    expect(opened[0]!.peer.drain().at(-1)!.flags).toBe('R.');
    expect(host.layer.statistics).toMatchObject({ orphans: 3, orphansEvicted: 2 });
  });

  it('with a limit of 0, or a linger, nothing is left behind either', () => {
    const host = new TestHost({ settings: { maximumOrphans: 0 } });
    const { connection, peer } = host.connect({ connection: { lingerSeconds: 10 } });
    connection.close(host.now);
    host.settle();
    expect(peer.drain().at(-1)!.flags).toBe('R.');
    expect(host.layer.wheel.armed).toBe(0);
    expect(host.layer.statistics.orphans).toBe(0);
  });
});

describe('in every state a RST at RCV.NXT ends the connection, and the next packet is for nobody (§3.10.7.4)', () => {
  const reach: Record<string, (connection: Connection, opened: Opened) => void> = {
    'FIN-WAIT-1': (connection) => connection.shutdownWrite(),
    'FIN-WAIT-2': (connection, { host, peer }) => {
      connection.shutdownWrite();
      host.settle();
      peer.send();
    },
    'CLOSE-WAIT': (_, { peer }) => peer.send({ flags: 'F.' }),
  };
  it.each(Object.keys(reach))('%s: ECONNRESET', (state) => {
    const opened = establish();
    reach[state]!(opened.connection, opened);
    expect(name(opened)).toBe(state);
    opened.host.settle();
    opened.peer.drain();
    opened.peer.send({ flags: 'R' });
    expect(opened.events.take().at(-1)).toBe('ended ECONNRESET');
    opened.peer.send({ data: 10 });
    opened.peer.expect({ flags: 'R' });
  });
});
