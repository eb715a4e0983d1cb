import { invalidArgument } from '@prism-net/errors';

/** What an option takes, in a specification (as text) and in an object (as a value). */
export type OptionType =
  | { readonly kind: 'text' }
  | { readonly kind: 'number'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** Cannot be written down as text: memory, pools, functions, rules. */
  | { readonly kind: 'object' }
  | { readonly kind: 'function' };

/** The value that `text` stands for in `?name=text`. A flag may be named alone. @throws PosixError EINVAL */
export function parseOption(syscall: string, name: string, type: OptionType, text: string | undefined): unknown {
  if (type.kind === 'object' || type.kind === 'function') {
    throw invalidArgument(syscall, `${name} cannot be written in a specification; give it in the second argument`);
  }
  if (type.kind === 'flag' && (text === undefined || text === 'true')) return true;
  if (type.kind === 'flag' && text === 'false') return false;
  if (text === undefined || text === '') throw wrong(syscall, name, type, 'nothing');
  if (type.kind !== 'number') return checkOption(syscall, name, type, type.kind === 'flag' ? `'${text}'` : text);
  return checkOption(syscall, name, type, /^\d+$/.test(text) ? Number(text) : `'${text}'`);
}

/** Returns `value` if it is what the option takes. @throws PosixError EINVAL */
export function checkOption(syscall: string, name: string, type: OptionType, value: unknown): unknown {
  if (accepts(type, value)) return value;
  throw wrong(syscall, name, type, String(value));
}

function accepts(type: OptionType, value: unknown): boolean {
  switch (type.kind) {
    case 'text':
      return typeof value === 'string' && value !== '';
    case 'number':
      return Number.isInteger(value) && (value as number) >= type.minimum && (value as number) <= type.maximum;
    case 'flag':
      return typeof value === 'boolean';
    case 'choice':
      return type.choices.includes(value as string);
    case 'object':
      return typeof value === 'object' && value !== null;
    case 'function':
      return typeof value === 'function';
  }
}

function wrong(syscall: string, name: string, type: OptionType, given: string): Error {
  return invalidArgument(syscall, `${name} must be ${describeType(type)}, not ${given}`);
}

export function describeType(type: OptionType): string {
  switch (type.kind) {
    case 'text':
      return 'a text';
    case 'number':
      return `a whole number from ${type.minimum} to ${type.maximum}`;
    case 'flag':
      return 'true or false';
    case 'choice':
      return type.choices.join(' or ');
    case 'object':
      return 'an object';
    case 'function':
      return 'a function';
  }
}
