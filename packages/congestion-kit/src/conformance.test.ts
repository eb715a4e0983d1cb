import { congestionControlNames, NewReno, registerCongestionControl } from '@prism-net/congestion';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFECT_NAMES, registerBroken } from './broken.testkit.js';
import { runConformance } from './conformance.js';
import { declareExpectations } from './expectations.js';
import { Path } from './path.js';
import { formatReport } from './report.js';

const algorithms = [...congestionControlNames()];
const broken = algorithms.flatMap((inner) =>
  DEFECT_NAMES.map((defect) => ({ inner, defect, name: registerBroken(defect, inner) })),
);

/** Which of the quick scenarios catch a defect. */
const QUICK = ['slow-start', 'app-limited', 'idle-restart', 'shallow-buffer'];
const CATCH: Readonly<Record<string, readonly string[]>> = {
  ignored: QUICK,
  stubborn: ['slow-start', 'idle-restart'],
  collapsed: ['slow-start', 'app-limited', 'idle-restart', 'shallow-buffer'],
  'not-a-number': QUICK,
  'paced at NaN': ['app-limited'],
  'paced at -1': ['app-limited'],
  'paced at Infinity': ['app-limited'],
};

/** What is said of those that set no number. */
const REASONS: Readonly<Record<string, string>> = {
  'not-a-number': 'the window was NaN, which is no size',
  'paced at NaN': 'the pacing rate was NaN, which is no rate',
  'paced at -1': 'the pacing rate was -1, which is no rate',
  'paced at Infinity': 'the pacing rate was Infinity, which is no rate',
};

let unlucky = 0;

afterEach(() => vi.restoreAllMocks());

describe('the kit', () => {
  it.each(broken)('catches $inner when it is $defect', ({ defect, name }) => {
    const report = runConformance(name, { scenarios: CATCH[defect]! });
    const failed = report.results.filter(({ verdict }) => verdict === 'FAIL').map(({ scenario }) => scenario);
    expect(report.verdict).toBe('FAIL');
    expect(failed).toEqual([...CATCH[defect]!]);
    for (const { reason } of report.results) expect(reason).toContain(REASONS[defect] ?? '');
  });

  it('catches an algorithm that throws, and says what and where', () => {
    class Throwing extends NewReno {
      override onAcknowledgement(): void {
        throw new Error('out of ideas');
      }
    }
    registerCongestionControl('throwing', () => new Throwing());
    const { verdict, results } = runConformance('throwing', { scenarios: ['single-loss'] });
    expect([verdict, results[0]!.reason]).toEqual([
      'FAIL',
      expect.stringMatching(/out of ideas \(conformance\.test\.ts:\d+:\d+\)$/),
    ]);
  });

  it.each([
    [
      'what its factory throws',
      new Error('no luck\nat all'),
      "runConformance EINVAL: 'unlucky 0' cannot be made: no luck",
    ],
    ['what is no Error too', 'no luck', "runConformance EINVAL: 'unlucky 1' cannot be made: no luck"],
    ['an error without a word', new TypeError(), "runConformance EINVAL: 'unlucky 2' cannot be made: TypeError"],
  ])('says once, before all scenarios, %s', (_what, thrown, message) => {
    const name = `unlucky ${unlucky++}`;
    let isLucky = true;
    registerCongestionControl(name, () => {
      if (!isLucky) throw thrown;
      return new NewReno();
    });
    isLucky = false;
    const onResult = vi.fn();
    expect(() => runConformance(name, { onResult })).toThrow(expect.objectContaining({ code: 'EINVAL', message }));
    expect(onResult).not.toHaveBeenCalled();
  });

  it('runs a scenario once that is named twice', () => {
    const { results } = runConformance('cubic', { scenarios: ['app-limited', 'slow-start', 'app-limited'] });
    expect(results.map(({ scenario }) => scenario)).toEqual(['app-limited', 'slow-start']);
  });

  it('holds an algorithm to what is declared for it', () => {
    class Deep extends NewReno {}
    registerCongestionControl('deep', () => new Deep());
    const scenarios = ['deep-buffer'];
    declareExpectations('deep', { lowQueue: true });
    expect(runConformance('deep', { scenarios }).results[0]!.reason).toContain('95 % of the queue');
    expect(runConformance('deep', { scenarios, expectations: {} }).verdict).not.toBe('FAIL');
  });

  it('catches a sender that does not ask its window', () => {
    const path = new Path({
      seed: 1,
      bitsPerSecond: 20e6,
      roundTripMicroseconds: 40_000,
      flows: [{ congestionControl: 'cubic' }],
    });
    const recovery = Object.getPrototypeOf(path.flows[0]!.connection.wake().recovery) as { allowance(): number };
    path.close();
    vi.spyOn(recovery, 'allowance').mockReturnValue(65_536);
    const [result] = runConformance('cubic', { scenarios: ['window-obeyed'] }).results;
    expect([result!.verdict, result!.reason]).toEqual([
      'FAIL',
      expect.stringContaining('more in flight than the window by'),
    ]);
  });

  it('gives the same report for the same seed', () => {
    const options = { seed: 7, scenarios: ['burst-loss', 'loss-1%', 'fairness-2'] };
    const first = formatReport(runConformance('cubic', options));
    expect(formatReport(runConformance('cubic', options))).toBe(first);
    expect(formatReport(runConformance('cubic', { ...options, seed: 8 }))).not.toBe(first);
  });

  it('says which algorithms and scenarios there are', () => {
    expect(() => runConformance('nobody')).toThrow(/there is no 'nobody'; there are newreno/);
    expect(() => runConformance('cubic', { scenarios: ['x'] })).toThrow(/there is no scenario 'x'; there are /);
  });
});
