import { invalidArgument } from '@prism-net/errors';
import {
  type AluOperation,
  aluOperations,
  BYTE_SWAP,
  CALL,
  Class,
  type Condition,
  conditions,
  EXIT,
  type Helper,
  helpers,
  INSTRUCTION_LENGTH,
  JUMP,
  Mode,
  NEGATE,
  OPERAND_REGISTER,
  PSEUDO_MAP,
  type Register,
  registers,
  type Size,
  sizes,
} from './instruction-set.js';

/** A program as bytes, before the descriptors of its maps are known. */
export interface ProgramCode {
  /** Eight bytes each, in host order. */
  readonly instructions: Uint8Array;
  /** Which instruction loads the address of which map. */
  readonly maps: readonly { readonly instruction: number; readonly name: string }[];
}

interface Jump {
  readonly instruction: number;
  readonly label: string;
  readonly text: string;
}

/** The operand of an instruction: a register, or a signed 32-bit number that is extended to the width of the operation. */
export type Operand = Register | number;

/**
 * Writes programs for the kernel's virtual machine, one instruction per call. Calls can be chained:
 *
 *     new Assembler().move('r0', XdpAction.PASS).exit().assemble()
 *
 * Labels may be used before they are placed. All errors are EINVAL and name the instruction.
 */
export class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: Jump[] = [];
  readonly #awaited = new Set<string>();
  readonly #maps: { instruction: number; name: string }[] = [];

  /** Instructions so far; a 64-bit immediate counts as two. */
  get length(): number {
    return this.#bytes.length / INSTRUCTION_LENGTH;
  }

  /** target = operand, 64 bits. */
  move(target: Register, operand: Operand): this {
    return this.alu('=', target, operand);
  }

  /** 64-bit arithmetic; division and modulo are unsigned, 's>>=' keeps the sign. */
  alu(operation: AluOperation, target: Register, operand: Operand): this {
    return this.#arithmetic(Class.ALU64, operation, target, operand);
  }

  /** 32-bit arithmetic; the upper half of the target becomes zero. */
  alu32(operation: AluOperation, target: Register, operand: Operand): this {
    return this.#arithmetic(Class.ALU, operation, target, operand);
  }

  /** target = -target, 64 bits. */
  negate(target: Register): this {
    return this.#emit(Class.ALU64 | NEGATE, this.#writable(target), 0, 0, 0);
  }

  /** Between host order and network order, either way; what lies above `bits` becomes zero. */
  toBigEndian(target: Register, bits: 16 | 32 | 64): this {
    return this.#swap(OPERAND_REGISTER, target, bits);
  }

  /** Between host order and little-endian order, either way; what lies above `bits` becomes zero. */
  toLittleEndian(target: Register, bits: 16 | 32 | 64): this {
    return this.#swap(0, target, bits);
  }

  /** target = the unsigned number at base + offset, in host order. */
  load(bits: Size, target: Register, base: Register, offset: number): this {
    const opcode = Class.LDX | Mode.MEMORY | this.#size(bits);
    return this.#emit(opcode, this.#writable(target), this.#number(base), this.#offset(offset), 0);
  }

  /** Writes the low bits of a register, or a number, to base + offset. */
  store(bits: Size, base: Register, offset: number, operand: Operand): this {
    const opcode = Mode.MEMORY | this.#size(bits);
    const [at, to] = [this.#offset(offset), this.#number(base)];
    if (typeof operand === 'number') return this.#emit(Class.ST | opcode, to, 0, at, this.#immediate(operand));
    return this.#emit(Class.STX | opcode, to, this.#number(operand), at, 0);
  }

  /** Adds a register to the number at base + offset, as one step. */
  atomicAdd(bits: 32 | 64, base: Register, offset: number, source: Register): this {
    const opcode = Class.STX | Mode.ATOMIC | this.#size(bits);
    return this.#emit(opcode, this.#number(base), this.#number(source), this.#offset(offset), 0);
  }

  /** target = a 64-bit number; takes two instructions. */
  loadImmediate64(target: Register, value: bigint): this {
    const wrapped = BigInt.asUintN(64, value);
    if (wrapped !== value && BigInt.asIntN(64, value) !== value)
      throw this.#error(`${value} does not fit into 64 bits`);
    return this.#wide(
      this.#writable(target),
      0,
      Number(BigInt.asIntN(32, value)),
      Number(BigInt.asIntN(32, value >> 32n)),
    );
  }

  /** target = the address of a map, for a call; the map is given by its name when the program is loaded. */
  loadMap(target: Register, name: string): this {
    this.#maps.push({ instruction: this.length, name });
    return this.#wide(this.#writable(target), PSEUDO_MAP, 0, 0);
  }

  /** Where jumps to this label lead: the next instruction. */
  label(name: string): this {
    if (this.#labels.has(name)) throw this.#error(`the label '${name}' is placed twice`);
    this.#labels.set(name, this.length);
    return this;
  }

  /** Whether a jump leads to this label so far: code that nothing leads to is refused by the verifier. */
  isAwaited(label: string): boolean {
    return this.#awaited.has(label);
  }

  /** goto label. */
  jump(label: string): this {
    this.#await(label, `goto ${label}`);
    return this.#emit(Class.JMP | JUMP, 0, 0, 0, 0);
  }

  /** Jumps if the comparison of 64 bits holds; unsigned, or signed where the condition starts with 's'. */
  jumpIf(left: Register, condition: Condition, right: Operand, label: string): this {
    return this.#compare(Class.JMP, left, condition, right, label);
  }

  /** Compares the lower halves of the registers. */
  jumpIf32(left: Register, condition: Condition, right: Operand, label: string): this {
    return this.#compare(Class.JMP32, left, condition, right, label);
  }

  /** Calls a function of the kernel: arguments in r1 to r5, which are lost, the result in r0. */
  call(helper: Helper): this {
    const number = helpers[helper];
    if (number === undefined) {
      throw this.#error(`there is no helper '${helper}'; there are ${Object.keys(helpers).join(', ')}`);
    }
    return this.#emit(Class.JMP | CALL, 0, 0, 0, number);
  }

  /** Ends the program with the answer in r0. */
  exit(): this {
    return this.#emit(Class.JMP | EXIT, 0, 0, 0, 0);
  }

  /** @throws PosixError EINVAL for a label that was never placed, or too far away, or an empty program. */
  assemble(): ProgramCode {
    if (this.length === 0) throw this.#error('the program is empty');
    const instructions = Uint8Array.from(this.#bytes);
    const view = new DataView(instructions.buffer);
    for (const { instruction, label, text } of this.#jumps) {
      const target = this.#labels.get(label);
      if (target === undefined) throw this.#error(`there is no label '${label}' (${text})`, instruction);
      if (target === this.length)
        throw this.#error(`the label '${label}' is at the end: nothing follows it`, instruction);
      // Counted from the instruction after the jump (RFC 9669 §4.3).
      const distance = target - instruction - 1;
      if (distance < -0x8000 || distance > 0x7fff) {
        throw this.#error(`the label '${label}' is ${distance} instructions away, more than 16 bits hold`, instruction);
      }
      view.setInt16(instruction * INSTRUCTION_LENGTH + 2, distance, true);
    }
    return { instructions, maps: [...this.#maps] };
  }

  #arithmetic(kind: number, operation: AluOperation, target: Register, operand: Operand): this {
    const code = aluOperations[operation];
    if (code === undefined) throw this.#error(`there is no operation '${operation}'`);
    const to = this.#writable(target);
    if (typeof operand !== 'number') {
      return this.#emit(kind | code | OPERAND_REGISTER, to, this.#number(operand), 0, 0);
    }
    const isDivision = operation === '/=' || operation === '%=';
    if (isDivision && operand === 0) throw this.#error('division by zero');
    const isShift = operation === '<<=' || operation === '>>=' || operation === 's>>=';
    const width = kind === Class.ALU64 ? 64 : 32;
    if (isShift && !(operand >= 0 && operand < width)) throw this.#error(`a shift by ${operand} of ${width} bits`);
    return this.#emit(kind | code, to, 0, 0, this.#immediate(operand));
  }

  #swap(order: number, target: Register, bits: 16 | 32 | 64): this {
    if (bits !== 16 && bits !== 32 && bits !== 64) throw this.#error(`cannot swap ${bits} bits: 16, 32 or 64`);
    return this.#emit(Class.ALU | BYTE_SWAP | order, this.#writable(target), 0, 0, bits);
  }

  #compare(kind: number, left: Register, condition: Condition, right: Operand, label: string): this {
    const code = conditions[condition];
    if (code === undefined) throw this.#error(`there is no condition '${condition}'`);
    const compared = this.#number(left);
    const isNumber = typeof right === 'number';
    const source = isNumber ? 0 : this.#number(right);
    const immediate = isNumber ? this.#immediate(right) : 0;
    this.#await(label, `if ${left} ${condition} ${right} goto ${label}`);
    return this.#emit(kind | code | (isNumber ? 0 : OPERAND_REGISTER), compared, source, 0, immediate);
  }

  #await(label: string, text: string): void {
    this.#jumps.push({ instruction: this.length, label, text });
    this.#awaited.add(label);
  }

  #wide(target: number, source: number, low: number, high: number): this {
    this.#emit(Class.LD | Mode.IMMEDIATE | sizes[64], target, source, 0, low);
    return this.#emit(0, 0, 0, 0, high);
  }

  #emit(opcode: number, target: number, source: number, offset: number, immediate: number): this {
    this.#bytes.push(opcode, (source << 4) | target, offset & 0xff, (offset >> 8) & 0xff);
    this.#bytes.push(immediate & 0xff, (immediate >> 8) & 0xff, (immediate >> 16) & 0xff, immediate >>> 24);
    return this;
  }

  #number(register: Register): number {
    const number = registers.indexOf(register);
    if (number < 0) throw this.#error(`there is no register '${register}'; there are r0 to r10`);
    return number;
  }

  #writable(register: Register): number {
    if (register === 'r10') throw this.#error('r10 is the frame pointer and cannot be written');
    return this.#number(register);
  }

  #size(bits: Size): number {
    const code = sizes[bits];
    if (code === undefined) throw this.#error(`cannot load or store ${bits} bits: 8, 16, 32 or 64`);
    return code;
  }

  #offset(offset: number): number {
    if (Number.isInteger(offset) && offset >= -0x8000 && offset <= 0x7fff) return offset;
    throw this.#error(`the offset ${offset} does not fit into 16 bits`);
  }

  /** Also unsigned numbers of 32 bits: what counts is their bits. */
  #immediate(value: number): number {
    if (Number.isInteger(value) && value >= -0x80000000 && value <= 0xffffffff) return value | 0;
    throw this.#error(`the number ${value} does not fit into 32 bits`);
  }

  #error(detail: string, instruction = this.length): Error {
    return invalidArgument('Assembler', `instruction ${instruction}: ${detail}`);
  }
}
