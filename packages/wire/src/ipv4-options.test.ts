import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DropReason } from './index.js';
import * as ipv4Options from './ipv4-options.js';

const { Type, TimestampFlag } = ipv4Options;
const check = (...bytes: number[]) => ipv4Options.check(new DataView(Uint8Array.from(bytes).buffer), 0, bytes.length);
const { NONE, IPV4_OPTIONS_MALFORMED: MALFORMED, IPV4_SOURCE_ROUTED: ROUTED } = DropReason;

describe('IPv4 options', () => {
  it('accepts no options, padding and what is well formed', () => {
    expect(check()).toBe(NONE);
    expect(check(1, 1, 1, 0)).toBe(NONE);
    expect(check(148, 4, 0, 0)).toBe(NONE); // RFC 2113
    expect(check(1, 7, 7, 4, 0, 0, 0, 0)).toBe(NONE);
    expect(check(68, 12, 5, 0x01, 0, 0, 0, 0, 0, 0, 0, 0)).toBe(NONE);
    expect(check(136, 4, 0, 7)).toBe(NONE);
  });

  it('does not look past the end of the list', () => {
    expect(check(0, 131, 1, 1)).toBe(NONE);
  });

  it('judges only the range it is given', () => {
    const view = new DataView(Uint8Array.of(131, 1, 1, 1, 1, 131).buffer);
    expect(ipv4Options.check(view, 1, 4)).toBe(NONE);
    expect(ipv4Options.check(view, 1, 5)).toBe(MALFORMED);
  });

  it('refuses source routes (RFC 7126 §4.3, §4.4)', () => {
    expect(check(131, 7, 4, 0, 0, 0, 0, 0)).toBe(ROUTED);
    expect(check(1, 137, 7, 4, 0, 0, 0, 0)).toBe(ROUTED);
    expect(check(131, 9, 4, 0)).toBe(MALFORMED);
  });

  it('finds an option of a type and no other', () => {
    const view = new DataView(Uint8Array.of(0xee, 1, 148, 4, 0, 0, 0, 7, 3, 4).buffer);
    expect(ipv4Options.find(view, 1, 9, Type.ROUTER_ALERT)).toBe(2);
    expect(ipv4Options.find(view, 1, 9, Type.END_OF_LIST)).toBe(6);
    expect(ipv4Options.find(view, 1, 9, Type.RECORD_ROUTE)).toBe(-1);
    expect(ipv4Options.find(view, 1, 4, Type.ROUTER_ALERT)).toBe(-1);
    expect(ipv4Options.find(view, 1, 0, Type.NO_OPERATION)).toBe(-1);
  });

  it('builds what it accepts, padded to a multiple of 4', () => {
    expect([...ipv4Options.build([ipv4Options.routerAlert()])]).toEqual([148, 4, 0, 0]);
    expect([...ipv4Options.build([ipv4Options.noOperation(), ipv4Options.recordRoute(1)])]).toEqual([
      1, 7, 7, 4, 0, 0, 0, 0,
    ]);
    expect([...ipv4Options.build([ipv4Options.timestamp(1, TimestampFlag.WITH_ADDRESS)])]).toEqual([
      68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect([...ipv4Options.build([ipv4Options.noOperation()])]).toEqual([1, 0, 0, 0]);
    for (const bytes of [ipv4Options.recordRoute(9), ipv4Options.timestamp(9, 0), ipv4Options.timestamp(4, 3)]) {
      expect(check(...ipv4Options.build([bytes]))).toBe(NONE);
    }
  });

  it('refuses to build what cannot be sent', () => {
    const refusal = expect.objectContaining({ code: 'EINVAL' });
    expect(() => ipv4Options.build([ipv4Options.recordRoute(10)])).toThrow(refusal);
    expect(() => ipv4Options.build([{ type: Type.END_OF_LIST, data: new Uint8Array(0) }])).toThrow(refusal);
    expect(() => ipv4Options.build([{ type: Type.NO_OPERATION, data: new Uint8Array(1) }])).toThrow(refusal);
  });

  it('comes back from bytes as the list it was, and from the list as the bytes', () => {
    const option = fc.oneof(
      fc.constant(ipv4Options.noOperation()),
      fc.record({ type: fc.integer({ min: 2, max: 255 }), data: fc.uint8Array({ maxLength: 12 }) }),
    );
    fc.assert(
      fc.property(fc.array(option, { maxLength: 3 }), (options) => {
        const bytes = ipv4Options.build(options);
        const view = new DataView(bytes.buffer);
        const parsed = ipv4Options.parse(view, 0, bytes.length);
        expect(parsed).toEqual(options);
        if (typeof parsed !== 'number') expect(ipv4Options.build(parsed)).toEqual(bytes);
      }),
    );
  });

  it('parses source routes for tools to show, but not broken lengths', () => {
    const parse = (...bytes: number[]) =>
      ipv4Options.parse(new DataView(Uint8Array.from(bytes).buffer), 0, bytes.length);
    expect(parse(131, 7, 4, 1, 2, 3, 4, 0)).toEqual([{ type: 131, data: Uint8Array.of(4, 1, 2, 3, 4) }]);
    expect(parse(7, 1, 0, 0)).toBe(MALFORMED);
    expect(parse(1, 1, 1, 7)).toBe(MALFORMED);
  });
});
