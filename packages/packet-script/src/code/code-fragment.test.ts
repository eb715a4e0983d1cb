import { describe, expect, it } from 'vitest';
import { Difference, Unsupported } from '../values/unsupported.js';
import { runCode } from './code-fragment.js';
import type { CodeValue } from './code-value.js';

function run(
  text: string,
  values: Record<string, CodeValue> = {},
): { printed: string[]; variables: Map<string, CodeValue> } {
  const printed: string[] = [];
  const variables = new Map(Object.entries({ tcpi_snd_cwnd: 10, tcpi_rtt: 12_000, tcpi_options: 7, ...values }));
  runCode(text, { variables, print: (line) => printed.push(line) });
  return { printed, variables };
}

describe('runCode', () => {
  it.each([
    'assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd',
    "assert tcpi_snd_cwnd == 10, 'cwnd=%d' % tcpi_snd_cwnd",
    'assert 5000 <= tcpi_rtt <= 20000',
    'assert tcpi_snd_cwnd in [9, 10, 11]',
    'assert tcpi_snd_cwnd not in (1, 2)',
    'assert (tcpi_options & 1) != 0 and not tcpi_options & 8',
    'assert tcpi_options == (1 | 2 | 4)',
    'assert tcpi_rtt / 1000 == 12.0; assert tcpi_rtt // 7 == 1714',
    'assert tcpi_snd_cwnd != 10 or tcpi_rtt == 12000',
    'assert tcpi_snd_cwnd == 10 && !(tcpi_rtt == 3) || tcpi_rtt == 5',
    'assert 2 + 3 * 2 ** 2 == 14 and -7 % 3 == 2 and -7 // 2 == -4',
    'assert 1 << 40 == 1099511627776 and ~5 == -6',
    'assert max(1, 5, 3) == 5 and min([4, 2]) == 2 and abs(-3) == 3 and len([1, 2]) == 2',
    'assert (1 if tcpi_rtt > 5 else 0) == 1',
    'assert tcpi_rtt == 12000 # a comment',
    'assert True and not False and None is None',
    'assert sum(range(4)) == 6 and [5, 6][1] == 6',
    "assert 'a' 'b' == \"ab\"",
    'x = 5\nx += 2\nassert x == 7',
    'if tcpi_rtt > 5: assert True\nelse: assert False',
    'if tcpi_rtt < 5:\n  assert False\nelif tcpi_rtt == 12000:\n  y = 1\n  assert y == 1\nelse:\n  assert False',
    'total = 0\nfor i in range(3):\n    total += i\nassert total == 3',
    'i = 0\nwhile i < 4: i += 1\nassert i == 4',
    'assert (tcpi_rtt ==\n  12000)',
    '  assert tcpi_rtt == 12000\n     \n  assert tcpi_snd_cwnd == 10',
  ])('holds: %s', (text) => {
    run(text);
  });

  it('says which assertion fails, and the values in it', () => {
    const failure = (text: string): Difference => {
      try {
        run(text);
      } catch (error) {
        return error as Difference;
      }
      throw new Error('it held');
    };
    expect(failure('assert tcpi_snd_cwnd == 11')).toMatchObject({
      expected: 'tcpi_snd_cwnd == 11',
      actual: 'tcpi_snd_cwnd = 10',
    });
    expect(failure("assert tcpi_rtt < 5, 'rtt is %d us' % tcpi_rtt").actual).toBe('rtt is 12000 us');
    expect(failure('assert 0')).toBeInstanceOf(Difference);
  });

  it('keeps what is assigned, and prints', () => {
    const { printed, variables } = run("cwnd = tcpi_snd_cwnd * 2\nprint(cwnd, 'x')\nprint tcpi_rtt");
    expect(printed).toEqual(['20 x', '12000']);
    expect(variables.get('cwnd')).toBe(20);
  });

  it.each([
    ['import os', 'import'],
    ['def f(): pass', 'def'],
    ['assert bbr_bw > 5', 'bbr_bw is not provided'],
    ['assert open("x")', 'the function open'],
    ['assert "a".upper() == "A"', 'methods'],
    ['assert 1 ==', 'where a value should be'],
    ['assert (1', "expected ','"],
    ['x = 1 2', 'behind the end'],
    ['while 1: pass', 'without end'],
    ['assert $', 'cannot read'],
  ])('names what is not of the subset: %s', (text, what) => {
    expect(() => run(text)).toThrow(Unsupported);
    expect(() => run(text)).toThrow(what);
  });
});
