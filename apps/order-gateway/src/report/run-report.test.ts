import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './latency-histogram.js';
import { exitCodeOf, renderReport, toFigures } from './run-report.js';
import { type Blemishes, reportsOf } from './run-report.testkit.js';

function latencies(): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (let i = 1; i <= 1000; i++) histogram.record(i * 1000);
  return histogram;
}

const blemished: Readonly<Record<string, Blemishes>> = {
  'a lost order': { totals: { lost: 1 } },
  'an order answered twice': { totals: { doubled: 1 } },
  'an unknown reply': { totals: { unknown: 1 } },
  'a late answer': { totals: { late: 1 } },
  'a duplicate taken for a new order': { totals: { duplicatesAccepted: 1 } },
  'an order taken for a duplicate': { totals: { falseDuplicates: 1 } },
  'a gap in the numbers of replies': { faults: { sequenceGaps: 1 } },
  'a datagram that is no reply': { faults: { malformed: 1 } },
  'an order the stack refused': { faults: { refused: 1 } },
  'a reply the stack refused': { refusedSends: 1 },
  'an unexplained frame': { unexplained: 1 },
  'a lost order of the session': { session: { totals: { lost: 1 } } },
  'an order of the session acknowledged twice': { session: { totals: { doubled: 1 } } },
  'a message of the session about no order': { session: { totals: { unknown: 1 } } },
  'a message of the session that is none': { session: { faults: { malformed: 1 } } },
  'a session that was cut off': { session: { faults: { reconnects: 1 } } },
  'a message of the session that is missing': { session: { messages: 520_000 } },
};

describe('report of a run', () => {
  it('has the figures of the benchmark contract, in their units', () => {
    const figures = toFigures(reportsOf(), latencies());
    expect(figures).toMatchObject({
      ordersPerSecond: 500_000,
      sessionOrdersPerSecond: 100_000,
      sessionLost: 0,
      lost: 0,
      duplicated: 0,
      unexplainedDrops: 0,
      bytesAllocatedPerOrder: 0.75,
      bytesAllocatedPerPacketGateway: 0.5,
      bytesAllocatedPerPacketClient: 0.25,
      roundTripMaxUs: 1000,
    });
    // Buckets are 1/64 wide.
    expect(figures['roundTripP50Us']).toBeCloseTo(500, -1);
    expect(figures['roundTripP99Us']).toBeCloseTo(990, -2);
    expect(figures['roundTripP999Us']).toBeCloseTo(999, -2);
    expect(toFigures(reportsOf({ totals: { lost: 3, doubled: 2 }, unexplained: 4 }), latencies())).toMatchObject({
      lost: 3,
      duplicated: 2,
      unexplainedDrops: 4,
    });
  });

  it('has only finite figures when nothing was sent', () => {
    const nothing = reportsOf({ seconds: 0, totals: { sent: 0, answered: 0 } });
    for (const value of Object.values(toFigures(nothing, new LatencyHistogram()))) {
      expect(Number.isFinite(value)).toBe(true);
    }
  });

  it('is no wider than the terminal, if it goes to one', () => {
    const narrow = renderReport(reportsOf(), latencies(), 80);
    for (const line of narrow.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    const words = (text: string) => text.split('answers')[1]!.split(/\s+/);
    expect(words(narrow)).toEqual(words(renderReport(reportsOf(), latencies())));
  });

  it('tells what happened to orders and frames', () => {
    const text = renderReport(reportsOf(), latencies());
    for (const part of [
      'datagram port: 500,000 orders/s: 1,000,000 orders answered in 2.00 s',
      'session port: 100,000 orders/s: 200,000 acknowledged in 2.00 s, one connection',
      'rejects: invalid quantity 600, replace not allowed 400',
      'executed 300,000, cancelled 20,000, rejected 1,000; cancels sent 25,000',
      'messages missing 0; sent again 0, reconnects 0: nothing lost, nothing repeated',
      'round trip, order sent to answer received (1,000 samples)',
      'accepted 700,000, filled 200,000, partially filled 90,000, rejected 10,000',
      'later fills of resting orders 600,000; the book made 600,000 trades and holds 1,234 orders',
      'rejects: price off tick 3,000, kill switch 7,000',
      'lost 0, doubled 0, unknown 0, late 0',
      ': every order answered exactly once',
      'dropped: ARP_NOT_FOR_US 1; not sent: none; unexplained 0',
      'gateway 0.500, book 0.000, client 0.250',
    ]) {
      expect(text).toContain(part);
    }
    expect(text.endsWith('\n')).toBe(true);
    expect(renderReport(reportsOf({ totals: { lost: 1 } }), latencies())).not.toContain('exactly once');
  });

  it('is silent about a datagram port that is closed', () => {
    const text = renderReport(reportsOf(), latencies(), 80, latencies(), 'session');
    for (const part of ['datagram', 'exactly once']) expect(text).not.toContain(part);
    for (const part of ['session port: 100,000', 'the book made 600,000 trades']) expect(text).toContain(part);
  });

  it('is the exit code: 0 only without any blemish', () => {
    expect(exitCodeOf(reportsOf())).toBe(0);
    for (const [name, blemishes] of Object.entries(blemished)) expect(exitCodeOf(reportsOf(blemishes)), name).toBe(1);
  });
});
