import { openCapture } from '@prism-net/link';
import { compose, renderSvg, renderTerminal } from '@prism-net/pictures';
import { ipv4, tcpOptions } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptureBuilder } from './capture-builder.testkit.js';
import { traceCapture } from './capture-trace.js';
import { findConnections, walk } from './connections.js';
import { TcpFrameReader } from './tcp-frame.js';

function conversation(isIpv6: boolean): Uint8Array {
  const builder = new CaptureBuilder({ isIpv6 }).handshake();
  for (let index = 0; index < 12; index++) {
    builder
      .at(2000 + index * 400)
      .server({ sequence: index * 100, length: 100, options: [tcpOptions.timestamps(index, 0)] });
    if (index % 2 === 0) continue;
    const options = [tcpOptions.sack([[-999 + index * 100, -899 + index * 100]])];
    builder.client({ acknowledgement: index * 90, options });
  }
  return builder.finish();
}

/** Traces and draws every connection, in both directions. */
function drawAll(capture: Uint8Array): number {
  const survey = findConnections(capture);
  for (const connection of survey.connections.slice(0, 4)) {
    for (const isReversed of [false, true]) {
      const trace = traceCapture(capture, 'x', survey, connection, { isReversed });
      compose(trace);
      renderTerminal(trace, { width: 80, hasColour: false });
      const svg = renderSvg(trace);
      if (/NaN|Infinity|undefined/.test(svg)) throw new Error('a number that is none got into the picture');
    }
  }
  return survey.packets;
}

describe('hostile captures', () => {
  it('with any bytes changed are drawn without a throw', () => {
    const originals = [conversation(false), conversation(true)];
    const change = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.boolean(), fc.array(change, { minLength: 1, maxLength: 30 }), (isIpv6, changes) => {
        const capture = originals[isIpv6 ? 1 : 0]!.slice();
        // Behind the section and interface blocks: those make it a capture.
        for (const { at, value } of changes) capture[64 + (at % (capture.length - 64))] = value;
        drawAll(capture);
      }),
      { numRuns: 300 },
    );
  });

  it('cut anywhere are drawn as far as they go', () => {
    const whole = conversation(false);
    let last = -1;
    for (let length = 64; length <= whole.length; length += 7) {
      const packets = drawAll(whole.subarray(0, length));
      expect(packets).toBeGreaterThanOrEqual(last);
      last = packets;
    }
    expect(drawAll(whole)).toBe(21);
  });

  it('of packets of nothing but noise are drawn without a throw, on every link type', () => {
    const noise = fc.uint8Array({ minLength: 0, maxLength: 120 });
    const linkType = fc.constantFrom(0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 147);
    fc.assert(
      fc.property(linkType, fc.array(noise, { maxLength: 8 }), fc.boolean(), (type, packets, hasVersion) => {
        const builder = new CaptureBuilder({ writer: { format: 'pcap' } });
        for (const packet of packets) {
          if (hasVersion && packet.length > 0) packet[0] = packet[0]! & 1 ? 0x45 : 0x60;
          builder.raw(packet);
        }
        const capture = builder.finish();
        new DataView(capture.buffer).setUint32(20, type, true);
        expect(drawAll(capture)).toBe(packets.length);
      }),
      { numRuns: 300 },
    );
  });

  it('of a thousand connections with one SYN each, or of a million holes, take bounded time', () => {
    const scan = new CaptureBuilder();
    for (let port = 1; port <= 3000; port++) scan.from(port).client({ sequence: -1, acknowledgement: -1, flags: 2 });
    expect(findConnections(scan.finish()).connections).toHaveLength(3000);
    const holes = new CaptureBuilder().handshake();
    for (let index = 0; index < 30_000; index++) holes.server({ sequence: index * 20, length: 10 });
    for (let index = 0; index < 30_000; index++) holes.server({ sequence: index * 20 + 10, length: 10 });
    const started = performance.now();
    drawAll(holes.finish());
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('link types', () => {
  const ETHERNET = 14;
  /** The packet without its Ethernet header, behind another one. */
  function packed(isIpv6: boolean, linkType: number, header: number[]): boolean {
    const reader = openCapture(new CaptureBuilder({ isIpv6 }).client({ length: 3 }).finish());
    reader.next();
    const { bytes, offset, capturedLength } = reader;
    const internet = bytes.subarray(offset + ETHERNET, offset + capturedLength);
    const builder = new CaptureBuilder({ writer: { format: 'pcap' } }).raw(Uint8Array.from([...header, ...internet]));
    const capture = builder.finish();
    new DataView(capture.buffer).setUint32(20, linkType, true);
    const other = openCapture(capture);
    const frame = new TcpFrameReader(other);
    let isFound = false;
    walk(other, () => (isFound = frame.readCurrent() && frame.length === 3 && frame.sequence === 0x7fff_f001));
    return isFound;
  }
  const etherType = (isIpv6: boolean) => (isIpv6 ? [0x86, 0xdd] : [8, 0]);

  it.each([false, true])('raw, loopback, Linux cooked of both versions, tags in tags: IPv6 %s', (isIpv6) => {
    expect(packed(isIpv6, 101, [])).toBe(true);
    expect(packed(isIpv6, 0, [2, 0, 0, 0])).toBe(true);
    expect(packed(isIpv6, 113, [...new Array(14).fill(0), ...etherType(isIpv6)])).toBe(true);
    expect(packed(isIpv6, 276, [...etherType(isIpv6), ...new Array(18).fill(0)])).toBe(true);
    const tags = [0x88, 0xa8, 0, 1, 0x81, 0, 0, 2];
    expect(packed(isIpv6, 1, [...new Array(12).fill(0), ...tags, ...etherType(isIpv6)])).toBe(true);
    expect(packed(isIpv6, 1, [...new Array(12).fill(0), 0x88, 0xcc])).toBe(false);
  });

  it('segments longer than the length field, as a card gets them, count whole', () => {
    const reader = openCapture(new CaptureBuilder().client({ length: 3000 }).finish());
    reader.next();
    const { bytes, offset } = reader;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint16(offset + ETHERNET + 2, 0);
    const frame = new TcpFrameReader(reader);
    expect(frame.readCurrent()).toBe(true);
    expect(frame.length).toBe(3000);
  });

  it('fragments are not taken for segments', () => {
    const reader = openCapture(new CaptureBuilder().client({ length: 30 }).finish());
    reader.next();
    const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset);
    view.setUint16(reader.offset + ETHERNET + 6, ipv4.MORE_FRAGMENTS);
    expect(new TcpFrameReader(reader).readCurrent()).toBe(false);
  });
});
