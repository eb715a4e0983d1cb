import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { soakBulk } from './bulk.js';
import { soakSchedules } from './schedules.js';

describe('the long tests', () => {
  let lines: string[] = [];
  beforeEach(() => {
    lines = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('run schedules and say what was delivered', () => {
    expect(soakSchedules(7, 3)).toBe(0);
    expect(lines.join('\n')).toMatch(/fault schedules 7 to 9: 3 passed, 0 failed\n {2}\d+ bytes delivered, \d+ steps/);
  });

  it('hash a stream at both ends for every combination of faults, the last across the wrap', () => {
    expect(soakBulk(50_000)).toBe(0);
    expect(lines.filter((line) => line.includes('at both ends'))).toHaveLength(32);
    expect(lines.at(-1)).toMatch(/^loss 5 %, reorder 1 %, duplicate 1 %, corrupt 1 %: .* sequence numbers wrapped$/);
  });
});
