import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { attachSteering } from '@prism-net/bpf';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { placeMemory } from '@prism-net/linux';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drain, makeFrame, readFrame } from '../../link/src/link-contract.testkit.js';
import { openXdpLink } from './open-xdp-link.js';
import { accountedFrames, deviceNames, receiveExactly, vethPair } from './xdp-link.testkit.js';

const rings = { receive: 256, transmit: 256, fill: 256, completion: 256 };
const makeMemory = (frames: number) =>
  PacketMemory.create({ frames, frameSize: 2048, kernelRingBytes: 1 << 18, place: placeMemory() });

describe.skipIf(labUnavailable() !== null)('one packet memory for several sockets', () => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('xdpshared');
  });
  afterAll(() => lab.close());

  it('serves two queues of one interface, with one program', () => {
    const names = deviceNames();
    lab.veth({
      left: { namespace: 'left', name: names.left },
      right: { namespace: 'right', name: names.right },
      queues: 2,
    });
    const networkNamespace = lab.namespace('left');
    const program = attachSteering({
      interface: names.left,
      steering: { rules: [], otherwise: 'redirect' },
      networkNamespace,
    });
    const memory = makeMemory(512);
    const common = { interface: names.left, networkNamespace, program, memory, rings, onFallback: () => {} };
    const queues = [0, 1].map((queue) => openXdpLink({ ...common, queue, frames: 256 }));
    const peer = openXdpLink({
      interface: names.right,
      networkNamespace: lab.namespace('right'),
      rings,
      onFallback: () => {},
    });
    try {
      // What is sent by a queue arrives at the peer's only socket or, from its queue 1, at nobody's.
      queues[0]!.transmit([makeFrame(queues[0]!.pool, queues[0]!, peer, 1)], 0, 1);
      const [arrived] = receiveExactly(peer, 1);
      expect(readFrame(arrived!)).toBe(1);
      arrived!.release();
      // A frame of one queue's pool leaves by the other: copied, because its completion would come there.
      queues[1]!.transmit([makeFrame(queues[0]!.pool, queues[1]!, peer, 2)], 0, 1);
      expect(queues[1]!.details.copied).toBe(1);
      peer.transmit([makeFrame(peer.pool, peer, queues[0]!, 3)], 0, 1);
      expect(drain(queues[0]!)).toEqual([3]);
      expect(queues.map(accountedFrames)).toEqual([256, 256]);
      expect(queues.map(({ capabilities }) => capabilities.queues)).toEqual([2, 2]);
    } finally {
      queues[0]!.close();
      // The UMEM lives on with the second socket, and takes a third.
      const again = openXdpLink({ ...common, queue: 0, pool: queues[0]!.pool });
      expect(drain(again)).toEqual([]);
      again.close();
      queues[1]!.close();
      peer.close();
      program.close();
    }
    expect(queues.map(({ pool }) => pool.available)).toEqual([256, 256]);
  });

  it('serves two interfaces from one pool: what came in by one leaves by the other without a copy', () => {
    const memory = makeMemory(512);
    const pool = PacketPool.create(memory, 512);
    const shared = { pool, rings, fillFrames: 128 };
    const first = vethPair(lab, shared, {}, { rings });
    const second = vethPair(lab, shared, {}, { rings });
    try {
      first.right.transmit([makeFrame(first.right.pool, first.right, first.left, 7)], 0, 1);
      const [packet] = receiveExactly(first.left, 1);
      expect(second.left.transmit([packet!], 0, 1)).toBe(1);
      expect(drain(second.right)).toEqual([7]);
      expect(second.left.details.copied).toBe(0);
      expect([accountedFrames(first.left), accountedFrames(second.left)]).toEqual([512, 512]);
      expect(first.left.frames().elsewhere).toBe(128);
    } finally {
      for (const { left, right } of [first, second]) {
        left.close();
        right.close();
      }
    }
    expect(pool.available).toBe(512);
  });

  it('serves a queue in a worker, with frames of its own', async () => {
    const built = fileURLToPath(new URL('../dist/xdp-echo.fixture.js', import.meta.url));
    expect(existsSync(built), 'built files are needed: npm run build').toBe(true);
    const names = deviceNames();
    lab.veth({
      left: { namespace: 'left', name: names.left },
      right: { namespace: 'right', name: names.right },
      queues: 2,
    });
    const memory = makeMemory(512);
    const link = openXdpLink({
      interface: names.left,
      networkNamespace: lab.namespace('left'),
      memory,
      frames: 256,
      queue: 1,
      rings,
      onFallback: () => {},
    });
    const peer = openXdpLink({
      interface: names.right,
      networkNamespace: lab.namespace('right'),
      rings,
      onFallback: () => {},
    });
    const worker = new Worker(built, { workerData: link.share({ queue: 0, frames: 256 }) });
    try {
      const descriptor = await new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      link.program!.setSocket(0, descriptor);
      for (let number = 0; number < 100; number++) {
        peer.transmit([makeFrame(peer.pool, peer, link, number)], 0, 1);
        const [echo] = receiveExactly(peer, 1);
        expect(readFrame(echo!)).toBe(number);
        echo!.release();
      }
      await worker.terminate();
      // The queue is free again although nobody closed it: the thread's end did.
      const again = openXdpLink({
        interface: names.left,
        networkNamespace: lab.namespace('left'),
        program: link.program!,
        queue: 0,
        rings,
        onFallback: () => {},
      });
      peer.transmit([makeFrame(peer.pool, peer, link, 5)], 0, 1);
      expect(receiveExactly(again, 1)).toHaveLength(1);
      again.close();
    } finally {
      await worker.terminate();
      link.close();
      peer.close();
    }
  });
});
