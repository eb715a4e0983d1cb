import { invalidArgument } from '@prism-net/errors';
import { LINK_KINDS, type LinkKind, type LinkKindName } from './link-kinds.js';
import { checkOption, type OptionType, parseOption } from './option-type.js';

const SYSCALL = 'openLink';

/** A link by its name, taken apart. */
export interface LinkSpecification {
  readonly kind: LinkKindName;
  /** The driver's options, nested as it takes them. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Takes apart `kind[:target][?option=value&option=value…]`, as in 'xdp:eth0?queue=1&attach=generic'. An option that
 * lies in an object has a dot: 'tap:prism0?offloads.segmentation=false'. `given` is laid over it: the options that
 * cannot be written as text, or that the program decides. Nothing is opened.
 *
 * @throws PosixError EINVAL that names what is unknown and lists what there is; an option given twice is refused.
 */
export function parseLinkSpecification(text: string, given: object = {}): LinkSpecification {
  if (typeof text !== 'string') throw invalidArgument(SYSCALL, `a link is named by a text, not ${String(text)}`);
  const [path, query] = cut(text, '?');
  const [name, target] = cut(path, ':');
  const kind = LINK_KINDS.find((known) => known.name === name);
  if (kind === undefined) {
    const known = LINK_KINDS.map((one) => one.name).join(', ');
    throw invalidArgument(SYSCALL, `there is no kind of link '${name}'; there are ${known}`);
  }
  const values = new OptionValues(kind);
  if (target !== undefined) values.setTarget(target);
  for (const part of query ? query.split('&') : []) {
    const [option, value] = cut(part, '=');
    values.set(option, (type) => parseOption(SYSCALL, option, type, value));
  }
  values.setAll(given, '');
  if (kind.target?.required === true && !values.has(kind.target.option)) {
    throw invalidArgument(SYSCALL, `'${text}' does not name ${kind.target.is}; for example '${kind.example}'`);
  }
  return { kind: kind.name, options: values.nested() };
}

class OptionValues {
  readonly #kind: LinkKind;
  readonly #values = new Map<string, unknown>();

  constructor(kind: LinkKind) {
    this.#kind = kind;
  }

  has(option: string): boolean {
    return this.#values.has(option);
  }

  setTarget(value: string): void {
    const { name, target, example } = this.#kind;
    if (target === undefined) {
      throw invalidArgument(SYSCALL, `${name} takes no ':${value}'; for example '${example}'`);
    }
    if (value === '') throw invalidArgument(SYSCALL, `'${name}:' needs ${target.is} behind the colon`);
    this.#values.set(target.option, value);
  }

  set(option: string, read: (type: OptionType) => unknown): void {
    const { name, options, target } = this.#kind;
    if (this.#values.has(option)) throw invalidArgument(SYSCALL, `${name}: ${option} is given twice`);
    const type = Object.hasOwn(options, option) ? options[option] : undefined;
    if (type === undefined) {
      const known = Object.keys(options).join(', ');
      const hint = option === target?.option ? `${option} stands behind the colon` : `there is no option '${option}'`;
      throw invalidArgument(SYSCALL, `${name}: ${hint}; there are ${known}`);
    }
    this.#values.set(option, read(type));
  }

  /** The options of an object; those that lie in an object of their own by their dotted names. */
  setAll(given: object, prefix: string): void {
    for (const [key, value] of Object.entries(given)) {
      if (value === undefined) continue;
      const option = prefix + key;
      const isGroup = Object.keys(this.#kind.options).some((known) => known.startsWith(`${option}.`));
      if (isGroup && typeof value === 'object' && value !== null) this.setAll(value, `${option}.`);
      else this.set(option, (type) => checkOption(SYSCALL, option, type, value));
    }
  }

  nested(): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [option, value] of this.#values) {
      const [key, inner] = cut(option, '.');
      if (inner === undefined) result[key] = value;
      else result[key] = { ...(result[key] as object), [inner]: value };
    }
    return result;
  }
}

/** What stands before the first `mark`, and what behind it. */
function cut(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
