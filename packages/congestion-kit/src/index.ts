export {
  type ConformanceOptions,
  type ConformanceReport,
  conformanceScenarios,
  runConformance,
  type ScenarioResult,
} from './conformance.js';
export { declareExpectations, type Expectations } from './expectations.js';
export type { Flow } from './flow.js';
export type { Verdict } from './judge.js';
export type { Measurement } from './measurement.js';
export { Path, type SegmentWatcher } from './path.js';
export type { FlowOptions, PathOptions } from './path-options.js';
export { formatReport, formatResult } from './report.js';
export { MARKS_POINTS, type Marks, type MarksPoint, measureMarks } from './table/marks.js';
export {
  cubicResponse,
  type MeasuredResponse,
  measureResponse,
  type ResponsePoint,
  renoResponse,
} from './table/response.js';
export {
  type AlgorithmFigures,
  formatResponses,
  formatTable,
  measureAlgorithm,
  measureResponses,
  type Response,
} from './table/table.js';
