export { Assembler, type Operand, type ProgramCode } from './assembler.js';
export { type AttachMode, Attachment, attachXdp } from './attach-xdp.js';
export { BpfMap, type BpfMapOptions, createMap, type MapType } from './bpf-map.js';
export { compileSteering } from './compile-steering.js';
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
export type { Steering, SteeringAction, SteeringRule } from './steering.js';
export { type AttachSteeringOptions, attachSteering, type SteeringCounters, XdpProgram } from './xdp-program.js';
