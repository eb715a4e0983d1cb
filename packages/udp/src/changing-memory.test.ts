import { DropReason } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { datagram, HERE, OneHost } from './two-hosts.testkit.js';

it('a sender that shortens the length field while it is being read gets nothing delivered', () => {
  const bench = new OneHost();
  const endpoint = bench.host.bound(7, HERE);
  const { view, bytes } = bench.pool.memory;
  // The third read of the field (behind the ports: 9 and 7) comes after the check.
  view.getUint16 = function (this: DataView, at: number, littleEndian?: boolean): number {
    const value = DataView.prototype.getUint16.call(this, at, littleEndian);
    const isLength = DataView.prototype.getInt32.call(this, at - 4) === ((9 << 16) | 7);
    if (isLength && value === 14) bytes[at + 1] = 3;
    return value;
  };
  bench.arrive(datagram({ sourcePort: 9, destinationPort: 7, payload: new Uint8Array(6) }));
  expect(endpoint.queued).toBe(0);
  expect(bench.host.drops(DropReason.UDP_LENGTH)).toBe(1);
  bench.finish([endpoint]);
});
