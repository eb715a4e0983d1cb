import { tcpOptions } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { establish, readAll, TestHost, write } from '../tcp.testkit.js';

describe('options (RFC 9293 §3.1)', () => {
  it('are taken from any segment, also those nobody knows (MUST-5)', () => {
    const { connection, peer } = establish({ peer: { timestamps: true } });
    const unknown = { kind: 253, data: Uint8Array.of(1, 2, 3) };
    peer.send({ data: 'text', options: [unknown, tcpOptions.timestamps(peer.clock, peer.timestampRecent)] });
    expect(readAll(connection)).toHaveLength(4);
  });
});

describe('the maximum segment size (RFC 9293 §3.7.1)', () => {
  it.each([1460, 536])(
    'is sent in every SYN, also the default (MUST-14, SHLD-5, MAY-3), and in nothing else (§3.2, MUST-65): %i',
    (mss) => {
      const host = new TestHost();
      const options = { maximumSegmentSize: mss };
      const { connection, peer } = host.startConnect({ connection: options });
      peer.expect({ flags: 'S', mss });
      peer.answerSyn();
      peer.expect({ flags: '.', mss: undefined });
      write(connection, 100);
      host.settle();
      peer.expect({ flags: 'P.', mss: undefined });
      const passive = host.peer();
      host.listen(80, options);
      passive.sendSyn();
      passive.expect({ flags: 'S.', mss });
    },
  );

  it('sent is no more than a datagram of the interface holds, whatever the user says (MUST-67)', () => {
    const host = new TestHost();
    host.startConnect({ connection: { maximumSegmentSize: 9000 } }).peer.expect({ flags: 'S', mss: 1460 });
    const peer = { address: '10.0.0.3' };
    host.startConnect({ connection: { maximumSegmentSize: 1000 }, peer }).peer.expect({ flags: 'S', mss: 1000 });
  });

  it.each([
    ['that of the peer', 700, 1500, {}, 700],
    ['what the path takes', 9000, 1500, {}, 1460],
    ['536, when the peer says nothing (MUST-15)', null, 1500, {}, 536],
    ['less the options of every segment', 700, 1500, { timestamps: true }, 688],
  ])('obeyed is %s (MUST-14, MUST-16)', (_name, mss, mtu, more, length) => {
    const host = new TestHost();
    host.network.mtu = mtu;
    const { connection, peer } = host.connect({ peer: { mss, ...more } });
    write(connection, length * 2);
    host.settle();
    // One virtual segment, to be cut to this size.
    peer.expect({ gsoSize: length, length: length * 2 });
  });
});

describe('the size of segments', () => {
  it("small ones wait while one is out (RFC 9293 §3.7.4, SHLD-7), unless the user doesn't want that (MUST-17)", () => {
    const { host, connection, peer } = establish();
    const two = () => {
      write(connection, 100);
      host.settle();
      write(connection, 150);
      host.settle();
    };
    two();
    peer.expect({ length: 100 });
    peer.expectNothing();
    peer.send();
    peer.expect({ length: 150 });
    peer.send();
    connection.apply({ noDelay: true });
    two();
    peer.expect({ length: 100 });
    peer.expect({ length: 150 });
  });

  it('writes are put together (RFC 9293 §3.9.1.2, SHLD-28), with one PSH at the end of all of them (SHLD-27, MUST-61)', () => {
    const { host, connection, peer } = establish();
    for (let i = 0; i < 20; i++) write(connection, 75);
    host.settle();
    peer.expect({ flags: 'P.', length: 1500, gsoSize: 1000 });
    // The window ends before the text does: no PSH.
    peer.send({ window: 1000 });
    for (let i = 0; i < 20; i++) write(connection, 75);
    host.settle();
    peer.expect({ flags: '.', length: 1000 });
    peer.send({ window: 1000 });
    peer.expect({ flags: 'P.', length: 500 });
  });

  it('what is sent again has PSH as before (RFC 9293 §3.9.1.2, MUST-61)', () => {
    const { host, connection, peer } = establish();
    write(connection, 500);
    host.settle();
    peer.expect({ flags: 'P.', length: 500 });
    host.wait(1500);
    peer.expect({ flags: 'P.', seq: 1, length: 500 });
    connection.shutdownWrite();
    peer.send();
    host.settle();
    peer.drain();
  });

  it('a cork keeps short segments back (RFC 9293 §3.9.1.2, MAY-16), but not for ever (MUST-60)', () => {
    const { host, connection, peer } = establish();
    connection.apply({ cork: true });
    write(connection, 100);
    host.settle();
    peer.expectNothing();
    host.wait(199);
    peer.expectNothing();
    host.wait(2);
    peer.expect({ length: 100 });
  });
});

describe('urgent text (RFC 9293 §3.8.5)', () => {
  it('is delivered in its place (MUST-30), whatever its length (MUST-31)', () => {
    const { connection, peer } = establish();
    peer.send({ data: 'calm, ' });
    peer.send({ flags: 'PU.', data: 'urgent, ', urgentPointer: 8 });
    peer.send({ flags: 'PU.', data: 'and much more, ', urgentPointer: 65_535 });
    peer.send({ data: 'calm' });
    expect(new TextDecoder().decode(readAll(connection))).toBe('calm, urgent, and much more, calm');
  });
});

describe('what goes with segments', () => {
  it('the checksum is always right (RFC 9293 §3.1, MUST-2), or left to the link that completes it', () => {
    const { host, connection, peer } = establish({ peer: { timestamps: true, sack: true } });
    // FakeNetwork computes it again for every segment that is sent.
    for (const length of [1, 2, 987, 988, 3000]) {
      write(connection, length);
      host.settle();
      peer.expect({ length });
      peer.send();
    }
    host.network.completesChecksum = true;
    host.network.mtu = 1400;
    write(connection, 500);
    host.settle();
    peer.expect({ length: 500 });
  });

  it('DSCP and time to live are the user’s (RFC 9293 §3.9.1.9, MUST-48, SHLD-22; §3.9.2, MUST-49), also later (SHLD-21)', () => {
    const options = { trafficClass: 0xb8, timeToLive: 7 };
    const host = new TestHost();
    const { connection, peer } = host.startConnect({ connection: options });
    peer.expect({ flags: 'S', ...options });
    peer.answerSyn();
    peer.expect({ flags: '.', ...options });
    connection.apply({ trafficClass: 0x28, timeToLive: 255 });
    write(connection, 1);
    host.settle();
    peer.expect({ length: 1, trafficClass: 0x28, timeToLive: 255 });

    host.listen(80, options);
    const passive = host.peer();
    passive.sendSyn();
    passive.expect({ flags: 'S.', ...options });
    passive.send({ flags: 'S', seq: 5 });
    passive.expect({ flags: '.', ...options });
    passive.send({ seq: 1 });
    passive.send({ seq: 1, data: 1000 });
    passive.expect({ flags: '.', ...options });
    // From TIME-WAIT too.
    connection.shutdownWrite();
    host.settle();
    peer.drain();
    peer.send({ flags: 'F.' });
    peer.drain();
    peer.send({ flags: 'F.', seq: 1 });
    peer.expect({ flags: '.', trafficClass: 0x28, timeToLive: 255 });
  });

  it('congestion on the way is echoed until the peer has reacted (RFC 9293 §3.8.2, SHLD-8)', () => {
    const { host, connection, peer } = establish({ settings: { ecn: 'active' }, peer: { ecn: true } });
    write(connection, 100);
    host.settle();
    peer.expect({ length: 100, trafficClass: 2 });
    peer.send({ data: 100, ecn: 3 });
    peer.expect({ flags: '.E' });
    peer.send({ data: 100, ecn: 2 });
    peer.expect({ flags: '.E' });
    peer.send({ flags: '.W', data: 100, ecn: 2 });
    peer.expect({ flags: '.' });
  });
});
