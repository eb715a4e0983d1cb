export { Assembler, type Operand, type ProgramCode } from './assembler.js';
export { type AttachMode, Attachment, attachXdp } from './attach-xdp.js';
export { BpfMap, type BpfMapOptions, createMap, type MapType } from './bpf-map.js';
export { type CompiledSteering, compileSteering } from './compile-steering.js';
export { disassemble } from './disassembler.js';
export {
  type AluOperation,
  type Condition,
  type Helper,
  type Register,
  type Size,
  XdpAction,
  XdpContext,
} from './instruction-set.js';
export { type LoadOptions, loadProgram, Program, type RunResult, runProgram, VerifierError } from './program.js';
export { MAXIMUM_ADDRESSES, MAXIMUM_RULES, type Steering, type SteeringAction, type SteeringRule } from './steering.js';
export type { SteeringCounters } from './steering-counters.js';
export { type AttachSteeringOptions, attachSteering, XdpProgram } from './xdp-program.js';
