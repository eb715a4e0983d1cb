import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as icmpv4 from './icmpv4.js';
import { DropReason } from './index.js';

const view = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);

describe('ICMPv4 header', () => {
  it('reads an echo at an offset', () => {
    const message = view(0xee, 8, 0, 0x12, 0x34, 0xbe, 0xef, 0x00, 0x2a);
    expect(icmpv4.check(message, 1, 8)).toBe(DropReason.NONE);
    expect(icmpv4.type(message, 1)).toBe(icmpv4.Type.ECHO_REQUEST);
    expect(icmpv4.code(message, 1)).toBe(0);
    expect(icmpv4.checksum(message, 1)).toBe(0x1234);
    expect(icmpv4.identifier(message, 1)).toBe(0xbeef);
    expect(icmpv4.sequenceNumber(message, 1)).toBe(42);
    expect(icmpv4.rest(message, 1)).toBe(0xbeef002a | 0);
  });

  it('reads the next-hop MTU of RFC 1191 and the pointer of a parameter problem', () => {
    expect(icmpv4.nextHopMtu(view(3, 4, 0, 0, 0xff, 0xff, 0x05, 0xdc), 0)).toBe(1500);
    expect(icmpv4.pointer(view(12, 0, 0, 0, 20, 0xff, 0xff, 0xff), 0)).toBe(20);
  });

  it('writes 8 bytes with a checksum field of zero', () => {
    const bytes = view(...new Array<number>(10).fill(0xee));
    icmpv4.writeHeader(bytes, 1, icmpv4.Type.DESTINATION_UNREACHABLE, icmpv4.Code.FRAGMENTATION_NEEDED, 1500);
    expect([...new Uint8Array(bytes.buffer)]).toEqual([0xee, 3, 4, 0, 0, 0, 0, 0x05, 0xdc, 0xee]);
    icmpv4.setChecksum(bytes, 1, 0xfe1f);
    expect(icmpv4.checksum(bytes, 1)).toBe(0xfe1f);
  });

  it('counts as errors the five types of RFC 1122 §3.2.2', () => {
    const errors = Array.from({ length: 256 }, (_, type) => type).filter((type) => icmpv4.isError(type));
    expect(errors).toEqual([3, 4, 5, 11, 12]);
  });

  it('round trips values and bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
        const header = icmpv4.parse(new DataView(bytes.buffer), 0, 8);
        if (typeof header === 'number') throw new Error('8 bytes are a header');
        const copy = new Uint8Array(icmpv4.encodedLength(header));
        expect(icmpv4.emit(new DataView(copy.buffer), 0, header)).toBe(8);
        expect(copy).toEqual(bytes);
        expect(icmpv4.parse(new DataView(copy.buffer), 0, 8)).toEqual(header);
      }),
    );
  });

  it('finds the quoted datagram behind the header', () => {
    expect(icmpv4.quoteOffset(34)).toBe(42);
  });
});
