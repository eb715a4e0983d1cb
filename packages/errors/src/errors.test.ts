import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  Errno,
  invalidArgument,
  posixError,
  requireBoolean,
  requireKnownOptions,
  requirePowerOfTwo,
  requireWholeNumber,
} from './index.js';

describe('posixError', () => {
  it('has the shape of a system error of Node', () => {
    const error = posixError(Errno.EADDRINUSE, 'bind', '10.0.0.1:7');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: 'EADDRINUSE', errno: -98, syscall: 'bind', detail: '10.0.0.1:7' });
    expect(error.message).toBe('bind EADDRINUSE: 10.0.0.1:7');
  });

  it.runIf(process.platform === 'linux')('numbers errors as Linux does', () => {
    for (const [name, number] of Object.entries(Errno)) {
      if (number !== Errno.NONE) expect(number, name).toBe(constants.errno[name as keyof typeof constants.errno]);
    }
  });
});

describe('requireWholeNumber', () => {
  it('returns what lies in the range', () => {
    for (const value of [1, 5, 10]) expect(requireWholeNumber('f', 'x', value, 1, 10)).toBe(value);
  });

  it.each([0, 11, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5' as never, null as never, undefined as never])(
    'refuses %s by name',
    (value) => {
      expect(() => requireWholeNumber('f', 'x', value, 1, 10)).toThrow(
        invalidArgument('f', `x must be a whole number from 1 to 10, not ${String(value)}`),
      );
    },
  );
});

describe('requirePowerOfTwo', () => {
  it('returns powers of two in the range, and refuses other numbers in it and powers beyond it by name', () => {
    for (const value of [2, 4, 1 << 24]) expect(requirePowerOfTwo('f', 'x', value, 2, 1 << 24)).toBe(value);
    for (const value of [3, 6, (1 << 24) - 1]) {
      expect(() => requirePowerOfTwo('f', 'x', value, 2, 1 << 24)).toThrow(
        invalidArgument('f', `x must be a power of two, not ${value}`),
      );
    }
    for (const value of [0, 1, 1 << 25, 2.5]) {
      expect(() => requirePowerOfTwo('f', 'x', value, 2, 1 << 24)).toThrow(
        invalidArgument('f', `x must be a whole number from 2 to 16777216, not ${value}`),
      );
    }
  });
});

describe('requireBoolean', () => {
  it('returns true and false, and refuses the rest by name', () => {
    for (const value of [true, false]) expect(requireBoolean('f', 'x', value)).toBe(value);
    for (const value of ['no', 1, 0, null, undefined, {}]) {
      expect(() => requireBoolean('f', 'x', value as never)).toThrow(
        invalidArgument('f', `x must be true or false, not ${String(value)}`),
      );
    }
  });
});

describe('requireKnownOptions', () => {
  it('names the option that is misspelt, and those there are', () => {
    requireKnownOptions('f', { a: 1 }, ['a', 'b']);
    expect(() => requireKnownOptions('f', { a: 1, c: 2 }, ['a', 'b'])).toThrow(
      "f EINVAL: there is no option 'c'; there are a, b",
    );
  });

  it.each([null, undefined, 7, 'text'])('refuses %s in the place of options', (value) => {
    expect(() => requireKnownOptions('f', value as unknown as object, ['a', 'b'])).toThrow(
      `f EINVAL: options must be an object with some of a, b, not ${String(value)}`,
    );
  });
});
