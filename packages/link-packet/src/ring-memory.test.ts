import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packetAddon } from './addon.js';
import { openPacketLink } from './index.js';
import { cable, debugPool } from './packet.testkit.js';
import * as option from './socket-options.js';
import { Words } from './words.js';

const PAGE = 4096;

describe.skipIf(labUnavailable() !== null)('the memory of the rings', () => {
  let lab: NetworkLab;
  beforeEach(() => {
    lab = NetworkLab.open('packet_memory');
    cable(lab);
  });
  afterEach(() => lab.close());

  it('has no hole where the kernel refuses to map them', () => {
    const { memory } = debugPool('ring');
    const socket = new (packetAddon().PacketSocket)(memory.bytes, new Int32Array(Words.TOTAL));
    socket.setOption(option.SOL_PACKET, option.PACKET_VERSION, option.TPACKET_V2, 'PACKET_VERSION');
    socket.createRing(option.PACKET_RX_RING, PAGE, 4, 2048, 8, 'PACKET_RX_RING');
    const offset = memory.reserveKernelRings(8 * PAGE);
    // Not as long as the ring is.
    expect(() => socket.mapRings(offset, 8 * PAGE)).toThrow('EINVAL');
    socket.close();
    memory.bytes[offset + PAGE] = 5;
    expect(memory.bytes[offset + PAGE]).toBe(5);
  });

  it('is looked for before the kernel is asked for gigabytes', () => {
    const pool = debugPool('ring');
    const before = process.cpuUsage().system;
    const options = { interface: 'left', mode: 'ring', networkNamespace: lab.namespace('prism'), pool } as const;
    // 512 MiB and half as many.
    expect(() => openPacketLink({ ...options, ring: { frames: 4096, frameSize: 1 << 17 } })).toThrow('kernelRingBytes');
    expect(process.cpuUsage().system - before).toBeLessThan(50_000);
    pool.assertNoLeaks();
  });
});
