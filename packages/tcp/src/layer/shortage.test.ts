import { describe, expect, it } from 'vitest';
import { establish, readAll, TestHost, write } from '../tcp.testkit.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

describe('when packets run low', () => {
  it('text ahead of gaps is given up, so that others can write, and nothing of it stays for ever', () => {
    const host = new TestHost({ frames: 1024, isFast: true });
    const listener = host.listen(80);
    for (let i = 0; i < 60; i++) {
      const peer = host.peer({ sack: true });
      peer.open(0);
      host.accept(listener);
      for (let range = 0; range < 80; range++) peer.inject({ seq: 3 + range * 720, data: 600 });
      host.settle();
    }
    host.wait(SECOND);
    // Writers leave a quarter alone.
    expect(host.pool.available).toBeGreaterThan(256);
    const honest = host.peer({});
    honest.open(0);
    expect(write(host.accept(listener).connection, 100)).toBe(100);
    host.layer.close();
  });

  it('peers who do not read cannot keep everybody else from writing', () => {
    const host = new TestHost({ frames: 1024, isFast: true });
    const listener = host.listen(80);
    for (let i = 0; i < 8; i++) {
      const peer = host.peer({ window: 0 });
      peer.open(0);
      write(host.accept(listener).connection, 1 << 20);
    }
    const honest = host.peer({});
    honest.open(0);
    const { connection } = host.accept(listener);
    let written = 0;
    for (let i = 0; i < 50; i++) {
      written += Math.max(0, write(connection, 1000));
      honest.send();
      host.wait(100);
    }
    expect(written).toBeGreaterThan(5000);
    expect(honest.inbox.reduce((sum, { data }) => sum + data.length, 0)).toBeGreaterThan(5000);
    host.layer.close();
  });

  it('a window that could not open is opened as soon as there are packets again', () => {
    const { connection, host, peer } = establish({ frames: 512, isFast: true });
    const give = host.exhaust(50);
    for (;;) {
      const offered = (connection.block!.receiveWindow.edge - connection.block!.receiveNext) | 0;
      if (offered <= 0) break;
      peer.send({ data: Math.min(1000, offered) });
      readAll(connection);
    }
    peer.inbox.splice(0);
    give();
    host.wait(SECOND);
    expect(peer.inbox.length).toBeGreaterThan(0);
    expect((connection.block!.receiveWindow.edge - connection.block!.receiveNext) | 0).toBeGreaterThan(10_000);
  });

  it('writers that wait are forgotten when their connections end', () => {
    const host = new TestHost({ frames: 1024, isFast: true });
    const listener = host.listen(80);
    const give = host.exhaust(100);
    for (let i = 0; i < 50; i++) {
      const peer = host.peer({});
      peer.open(0);
      const connection = listener.accept()!;
      expect(write(connection, 100)).toBe(0);
      peer.send({ flags: 'R' });
      connection.close(host.now);
    }
    expect(host.layer.starved.size).toBe(0);
    give();
  });
});

describe('a packet that was committed to two connections', () => {
  it('is not written to by either', () => {
    const host = new TestHost({ frames: 512, isFast: true });
    const listener = host.listen(80);
    const [first, second] = [0, 1].map(() => {
      const peer = host.peer({});
      peer.open(0);
      return { peer, connection: host.accept(listener).connection };
    });
    const packet = host.pool.take()!;
    packet.memory.write(packet.offset, new Uint8Array(600).fill(65), 0, 600);
    packet.length = 600;
    packet.retain();
    first!.connection.commit(packet);
    second!.connection.commit(packet);
    first!.connection.write(new Uint8Array(100).fill(66), 0, 100);
    host.settle();
    const received = ({ peer }: NonNullable<typeof first>) => peer.inbox.flatMap(({ data }) => [...data]);
    expect(received(first!)).toEqual([...new Array<number>(600).fill(65), ...new Array<number>(100).fill(66)]);
    expect(received(second!)).toEqual(new Array<number>(600).fill(65));
  });
});

describe('after a pause of half a turn of the clock, and more', () => {
  it.each([30, 40, 50, 60, 70])('of %i minutes what was sent is sent again at once', (minutes) => {
    const { connection, host, peer } = establish();
    write(connection, 500);
    host.settle();
    peer.inbox.splice(0);
    host.jump(minutes * MINUTE);
    host.settle();
    host.wait(2 * MINUTE);
    expect(peer.inbox.length).toBeGreaterThan(4);
  });
});

it('every second full segment of a peer whose segments are shorter than ours is acknowledged (SHLD-19)', () => {
  const { connection, peer } = establish({ peer: { mss: 8960 } });
  const acknowledged: number[] = [];
  for (let i = 0; i < 60; i++) {
    peer.inbox.splice(0);
    peer.send({ data: 1000 });
    readAll(connection);
    acknowledged.push(peer.inbox.length);
  }
  expect(acknowledged.slice(-6)).toEqual([0, 1, 0, 1, 0, 1]);
});
