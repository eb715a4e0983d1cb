import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { attack } from './attack.js';
import { HOSTILE_COMMANDS } from './hostile.js';
import { findFaults } from './verdict.js';

describe.skipIf(labUnavailable(...HOSTILE_COMMANDS) !== null)('a stack on a veth, by AF_PACKET', () => {
  const seed = Number(process.env['PRISM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

  it(`stands 20,000 hostile frames, one by one and at full speed (PRISM_SEED=${seed})`, async () => {
    const report = await attack({ link: 'packet', seed, frames: 20_000, seconds: 2, rate: 20_000 });
    expect(findFaults(report)).toEqual([]);
  });
});
