import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DropReason, ethernet } from './index.js';
import * as vlan from './vlan.js';

const view = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);

describe('802.1Q tag', () => {
  it('reads the tag behind an Ethernet header', () => {
    const frame = view(1, 0, 0x5e, 0, 0, 1, 2, 0, 0, 0, 0, 7, 0x81, 0x00, 0xb1, 0x23, 0x08, 0x00);
    expect(ethernet.etherType(frame, 0)).toBe(ethernet.EtherType.VLAN);
    const at = ethernet.HEADER_LENGTH;
    expect(vlan.check(frame, at, frame.byteLength - at)).toBe(DropReason.NONE);
    expect(vlan.priority(frame, at)).toBe(5);
    expect(vlan.dropEligible(frame, at)).toBe(true);
    expect(vlan.identifier(frame, at)).toBe(0x123);
    expect(vlan.etherType(frame, at)).toBe(ethernet.EtherType.IPV4);
    expect(vlan.parse(frame, at, 4)).toEqual({ identifier: 0x123, priority: 5, dropEligible: true, etherType: 0x0800 });
  });

  it('writes the tag control information bit by bit', () => {
    const tag = new DataView(new ArrayBuffer(4));
    vlan.write(tag, 0, 1, 7, false, ethernet.EtherType.IPV6);
    expect(tag.getUint32(0)).toBe(0xe001_86dd);
    vlan.write(tag, 0, vlan.PRIORITY_ONLY, 0, true, ethernet.EtherType.ARP);
    expect(tag.getUint32(0)).toBe(0x1000_0806);
  });

  it('cuts values to their fields, so that none spoils its neighbour', () => {
    const tag = new DataView(new ArrayBuffer(4));
    vlan.write(tag, 0, 0xf001, 0x08, false, 0x0800);
    expect(tag.getUint32(0)).toBe(0x0001_0800);
  });

  it('refuses the reserved identifier', () => {
    expect(vlan.check(view(0x0f, 0xff, 0x08, 0x00), 0, 4)).toBe(DropReason.VLAN_MALFORMED);
    expect(vlan.check(view(0x0f, 0xfe, 0x08, 0x00), 0, 4)).toBe(DropReason.NONE);
  });

  it('round trips values and bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        const tag = vlan.parse(new DataView(bytes.buffer), 0, 4);
        if (typeof tag === 'number') {
          const inner = (bytes[2]! << 8) | bytes[3]!;
          const identifier = ((bytes[0]! << 8) | bytes[1]!) & 0xfff;
          expect(identifier === 0xfff || inner === 0x8100 || inner === 0x88a8).toBe(true);
          return;
        }
        const copy = new Uint8Array(vlan.encodedLength(tag));
        expect(vlan.emit(new DataView(copy.buffer), 0, tag)).toBe(4);
        expect(copy).toEqual(bytes);
        expect(vlan.parse(new DataView(copy.buffer), 0, 4)).toEqual(tag);
      }),
    );
  });
});
