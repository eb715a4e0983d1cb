import { seq } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { establish, pattern, readAll, type TestPeer } from '../tcp.testkit.js';

/** Right edge of the window that the host last told, in the peer's numbers. */
function edgeOf(peer: TestPeer, scale: number): number {
  const last = peer.drain().at(-1)!;
  return last.ack + (last.window << scale);
}

const MEBIBYTE = 1 << 20;

describe('the window offered', () => {
  it('is the buffer, unscaled in the SYN and scaled afterwards (RFC 7323 §2.2)', () => {
    const settings = { receiveBuffer: 300_000, maximumReceiveBuffer: 300_000 };
    const { peer, host, connection } = establish({ settings, peer: { scale: 0 }, isPassive: true });
    expect(connection.block!.receiveWindow.scale).toBe(3);
    peer.send({ data: 10 });
    expect(peer.expect().window).toBe(Math.ceil(300_000 / 8) - 1);
    host.wait(1);
  });

  it('is never more than 65,535 without window scaling, whatever the buffer', () => {
    const { peer } = establish({ settings: { receiveBuffer: MEBIBYTE }, isPassive: true });
    peer.send({ data: 10 });
    peer.expect({ window: 65_535 });
  });

  it.each([256, 1000, 65_535, 65_536, MEBIBYTE, 1 << 29])(
    'a maximum of %i bytes can be said with the scale offered',
    (maximum) => {
      const { connection } = establish({ settings: { receiveBuffer: 256, maximumReceiveBuffer: maximum } });
      const scale = connection.block!.receiveWindow.offeredScale();
      expect(65_535 * 2 ** scale).toBeGreaterThanOrEqual(maximum);
      // Not coarser than needed.
      if (scale > 0) expect(65_535 * 2 ** (scale - 1)).toBeLessThan(maximum);
      expect(scale).toBeLessThanOrEqual(14);
    },
  );
});

describe('the right edge (RFC 9293 §3.8.6.2.2, SHLD-14)', () => {
  it.each([
    ['unscaled', undefined],
    ['scaled', 7],
  ])('never moves back while text comes and nobody reads, %s', (_, scale) => {
    const settings = { receiveBuffer: 65_535, maximumReceiveBuffer: 65_535 << (scale ?? 0) };
    const { peer, connection } = establish({
      settings,
      peer: { scale: scale ?? 0 },
      connection: { quickAcknowledgement: true },
    });
    const offered = connection.block!.receiveWindow.scale;
    expect(offered).toBe(scale ?? 0);
    let edge = 0;
    let shown = 0;
    for (let i = 0; i < 60; i++) {
      peer.send({ data: 777 });
      const now = seq.difference(connection.block!.receiveWindow.edge, connection.block!.initialReceiveSequence);
      expect(now).toBeGreaterThanOrEqual(edge);
      edge = now;
      const told = edgeOf(peer, offered);
      // RFC 7323 §2.4: only by less than the granularity of the field.
      expect(told).toBeGreaterThan(shown - (1 << offered));
      expect(told).toBeLessThanOrEqual(edge);
      shown = Math.max(shown, told);
    }
  });

  it('a peer that sends small segments to an application that never reads does not push it beyond the buffer (row 33)', () => {
    const settings = { receiveBuffer: 8192, maximumReceiveBuffer: 4 << 20 };
    const options = { frames: 64, isFast: true, settings, peer: { scale: 7 } };
    const { peer, connection } = establish({ ...options, connection: { quickAcknowledgement: true } });
    const { scale } = connection.block!.receiveWindow;
    expect(scale).toBe(7);
    for (let i = 0; i < 9000; i++) {
      peer.inject({ data: 1 });
      if (i % 2 === 0) peer.host.settle();
      peer.drain();
    }
    peer.host.settle();
    expect(connection.readableBytes).toBeLessThan(8192 + (1 << scale));
    const bytes = readAll(connection);
    expect(bytes).toEqual(pattern(1, bytes.length));
  });

  it('text up to the edge is taken even when what was last told is less (RFC 7323 §2.4)', () => {
    const settings = { receiveBuffer: 8192, maximumReceiveBuffer: 4 << 20 };
    const { peer, connection } = establish({ settings, peer: { scale: 7 } });
    const edge = seq.difference(connection.block!.receiveWindow.edge, connection.block!.initialReceiveSequence);
    for (let at = 1; at < edge; at += 1001) peer.send({ seq: at, data: Math.min(1001, edge - at) });
    expect(connection.readableBytes).toBe(edge - 1);
  });
});

describe('silly-window avoidance of the receiver (RFC 9293 §3.8.6.2.2, MUST-39)', () => {
  function filled() {
    const opened = establish({ settings: { receiveBuffer: 8000, maximumReceiveBuffer: 8000 } });
    opened.peer.burst(...Array.from({ length: 8 }, () => ({ data: 1000 })));
    expect(opened.peer.expect().window).toBe(0);
    opened.peer.expectNothing();
    return opened;
  }

  it('a closed window stays closed until there is room for a segment', () => {
    const { peer, connection, host } = filled();
    const target = new Uint8Array(8000);
    connection.read(target, 0, 999);
    host.settle();
    peer.expectNothing();
    connection.read(target, 0, 1);
    host.settle();
    peer.expect({ flags: '.', ack: 8001, window: 1000 });
  });

  it('nor does an answer to a probe open it by less', () => {
    const { peer, connection } = filled();
    connection.read(new Uint8Array(999), 0, 999);
    peer.send({ data: 1 });
    peer.expect({ flags: '.', ack: 8001, window: 0 });
    connection.read(new Uint8Array(500), 0, 500);
    peer.drain();
    peer.send({ seq: 8001, data: 1 });
    peer.expect({ flags: '.', ack: 8001, window: 1499 });
  });

  it('with a buffer smaller than two segments it opens by half of the buffer', () => {
    const { peer, connection, host } = establish({ settings: { receiveBuffer: 1500, maximumReceiveBuffer: 1500 } });
    peer.burst({ data: 1000 }, { data: 500 });
    peer.expect({ window: 0 });
    const target = new Uint8Array(1500);
    connection.read(target, 0, 749);
    host.settle();
    peer.expectNothing();
    connection.read(target, 0, 1);
    host.settle();
    peer.expect({ window: 750 });
  });

  it('an open window is not announced again for every read, only by halves', () => {
    const { peer, connection, host } = establish({ settings: { receiveBuffer: 32_000, maximumReceiveBuffer: 32_000 } });
    peer.burst(...Array.from({ length: 20 }, () => ({ data: 1000 })));
    peer.expect({ ack: 20_001, window: 12_000 });
    const target = new Uint8Array(1000);
    for (let i = 0; i < 20; i++) {
      connection.read(target, 0, 1000);
      host.settle();
    }
    const updates = peer.drain();
    expect(updates.map((each) => each.window)).toEqual([28_000]);
  });
});

describe('window updates', () => {
  it('are not sent to a peer that sends nothing any more', () => {
    const { peer, connection, host } = establish({ settings: { receiveBuffer: 8000, maximumReceiveBuffer: 8000 } });
    peer.burst(...Array.from({ length: 8 }, () => ({ data: 1000 })), { flags: 'F.' });
    peer.drain();
    readAll(connection);
    host.settle();
    peer.expectNothing();
  });

  it('what shutdownRead throws away opens the window too', () => {
    const { peer, connection, host } = establish({ settings: { receiveBuffer: 8000, maximumReceiveBuffer: 8000 } });
    peer.burst(...Array.from({ length: 8 }, () => ({ data: 1000 })));
    peer.expect({ window: 0 });
    connection.shutdownRead();
    host.settle();
    peer.expect({ flags: '.', ack: 8001, window: 8000 });
    for (let i = 0; i < 20; i++) peer.send({ data: 1000 });
    expect(peer.drain().at(-1)!.window).toBeGreaterThanOrEqual(7000);
    expect(connection.readableBytes).toBe(0);
  });
});

describe('auto-tuning', () => {
  /** Every 100 ms a window full, read at once. */
  function transfer(rounds: number, options: Parameters<typeof establish>[0]) {
    const opened = establish({ frames: 4096, isFast: true, ...options });
    const { peer, connection, host } = opened;
    const { scale } = connection.block!.receiveWindow;
    let edge = seq.difference(connection.block!.receiveWindow.edge, connection.block!.initialReceiveSequence);
    for (let round = 0; round < rounds; round++) {
      host.wait(100);
      while (peer.next + 1000 <= edge) {
        peer.inject({ data: 1000 });
        if (peer.host.pool.available < 2000) break;
      }
      host.settle();
      readAll(connection);
      host.settle();
      edge = Math.max(edge, edgeOf(peer, scale));
    }
    return opened;
  }

  it('the window grows while the application takes a window per round trip, up to the maximum', () => {
    const settings = { receiveBuffer: 16_384, maximumReceiveBuffer: 200_000 };
    const { connection } = transfer(12, { settings, roundTrip: 100, peer: { scale: 7 } });
    expect(connection.block!.receiveWindow.limit).toBe(200_000);
  });

  it('does not grow beyond what SO_RCVBUF says', () => {
    const { connection } = transfer(6, { roundTrip: 100, connection: { receiveBuffer: 16_384 }, peer: { scale: 7 } });
    expect(connection.block!.receiveWindow.limit).toBe(16_384);
  });

  it('does not grow when the application takes little per round trip', () => {
    const settings = { receiveBuffer: 65_536, maximumReceiveBuffer: MEBIBYTE };
    const { connection, peer, host } = establish({ settings, roundTrip: 100, peer: { scale: 7 } });
    for (let i = 0; i < 200; i++) {
      peer.send({ data: 1000 });
      readAll(connection);
      host.wait(10);
    }
    expect(connection.block!.receiveWindow.limit).toBe(65_536);
  });

  it('is about twice what is read in a round trip', () => {
    const settings = { receiveBuffer: 16_384, maximumReceiveBuffer: MEBIBYTE };
    const { connection, peer, host } = establish({ settings, roundTrip: 100, peer: { scale: 7 } });
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 15; j++) peer.inject({ data: 1000 });
      host.settle();
      readAll(connection);
      host.wait(50);
    }
    expect(connection.block!.receiveWindow.limit).toBeGreaterThanOrEqual(60_000);
    expect(connection.block!.receiveWindow.limit).toBeLessThanOrEqual(100_000);
  });
});

describe('short of packets', () => {
  it('nothing more is promised, and what was promised holds', () => {
    const { peer, connection, host } = establish({
      frames: 256,
      settings: { receiveBuffer: 20_000, maximumReceiveBuffer: 20_000 },
    });
    const before = seq.difference(connection.block!.receiveWindow.edge, connection.block!.initialReceiveSequence);
    const giveBack = host.exhaust(32);
    for (let i = 0; i < 8; i++) peer.send({ data: 1000 });
    readAll(connection);
    host.settle();
    expect(edgeOf(peer, 0)).toBe(before);
    giveBack();
    peer.send({ data: 1000 });
    readAll(connection);
    host.settle();
    expect(edgeOf(peer, 0)).toBeGreaterThan(before);
  });
});
