import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { compareWithKernel } from './compare.js';

describe.skipIf(labUnavailable('iperf3', 'ethtool', 'ss', 'chrt') !== null)('CUBIC over an emulated path', () => {
  it("has the kernel's goodput, within a quarter in one short run", async () => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const [clean] = await compareWithKernel({ seconds: 4, runs: 1, schedules: ['clean'], write });
    expect(clean!.schedule).toBe('clean');
    expect(clean!.kernel).toBeGreaterThan(20e6);
    expect(clean!.prism / clean!.kernel).toBeGreaterThan(0.75);
    expect(clean!.prism / clean!.kernel).toBeLessThan(1.25);
    expect(lines.at(-1)).toMatch(/^clean +kernel [\d.]+ \([\d.]+\) {3}prism [\d.]+ \([\d.]+\) {3}ratio [\d.]+/);
  });
});
