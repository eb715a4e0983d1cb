import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it, vi } from 'vitest';
import { soakLinks } from './links.js';

describe.skipIf(labUnavailable() !== null)('soak links', () => {
  it('sends both ways over a link, whole and with loss, and compares the hashes', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      expect(await soakLinks({ bytes: 3_000_000, link: 'tap' })).toBe(0);
      const lines = log.mock.calls.map(([line]) => String(line));
      expect(lines).toHaveLength(4);
      expect(lines[0]).toMatch(/^tap, 0 % lost: 3000000 bytes to the kernel: SHA-256 [0-9a-f]{16}… at both ends/);
      expect(lines[3]).toMatch(/^tap, 1 % lost: 300000 bytes from the kernel: SHA-256 [0-9a-f]{16}… at both ends/);
    } finally {
      log.mockRestore();
    }
  });

  it('knows which links there are', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      expect(await soakLinks({ bytes: 1, link: 'wire' })).toBe(1);
      expect(log.mock.calls[0]![0]).toMatch(/'wire'.*tap, packet, ring, xdp, xdp-generic, all/);
    } finally {
      log.mockRestore();
    }
  });
});
