import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as arp from './arp.js';
import { DropReason, parseIpv4Address, parseMacAddress } from './index.js';

// RFC 826: who has 10.0.0.2, tell 10.0.0.1
const request = [
  ...[0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01],
  ...[0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 10, 0, 0, 1],
  ...[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 10, 0, 0, 2],
];
const mac = fc.record({ high: fc.nat(0xffff), low: fc.integer() });

describe('ARP packet', () => {
  it('reads a request at an offset', () => {
    const view = new DataView(Uint8Array.from([0xee, 0xee, ...request, 0xee]).buffer);
    expect(arp.check(view, 2, 28)).toBe(DropReason.NONE);
    expect(arp.operation(view, 2)).toBe(arp.Operation.REQUEST);
    expect(arp.senderHardwareHigh(view, 2)).toBe(0x0200);
    expect(arp.senderHardwareLow(view, 2)).toBe(1);
    expect(arp.senderProtocol(view, 2)).toBe(0x0a000001);
    expect(arp.targetHardwareHigh(view, 2)).toBe(0);
    expect(arp.targetHardwareLow(view, 2)).toBe(0);
    expect(arp.targetProtocol(view, 2)).toBe(0x0a000002);
  });

  it('writes the request of the RFC, and nothing beside it', () => {
    const view = new DataView(new ArrayBuffer(30));
    const sender = parseMacAddress('02:00:00:00:00:01');
    const from = parseIpv4Address('10.0.0.1');
    const to = parseIpv4Address('10.0.0.2');
    arp.write(view, 1, arp.Operation.REQUEST, sender.high, sender.low, from, 0, 0, to);
    expect([...new Uint8Array(view.buffer)]).toEqual([0, ...request, 0]);
  });

  it('comes back from bytes as the value it was, and its accessors agree', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        mac,
        fc.integer(),
        mac,
        fc.integer(),
        (operation, senderHardware, senderProtocol, targetHardware, targetProtocol) => {
          const packet = { operation, senderHardware, senderProtocol, targetHardware, targetProtocol };
          const view = new DataView(new ArrayBuffer(arp.encodedLength(packet)));
          expect(arp.emit(view, 0, packet)).toBe(28);
          expect(arp.parse(view, 0, 28)).toEqual(packet);
          expect(arp.senderHardwareHigh(view, 0)).toBe(senderHardware.high);
          expect(arp.senderHardwareLow(view, 0)).toBe(senderHardware.low);
          expect(arp.targetHardwareHigh(view, 0)).toBe(targetHardware.high);
          expect(arp.targetHardwareLow(view, 0)).toBe(targetHardware.low);
        },
      ),
    );
  });

  it('comes back from a value as the bytes it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 22, maxLength: 22 }), (tail) => {
        const bytes = Uint8Array.from([...request.slice(0, 6), ...tail]);
        const packet = arp.parse(new DataView(bytes.buffer), 0, 28);
        if (typeof packet === 'number') throw new Error('any operation and any addresses parse');
        const copy = new Uint8Array(28);
        arp.emit(new DataView(copy.buffer), 0, packet);
        expect(copy).toEqual(bytes);
      }),
    );
  });
});
