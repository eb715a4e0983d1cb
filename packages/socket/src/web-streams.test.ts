import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LoopbackHost, text, turn } from './loopback-host.testkit.js';
import { connectedPair, drive, pattern, readAll } from './stream-pair.testkit.js';

const chunks = (stream: ReadableStream<Uint8Array>) => stream as unknown as AsyncIterable<Uint8Array>;

describe('web streams', () => {
  it('carry bytes from a source to a sink, and the end of the stream with them', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { sendBuffer: 5000 });
    const sent = pattern(200_000);
    let at = 0;
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at === sent.length) controller.close();
        else controller.enqueue(sent.subarray(at, (at += 10_000)));
      },
    });
    const piping = source.pipeTo(client.writable);
    expect(await drive(host, readAll(chunks(server.readable)))).toEqual(sent);
    await drive(host, piping);
    expect(client.state).toBe('FIN-WAIT-2');
    host.finish();
  });

  it('pipeTo from a socket to itself is an echo', async () => {
    const { host, client, server } = await connectedPair();
    const echo = server.readable.pipeTo(server.writable);
    const sent = pattern(300_000);
    const reading = readAll(client);
    const writing = client.write(sent).then(() => client.end());
    expect(await drive(host, reading)).toEqual(sent);
    await drive(host, Promise.all([echo, writing, client.closed, server.closed]));
    host.finish();
  });

  it('are made once, and read only what is asked for', async () => {
    const { host, client, server } = await connectedPair();
    expect(server.readable).toBe(server.readable);
    expect(client.writable).toBe(client.writable);
    await client.write('hello');
    host.settle();
    await turn();
    expect(server.readableBytes).toBe(5);
    host.finish();
  });

  it('read into a buffer that is brought', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('hello');
    host.settle();
    const reader = server.readable.getReader({ mode: 'byob' });
    const first = await reader.read(new Uint8Array(3));
    expect(text(first.value as Uint8Array)).toBe('hel');
    const second = await reader.read(new Uint8Array(10));
    expect(text(second.value as Uint8Array)).toBe('lo');
    const last = reader.read(new Uint8Array(10));
    client.end();
    expect((await drive(host, last)).done).toBe(true);
    host.finish();
  });

  it('a writer is slowed down to what the peer reads', async () => {
    const { host, client, server } = await connectedPair(
      new LoopbackHost(),
      { sendBuffer: 10_000 },
      { receiveBuffer: 10_000 },
    );
    const writer = client.writable.getWriter();
    let written = 0;
    const writing = (async () => {
      for (let i = 0; i < 50; i++) {
        await writer.ready;
        void writer.write(pattern(10_000, i + 1));
        written += 10_000;
      }
      await writer.close();
    })();
    for (let i = 0; i < 50; i++) {
      host.pass(100);
      await turn();
    }
    // 64 KiB of the stream's own, and the two buffers.
    expect(written).toBeLessThanOrEqual(65_536 + 30_000);
    const all = await drive(host, readAll(server), 100);
    await writing;
    expect(all).toHaveLength(500_000);
    host.finish();
  });

  it('cancel shuts the reading side, and the socket can still write', async () => {
    const { host, client, server } = await connectedPair();
    const reader = server.readable.getReader();
    const reading = reader.read();
    await reader.cancel();
    expect((await reading).done).toBe(true);
    await client.write('thrown away');
    await server.write('still here');
    host.settle();
    expect(server.readableBytes).toBe(0);
    expect(text((await client.read())!)).toBe('still here');
    host.finish();
  });

  it('abort resets the peer, whose streams fail', async () => {
    const { host, client, server } = await connectedPair();
    const reading = server.readable.getReader().read();
    const writer = server.writable.getWriter();
    await client.writable.abort('no more');
    host.settle();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(writer.closed).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(writer.write(pattern(1))).rejects.toMatchObject({ code: 'ECONNRESET' });
    host.finish();
  });

  it('what was received before a reset is read before the error', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('testament');
    host.settle();
    client.abort();
    host.settle();
    const reader = server.readable.getReader();
    expect(text((await reader.read()).value!)).toBe('testament');
    await expect(reader.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
    host.finish();
  });

  it('a wrong chunk is an error of its write', async () => {
    const { host, client } = await connectedPair();
    const writer = client.writable.getWriter();
    writer.closed.catch(() => {});
    await expect(writer.write(7 as never)).rejects.toMatchObject({ code: 'EINVAL' });
    host.finish();
  });

  it('go through a transformation', async () => {
    const { host, client, server } = await connectedPair();
    const decoded = server.readable.pipeThrough(
      new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>,
    );
    const words: string[] = [];
    const reading = (async () => {
      for await (const word of decoded as unknown as AsyncIterable<string>) words.push(word);
    })();
    await client.write('grüße');
    client.end();
    await drive(host, reading);
    expect(words.join('')).toBe('grüße');
    host.finish();
  });

  it('make a stream of Node, by Duplex.fromWeb', async () => {
    const { host, client, server } = await connectedPair();
    type Pair = Parameters<typeof Duplex.fromWeb>[0];
    const duplex = Duplex.fromWeb(server as unknown as Pair);
    duplex.pipe(duplex);
    const sent = pattern(100_000);
    const reading = readAll(client);
    await client.write(sent);
    client.end();
    expect(await drive(host, reading)).toEqual(sent);
    await drive(host, server.closed);
    host.finish();
  });
});
