import { describe, expect, it } from 'vitest';
import { reportsOf } from './run-report.testkit.js';
import { renderServiceReport, serviceExitCodeOf, toServiceFigures } from './service-report.js';

describe('report of a gateway without a load client', () => {
  it('says what it took and what it sent', () => {
    const reports = reportsOf();
    expect(toServiceFigures(reports)).toMatchObject({ orders: 1_000_000, replies: 1_600_000, trades: 600_000 });
    const text = renderServiceReport(reports);
    expect(text).toContain('1,200,000 orders, 2,120,001 answers and later fills; link in-process');
    expect(text).toContain('datagram port: 1,000,000 orders, 1,600,000 answers');
    expect(text).toContain('kill switch 7,000');
    expect(text).toContain('session port: 200,000 orders, 25,000 cancels, 520,001 messages');
    expect(text.replace(/\s+/g, ' ')).toContain('connections ended: logout 1; refused 0');
    expect(text).toContain('unexplained 0');
    for (const line of renderServiceReport(reports, 70).split('\n')) expect(line.length).toBeLessThanOrEqual(70);
  });

  it('is a failure when a reply was refused, or a frame vanished', () => {
    expect(serviceExitCodeOf(reportsOf())).toBe(0);
    expect(serviceExitCodeOf(reportsOf({ refusedSends: 1 }))).toBe(1);
    expect(serviceExitCodeOf(reportsOf({ unexplained: 1 }))).toBe(1);
  });
});
