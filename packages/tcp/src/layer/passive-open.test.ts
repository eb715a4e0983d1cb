import { DropReason } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import {
  type HostOptions,
  type PeerOptions,
  pattern,
  readAll,
  TestHost,
  type TestPeer,
  write,
} from '../tcp.testkit.js';

function listening(settings: HostOptions['settings'] = {}, backlog = 8) {
  const host = new TestHost({ settings });
  return { host, listener: host.listen(80, { backlog }) };
}

/** A peer whose SYN was answered. */
function halfOpen(host: TestHost, options: PeerOptions = {}): TestPeer {
  const peer = host.peer(options);
  peer.sendSyn();
  peer.expect({ flags: 'S.', seq: 0, ack: 1 });
  return peer;
}

describe('SEGMENT ARRIVES in LISTEN (RFC 9293 §3.10.7.2)', () => {
  it('first, a RST is ignored', () => {
    const { host } = listening();
    const peer = host.peer();
    peer.send({ flags: 'R', seq: 0 });
    peer.send({ flags: 'R.', seq: 0, ack: 7 });
    peer.expectNothing();
    expect(host.dropped(DropReason.TCP_RESET_INVALID)).toBe(2);
  });

  it.each(['.', 'F.', 'P.', 'S.', 'U.'])('second, an ACK (%s) is answered by RST with its number', (flags) => {
    const { host } = listening();
    const peer = host.peer();
    peer.send({ flags, seq: 0, ack: 4711 });
    expect(peer.expect({ flags: 'R' }).sequence).toBe(4711);
    expect(host.layer.statistics.halfOpen).toBe(0);
  });

  it('third, a SYN is answered, and no connection is made before the handshake is done', () => {
    const { host, listener } = listening();
    const peer = host.peer({ sack: true, scale: 2, timestamps: true });
    peer.sendSyn({ tsval: 99 });
    const answer = peer.expect({ flags: 'S.', ack: 1, mss: 1460, sackPermitted: true, scale: 7, window: 65_535 });
    expect(answer.timestamps?.[1]).toBe(99);
    expect(host.layer.statistics).toMatchObject({ halfOpen: 1, connections: 0 });
    expect(listener.pending).toBe(0);
    peer.send();
    expect(host.layer.statistics).toMatchObject({ halfOpen: 0, connections: 1, passiveOpens: 1 });
    const { connection } = host.accept(listener);
    expect(connection.state).toBe(State.ESTABLISHED);
    expect([connection.localPort, connection.remotePort]).toEqual([80, peer.port]);
    expect(connection.localAddress?.toString()).toBe('10.0.0.1');
    expect(connection.remoteAddress?.toString()).toBe('10.0.0.2');
  });

  it('text with the SYN is not taken, and not acknowledged: it comes again (row 39)', () => {
    const { host, listener } = listening();
    const peer = host.peer();
    peer.sendSyn({ data: 100 });
    peer.expect({ flags: 'S.', ack: 1 });
    peer.send({ seq: 1, data: 100 });
    expect(readAll(host.accept(listener).connection)).toEqual(pattern(1, 100));
  });

  it('options that the peer does not have are not answered', () => {
    const { host } = listening();
    const peer = host.peer({ mss: null });
    peer.sendSyn();
    peer.expect({ flags: 'S.', sackPermitted: false, scale: undefined, timestamps: undefined, mss: 1460 });
  });

  it('the connection has what both agreed on', () => {
    const { host, listener } = listening();
    const peer = halfOpen(host, { sack: true, scale: 5, timestamps: true, mss: 700 });
    peer.send({ window: 1000 });
    const { connection } = host.accept(listener);
    expect(connection.block).toMatchObject({
      hasSelectiveAcknowledgements: true,
      hasTimestamps: true,
      sendWindowScale: 5,
      sendWindow: 32_000,
      segmentSize: 688,
    });
  });

  it('its options are those of the listener', () => {
    const host = new TestHost();
    const options = { noDelay: true, receiveBuffer: 3000, maximumSegmentSize: 500, timeToLive: 9, trafficClass: 0xb8 };
    const listener = host.listen(80, options);
    const peer = host.peer();
    peer.sendSyn();
    peer.expect({ flags: 'S.', window: 3000, mss: 500, timeToLive: 9, trafficClass: 0xb8 });
    peer.send();
    const { connection } = host.accept(listener);
    expect(connection.block!.noDelay).toBe(true);
    write(connection, 700);
    host.settle();
    peer.expect({ length: 700, gsoSize: 500, timeToLive: 9 });
  });
});

describe('SYN-RECEIVED of a passive open (§3.10.7.4)', () => {
  it('text and FIN may come with the third segment', () => {
    const { host, listener } = listening();
    const peer = halfOpen(host);
    peer.send({ data: 300, flags: 'FP.' });
    peer.expect({ flags: '.', ack: 302 });
    const { connection } = host.accept(listener);
    expect(connection.state).toBe(State.CLOSE_WAIT);
    expect(readAll(connection)).toEqual(pattern(1, 300));
  });

  it('the third segment was lost: text ahead of a gap opens it too', () => {
    const { host, listener } = listening();
    const peer = halfOpen(host);
    peer.send({ seq: 1001, data: 1000 });
    const { connection } = host.accept(listener);
    peer.send({ seq: 1, data: 1000 });
    expect(readAll(connection)).toEqual(pattern(1, 2000));
  });

  it('the SYN again: its answer again, one each (row 29)', () => {
    const { host } = listening();
    const peer = halfOpen(host);
    for (let i = 0; i < 5; i++) {
      peer.send({ flags: 'S', seq: 0 });
      peer.expect({ flags: 'S.', seq: 0, ack: 1 });
      peer.expectNothing();
    }
    expect(host.layer.statistics.halfOpen).toBe(1);
  });

  it('the answer is sent again after 1, 3, 7, 15, 31 s, then the SYN is forgotten', () => {
    const { host } = listening();
    const peer = halfOpen(host);
    host.wait(120_000);
    expect(peer.drain().map((each) => [each.flags, Math.round(each.at / 1000)])).toEqual([
      ['S.', 1],
      ['S.', 3],
      ['S.', 7],
      ['S.', 15],
      ['S.', 31],
    ]);
    expect(host.layer.statistics.halfOpen).toBe(0);
    expect(host.layer.nextExpiry(host.now)).toBe(-1);
  });

  it('a wrong ACK: RST with its number; the SYN still stands', () => {
    const { host, listener } = listening();
    const peer = halfOpen(host);
    peer.send({ seq: 1, ack: 2 });
    expect(peer.expect({ flags: 'R' }).seq).toBe(2);
    peer.send({ seq: 1, ack: 0 });
    expect(peer.expect({ flags: 'R' }).seq).toBe(0);
    peer.send({ seq: 1, ack: 1 });
    expect(listener.pending).toBe(1);
  });

  it('a RST at RCV.NXT forgets it, back to LISTEN (MUST-11); elsewhere it does not (RFC 5961 §3.2)', () => {
    const { host } = listening();
    const peer = halfOpen(host);
    peer.send({ flags: 'R', seq: 2 });
    expect(host.layer.statistics.halfOpen).toBe(1);
    peer.drain();
    peer.send({ flags: 'R', seq: 70_000 });
    peer.expectNothing();
    peer.send({ flags: 'R', seq: 1 });
    expect(host.layer.statistics.halfOpen).toBe(0);
  });

  it('another SYN from the same port is challenged; its sender, if it is new, resets', () => {
    const { host } = listening();
    const peer = halfOpen(host);
    peer.send({ flags: 'S', seq: 5000 });
    const challenge = peer.expect({ flags: '.', seq: 1, ack: 1 });
    peer.send({ flags: 'R', seq: challenge.ack });
    expect(host.layer.statistics.halfOpen).toBe(0);
  });

  it('what lies outside of the window is told where the window is', () => {
    const { host, listener } = listening();
    const peer = halfOpen(host);
    peer.send({ seq: 100_000, data: 10 });
    peer.expect({ flags: '.', seq: 1, ack: 1 });
    peer.send({ seq: 0 });
    peer.expect({ flags: '.', seq: 1, ack: 1 });
    expect(listener.pending).toBe(0);
  });

  it('an old timestamp does not complete it (RFC 7323 §5.3), nor none at all (§3.2)', () => {
    const { host, listener } = listening();
    const peer = halfOpen(host, { timestamps: true });
    peer.send({ tsval: peer.clock - 5 });
    expect(host.dropped(DropReason.TCP_TIMESTAMP_OLD)).toBe(1);
    peer.drain();
    peer.send({ options: [] });
    peer.expectNothing();
    expect(listener.pending).toBe(0);
    peer.send();
    expect(listener.pending).toBe(1);
  });

  it('the round trip of the handshake is measured, unless the answer was sent twice (RFC 6298, Karn)', () => {
    const host = new TestHost();
    expect(host.acceptFrom({ roundTrip: 70 }).connection.block!.recovery.estimator.smoothed).toBe(70_000);
    const listener = host.listen(81);
    const peer = halfOpen(host, { localPort: 81 });
    host.wait(1100);
    peer.send();
    const { connection } = host.accept(listener);
    expect(connection.block!.recovery.estimator.hasSample).toBe(false);
    // RFC 6298 §5.7.
    expect(connection.block!.recovery.estimator.timeout).toBe(3_000_000);
  });

  it('an answer that had to be sent more than once is a sign of congestion: one segment first (RFC 5681 §3.1)', () => {
    const { host, listener } = listening();
    const peer = halfOpen(host);
    host.wait(3100);
    peer.drain();
    peer.send();
    const { connection } = host.accept(listener);
    write(connection, 10_000);
    host.settle();
    expect(peer.drain().reduce((sum, each) => sum + each.length, 0)).toBe(1000);
  });
});

describe('the accept queue', () => {
  it('keeps the order, and what came meanwhile', () => {
    const { host, listener } = listening();
    const peers = [host.peer(), host.peer(), host.peer()];
    for (const peer of peers) {
      peer.open();
      peer.send({ data: 10 });
    }
    for (const peer of peers) {
      const { connection } = host.accept(listener);
      expect(connection.remotePort).toBe(peer.port);
      expect(connection.readableBytes).toBe(10);
    }
    expect(listener.accept()).toBeNull();
  });

  it('tells its handler', () => {
    const { host, listener } = listening();
    let told = 0;
    listener.handler = {
      acceptable(which) {
        expect(which).toBe(listener);
        told++;
      },
    };
    host.peer().open();
    expect(told).toBe(1);
  });

  it('full: SYNs are dropped without a word, and the third segment of what is half open too (row 29)', () => {
    const { host, listener } = listening({}, 2);
    const waiting = [halfOpen(host), halfOpen(host), halfOpen(host)];
    waiting[0]!.send();
    waiting[1]!.send();
    expect(listener.isFull).toBe(true);
    waiting[2]!.send();
    waiting[2]!.expectNothing();
    const late = host.peer();
    late.sendSyn();
    late.expectNothing();
    expect(host.dropped(DropReason.TCP_ACCEPT_QUEUE_FULL)).toBe(2);
    // There is room again: the peer that waits gets in by our retransmission.
    host.accept(listener);
    host.wait(1100);
    waiting[2]!.expect({ flags: 'S.' });
    waiting[2]!.send();
    expect(listener.pending).toBe(2);
  });

  it('what has ended in it is still handed out, with its error and its text', () => {
    const { host, listener } = listening();
    const peer = host.peer();
    peer.open();
    peer.send({ data: 10 });
    peer.send({ flags: 'R' });
    const { connection } = host.accept(listener);
    expect(connection.state).toBe(State.CLOSED);
    expect(connection.readableBytes).toBe(10);
    expect(connection.pendingError()).toBe(104);
  });

  it('closed, resets those nobody accepted and forgets those half open', () => {
    const { host, listener } = listening();
    const peer = host.peer();
    peer.open();
    peer.send({ data: 10 });
    peer.drain();
    const other = halfOpen(host);
    listener.close(host.now);
    listener.close(host.now);
    peer.expect({ flags: 'R.' });
    expect(host.layer.size).toBe(0);
    expect(host.pool.outstanding).toBe(0);
    other.send();
    other.expect({ flags: 'R' });
    host.wait(100_000);
    other.expectNothing();
    expect(host.layer.statistics.halfOpen).toBe(0);
    // The port is free, and a new listener on it does not know what the old one knew.
    const again = host.listen(80);
    other.send();
    other.expect({ flags: 'R' });
    expect(again.pending).toBe(0);
  });

  it('connections accepted before stay when the listener closes', () => {
    const { host, listener } = listening();
    const peer = host.peer();
    peer.open();
    const { connection } = host.accept(listener);
    listener.close(host.now);
    peer.send({ data: 10 });
    expect(connection.readableBytes).toBe(10);
  });
});

describe('a full SYN cache (row 29)', () => {
  it('answers by cookies, which open connections as well', () => {
    const { host, listener } = listening({ synCacheSize: 4 }, 128);
    const flood = Array.from({ length: 4 }, () => halfOpen(host));
    const peer = host.peer({ mss: 1300, sack: true, scale: 3, timestamps: true });
    peer.sendSyn();
    const answer = peer.expect({ flags: 'S.', ack: 1, sackPermitted: true, scale: 7 });
    expect(answer.timestamps).toBeDefined();
    expect(host.layer.statistics).toMatchObject({ halfOpen: 4, cookiesSent: 1 });
    peer.send({ data: 100 });
    const { connection } = host.accept(listener);
    expect(readAll(connection)).toEqual(pattern(1, 100));
    expect(connection.block).toMatchObject({
      hasSelectiveAcknowledgements: true,
      sendWindowScale: 3,
      hasTimestamps: true,
      // The largest that a cookie can say which is not above the peer's.
      peerSegmentSize: 1220,
    });
    expect(host.layer.statistics.cookiesAccepted).toBe(1);
    expect(flood.length).toBe(4);
  });

  it('without timestamps a cookie has no place for other options', () => {
    const { host, listener } = listening({ synCookies: 'always' });
    const peer = host.peer({ sack: true, scale: 3 });
    peer.sendSyn();
    peer.expect({ flags: 'S.', sackPermitted: false, scale: undefined });
    peer.send({ window: 500 });
    const { connection } = host.accept(listener);
    expect(connection.block).toMatchObject({ hasSelectiveAcknowledgements: false, sendWindow: 500, hasScaling: false });
  });

  it.each([9, -9, 1 << 24, 0x1234_5678])('a forged cookie, off by %i, is answered by RST', (off) => {
    const { host, listener } = listening({ synCookies: 'always' });
    const peer = host.peer();
    peer.sendSyn();
    peer.expect({ flags: 'S.' });
    peer.send({ seq: 1, ack: 1 + off });
    peer.expect({ flags: 'R' });
    expect(listener.pending).toBe(0);
  });

  it('a cookie is good for two minutes at most', () => {
    const { host, listener } = listening({ synCookies: 'always' });
    const peer = host.peer();
    peer.sendSyn();
    peer.expect({ flags: 'S.' });
    host.wait(130_000);
    // The count of periods is kept alive by other cookies.
    host.peer().sendSyn();
    peer.send();
    peer.expect({ flags: 'R' });
    expect(listener.pending).toBe(0);
  });

  it('agrees on ECN by cookie too', () => {
    const { host, listener } = listening({ synCookies: 'always' });
    const peer = host.peer({ ecn: true, timestamps: true });
    peer.open();
    expect(host.accept(listener).connection.block!.hasEcn).toBe(true);
  });

  it('a good cookie finds the accept queue full, or no room for connections: dropped, and taken when it comes again', () => {
    const { host, listener } = listening({ synCookies: 'always', maximumConnections: 2 }, 1);
    const [first, second, third] = [host.peer(), host.peer(), host.peer()];
    for (const peer of [first!, second!, third!]) {
      peer.sendSyn();
      peer.expect({ flags: 'S.' });
    }
    first!.send();
    second!.send();
    expect(host.dropped(DropReason.TCP_ACCEPT_QUEUE_FULL)).toBe(1);
    host.accept(listener);
    second!.send();
    const { connection } = host.accept(listener);
    third!.send();
    expect(host.dropped(DropReason.TCP_CONNECTION_LIMIT)).toBe(1);
    connection.abort(host.now);
    third!.send();
    expect(listener.pending).toBe(1);
  });

  it('never cookies: SYNs are dropped and counted', () => {
    const { host } = listening({ synCacheSize: 2, synCookies: 'never' });
    for (let i = 0; i < 2; i++) halfOpen(host);
    const peer = host.peer();
    peer.sendSyn();
    peer.expectNothing();
    expect(host.dropped(DropReason.TCP_SYN_RATE)).toBe(1);
    peer.send();
    peer.expect({ flags: 'R' });
  });

  it('thousands of SYNs: no connection, bounded rows, one answer each, and honest peers get in', () => {
    const host = new TestHost({ frames: 256, isFast: true, settings: { synCacheSize: 64 } });
    const listener = host.listen();
    const flood = host.peer({ address: '10.1.0.0' });
    const { addresses } = flood;
    const before = host.network.sentCount;
    for (let i = 0; i < 2000; i++) {
      (flood as { port: number }).port = 1 + (i % 60_000);
      flood.inject({ flags: 'S', seq: 0, options: [] });
      addresses.remoteD = (addresses.remoteD + 1) | 0;
      if (i % 32 === 31) host.settle();
    }
    expect(host.network.sentCount - before).toBe(2000);
    expect(host.layer.statistics).toMatchObject({ halfOpen: 64, connections: 0 });
    expect(host.pool.outstanding).toBe(0);
    host.peer().open();
    expect(listener.pending).toBe(1);
  });
});

describe('limits', () => {
  it('no more connections than allowed: the handshake completes when there is room', () => {
    const { host, listener } = listening({ maximumConnections: 2 });
    const peers = [host.peer(), host.peer(), host.peer()];
    for (const peer of peers.slice(0, 2)) peer.open();
    peers[2]!.sendSyn();
    peers[2]!.expect({ flags: 'S.' });
    peers[2]!.send();
    expect(host.dropped(DropReason.TCP_CONNECTION_LIMIT)).toBe(1);
    expect(listener.pending).toBe(2);
    host.accept(listener).connection.abort(host.now);
    peers[2]!.send();
    expect(listener.pending).toBe(2);
  });

  it('no more listeners than allowed', () => {
    const host = new TestHost({ settings: { maximumListeners: 2 } });
    const first = host.listen(1);
    host.listen(2);
    expect(host.layer.listen(null, 3, {}, null)).toBe(105);
    first.close(host.now);
    host.listen(3);
  });

  it('without a packet for the answer the SYN waits for the next', () => {
    const host = new TestHost({ frames: 8 });
    host.listen();
    const peer = host.peer();
    peer.inject({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'S.' });
    const other = host.peer();
    const giveBack = host.exhaust(1);
    other.inject({ flags: 'S', seq: 0 });
    giveBack();
    host.wait(1100);
    expect(other.drain().at(-1)).toMatchObject({ flags: 'S.' });
  });
});
