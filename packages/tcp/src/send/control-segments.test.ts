import { DropReason } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { TestHost } from '../tcp.testkit.js';

/** The peer whose segments nobody is there for; its `theirs` is 0, so that `seq` of what it sees is absolute. */
function stranger() {
  const host = new TestHost();
  return { host, peer: host.peer({ iss: 5000 }) };
}

describe('a segment for no connection (RFC 9293 §3.10.7.1)', () => {
  it('with ACK: RST with the number it acknowledges, without ACK', () => {
    const { peer, host } = stranger();
    peer.send({ flags: '.', seq: 0, ack: 777_777, data: 100 });
    const reset = peer.expect({ flags: 'R', acknowledgement: 0, length: 0, headerLength: 20 });
    expect(reset.sequence).toBe(777_777);
    expect(host.dropped(DropReason.TCP_NO_CONNECTION)).toBe(1);
    expect(host.layer.statistics.resetsSent).toBe(1);
  });

  it.each([
    ['SYN', 'S', 0, 5001],
    ['SYN and text', 'S', 100, 5101],
    ['SYN that asks for ECN', 'SEW', 0, 5001],
  ])('without ACK (%s): RST and ACK of what it takes', (_, flags, data, acknowledgement) => {
    const { peer } = stranger();
    peer.send({ flags, seq: 0, data });
    const reset = peer.expect({ flags: 'R.' });
    expect([reset.sequence, reset.acknowledgement]).toEqual([0, acknowledgement]);
  });

  it.each(['R', 'R.'])('a RST (%s) is not answered', (flags) => {
    const { peer, host } = stranger();
    peer.send({ flags, seq: 0, ack: 5 });
    peer.expectNothing();
    expect(host.layer.statistics.resetsSent).toBe(0);
    expect(host.dropped(DropReason.TCP_NO_CONNECTION)).toBe(1);
  });

  it('the numbers wrap', () => {
    const { peer } = stranger();
    peer.iss = -1;
    peer.send({ flags: 'S', seq: 0 });
    expect(peer.expect({ flags: 'R.' }).acknowledgement).toBe(0);
  });

  it('no more bytes go back than came', () => {
    const { peer, host } = stranger();
    for (const flags of ['S', '.', 'F.', 'P.', 'S.', 'U.']) {
      const before = host.network.sentBytes;
      peer.send({ flags, seq: 0, ack: 1, options: [] });
      expect(host.network.sentBytes - before).toBeLessThanOrEqual(40);
    }
  });

  it('without a packet, or a way back, nothing is sent', () => {
    const { peer, host } = stranger();
    peer.inject({ flags: 'S', seq: 0 });
    peer.drain();
    host.network.isReachable = false;
    peer.send({ flags: 'S', seq: 0 });
    peer.expectNothing();
    expect(host.dropped(DropReason.TCP_NO_CONNECTION)).toBe(2);
  });

  it('without a packet a RST is not sent, and nothing else happens; a SYN-ACK goes in the packet of the SYN', () => {
    for (const [localPort, answers] of [
      [81, 0],
      [80, 1],
    ] as const) {
      const host = new TestHost({ frames: 4 });
      host.listen();
      const peer = host.peer({ localPort });
      host.exhaust(1);
      peer.send({ flags: 'S', seq: 0 });
      expect(peer.drain().length).toBe(answers);
    }
  });

  it('a way that was gone is looked for again', () => {
    const { peer, host } = stranger();
    host.network.isReachable = false;
    peer.send({ flags: 'S', seq: 0 });
    peer.expectNothing();
    host.network.isReachable = true;
    peer.send({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'R.' });
  });

  it('to many hosts in turn each gets its own answer', () => {
    const host = new TestHost();
    const peers = ['10.0.0.2', '10.0.0.3', '10.9.9.9'].map((address) => host.peer({ address }));
    for (let round = 0; round < 3; round++) {
      for (const peer of peers) {
        peer.send({ flags: '.', seq: 0, ack: 1000 + round });
        expect(peer.expect({ flags: 'R' }).sequence).toBe(1000 + round);
      }
    }
    expect(host.stray).toEqual([]);
  });
});
