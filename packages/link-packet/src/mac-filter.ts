import type { MacAddress } from '@prism-net/wire';

// Classic BPF, <linux/bpf_common.h>.
const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_HALF = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_BYTE = 0x30; // BPF_LD | BPF_B | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_SET = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const WHOLE = 0xffff_ffff;

/** Code, jump if true, jump if false (both in instructions), constant. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, constant: number];

/**
 * A filter that passes frames for one address, for groups and for all: a socket that hears everything that reaches the
 * host would copy, and wake for, frames of others.
 */
export function macFilter({ high, low }: MacAddress): Uint8Array {
  return assemble([
    [LOAD_WORD, 0, 0, 2],
    [JUMP_EQUAL, 0, 2, low >>> 0],
    [LOAD_HALF, 0, 0, 0],
    [JUMP_EQUAL, 2, 0, high],
    [LOAD_BYTE, 0, 0, 0],
    [JUMP_SET, 0, 1, 1],
    [RETURN, 0, 0, WHOLE],
    [RETURN, 0, 0, 0],
  ]);
}

/** As an array of struct sock_filter, in the byte order of the machine. */
function assemble(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length);
  const halves = new Uint16Array(bytes.buffer);
  const words = new Uint32Array(bytes.buffer);
  for (const [index, [code, ifTrue, ifFalse, constant]] of instructions.entries()) {
    halves[4 * index] = code;
    bytes[8 * index + 2] = ifTrue;
    bytes[8 * index + 3] = ifFalse;
    words[2 * index + 1] = constant;
  }
  return bytes;
}
