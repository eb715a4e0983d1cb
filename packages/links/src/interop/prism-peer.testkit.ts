// The same services as kernel-peer.fixture.ts, by Prism's sockets.
import { createHash } from 'node:crypto';
import type { Stack } from '@prism-net/stack';
import { chunkAt } from './stream-bytes.fixture.js';

export type Stream = Awaited<ReturnType<Stack['connect']>>;

/** Writes so many bytes, ends, and returns their hash. */
export async function sendStream(stream: Stream, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for (let sent = 0; sent < bytes; ) {
    const chunk = chunkAt(sent, bytes - sent);
    hash.update(chunk);
    sent += chunk.length;
    await stream.write(chunk);
  }
  stream.end();
  return hash.digest('hex');
}

/** Reads to the end of the stream, in place. */
export function receiveStream(stream: Stream): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  return new Promise((resolve, reject) => {
    stream.onError(reject);
    stream.onReadable(() => {
      for (let packet = stream.receivePacket(); packet !== null; packet = stream.receivePacket()) {
        for (let segment: typeof packet | null = packet; segment !== null; segment = segment.nextSegment) {
          const { view, offset, length } = segment;
          hash.update(new Uint8Array(view.buffer, view.byteOffset + offset, length));
          bytes += length;
        }
        packet.release();
      }
      if (stream.isEndOfStream) {
        stream.onReadable(null);
        resolve({ bytes, hash: hash.digest('hex') });
      }
    });
  });
}

export async function receiveText(stream: Stream): Promise<string> {
  const decoder = new TextDecoder();
  let all = '';
  for await (const chunk of stream) all += decoder.decode(chunk, { stream: true });
  return all;
}

/** A server of HTTP/1.1 as small as can be: GET /N is N bytes, POST is the hash of what was posted. Keeps connections. */
export function serveHttp(stack: Stack, port: number): void {
  stack.listen({ port }).onConnection((stream) => void serveRequests(stream).catch(() => stream.abort()));
}

async function serveRequests(stream: Stream): Promise<void> {
  let pending = Buffer.alloc(0);
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const headerEnd = pending.indexOf('\r\n\r\n');
      if (headerEnd < 0) break;
      const header = pending.toString('latin1', 0, headerEnd);
      const length = Number(/^content-length: (\d+)/im.exec(header)?.[1] ?? 0);
      if (pending.length < headerEnd + 4 + length) break;
      const body = pending.subarray(headerEnd + 4, headerEnd + 4 + length);
      const [method, path] = header.split(' ');
      const answer =
        method === 'GET' ? bodyOf(Number(path!.slice(1))) : createHash('sha256').update(body).digest('hex');
      await stream.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n`);
      await stream.write(answer);
      pending = pending.subarray(headerEnd + 4 + length);
    }
  }
  stream.end();
}

export function bodyOf(bytes: number): Uint8Array {
  const body = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const chunk = chunkAt(at, bytes - at);
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
