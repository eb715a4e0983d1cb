import { SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { ipv4Key, unevenness } from './opening.testkit.js';
import { TimestampOffset } from './timestamp-offset.js';

const HERE = 0x0a000001;

describe('TimestampOffset (RFC 7323 §5.4)', () => {
  it('is one number for two hosts, whatever the ports', () => {
    const offset = new TimestampOffset(new SeededRandom(1));
    const first = offset.of(ipv4Key(HERE, 7, 1, 2));
    for (let port = 0; port < 65_536; port += 1111)
      expect(offset.of(ipv4Key(HERE, 7, port, 65_535 - port))).toBe(first);
  });

  it('spreads evenly over peers, and differs for another own address and another secret', () => {
    const offset = new TimestampOffset(new SeededRandom(1));
    const offsets = Array.from({ length: 65_536 }, (_, peer) => offset.of(ipv4Key(HERE, peer, 1, 2)));
    expect(unevenness(offsets)).toBeLessThan(5);
    expect(unevenness(offsets.slice(1).map((value, index) => (value - offsets[index]!) | 0))).toBeLessThan(5);
    expect(offset.of(ipv4Key(HERE + 1, 0, 1, 2))).not.toBe(offsets[0]);
    expect(new TimestampOffset(new SeededRandom(2)).of(ipv4Key(HERE, 0, 1, 2))).not.toBe(offsets[0]);
  });
});
