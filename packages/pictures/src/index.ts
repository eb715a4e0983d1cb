export {
  type ConnectionTrace,
  goodput,
  type Quantity,
  quantities,
  range,
  type Samples,
  type TraceEvent,
  type TraceTotals,
} from './model/connection-trace.js';
export { allEventKinds, type EventKind, eventKinds } from './model/event-kinds.js';
export { TraceRecorder, type TraceRecorderOptions } from './model/trace-recorder.js';
export { listEvents } from './picture/event-list.js';
export { compose, type Figure } from './picture/figure.js';
export { renderSvg, type SvgOptions } from './picture/svg-picture.js';
export { MINIMUM_WIDTH, renderTerminal, type TerminalOptions } from './picture/terminal-picture.js';
export { bytes, count, format, rate, time, type Units } from './picture/units.js';
export { ConnectionProbe } from './probe/connection-probe.js';
