import { endianness } from 'node:os';
import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { isSystemError, LinkUnavailableError } from '@prism-net/linux';
import { bpfAddon } from './addon.js';
import type { ProgramCode } from './assembler.js';
import { type BpfMap, objectName } from './bpf-map.js';
import { INSTRUCTION_LENGTH, type XdpAction } from './instruction-set.js';
import { callKernel, refused } from './refused.js';

/** BPF_F_XDP_HAS_FRAGS: the program can do with the first fragment of a frame that lies in several buffers. */
const HAS_FRAGMENTS = 1 << 5;
/** The verifier's log of a program that was refused. Kernels since 6.4 keep the end of a longer one, which tells why. */
const LOG_ROOM = 1 << 20;
/** How many of its last lines go into the message; all are in `log`. */
const LOG_LINES = 12;

export interface LoadOptions {
  readonly code: ProgramCode;
  /** The maps that the code names. They may be closed once the program is loaded. */
  readonly maps?: Readonly<Record<string, BpfMap>>;
  /** Up to 15 letters, digits, '_' and '.'; shown by `ip link` and `bpftool`. */
  readonly name?: string;
  /** Decides which helpers the kernel permits. Default 'MIT'. */
  readonly license?: string;
  /** Needed for an MTU of more than a page, and refused by kernels before 5.18. Default true. */
  readonly hasFragments?: boolean;
}

/** The verifier refused a program: `log` is what it said. */
export class VerifierError extends LinkUnavailableError {
  readonly log: string;

  constructor(code: string, name: string, log: string, cause: unknown) {
    const tail = log.trimEnd().split('\n').slice(-LOG_LINES).join('\n    ');
    super(code, 'bpf', `the verifier refuses the program ${name}`, `its last words:\n    ${tail}`, cause);
    this.log = log;
  }
}

/**
 * Loads an XDP program into the kernel.
 *
 * @throws VerifierError EINVAL, EACCES with the verifier's log.
 * @throws LinkUnavailableError EPERM: what right is missing.
 */
export function loadProgram(options: LoadOptions): Program {
  requireKnownOptions('loadProgram', options, ['code', 'maps', 'name', 'license', 'hasFragments']);
  if (endianness() !== 'LE') throw invalidArgument('loadProgram', 'only little-endian machines are supported');
  const { code, maps = {}, license = 'MIT', hasFragments = true } = options;
  const name = objectName('loadProgram', options.name ?? 'prism');
  const instructions = linked(code, maps);
  const flags = hasFragments ? HAS_FRAGMENTS : 0;
  const addon = bpfAddon();
  try {
    return new Program(addon.loadProgram(instructions, name, license, flags, undefined), name);
  } catch (error) {
    if (!isSystemError(error) || error.code === 'EPERM') throw refused(`the program ${name}`, error);
    // Once more, for the log: writing it takes far longer than verifying.
    const room = new Uint8Array(LOG_ROOM);
    try {
      return new Program(addon.loadProgram(instructions, name, license, flags, room), name);
    } catch (again) {
      const log = new TextDecoder().decode(room.subarray(0, room.indexOf(0)));
      if (log === '' || !isSystemError(again)) throw refused(`the program ${name}`, again);
      throw new VerifierError(error.code, name, log, error);
    }
  }
}

/** The instructions with the descriptors of the maps in them. */
function linked(code: ProgramCode, maps: Readonly<Record<string, BpfMap>>): Uint8Array {
  const instructions = Uint8Array.from(code.instructions);
  const view = new DataView(instructions.buffer);
  for (const { instruction, name } of code.maps) {
    const map = maps[name];
    if (map === undefined) throw invalidArgument('loadProgram', `instruction ${instruction} needs the map '${name}'`);
    view.setInt32(instruction * INSTRUCTION_LENGTH + 4, map.descriptor, true);
  }
  return instructions;
}

/** A program in the kernel; it stays there until it is closed and nothing has it attached. */
export class Program {
  readonly name: string;
  readonly #descriptor: number;
  #isOpen = true;

  constructor(descriptor: number, name: string) {
    this.#descriptor = descriptor;
    this.name = name;
  }

  /** For other calls of the kernel; stays the program's own. @throws PosixError EINVAL when the program is closed. */
  get descriptor(): number {
    if (!this.#isOpen) throw invalidArgument('Program', `the program ${this.name} is closed`);
    return this.#descriptor;
  }

  /** The number by which `ip link` and `bpftool prog` show it. */
  get identifier(): number {
    return bpfAddon().objectIdentifier(this.descriptor);
  }

  /** Idempotent. Where the program is attached it stays attached. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    bpfAddon().close(this.#descriptor);
  }
}

export interface RunResult {
  /** What the program answered; a number that is no XdpAction is the program's fault, and XDP_ABORTED to the kernel. */
  readonly action: XdpAction;
  /** The frame as the program left it. */
  readonly data: Uint8Array;
  /** Nanoseconds per run, on average. */
  readonly nanoseconds: number;
}

/**
 * Runs a program on a frame of 14 bytes or more, without an interface: the receive queue is 0, and a redirected frame
 * goes nowhere.
 *
 * @throws LinkUnavailableError EPERM, EINVAL when the frame is too short or too long for the program.
 */
export function runProgram(program: Program, frame: Uint8Array, options: { readonly repeat?: number } = {}): RunResult {
  requireKnownOptions('runProgram', options, ['repeat']);
  const repeat = requireWholeNumber('runProgram', 'repeat', options.repeat ?? 1, 1, 0x7fffffff);
  // A program may put up to 256 bytes before the frame.
  const room = new Uint8Array(frame.byteLength + 256);
  const answer = new Int32Array(3);
  callKernel(`the run of ${program.name}`, () => bpfAddon().testRun(program.descriptor, frame, room, repeat, answer));
  const [action, length, nanoseconds] = answer as unknown as [XdpAction, number, number];
  return { action, data: room.subarray(0, length), nanoseconds };
}
