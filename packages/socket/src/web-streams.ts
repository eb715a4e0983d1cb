import type { StreamSocket } from './stream-socket.js';

/** Bytes a writable stream takes before it asks its writer to wait, beside those in the send buffer. */
const WRITABLE_MARK = 65_536;

/** The received bytes as a web stream: read from the socket only when the consumer asks, so that TCP's window holds the peer back. */
export function makeReadable(socket: StreamSocket): ReadableStream<Uint8Array> {
  let isCancelled = false;
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const request = controller.byobRequest;
      const view = request?.view ?? null;
      const chunk = await (view === null ? socket.read() : socket.read(view.byteLength));
      if (isCancelled) return;
      if (chunk === undefined) {
        controller.close();
        request?.respond(0);
      } else if (request !== null && view !== null) {
        new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(chunk);
        request.respond(chunk.length);
      } else {
        controller.enqueue(chunk);
      }
    },
    cancel() {
      isCancelled = true;
      socket.shutdown('read');
    },
  });
}

/** The sending side as a web stream. Its back-pressure counts bytes; it errors as soon as the connection fails. */
export function makeWritable(socket: StreamSocket): WritableStream<Uint8Array | string> {
  return new WritableStream<Uint8Array | string>(
    {
      start(controller) {
        socket.closed.catch((error) => controller.error(error));
      },
      write: (chunk) => socket.write(chunk),
      close: () => socket.end(),
      abort: () => socket.abort(),
    },
    { highWaterMark: WRITABLE_MARK, size: (chunk) => chunk?.length ?? 0 },
  );
}
