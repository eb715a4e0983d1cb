export { labUnavailable, missingForLab } from './available.js';
export type { Capture, CaptureOptions } from './capture.js';
export { CommandError, isInstalled, type RunOptions } from './command.js';
export {
  keptLabs,
  type LabOptions,
  NetworkLab,
  removeKeptLab,
  type TapOptions,
  type VethEnd,
  type VethOptions,
} from './lab.js';
export { sweepNamespaces } from './namespaces.js';
