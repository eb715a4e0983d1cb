import type { StreamSocket, StreamTemplate } from '@prism-net/socket';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish, readAll, type World, type WorldOptions, world } from './templates.testkit.js';

const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), place: fc.nat(), value: fc.integer() }),
  fc.record({ kind: fc.constant('write' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
  fc.record({ kind: fc.constant('answer' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 400 }) }),
  fc.record({ kind: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ kind: fc.constant('read' as const) }),
  fc.record({ kind: fc.constant('settle' as const) }),
  fc.record({ kind: fc.constant('warm' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Sends that left at once, by the prepared frame. */
let fired = 0;

/** Plays the steps; a message is sent by `send`, which gets the bytes as patched. Returns the frames of each step. */
function play(all: World, message: Uint8Array, steps: readonly Step[], send: Sender): Uint8Array[][] {
  const { network, here, client, server, wire } = all;
  const view = new DataView(message.buffer);
  const frames: Uint8Array[][] = [];
  for (const each of steps) {
    if (each.kind === 'send') {
      const offset = each.place % (message.length - 3);
      view.setInt32(offset, each.value);
      const waited = here.tcp.hasPending || client.tcpInfo().unsentBytes > 0;
      expect(send.send(offset, each.value, message)).toBe(message.length);
      if (!waited && !here.tcp.hasPending) fired++;
      here.poll();
    } else if (each.kind === 'write') {
      client.tryWrite(each.bytes);
      here.poll();
    } else if (each.kind === 'answer') server.tryWrite(each.bytes);
    else if (each.kind === 'pass') network.pass(each.milliseconds, 50);
    else if (each.kind === 'read') readAll(client);
    else if (each.kind === 'settle') network.settle();
    else send.warm(message);
    frames.push(wire.take());
  }
  return frames;
}

interface Sender {
  send(offset: number, value: number, message: Uint8Array): number;
  warm(message: Uint8Array): void;
}

function byTemplate(client: StreamSocket, template: StreamTemplate): Sender {
  return {
    send: (offset, value) => {
      template.setUint32(offset, value);
      return template.send();
    },
    warm: (message) => {
      template.warm();
      client.warm(message);
    },
  };
}

function byWrites(client: StreamSocket): Sender {
  return { send: (_offset, _value, message) => client.tryWrite(message), warm: () => {} };
}

describe('a template of a stream sends what a write would, byte for byte', () => {
  const worlds: [string, WorldOptions][] = [
    ['as usual', {}],
    ['without timestamps', { stack: { tcp: { timestamps: false } } }],
    ['with checksums by the link', { pipe: { checksumOffload: true } }],
    ['with ECN and a traffic class', { connect: { ecn: 'active', trafficClass: 0xb8, timeToLive: 9 } }],
    ['with Nagle', { connect: { noDelay: false } }],
    ['on a VLAN', { stack: { vlan: 7 } }],
  ];
  it.each(worlds)('%s', async (_name, options) => {
    fired = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 600 }),
        fc.array(step, { minLength: 1, maxLength: 25 }),
        async (size, steps) => {
          const [one, other] = [await world(options), await world(options)];
          const template = one.client.template(new Uint8Array(size));
          const frames = play(one, new Uint8Array(size), steps, byTemplate(one.client, template));
          expect(frames).toEqual(play(other, new Uint8Array(size), steps, byWrites(other.client)));
          expect(one.client.tcpInfo()).toEqual(other.client.tcpInfo());
          expect(readAll(one.server)).toEqual(readAll(other.server));
          finish(one);
          finish(other);
        },
      ),
      { numRuns: 12 },
    );
    expect(fired).toBeGreaterThan(0);
  });

  it('before a poll, without waiting for one', async () => {
    const all = await world();
    const { here } = all;
    const template = all.client.template('order');
    expect(template.send()).toBe(5);
    // Fired, not written: nothing is left for the next poll.
    expect(here.tcp.hasPending).toBe(false);
    const [frame, ...more] = all.wire.take();
    expect(more).toEqual([]);
    expect(new TextDecoder().decode(frame!.slice(-5))).toBe('order');
    const queued = all.client.template('queued', { immediate: false });
    expect(queued.send()).toBe(6);
    expect(all.wire.take()).toEqual([]);
    all.network.settle();
    expect(new TextDecoder().decode(readAll(all.server))).toBe('orderqueued');
    finish(all);
  });
});
