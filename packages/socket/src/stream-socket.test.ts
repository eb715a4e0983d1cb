import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import { LoopbackHost, text, turn } from './loopback-host.testkit.js';
import { connectedPair, drive, pattern, readAll } from './stream-pair.testkit.js';

describe('friendly style', () => {
  it('carries text and bytes both ways', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('grüß dich');
    expect(text((await drive(host, server.read()))!)).toBe('grüß dich');
    await server.write(Uint8Array.of(0, 255, 128));
    expect(await drive(host, client.read())).toEqual(Uint8Array.of(0, 255, 128));
    host.finish();
  });

  it('read takes at most what it asks for, and leaves the rest', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('hello');
    expect(text((await drive(host, server.read(2)))!)).toBe('he');
    expect(server.readableBytes).toBe(3);
    expect(text((await server.read())!)).toBe('llo');
    host.finish();
  });

  it('reads that wait are served in their order, each with what it asked for', async () => {
    const { host, client, server } = await connectedPair();
    const reads = [server.read(1), server.read(2), server.read(100)];
    await client.write('abcdef');
    host.settle();
    expect((await Promise.all(reads)).map((each) => text(each!))).toEqual(['a', 'bc', 'def']);
    host.finish();
  });

  it('a loop sees all bytes and ends at the end of the stream; then the other direction is still open', async () => {
    const { host, client, server } = await connectedPair();
    const sent = pattern(300_000);
    const reading = readAll(server);
    const writing = client.write(sent).then(() => client.end());
    expect(await drive(host, reading)).toEqual(sent);
    await writing;
    expect(await server.read()).toBeUndefined();
    expect([client.state, server.state]).toEqual(['FIN-WAIT-2', 'CLOSE-WAIT']);
    await server.write('half-open');
    expect(text((await drive(host, client.read()))!)).toBe('half-open');
    server.end();
    host.settle();
    expect(await client.read()).toBeUndefined();
    await Promise.all([client.closed, server.closed]);
    expect(host.sockets.size).toBe(1);
    host.finish();
  });

  it('leaving a loop keeps the socket, and takes nothing with it', async () => {
    const { host, client, server } = await connectedPair();
    const iterator = server[Symbol.asyncIterator]();
    const waiting = iterator.next();
    const other = server.read();
    await iterator.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await client.write('kept');
    host.settle();
    expect(text((await other)!)).toBe('kept');
    expect(server.isClosed).toBe(false);
    host.finish();
  });

  it('several writes that wait keep their order, and a zero-copy write does not get between them', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { sendBuffer: 1000 });
    const words = Array.from({ length: 5 }, (_, i) => pattern(3000, i + 1));
    const writes = words.map((word) => client.write(word));
    expect([client.reserve(), client.tryWrite(Uint8Array.of(1)), client.writableBytes]).toEqual([null, 0, 0]);
    const packet = host.pool.take()!;
    packet.length = 1;
    expect(client.commit(packet)).toBe(Errno.EAGAIN);
    const done: number[] = [];
    for (const [index, write] of writes.entries()) write.then(() => done.push(index));
    client.end();
    expect(await drive(host, readAll(server))).toEqual(new Uint8Array(words.flatMap((word) => [...word])));
    expect(done).toEqual([0, 1, 2, 3, 4]);
    host.finish();
  });

  it('a write resolves when its bytes are in the send buffer, not before', async () => {
    const { host, client, server } = await connectedPair(
      new LoopbackHost(),
      { sendBuffer: 1000 },
      { receiveBuffer: 1000 },
    );
    await client.write(pattern(1000));
    let isDone = false;
    const writing = client.write(pattern(3000)).then(() => {
      isDone = true;
    });
    for (let i = 0; i < 20; i++) {
      host.pass(100);
      await turn();
    }
    expect(isDone).toBe(false);
    const reading = (async () => {
      let bytes = 0;
      while (bytes < 4000) bytes += (await server.read())!.length;
    })();
    await drive(host, reading, 100);
    await writing;
    host.finish();
  });

  it('an empty write is done at once', async () => {
    const { host, client } = await connectedPair();
    await client.write('');
    await client.write(new Uint8Array(0));
    expect(client.connection.unacknowledgedWrites).toBe(0);
    host.finish();
  });
});

describe('zero-copy style', () => {
  it('packets are filled and read in place', async () => {
    const { host, client, server } = await connectedPair();
    const packet = client.reserve()!;
    packet.view.setInt32(packet.offset, 42);
    packet.length = 4;
    expect(client.commit(packet)).toBe(Errno.NONE);
    host.settle();
    const received = server.receivePacket()!;
    expect([received.length, received.view.getInt32(received.offset)]).toEqual([4, 42]);
    expect(server.receivePacket()).toBeNull();
    // Changed, and sent back in its frame.
    received.view.setInt32(received.offset, 43);
    expect(server.commit(received)).toBe(Errno.NONE);
    host.settle();
    const target = new Uint8Array(10);
    expect(client.readInto(target, 2)).toBe(4);
    expect(target).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 43, 0, 0, 0, 0));
    expect(client.readInto(target)).toBe(0);
    host.finish();
  });

  it('onReadable is called once per tick, again while bytes are left, and once for the end', async () => {
    const { host, client, server } = await connectedPair();
    const seen: string[] = [];
    const target = new Uint8Array(2);
    server.onReadable((socket) => {
      const bytes = socket.readInto(target);
      seen.push(bytes === 0 && socket.isEndOfStream ? 'end' : text(target.subarray(0, bytes)));
    });
    client.tryWrite(new TextEncoder().encode('ab'));
    client.tryWrite(new TextEncoder().encode('cde'));
    host.tick();
    host.tick();
    expect(seen).toEqual(['ab']);
    host.tick();
    expect(seen).toEqual(['ab', 'cd']);
    host.settle();
    expect(seen).toEqual(['ab', 'cd', 'e']);
    client.end();
    host.settle();
    host.settle();
    expect(seen).toEqual(['ab', 'cd', 'e', 'end']);
    host.finish();
  });

  it('a callback set late hears of what waits, and of the end', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('early');
    client.end();
    host.settle();
    const seen: number[] = [];
    server.onReadable((socket) => seen.push(socket.readInto(new Uint8Array(10))));
    host.settle();
    expect(seen).toEqual([5, 0]);
    server.onReadable((socket) => seen.push(socket.isEndOfStream ? -1 : 0));
    host.settle();
    expect(seen).toEqual([5, 0, -1]);
    host.finish();
  });

  it('onWritable tells once when there is room again', async () => {
    const { host, client, server } = await connectedPair(
      new LoopbackHost(),
      { sendBuffer: 4000 },
      { receiveBuffer: 4000 },
    );
    let calls = 0;
    client.onWritable(() => calls++);
    const bytes = pattern(20_000);
    let sent = client.tryWrite(bytes);
    expect(sent).toBe(4000);
    host.pass(1000);
    sent += client.tryWrite(bytes, sent);
    expect([sent, client.writableBytes, client.tryWrite(bytes, sent)]).toEqual([8000, 0, 0]);
    host.pass(1000);
    expect(calls).toBe(1);
    const got: number[] = [];
    const target = new Uint8Array(1000);
    while (got.length < 8000) {
      const count = server.readInto(target);
      got.push(...target.subarray(0, count));
      host.pass(100);
    }
    expect(calls).toBe(2);
    expect(client.writableBytes).toBe(4000);
    expect(got).toEqual([...bytes.subarray(0, 8000)]);
    host.finish();
  });

  it('a buffer filled to the brim by commit is told of, too', async () => {
    const { host, client } = await connectedPair(new LoopbackHost(), { sendBuffer: 2000 });
    let calls = 0;
    client.onWritable(() => calls++);
    for (let i = 0; i < 2; i++) {
      const packet = client.reserve()!;
      packet.length = 1000;
      expect(client.commit(packet)).toBe(Errno.NONE);
    }
    expect(client.writableBytes).toBe(0);
    host.pass(1000);
    expect(calls).toBe(1);
    host.finish();
  });

  it('while onReadable is set, readers that wait get nothing', async () => {
    const { host, client, server } = await connectedPair();
    const reading = server.read();
    server.onReadable(() => {});
    await client.write('mine');
    for (let i = 0; i < 5; i++) host.tick();
    server.onReadable(null);
    host.settle();
    expect(text((await reading)!)).toBe('mine');
    host.finish();
  });

  it('ranges outside of an array, and what is no array, are EINVAL', async () => {
    const { host, client } = await connectedPair();
    const bytes = new Uint8Array(4);
    for (const [start, length] of [
      [5, 0],
      [0, 5],
      [-1, 2],
      [0, -1],
      [0.5, 1],
      [2, 3],
    ] as const) {
      expect(() => client.tryWrite(bytes, start, length)).toThrow('do not lie in an array of 4');
      expect(() => client.readInto(bytes, start, length)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
    for (const none of ['abcd', [1, 2], undefined, null] as never[]) {
      expect(() => client.tryWrite(none)).toThrow('tryWrite EINVAL: the bytes must be in a Uint8Array');
      expect(() => client.readInto(none)).toThrow('readInto EINVAL: the bytes must be in a Uint8Array');
      expect(() => client.warm(none)).toThrow('warm EINVAL: the bytes must be in a Uint8Array');
    }
    host.finish();
  });
});
