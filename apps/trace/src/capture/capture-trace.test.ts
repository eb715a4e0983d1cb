import { type ConnectionTrace, type Quantity, range } from '@prism-net/pictures';
import { tcp, tcpOptions } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { type BuilderOptions, CaptureBuilder } from './capture-builder.testkit.js';
import { type CaptureTraceOptions, traceCapture } from './capture-trace.js';
import { findConnections, largest } from './connections.js';

const { Flag } = tcp;
const SEGMENT = 1000;

function trace(capture: Uint8Array, options: CaptureTraceOptions = {}): ConnectionTrace {
  const survey = findConnections(capture);
  return traceCapture(capture, 'test.pcap', survey, largest(survey.connections)!, options);
}

function column(result: ConnectionTrace, quantity: Quantity): number[] {
  return [...result.samples[quantity].subarray(0, result.samples.length)];
}

function kinds(result: ConnectionTrace): string[] {
  return result.events.map(({ kind }) => kind);
}

/** A connection open for the server to send: round trip 1 ms, the next segment may be sent at 2 ms. */
function opened(options: BuilderOptions = {}): CaptureBuilder {
  return new CaptureBuilder(options).handshake().at(2000);
}

/** Segments of the server from `first` to before `last`, 100 µs apart. */
function send(builder: CaptureBuilder, first: number, last: number): CaptureBuilder {
  for (let index = first; index < last; index++) {
    builder.server({ sequence: index * SEGMENT, length: SEGMENT }).at(builder.time + 100);
  }
  return builder;
}

function acknowledge(builder: CaptureBuilder, segments: number, blocks: [number, number][] = []): CaptureBuilder {
  const server = (index: number) => (-1000 + 1 + index * SEGMENT) | 0;
  const options =
    blocks.length === 0 ? [] : [tcpOptions.sack(blocks.map(([from, to]) => [server(from), server(to)] as const))];
  return builder.client({ acknowledgement: segments * SEGMENT, options });
}

describe('a capture of one direction of a connection', () => {
  it('gives bytes in flight, round trips, the receive window and progress', () => {
    const builder = send(opened(), 0, 4).at(4000);
    acknowledge(builder, 2).at(4500);
    acknowledge(builder, 4);
    const result = trace(builder.finish());
    expect(result.title).toBe('10.0.0.2:80 → 10.0.0.1:40000');
    expect(result.source).toBe('test.pcap, connection 1 of 1');
    expect(result.totals).toMatchObject({ delivered: 4000, segments: 4, sentBytes: 4000, duration: 4500, events: {} });
    expect(range(result.samples, 'inFlight').maximum).toBe(4000);
    expect(column(result, 'inFlight').at(-1)).toBe(0);
    expect(column(result, 'receiveWindow').at(-1)).toBe(1000 * 128);
    // From the last segment each acknowledgement covers.
    expect(column(result, 'roundTrip').filter((value) => !Number.isNaN(value))).toEqual([0, 4000 - 2100, 4500 - 2300]);
    expect(column(result, 'congestionWindow').every(Number.isNaN)).toBe(true);
    expect(result.notes.join(' ')).toContain('does not show the congestion window');
  });

  it('is the other one on request', () => {
    const builder = send(opened(), 0, 2).client({ acknowledgement: 2000, length: 10 });
    expect(trace(builder.finish()).totals.segments).toBe(2);
    const reversed = trace(builder.finish(), { isReversed: true });
    expect(reversed.title).toBe('10.0.0.1:40000 → 10.0.0.2:80');
    expect(reversed.totals).toMatchObject({ segments: 1, sentBytes: 10 });
  });

  it.each<[string, BuilderOptions]>([
    ['IPv6', { isIpv6: true }],
    ['a VLAN', { hasVlan: true }],
    ['classic pcap', { writer: { format: 'pcap' } }],
    ['packets cut short', { writer: { snapLength: 60 } }],
  ])('is the same with %s', (_, options) => {
    const result = trace(acknowledge(send(opened(options), 0, 3), 3).finish());
    expect(result.totals).toMatchObject({ delivered: 3000, segments: 3, events: {} });
    expect(result.title).toBe(
      options.isIpv6 === true ? '[2001:db8::a00:2]:80 → [2001:db8::a00:1]:40000' : '10.0.0.2:80 → 10.0.0.1:40000',
    );
  });

  it('follows sequence numbers through several wraps', () => {
    const builder = opened();
    const chunk = 1000;
    const target = 2 ** 33;
    // Mostly gaps: what is acknowledged and was not captured counts as delivered.
    let sent = 0;
    for (let step = 1; sent < target; step++) {
      builder.at(2000 + step * 10).server({ sequence: sent, length: chunk, window: 65_535 });
      sent += 4_000_000;
      builder.client({ acknowledgement: sent, window: 65_535 });
    }
    const result = trace(builder.finish());
    expect(result.totals.delivered).toBe(sent);
    expect(result.notes.join(' ')).toContain('bytes were acknowledged that the capture does not hold');
    expect(column(result, 'sequence').every((value, row, all) => row === 0 || value >= all[row - 1]!)).toBe(true);
  });
});

describe('events of a capture', () => {
  it('a fast retransmission, with duplicate acknowledgements and SACK before it', () => {
    const builder = send(opened(), 0, 5).at(3000);
    acknowledge(builder, 1).at(3100);
    for (let top = 3; top <= 5; top++) acknowledge(builder, 1, [[2, top]]).at(3000 + 100 * top);
    builder.server({ sequence: SEGMENT, length: SEGMENT }).at(5000);
    acknowledge(builder, 5);
    const result = trace(builder.finish());
    expect(result.totals.events).toEqual({
      'duplicate-acknowledgement': 3,
      'selective-acknowledgement': 3,
      retransmission: 1,
    });
    expect(result.events.find(({ kind }) => kind === 'retransmission')).toMatchObject({ sequence: 1000, length: 1000 });
    // Three of four outstanding segments have arrived.
    expect(range(result.samples, 'inFlight')).toEqual({ minimum: 0, maximum: 5000 });
    expect(column(result, 'inFlight').at(-2)).toBe(1000);
  });

  it('a segment sent again is no measurement of the round trip (Karn)', () => {
    const builder = send(opened(), 0, 1).at(300_000);
    send(builder, 0, 1).at(300_500);
    const result = trace(acknowledge(builder, 1).finish());
    expect(kinds(result)).toEqual(['timeout', 'retransmission']);
    expect(column(result, 'roundTrip').filter((value) => !Number.isNaN(value))).toEqual([0]);
  });

  it('a segment sent again is one with timestamps, which tell which was acknowledged', () => {
    const stamped = (value: number, echo: number) => [tcpOptions.timestamps(value, echo)];
    const builder = opened()
      .server({ length: SEGMENT, options: stamped(2, 0) })
      .at(300_000)
      .server({ length: SEGMENT, options: stamped(300, 0) })
      .at(300_700)
      .client({ acknowledgement: SEGMENT, options: stamped(9, 300) });
    expect(column(trace(builder.finish()), 'roundTrip').filter((value) => !Number.isNaN(value))).toEqual([0, 700]);
  });

  it('a loss probe: the last segment again, after two round trips without a word', () => {
    const builder = send(opened(), 0, 2).at(3100);
    acknowledge(builder, 1).at(5500).server({ sequence: SEGMENT, length: SEGMENT });
    expect(kinds(trace(builder.finish()))).toEqual(['tail-loss-probe', 'retransmission']);
  });

  it('before the observer: what comes within half a round trip was reordered, what comes later was lost', () => {
    const late = (delay: number) => {
      const builder = new CaptureBuilder().handshake(40_000).at(50_000);
      // The round trip is known from the acknowledgement of the first segment.
      acknowledge(send(builder, 0, 1).at(90_000), 1);
      send(builder, 2, 3).at(builder.time + delay);
      return kinds(trace(send(builder, 1, 2).finish()));
    };
    expect(late(1000)).toEqual(['reordering']);
    expect(late(60_000)).toEqual(['loss', 'retransmission']);
  });

  it('copies of a packet, and data sent although it had arrived', () => {
    const builder = opened().server({ length: SEGMENT, identification: 77 });
    builder.server({ length: SEGMENT, identification: 77 }).at(2500);
    acknowledge(builder, 1).server({ length: SEGMENT, identification: 78 }).at(2600);
    acknowledge(builder, 1, [[0, 1]]);
    expect(kinds(trace(builder.finish()))).toEqual(['duplicate', 'spurious-retransmission', 'duplicate-report']);
  });

  it('a closed window, the probes of it, and its opening', () => {
    const builder = send(opened(), 0, 1).at(3000).client({ acknowledgement: SEGMENT, window: 0 });
    builder.at(203_000).server({ sequence: SEGMENT, length: 1 }).client({ acknowledgement: SEGMENT, window: 0 });
    builder.at(603_000).server({ sequence: SEGMENT, length: 1 }).client({ acknowledgement: SEGMENT, window: 0 });
    builder.at(700_000).client({ acknowledgement: SEGMENT + 1, window: 500 });
    expect(kinds(trace(builder.finish()))).toEqual(['zero-window', 'window-probe', 'window-probe', 'window-open']);
  });

  it('ECN: marks, echoes, and the reduced window', () => {
    const builder = opened()
      .server({ length: SEGMENT, ecn: 3 })
      .client({ acknowledgement: SEGMENT, flags: Flag.ACK | Flag.ECE })
      .server({ sequence: SEGMENT, length: SEGMENT, flags: Flag.ACK | Flag.CWR, ecn: 2 });
    expect(kinds(trace(builder.finish()))).toEqual(['congestion-experienced', 'ecn-echo', 'window-reduced']);
  });

  it('keep-alives, lost SYNs and FINs, and resets', () => {
    const syn = { sequence: -1, acknowledgement: -1, flags: Flag.SYN };
    const builder = new CaptureBuilder().client(syn).at(1e6).client(syn).at(1.1e6);
    builder
      .server({ sequence: -1, flags: Flag.SYN | Flag.ACK })
      .client({ length: 5 })
      .at(2e6);
    builder.server({ acknowledgement: 5 }).at(10e6).client({ sequence: 4, length: 1 });
    builder.client({ sequence: 5, flags: Flag.FIN | Flag.ACK }).at(11e6);
    builder.client({ sequence: 5, flags: Flag.FIN | Flag.ACK }).server({ flags: Flag.RST });
    expect(kinds(trace(builder.finish()))).toEqual(['timeout', 'keep-alive', 'timeout', 'reset']);
  });

  it('the acknowledgement of a FIN is no byte of data', () => {
    const builder = send(opened(), 0, 1).server({ sequence: SEGMENT, flags: Flag.FIN | Flag.ACK });
    const result = trace(builder.client({ acknowledgement: SEGMENT + 1 }).finish());
    expect(result.totals.delivered).toBe(SEGMENT);
  });
});

describe('what a capture does not hold', () => {
  it('the handshake: numbers count from the first byte seen, the window is not drawn', () => {
    const builder = new CaptureBuilder().at(1000);
    acknowledge(send(builder, 70, 72), 72);
    const result = trace(builder.finish());
    expect(result.totals).toMatchObject({ delivered: 2000, segments: 2 });
    expect(column(result, 'receiveWindow').every(Number.isNaN)).toBe(true);
    expect(result.notes.join(' ')).toContain('scale of the receive window');
    expect(result.notes.join(' ')).toContain('began after the connection');
  });

  it('acknowledgements: it says so', () => {
    const result = trace(send(new CaptureBuilder(), 0, 3).finish());
    expect(result.totals.segments).toBe(3);
    expect(result.notes.join(' ')).toContain('no acknowledgements');
  });

  it('a forged or damaged segment does not stretch the picture', () => {
    const builder = send(opened(), 0, 2);
    builder.server({ sequence: 900_000_000, length: SEGMENT }).client({ acknowledgement: 800_000_000 });
    const result = trace(acknowledge(send(builder, 2, 3), 3).finish());
    expect(range(result.samples, 'sequence').maximum).toBe(3000);
    expect(result.totals.delivered).toBe(3000);
    expect(result.notes.join(' ')).toContain('2 segments with impossible sequence numbers');
  });

  it('its end: what is legible is drawn', () => {
    const whole = send(opened(), 0, 3).finish();
    const result = trace(whole.subarray(0, whole.length - 500));
    expect(result.totals.segments).toBe(2);
    expect(result.notes.join(' ')).toMatch(/legible: byte \d+/);
  });
});
