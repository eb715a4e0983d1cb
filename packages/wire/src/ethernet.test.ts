import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ethernet from './ethernet.js';
import { BROADCAST_MAC, DropReason } from './index.js';

const view = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);
const mac = fc.record({ high: fc.nat(0xffff), low: fc.integer() });

describe('Ethernet header', () => {
  it('reads the fields of a frame at an offset', () => {
    const frame = view(0xee, 0x02, 0x00, 0x00, 0xaa, 0xbb, 0xcc, 0x02, 0x11, 0x80, 0x22, 0x33, 0x44, 0x08, 0x06, 0xee);
    expect(ethernet.check(frame, 1, 15)).toBe(DropReason.NONE);
    expect(ethernet.destinationHigh(frame, 1)).toBe(0x0200);
    expect(ethernet.destinationLow(frame, 1)).toBe(0x00aabbcc);
    expect(ethernet.sourceHigh(frame, 1)).toBe(0x0211);
    expect(ethernet.sourceLow(frame, 1)).toBe(0x80223344 | 0);
    expect(ethernet.etherType(frame, 1)).toBe(ethernet.EtherType.ARP);
    expect(ethernet.parse(frame, 1, 15)).toEqual({
      destination: { high: 0x0200, low: 0x00aabbcc },
      source: { high: 0x0211, low: 0x80223344 | 0 },
      etherType: 0x0806,
    });
  });

  it('writes exactly 14 bytes', () => {
    const frame = new DataView(new ArrayBuffer(16));
    ethernet.write(frame, 1, 0xffff, -1, 0x0200, 5, ethernet.EtherType.IPV4);
    expect([...new Uint8Array(frame.buffer)]).toEqual([
      0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 5, 8, 0, 0,
    ]);
  });

  it('tells group and broadcast addresses from a station', () => {
    expect(ethernet.isMulticast(0x0100)).toBe(true);
    expect(ethernet.isMulticast(0x3333)).toBe(true);
    expect(ethernet.isMulticast(BROADCAST_MAC.high)).toBe(true);
    expect(ethernet.isMulticast(0x0201)).toBe(false);
    expect(ethernet.isBroadcast(BROADCAST_MAC.high, BROADCAST_MAC.low)).toBe(true);
    expect(ethernet.isBroadcast(0xffff, -2)).toBe(false);
    expect(ethernet.isBroadcast(0xfffe, -1)).toBe(false);
  });

  it('comes back from bytes as the value it was', () => {
    fc.assert(
      fc.property(mac, mac, fc.nat(0xffff), (destination, source, etherType) => {
        const header = { destination, source, etherType };
        const bytes = new DataView(new ArrayBuffer(ethernet.encodedLength(header)));
        expect(ethernet.emit(bytes, 0, header)).toBe(14);
        expect(ethernet.parse(bytes, 0, 14)).toEqual(header);
      }),
    );
  });

  it('comes back from a value as the bytes it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 14, maxLength: 14 }), (bytes) => {
        const header = ethernet.parse(new DataView(bytes.buffer), 0, 14);
        if (typeof header === 'number') throw new Error('14 bytes are a header');
        const copy = new Uint8Array(14);
        ethernet.emit(new DataView(copy.buffer), 0, header);
        expect(copy).toEqual(bytes);
      }),
    );
  });
});
