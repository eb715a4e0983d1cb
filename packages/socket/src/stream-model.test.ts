import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LoopbackHost, turn } from './loopback-host.testkit.js';
import { connectedPair, drive, pattern } from './stream-pair.testkit.js';
import type { StreamSocket } from './stream-socket.js';

const STREAM = 400_000;

/** One end: what it has sent of its stream, and what it has received of the other's. */
class End {
  readonly socket: StreamSocket;
  readonly received: number[] = [];
  readonly #bytes: Uint8Array;
  sent = 0;
  /** All that was sent was also accepted, and no more will be. */
  hasEnded = false;
  /** Writes that failed: nothing behind them counts. */
  hasFailed = false;

  constructor(socket: StreamSocket, seed: number) {
    this.socket = socket;
    this.#bytes = pattern(STREAM, seed);
  }

  /** The next bytes of the stream. */
  next(length: number): Uint8Array {
    return this.#bytes.subarray(this.sent, this.sent + length);
  }

  write(length: number): void {
    const bytes = this.next(length);
    const isOpen = !this.hasEnded && !this.socket.isClosed;
    if (isOpen) this.sent += bytes.length;
    this.socket.write(bytes).catch(() => {
      if (isOpen) this.hasFailed = true;
    });
  }

  tryWrite(length: number): void {
    this.sent += Math.max(0, this.socket.tryWrite(this.next(length)));
  }

  commit(length: number): void {
    const packet = this.socket.reserve();
    if (packet === null) return;
    const bytes = this.next(Math.min(length, packet.tailroom));
    packet.memory.write(packet.offset, bytes, 0, bytes.length);
    packet.length = bytes.length;
    if (this.socket.commit(packet) === 0) this.sent += bytes.length;
  }

  take(chunk: Uint8Array | undefined): void {
    if (chunk !== undefined) this.received.push(...chunk);
  }

  read(maximum: number): void {
    this.socket.read(maximum).then(
      (chunk) => this.take(chunk),
      () => {},
    );
  }

  readInto(length: number): void {
    const target = new Uint8Array(length);
    const count = this.socket.readInto(target);
    if (count > 0) this.take(target.subarray(0, count));
  }

  receivePacket(): void {
    const packet = this.socket.receivePacket();
    if (packet === null) return;
    this.take(packet.toBytes());
    packet.release();
  }

  listen(): void {
    this.socket.onReadable(() => this.readInto(3000));
  }

  /** What the other end has received is how the stream begins. */
  expectPrefix(received: readonly number[]): void {
    expect(received.length).toBeLessThanOrEqual(this.sent);
    expect(Buffer.compare(Uint8Array.from(received), this.#bytes.subarray(0, received.length))).toBe(0);
  }
}

const ACTIONS = ['write', 'tryWrite', 'commit', 'read', 'readInto', 'receivePacket', 'listen', 'pass', 'turn'] as const;
const LAST = ['end', 'shutdown both', 'shutdown read', 'close', 'abort'] as const;

const step = fc.record({
  end: fc.integer({ min: 0, max: 1 }),
  action: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...ACTIONS) },
    { weight: 1, arbitrary: fc.constantFrom(...LAST) },
  ),
  length: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 8000 })),
});

it('whatever is called in whatever order: bytes stay in order, nothing leaks, nothing is an unhandled rejection', async () => {
  const reasons: unknown[] = [];
  const note = (reason: unknown) => reasons.push(reason);
  process.on('unhandledRejection', note);
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 60 }),
    fc.constantFrom(1000, 8000, 100_000),
    fc.constantFrom(1000, 20_000, undefined),
    fc.boolean(),
    async (steps, sendBuffer, receiveBuffer, allowHalfOpen) => {
      const buffers = { sendBuffer, allowHalfOpen, ...(receiveBuffer === undefined ? {} : { receiveBuffer }) };
      const { host, client, server } = await connectedPair(new LoopbackHost(128), buffers, buffers);
      const ends = [new End(client, 1), new End(server, 2)] as const;
      let isOrderly = true;
      for (const { end, action, length } of steps) {
        const one = ends[end]!;
        const { socket } = one;
        if (action === 'pass') host.pass(length, 50);
        else if (action === 'turn') await turn();
        else if (action === 'listen') one.listen();
        else if (action === 'receivePacket') one.receivePacket();
        else if (action === 'shutdown both' || action === 'shutdown read') {
          if (action === 'shutdown both') one.hasEnded = true;
          isOrderly = false;
          socket.shutdown(action === 'shutdown both' ? 'both' : 'read');
        } else if (action === 'end' || action === 'close' || action === 'abort') {
          one.hasEnded = true;
          if (action !== 'end') isOrderly = false;
          socket[action]();
        } else one[action](action === 'read' ? length + 1 : length);
        // What promises bring is noted before the next step takes more.
        for (let i = 0; i < 5; i++) await Promise.resolve();
      }
      // Both read to the end, unless one has gone.
      const both = ends.map(async (one) => {
        one.socket.onReadable(null);
        one.socket.end();
        for (;;) {
          const chunk = await one.socket.read().catch(() => undefined);
          if (chunk === undefined) return;
          one.take(chunk);
        }
      });
      await drive(host, Promise.all(both), 500);
      await turn();
      for (const [index, one] of ends.entries()) {
        const other = ends[1 - index]!;
        one.expectPrefix(other.received);
        if (isOrderly && !one.hasFailed) expect(other.received.length).toBe(one.sent);
      }
      if (isOrderly) await drive(host, Promise.all([client.closed, server.closed]), 500);
      host.finish();
    },
  );
  await fc.assert(property, { numRuns: 150 });
  await turn();
  process.off('unhandledRejection', note);
  expect(reasons).toEqual([]);
});
