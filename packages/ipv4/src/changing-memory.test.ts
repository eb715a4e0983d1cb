import { DropReason, ipv4 } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, datagram, finishAll, pattern } from './ipv4.testkit.js';

afterEach(finishAll);

const PLAIN_HEADER = 0x45;

/** Calls `change` whenever the stack reads 16 bits, with where: as if the sender wrote at that moment. */
function beforeReads(bench: Bench, change: (bytes: Uint8Array, at: number) => void): void {
  const { view, bytes } = bench.memory;
  view.getUint16 = function (this: DataView, at: number, littleEndian?: boolean): number {
    change(bytes, at);
    return DataView.prototype.getUint16.call(this, at, littleEndian);
  };
}

// Where sender and receiver share memory, a header may change after it was checked.
describe('a sender that changes a header while it is being read', () => {
  it('does not get a datagram delivered that is shorter than its header', () => {
    const bench = new Bench();
    // The check takes the total length from the first word; whoever reads it by itself comes later.
    beforeReads(bench, (bytes, at) => {
      if (bytes[at - 2] === PLAIN_HEADER) bytes[at + 1] = 4;
    });
    bench.datagram(datagram(pattern(20)));
    expect(bench.udp.received).toEqual([]);
    expect(bench.accounts.dropped(DropReason.IPV4_HEADER_LENGTH)).toBe(1);
  });

  it('does not get a fragment kept whose header has outgrown it', () => {
    const bench = new Bench();
    beforeReads(bench, (bytes, at) => {
      if (bytes[at - 6] === PLAIN_HEADER && (bytes[at]! & (ipv4.MORE_FRAGMENTS >>> 8)) !== 0) bytes[at - 6] = 0x4f;
    });
    bench.datagram(datagram(pattern(16), { moreFragments: true }));
    expect(bench.accounts.dropped(DropReason.FRAGMENT_MALFORMED)).toBe(1);
    expect(bench.layer.reassembly.pending).toBe(0);
  });
});
