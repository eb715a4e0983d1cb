import { Errno, type PosixError, posixError } from './posix-error.js';

/** The error for a wrong argument or option: EINVAL, saying what is wrong with it. */
export function invalidArgument(syscall: string, detail: string): PosixError {
  return posixError(Errno.EINVAL, syscall, detail);
}

/** Checks a number and returns it. @throws PosixError EINVAL that names it, its range and what was given */
export function requireWholeNumber(
  syscall: string,
  name: string,
  value: number,
  minimum: number,
  maximum: number,
): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw invalidArgument(syscall, `${name} must be a whole number from ${minimum} to ${maximum}, not ${String(value)}`);
}

/** As {@link requireWholeNumber}, of 1, 2, 4, 8 … only: what can be a mask. */
export function requirePowerOfTwo(
  syscall: string,
  name: string,
  value: number,
  minimum: number,
  maximum: number,
): number {
  requireWholeNumber(syscall, name, value, minimum, maximum);
  if ((value & (value - 1)) === 0) return value;
  throw invalidArgument(syscall, `${name} must be a power of two, not ${value}`);
}

/** Checks a switch and returns it. @throws PosixError EINVAL that names it and what was given */
export function requireBoolean(syscall: string, name: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidArgument(syscall, `${name} must be true or false, not ${String(value)}`);
}

/** Refuses options that do not exist: a misspelt one must not be silently without effect. @throws PosixError EINVAL */
export function requireKnownOptions(syscall: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument(
      syscall,
      `options must be an object with some of ${known.join(', ')}, not ${String(options)}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw invalidArgument(syscall, `there is no option '${name}'; there are ${known.join(', ')}`);
  }
}
