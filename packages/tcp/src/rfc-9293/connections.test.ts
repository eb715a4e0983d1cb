import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import { Listener } from '../layer/listener.js';
import { State } from '../state.js';
import { address, establish, HERE, readAll, TestHost, write } from '../tcp.testkit.js';

describe('opening (RFC 9293 §3.5)', () => {
  it('of both sides at once makes one connection (MUST-10)', () => {
    const { connection, peer, events } = new TestHost().startConnect();
    peer.expect({ flags: 'S', seq: 0 });
    peer.send({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'S.', seq: 0, ack: 1 });
    expect(connection.state).toBe(State.SYN_RECEIVED);
    peer.send({ flags: 'S.', seq: 0, ack: 1 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(events.take()).toEqual(['connected']);
    peer.drain();
    peer.send({ data: 'text' });
    expect(new TextDecoder().decode(readAll(connection))).toBe('text');
  });

  it('passively returns to LISTEN after a reset, actively ends (MUST-11)', () => {
    const host = new TestHost();
    const listener = host.listen();
    const passive = host.peer();
    passive.sendSyn();
    passive.expect({ flags: 'S.' });
    passive.send({ flags: 'R', seq: 1 });
    expect(host.layer.passiveOpen.halfOpen).toBe(0);
    expect(listener.pending).toBe(0);
    passive.sendSyn();
    passive.expect({ flags: 'S.' });

    const { connection, peer, events } = host.startConnect();
    peer.expect({ flags: 'S' });
    peer.send({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'S.' });
    peer.send({ flags: 'R', seq: 1 });
    expect(events.take()).toEqual(['ended ECONNREFUSED']);
    expect(connection.state).toBe(State.CLOSED);
  });

  it('passively makes a listener or an error, and touches nothing else (§3.9.1.1, MUST-41)', () => {
    const host = new TestHost();
    const { connection, peer } = host.acceptFrom();
    expect(host.layer.listen(null, 80, {}, null)).toBe(Errno.EADDRINUSE);
    expect(host.layer.listen(address('10.9.9.9'), 80, {}, null)).toBe(Errno.EADDRNOTAVAIL);
    expect(connection.state).toBe(State.ESTABLISHED);
    peer.send({ data: 'still there' });
    expect(readAll(connection)).toHaveLength(11);
    const other = host.peer({ port: 50_000 });
    other.open();
  });

  it('passively works on the port of a connection in SYN-SENT, and in SYN-RECEIVED (§3.9.1.1, MUST-42)', () => {
    const host = new TestHost();
    const { connection, peer } = host.startConnect();
    const port = connection.localPort;
    const listeners = [State.SYN_SENT, State.SYN_RECEIVED].map((state) => {
      if (state === State.SYN_RECEIVED) peer.send({ flags: 'S', seq: 0 });
      expect(connection.state).toBe(state);
      const listener = host.layer.listen(null, port, {}, null);
      expect(listener).toBeInstanceOf(Listener);
      (listener as Listener).close(host.now);
      return listener;
    });
    expect(listeners).toHaveLength(2);

    const bound = host.open(null, { reuseAddress: true });
    expect(bound.bind(null, 9000)).toBe(Errno.NONE);
    expect(bound.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.NONE);
    const beside = host.layer.listen(null, 9000, { reuseAddress: true }, null);
    expect(beside).toBeInstanceOf(Listener);
    (beside as Listener).close(host.now);
  });

  it('actively takes a local address (§3.9.1.1, MUST-43), or lets the network choose it (MUST-44), and keeps it (MUST-45)', () => {
    const host = new TestHost();
    const second = address('10.0.0.9');
    host.network.local.push(second);
    const given = host.open();
    expect(given.bind(second, 0)).toBe(Errno.NONE);
    expect(given.connect(address('10.0.0.3'), 7, host.now)).toBe(Errno.NONE);
    expect(given.localAddress?.equals(second)).toBe(true);
    expect(host.open().bind(address('10.9.9.9'), 0)).toBe(Errno.EADDRNOTAVAIL);

    const { connection, peer } = host.connect();
    expect(connection.localAddress?.equals(HERE)).toBe(true);
    // Another address would be chosen now; the segment's checksum, which FakeNetwork looks at, is of the old one.
    host.network.local.reverse();
    write(connection, 100);
    connection.layer.flush(host.now);
    peer.expect({ length: 100 });
    expect(connection.localAddress?.equals(HERE)).toBe(true);
  });

  it('passively takes a local address (§3.9.1.1, MUST-43)', () => {
    const host = new TestHost();
    const second = address('10.0.0.9');
    host.network.local.push(second);
    const elsewhere = host.layer.listen(second, 80, {}, null) as Listener;
    const peer = host.peer();
    peer.sendSyn();
    peer.expect({ flags: 'R.' });
    elsewhere.close(host.now);
    const here = host.layer.listen(HERE, 80, {}, null) as Listener;
    peer.sendSyn();
    peer.expect({ flags: 'S.' });
    here.close(host.now);
  });
});

describe('closing (RFC 9293 §3.6)', () => {
  it('by the peer is an end of stream, a reset is an error (MUST-12), whatever text it carries (§3.5.3, SHLD-2)', () => {
    const closed = establish();
    closed.peer.send({ flags: 'F.' });
    expect(closed.events.take()).toEqual(['readable']);
    expect(closed.connection.isEndOfStream).toBe(true);
    expect(closed.connection.pendingError()).toBe(Errno.NONE);

    const aborted = closed.host.connect({ peer: { address: '10.0.0.3' } });
    aborted.peer.send({ flags: 'R.', data: 'why: no reason' });
    expect(aborted.events.take()).toEqual(['ended ECONNRESET']);
    expect(aborted.connection.readableBytes).toBe(0);
  });

  it('ends reading too (MAY-1): unread text, and text that comes later, is answered with a reset (SHLD-3)', () => {
    const unread = establish();
    unread.peer.send({ data: 'never read' });
    unread.peer.drain();
    unread.connection.close(unread.host.now);
    unread.host.settle();
    unread.peer.expect({ flags: 'R.' });

    const late = unread.host.connect({ peer: { address: '10.0.0.3' } });
    late.connection.close(late.host.now);
    late.host.settle();
    late.peer.expect({ flags: 'F.' });
    late.peer.send({ data: 'too late' });
    late.peer.expect({ flags: 'R.' });
  });

  it('actively leads to TIME-WAIT for 2 MSL, in which a repeated FIN is acknowledged (MUST-13)', () => {
    const { host, connection, peer } = establish();
    connection.close(host.now);
    host.settle();
    peer.expect({ flags: 'F.' });
    peer.send({ flags: 'F.' });
    peer.expect({ flags: '.', seq: 2, ack: 2 });
    expect(host.layer.timeWait.size).toBe(1);
    host.wait(59_000);
    peer.send({ flags: 'F.', seq: 1 });
    peer.expect({ flags: '.', seq: 2, ack: 2 });
    host.wait(59_999);
    expect(host.layer.timeWait.size).toBe(1);
    host.wait(2);
    expect(host.layer.timeWait.size).toBe(0);
    peer.send({ flags: 'F.', seq: 1 });
    peer.expect({ flags: 'R' });
  });
});
