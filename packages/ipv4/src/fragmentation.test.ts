import { ChecksumState } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { DropReason, ipv4Options } from '@prism-net/wire';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Fragmenter } from './fragmentation.js';
import { Bench, checksum, datagram, finishAll, PEER, parse, pattern, UDP } from './ipv4.testkit.js';

afterEach(finishAll);

describe('fragmenting what is sent', () => {
  it('the fragments of any datagram, in one segment or several, for any MTU, make the datagram again', () => {
    const sender = new Bench();
    const receiver = new Bench({ frames: 1200, reassembly: { fragmentsPerDatagram: 1100, frames: 1100 } });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1700 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 68, max: 1500 }),
        (segments, mtu) => {
          const total = segments.reduce((sum, length) => sum + length, 0);
          fc.pre(total + 20 > mtu);
          const payload = pattern(total, mtu);
          let at = 0;
          const parts = segments.map((length) => sender.packet(payload.subarray(at, (at += length))));
          for (const part of parts.slice(1)) parts[0]!.append(part);
          const route = sender.route(PEER);
          route.mtu = mtu;
          expect(sender.layer.send(parts[0]!, route, UDP, 0, 64, false, sender.now)).toBe(Errno.NONE);
          const sent = sender.sent();
          expect(sent.length).toBe(Math.ceil(total / ((mtu - 20) & ~7)));
          receiver.udp.received.length = 0;
          for (const [i, each] of sent.entries()) {
            expect(each.totalLength).toBeLessThanOrEqual(mtu);
            expect(each.identification).toBe(sent[0]!.identification);
            expect(each.moreFragments).toBe(i < sent.length - 1);
            receiver.datagram(
              datagram(each.payload, { ...each, source: PEER, destination: receiver.layer.primaryAddress(1) }),
            );
          }
          expect(receiver.udp.received).toEqual([payload]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('when packets run out the datagram is dropped whole', () => {
    const bench = new Bench();
    const big = bench.packet(pattern(1800));
    const route = bench.route(PEER);
    route.mtu = 100;
    const taken = Array.from({ length: bench.pool.available - 5 }, () => bench.pool.take()!);
    expect(bench.layer.send(big, route, UDP, 0, 64, false, bench.now)).toBe(Errno.ENOBUFS);
    expect(bench.accounts.transmitDropped(DropReason.OUT_OF_PACKETS)).toBe(1);
    for (const packet of taken) packet.release();
    expect(bench.sent()).toEqual([]);
  });

  it('a checksum left to the link is completed first: fragments cannot be', () => {
    const bench = new Bench();
    // UDP: the field holds the pseudo-header's sum, here made up.
    const udp = Uint8Array.from([0, 1, 0, 2, 0, 0, 0x12, 0x34, ...pattern(1601)]);
    const packet = bench.packet(udp);
    packet.checksumState = ChecksumState.PARTIAL;
    const route = bench.route(PEER);
    route.mtu = 600;
    bench.layer.send(packet, route, UDP, 0, 64, false, bench.now);
    const sent = bench.sent();
    expect(sent).toHaveLength(3);
    const field = (sent[0]!.payload[6]! << 8) | sent[0]!.payload[7]!;
    expect(field).toBe(checksum(udp));
  });
});

describe('fragmenting what has options', () => {
  it('copies only the options that ask for it, and cuts fragments again', () => {
    const bench = new Bench();
    const options = ipv4Options.build([ipv4Options.recordRoute(2), ipv4Options.routerAlert()]);
    const bytes = datagram(pattern(400), { options, fragmentOffset: 80, moreFragments: true });
    const packet = bench.packet(bytes);
    const fragmenter = new Fragmenter(bench.pool);
    expect(fragmenter.fragment(packet, 200)).toBe(true);
    const all: ReturnType<typeof parse>[] = [];
    for (let each = fragmenter.fragments.shift(); each !== null; each = fragmenter.fragments.shift()) {
      all.push(parse(each.toBytes()));
      each.release();
    }
    // A header of 36 bytes leaves 164: 160 in whole units of 8.
    expect(all.map((each) => each.fragmentOffset)).toEqual([80, 240, 400]);
    expect(all.every((each) => each.moreFragments)).toBe(true);
    expect(all[0]!.options).toEqual(options);
    for (const each of all.slice(1)) expect([...each.options]).toEqual([148, 4, 0, 0]);
    const joined = all.flatMap((each) => [...each.payload]);
    expect(joined).toEqual([...pattern(400)]);
  });
});
