export { Cable, type CableOptions } from './cable.js';
export { describeFaultSchedule } from './faults/describe.js';
export { FaultNetwork } from './faults/fault-network.js';
export { drawFaultSchedule, type Fault, type FaultAction, type FaultSchedule } from './faults/fault-schedule.js';
export type { Flow } from './faults/flow.js';
export type { DrawnCable, DrawnNode, Topology } from './faults/topology.js';
export { FRAME_EVENT_NAMES, FrameEvent } from './frame-event.js';
export type { Line } from './line.js';
export type { LineOptions } from './line-options.js';
export { type ManglingRun, runMangling } from './mangling/mangling-run.js';
export type { Jack, Port } from './port.js';
export type { RunLimits } from './run-guard.js';
export { SimulatedHost, type SimulatedHostOptions, type SimulatedInterface } from './simulated-host.js';
export { SimulatedSwitch, type SimulatedSwitchOptions } from './simulated-switch.js';
export { type FrameWatcher, Simulation, type SimulationOptions } from './simulation.js';
export { SimulationError } from './simulation-error.js';
export {
  type BulkOptions,
  type BulkReport,
  bulkMatrix,
  findWrap,
  runBulk,
  type StreamDigest,
} from './soak/bulk.js';
export {
  type FaultRun,
  runFaultSchedule,
  type SoakOptions,
  type SoakReport,
  soakFaultSchedules,
} from './soak/fault-run.js';
export { type GoodputCell, goodputTable, measureGoodput } from './soak/goodput.js';
export { checkConnections } from './streams/connection-invariants.js';
export { SegmentWatch } from './streams/segment-watch.js';
export type { StreamEnd, StreamHash } from './streams/stream-end.js';
export type { StreamEnding, StreamPlan } from './streams/stream-plan.js';
export { runTransfers, Transfer, type TransferOptions } from './streams/transfer.js';
