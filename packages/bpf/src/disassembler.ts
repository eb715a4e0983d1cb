import type { ProgramCode } from './assembler.js';
import {
  aluOperations,
  BYTE_SWAP,
  CALL,
  Class,
  conditions,
  EXIT,
  helpers,
  INSTRUCTION_LENGTH,
  JUMP,
  Mode,
  NEGATE,
  OPERAND_REGISTER,
  PSEUDO_MAP,
  sizes,
} from './instruction-set.js';

const byCode = <T extends string>(table: Readonly<Record<T, number>>) =>
  new Map((Object.entries(table) as [T, number][]).map(([name, code]) => [code, name]));
const aluNames = byCode(aluOperations);
const conditionNames = byCode(conditions);
const helperNames = byCode(helpers);
const sizeNames = byCode(sizes as unknown as Readonly<Record<string, number>>);

interface Instruction {
  readonly opcode: number;
  readonly target: number;
  readonly source: number;
  readonly offset: number;
  readonly immediate: number;
}

/**
 * A program as text, in the notation of the kernel's verifier: one instruction per line with its number, and a line
 * `L12:` before instructions that jumps lead to. Instructions this package never writes are shown as numbers.
 */
export function disassemble(code: ProgramCode): string {
  const { instructions, maps } = code;
  const view = new DataView(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  const count = Math.floor(instructions.byteLength / INSTRUCTION_LENGTH);
  const decoded = Array.from({ length: count }, (_, index) => decode(view, index * INSTRUCTION_LENGTH));
  const names = new Map(maps.map(({ instruction, name }) => [instruction, name]));
  const targets = new Set(decoded.flatMap((one, index) => (isJump(one) ? [index + 1 + one.offset] : [])));
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    if (targets.has(index)) lines.push(`L${index}:`);
    const one = decoded[index]!;
    const isWide = one.opcode === (Class.LD | Mode.IMMEDIATE | sizes[64]);
    const text = isWide
      ? `r${one.target} = ${wideOperand(one, decoded[index + 1], names.get(index))}`
      : textOf(one, index);
    lines.push(`${String(index).padStart(5)}: ${text}`);
    if (isWide) index++;
  }
  return `${lines.join('\n')}\n`;
}

function decode(view: DataView, at: number): Instruction {
  const registers = view.getUint8(at + 1);
  return {
    opcode: view.getUint8(at),
    target: registers & 0x0f,
    source: registers >> 4,
    offset: view.getInt16(at + 2, true),
    immediate: view.getInt32(at + 4, true),
  };
}

function isJump({ opcode }: Instruction): boolean {
  const kind = opcode & 7;
  const operation = opcode & 0xf0;
  return kind === Class.JMP32 || (kind === Class.JMP && operation !== CALL && operation !== EXIT);
}

function wideOperand(low: Instruction, high: Instruction | undefined, map: string | undefined): string {
  if (low.source === PSEUDO_MAP) return `map ${map ?? low.immediate}`;
  const value = (BigInt(high?.immediate ?? 0) << 32n) | BigInt(low.immediate >>> 0);
  return `${value} ll`;
}

function textOf(one: Instruction, index: number): string {
  const kind = one.opcode & 7;
  const text =
    kind === Class.ALU || kind === Class.ALU64
      ? arithmetic(one, kind)
      : kind === Class.JMP || kind === Class.JMP32
        ? branch(one, kind, index)
        : memory(one, kind);
  return text ?? `.instruction ${JSON.stringify(one)}`;
}

function arithmetic(one: Instruction, kind: number): string | undefined {
  const prefix = kind === Class.ALU64 ? 'r' : 'w';
  const target = `${prefix}${one.target}`;
  const operation = one.opcode & 0xf0;
  if (operation === NEGATE) return `${target} = -${target}`;
  const isRegister = (one.opcode & OPERAND_REGISTER) !== 0;
  if (operation === BYTE_SWAP && kind === Class.ALU) {
    return `r${one.target} = ${isRegister ? 'be' : 'le'}${one.immediate} r${one.target}`;
  }
  const name = aluNames.get(operation);
  if (name === undefined) return undefined;
  return `${target} ${name} ${isRegister ? `${prefix}${one.source}` : one.immediate}`;
}

function branch(one: Instruction, kind: number, index: number): string | undefined {
  const operation = one.opcode & 0xf0;
  if (kind === Class.JMP) {
    if (operation === EXIT) return 'exit';
    if (operation === CALL) return `call ${helperNames.get(one.immediate) ?? `#${one.immediate}`}`;
    if (operation === JUMP) return `goto L${index + 1 + one.offset}`;
  }
  const name = conditionNames.get(operation);
  if (name === undefined) return undefined;
  const prefix = kind === Class.JMP ? 'r' : 'w';
  const right = (one.opcode & OPERAND_REGISTER) !== 0 ? `${prefix}${one.source}` : one.immediate;
  return `if ${prefix}${one.target} ${name} ${right} goto L${index + 1 + one.offset}`;
}

function memory(one: Instruction, kind: number): string | undefined {
  const mode = one.opcode & 0xe0;
  const bits = sizeNames.get(one.opcode & 0x18);
  const place = (base: number) => `*(u${bits} *)(r${base} ${one.offset < 0 ? '-' : '+'} ${Math.abs(one.offset)})`;
  if (kind === Class.STX && mode === Mode.ATOMIC && one.immediate === 0) {
    return `lock ${place(one.target)} += r${one.source}`;
  }
  if (mode !== Mode.MEMORY) return undefined;
  if (kind === Class.LDX) return `r${one.target} = ${place(one.source)}`;
  if (kind === Class.STX) return `${place(one.target)} = r${one.source}`;
  return kind === Class.ST ? `${place(one.target)} = ${one.immediate}` : undefined;
}
