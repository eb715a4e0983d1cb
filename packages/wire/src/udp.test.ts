import { sumBytes } from '@prism-net/buffers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DropReason, parseIpv4Address } from './index.js';
import * as udp from './udp.js';

const view = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);
const port = fc.integer({ min: 1, max: 0xffff });

describe('UDP header', () => {
  it('reads the fields of a datagram at an offset', () => {
    const datagram = view(0xee, 0xc0, 0x01, 0x00, 0x35, 0x00, 0x0a, 0xbe, 0xef, 1, 2, 0xee);
    expect(udp.check(datagram, 1, 10)).toBe(DropReason.NONE);
    expect(udp.sourcePort(datagram, 1)).toBe(0xc001);
    expect(udp.destinationPort(datagram, 1)).toBe(53);
    expect(udp.length(datagram, 1)).toBe(10);
    expect(udp.checksum(datagram, 1)).toBe(0xbeef);
  });

  it('writes 8 bytes and cuts values to their fields', () => {
    const bytes = new DataView(new ArrayBuffer(10));
    udp.write(bytes, 1, 0xfffe, 0x12345, 0xfffe, 0x1fffd);
    expect([...new Uint8Array(bytes.buffer)]).toEqual([0, 0xff, 0xfe, 0x23, 0x45, 0xff, 0xfe, 0xff, 0xfd, 0]);
    udp.setChecksum(bytes, 1, 0x0102);
    expect(udp.checksum(bytes, 1)).toBe(0x0102);
  });

  it('computes the checksum of RFC 768 over pseudo-header, header and an odd number of data bytes', () => {
    // By hand: c0a8+0001+c0a8+0002+0011+000b, 03e8+07d0+000b+0000, 6162+6300 = 25194, folded 5196, complement ae69.
    const source = parseIpv4Address('192.168.0.1');
    const destination = parseIpv4Address('192.168.0.2');
    const datagram = view(0x03, 0xe8, 0x07, 0xd0, 0x00, 0x0b, 0x00, 0x00, 0x61, 0x62, 0x63);
    const checksum = udp.finishChecksum(sumBytes(datagram, 0, 11, udp.pseudoHeaderSum(source, destination, 11)));
    expect(checksum).toBe(0xae69);
    udp.setChecksum(datagram, 0, checksum);
    expect(sumBytes(datagram, 0, 11, udp.pseudoHeaderSum(source, destination, 11))).toBe(0xffff);
  });

  it('sends a checksum of zero as 0xffff, because zero means none', () => {
    expect(udp.finishChecksum(0xffff)).toBe(0xffff);
    expect(udp.finishChecksum(0xfffe)).toBe(1);
    expect(udp.NO_CHECKSUM).toBe(0);
  });

  it('round trips values and bytes', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        port,
        fc.integer({ min: 8, max: 0xffff }),
        fc.nat(0xffff),
        (sourcePort, destinationPort, length, checksum) => {
          const header = { sourcePort, destinationPort, length, checksum };
          const bytes = new DataView(new ArrayBuffer(udp.encodedLength(header)));
          expect(udp.emit(bytes, 0, header)).toBe(8);
          expect(udp.parse(bytes, 0, 0xffff)).toEqual(header);
          expect(udp.length(bytes, 0)).toBe(length);
        },
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
        const header = udp.parse(new DataView(bytes.buffer), 0, 0xffff);
        fc.pre(typeof header !== 'number');
        const copy = new Uint8Array(8);
        udp.emit(new DataView(copy.buffer), 0, header);
        expect(copy).toEqual(bytes);
      }),
    );
  });
});
