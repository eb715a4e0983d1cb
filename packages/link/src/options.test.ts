import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { ManualClock } from '@prism-net/time';
import { describe, expect, it } from 'vitest';
import { impair } from './impaired-link.js';
import { createPipe } from './pipe-link.js';
import { createSharedMemoryLink } from './shared-memory-layout.js';
import { createSwitch } from './switch-link.js';

describe('misspelt options', () => {
  const pool = () => PacketPool.create(PacketMemory.create({ frames: 4 }), 4);
  it.each<[string, () => unknown, string]>([
    ['createPipe', () => createPipe({ mut: 9000 } as never), "there is no option 'mut'; there are mtu, capacity"],
    ['createSwitch', () => createSwitch({ ports: 2, pool: pool(), macs: 3 } as never), "no option 'macs'"],
    ['createSwitch without a pool', () => createSwitch({ ports: 2 } as never), 'pool'],
    [
      'impair',
      () => impair(createPipe()[0], { seed: 1, clock: new ManualClock(), pool: pool(), transmit: { los: 1 } as never }),
      "no option 'los'",
    ],
    [
      'createSharedMemoryLink',
      () => createSharedMemoryLink(PacketMemory.create(), { size: 1 } as never),
      "option 'size'",
    ],
  ])('%s refuses them by name', (_name, work, message) => {
    expect(work).toThrow(expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining(message) }));
  });
});
