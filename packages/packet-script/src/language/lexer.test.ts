import { describe, expect, it } from 'vitest';
import { tokenize } from './lexer.js';

function kinds(text: string): string[] {
  return tokenize(text).map(({ kind, text: word }) => (kind === 'end' ? kind : `${kind}:${word}`));
}

describe('tokenize', () => {
  it.each([
    ['0.1...0.2', ['decimal:0.1', 'ellipsis:...', 'decimal:0.2', 'end']],
    ['+0...0.200', ['punctuation:+', 'integer:0', 'ellipsis:...', 'decimal:0.200', 'end']],
    ['+.002', ['punctuation:+', 'decimal:.002', 'end']],
    [
      '1:1001(1000)',
      ['integer:1', 'punctuation::', 'integer:1001', 'punctuation:(', 'integer:1000', 'punctuation:)', 'end'],
    ],
    ['0x2f', ['hexadecimal:0x2f', 'end']],
    ['0a1b2c', ['word:0a1b2c', 'end']],
    ['-1', ['integer:-1', 'end']],
    ['- 1', ['punctuation:-', 'integer:1', 'end']],
    ['P.5', ['word:P', 'decimal:.5', 'end']],
    ['192.0.2.1', ['ipv4:192.0.2.1', 'end']],
    ['2001:db8::1', ['ipv6:2001:db8::1', 'end']],
    ['::', ['ipv6:::', 'end']],
    ['::ffff:192.0.2.1', ['ipv6:::ffff:192.0.2.1', 'end']],
    ['1:2:3:4:5:6:7:8', ['ipv6:1:2:3:4:5:6:7:8', 'end']],
    ['--mss=1460', ['option:mss', 'punctuation:=', 'integer:1460', 'end']],
  ])('reads %s', (text, expected) => {
    expect(kinds(text)).toEqual(expected);
  });

  it('skips comments of all three kinds, and sequence# is no comment', () => {
    expect(kinds('a // b\nc /* d\n */ e # f\n# g\nh')).toEqual(['word:a', 'word:c', 'word:e', 'word:h', 'end']);
    expect(kinds('sequence# present')).toEqual(['word:sequence', 'punctuation:#', 'word:present', 'end']);
    expect(kinds('a // no line end')).toEqual(['word:a', 'end']);
  });

  it('takes the quotes off, over several lines', () => {
    expect(kinds('`sysctl -q\nx=1` "a\\"b" %{ assert 1 }%')).toEqual([
      'command:sysctl -q\nx=1',
      'string:a\\"b',
      'code: assert 1 ',
      'end',
    ]);
  });

  it('counts lines and columns from 1', () => {
    const [, second] = tokenize('/* one\ntwo */ a\n  bc');
    expect(second).toMatchObject({ text: 'bc', line: 3, column: 3 });
  });

  it.each([
    ['`sysctl', 1, 1, 'command'],
    ['a\n "b', 2, 2, 'string'],
    ['/* x', 1, 1, 'comment'],
    ['a %{ b', 1, 3, 'code'],
  ])('names what has no end in %j', (text, line, column, what) => {
    expect(() => tokenize(text)).toThrow(
      expect.objectContaining({ line, column, message: expect.stringContaining(what) }),
    );
  });
});
