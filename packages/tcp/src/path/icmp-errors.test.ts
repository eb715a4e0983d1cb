import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { errnoName, establish, type Opened, TestHost, write } from '../tcp.testkit.js';

/** An error about the segment that begins `sequence` bytes behind our ISS; true when it was believed. */
function icmp({ host, connection }: Opened, errno: Errno, sequence: number, mtu = 0): boolean {
  const { layer, network, now } = host;
  const absolute = (connection.block!.initialSendSequence + sequence) | 0;
  const believed = layer.errorArrives(network, connection.block!.path!, absolute, errno, mtu, now);
  host.settle();
  return believed;
}

/** 3,000 bytes are out: 1 to 3000. */
function inFlight(roundTrip = 0) {
  const opened = establish({ peer: { mss: 1460 }, roundTrip });
  write(opened.connection, 3000);
  opened.host.settle();
  opened.peer.drain();
  return opened;
}

const HARD = [Errno.ECONNREFUSED, Errno.EPROTONOSUPPORT, Errno.EACCES];
const SOFT = [Errno.EHOSTUNREACH, Errno.ENETUNREACH];

describe('what is believed (RFC 5927 §4.1)', () => {
  it.each([
    [-1, false],
    [0, false],
    [1, true],
    [1500, true],
    [3000, true],
    [3001, false],
    [1_000_000, false],
    [2 ** 31, false],
  ])('an error about number %i: %s', (sequence, believed) => {
    expect(icmp(inFlight(), Errno.EHOSTUNREACH, sequence)).toBe(believed);
  });

  it('nothing, when nothing is out', () => {
    const opened = inFlight();
    opened.peer.send();
    for (const sequence of [0, 1, 3000, 3001]) expect(icmp(opened, Errno.EHOSTUNREACH, sequence)).toBe(false);
  });

  it('nothing about connections there are not', () => {
    const { host } = inFlight();
    const stranger = host.peer({ address: '10.7.7.7' });
    stranger.addresses.remoteD = stranger.address.d;
    expect(host.layer.errorArrives(host.network, stranger.addresses, 1, Errno.ECONNREFUSED, 0, host.now)).toBe(false);
  });
});

describe('an open connection (RFC 5927 §5.2, row 14)', () => {
  it.each([...HARD, ...SOFT].map((errno) => [errnoName(errno), errno] as const))(
    '%s does not end it, and is told of when it is given up for silence (MUST-56)',
    (name, errno) => {
      const opened = inFlight();
      expect(icmp(opened, errno, 1)).toBe(true);
      expect(opened.connection.state).toBe(State.ESTABLISHED);
      opened.host.wait(3_600_000);
      expect(opened.events.take()).toEqual([`ended ${name}`]);
    },
  );

  it('an acknowledgement shows that it was nothing', () => {
    const opened = inFlight();
    icmp(opened, Errno.EHOSTUNREACH, 1);
    opened.peer.send();
    expect(opened.connection.pendingError()).toBe(Errno.NONE);
  });
});

describe('a connection being opened', () => {
  it.each(HARD.map((errno) => [errnoName(errno), errno] as const))('%s ends it (SHLD-26)', (name, errno) => {
    const opened = new TestHost().startConnect();
    expect(icmp(opened, errno, 0)).toBe(true);
    expect(opened.events.take()).toEqual([`ended ${name}`]);
    expect(opened.connection.state).toBe(State.CLOSED);
  });

  it.each(SOFT.map((errno) => [errnoName(errno), errno] as const))(
    '%s does not, at once: another SYN may get through',
    (name, errno) => {
      const opened = new TestHost().startConnect();
      expect(icmp(opened, errno, 0)).toBe(true);
      expect(opened.connection.state).toBe(State.SYN_SENT);
      opened.host.wait(600_000);
      expect(opened.events.take()).toEqual([`ended ${name}`]);
    },
  );

  it('only when the number is that of the SYN', () => {
    const opened = new TestHost().startConnect();
    for (const sequence of [-1, 1, 77]) expect(icmp(opened, Errno.ECONNREFUSED, sequence)).toBe(false);
    expect(opened.connection.state).toBe(State.SYN_SENT);
  });
});

describe('too big (RFC 1191, row 13)', () => {
  /** As the network layer does: it lowers the path's MTU when TCP believes the message. */
  function tooBig(opened: Opened, sequence: number, mtu: number): boolean {
    const { host, connection } = opened;
    const { layer, network, now } = host;
    const absolute = (connection.block!.initialSendSequence + sequence) | 0;
    const believed = layer.errorArrives(network, connection.block!.path!, absolute, Errno.EMSGSIZE, mtu, now);
    if (believed) network.mtu = Math.max(mtu, 552);
    host.settle();
    return believed;
  }

  it('the segment is sent again at once, in pieces that fit, without a smaller window (RFC 1191 §6.5)', () => {
    const opened = inFlight(50);
    const { peer, connection } = opened;
    const { window } = connection.block!.recovery.window;
    expect(tooBig(opened, 1, 1000)).toBe(true);
    const again = peer.drain();
    expect(again[0]).toMatchObject({ seq: 1, length: 960 });
    expect(connection.block!.segmentSize).toBe(960);
    expect(connection.block!.recovery.window.window).toBeGreaterThanOrEqual(Math.min(window, 9600));
    for (let i = 0; i < 20 && connection.unacknowledgedWrites > 0; i++) {
      opened.host.wait(100);
      peer.send();
    }
    expect(connection.unacknowledgedWrites).toBe(0);
  });

  it.each([
    ['not smaller than what is known', 1, 1500],
    ['larger', 1, 9000],
    ['about what is not in flight', 5000, 1000],
  ])('is ignored when %s', (_, sequence, mtu) => {
    const opened = inFlight();
    expect(tooBig(opened, sequence, mtu)).toBe(false);
    expect(opened.connection.block!.segmentSize).toBe(1460);
    opened.peer.expectNothing();
  });

  it.each([0, 1, 68, 551])('with an MTU of %i is clamped by the network layer, and breaks nothing', (mtu) => {
    const opened = inFlight();
    tooBig(opened, 1, mtu);
    expect(opened.connection.block!.segmentSize).toBe(512);
    expect(opened.connection.state).toBe(State.ESTABLISHED);
  });

  it('a storm of them, each a little smaller, costs one segment size each and ends', () => {
    const opened = inFlight();
    for (let mtu = 1499; mtu >= 561; mtu -= 14) tooBig(opened, 1, mtu);
    expect(opened.connection.block!.segmentSize).toBe(561 - 40);
    expect(opened.connection.block!.recovery.check()).toBeNull();
  });
});
