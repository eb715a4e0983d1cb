/**
 * The instruction set of eBPF (RFC 9669), as far as XDP programs need it. An instruction is eight bytes:
 *
 *     0        1         2         4                 8
 *     +--------+----+----+---------+-----------------+
 *     | opcode |src |dst |  offset |    immediate    |     multi-byte fields in host order
 *     +--------+----+----+---------+-----------------+
 *       ALU, JMP:   operation (4 bits) | operand: 0 immediate, 8 register | class (3 bits)
 *       LD, ST:     mode (3 bits) | size (2 bits) | class (3 bits)
 */
export const INSTRUCTION_LENGTH = 8;

/** RFC 9669 table 3. */
export const Class = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;

/** Modes of loads and stores: RFC 9669 table 9. */
export const Mode = { IMMEDIATE: 0x00, MEMORY: 0x60, ATOMIC: 0xc0 } as const;

/** The operand is a register. */
export const OPERAND_REGISTER = 0x08;
/** Source register of a 64-bit load: the immediate is the descriptor of a map (BPF_PSEUDO_MAP_FD). */
export const PSEUDO_MAP = 1;

/** r0 holds results, r1 to r5 arguments and are lost in a call, r6 to r9 are kept, r10 is the frame pointer (RFC 9669 §2.1). */
export type Register = 'r0' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6' | 'r7' | 'r8' | 'r9' | 'r10';
export const registers: readonly Register[] = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10'];

/** RFC 9669 table 6. */
export const aluOperations = {
  '+=': 0x00,
  '-=': 0x10,
  '*=': 0x20,
  '/=': 0x30,
  '|=': 0x40,
  '&=': 0x50,
  '<<=': 0x60,
  '>>=': 0x70,
  '%=': 0x90,
  '^=': 0xa0,
  '=': 0xb0,
  's>>=': 0xc0,
} as const;
export type AluOperation = keyof typeof aluOperations;
export const NEGATE = 0x80;
export const BYTE_SWAP = 0xd0;

/** RFC 9669 table 8; 's' compares as signed numbers, '&' asks whether a common bit is set. */
export const conditions = {
  '==': 0x10,
  '>': 0x20,
  '>=': 0x30,
  '&': 0x40,
  '!=': 0x50,
  's>': 0x60,
  's>=': 0x70,
  '<': 0xa0,
  '<=': 0xb0,
  's<': 0xc0,
  's<=': 0xd0,
} as const;
export type Condition = keyof typeof conditions;
export const JUMP = 0x00;
export const CALL = 0x80;
export const EXIT = 0x90;

/** Bits of a load or store, and their code: RFC 9669 table 10. */
export const sizes = { 8: 0x10, 16: 0x08, 32: 0x00, 64: 0x18 } as const;
export type Size = keyof typeof sizes;

/** Functions of the kernel that XDP programs may call, by their names without `bpf_`; numbers of <linux/bpf.h>. */
export const helpers = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  map_delete_elem: 3,
  ktime_get_ns: 5,
  get_prandom_u32: 7,
  get_smp_processor_id: 8,
  redirect: 23,
  csum_diff: 28,
  xdp_adjust_head: 44,
  redirect_map: 51,
  xdp_adjust_meta: 54,
  xdp_adjust_tail: 65,
  fib_lookup: 69,
  jiffies64: 118,
  ktime_get_boot_ns: 125,
  ringbuf_output: 130,
  xdp_get_buff_len: 188,
  xdp_load_bytes: 189,
  xdp_store_bytes: 190,
} as const;
export type Helper = keyof typeof helpers;

/** What an XDP program answers: enum xdp_action of <linux/bpf.h>. */
export const XdpAction = { ABORTED: 0, DROP: 1, PASS: 2, TX: 3, REDIRECT: 4 } as const;
export type XdpAction = (typeof XdpAction)[keyof typeof XdpAction];

/** Offsets in struct xdp_md, which r1 points to at the start. Each field is 32 bits wide. */
export const XdpContext = { DATA: 0, DATA_END: 4, DATA_META: 8, INGRESS_INTERFACE: 12, RECEIVE_QUEUE: 16 } as const;
