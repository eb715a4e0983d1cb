export { Connection } from './connection.js';
export type { ConnectionHandler, ListenerHandler } from './connection-handler.js';
export {
  CONNECTION_OPTION_NAMES,
  type ConnectionOptions,
  requireConnectionOptionRanges,
  requireConnectionOptions,
} from './connection-options.js';
export type { ControlBlock } from './control-block.js';
export type { TcpInformation } from './information.js';
export { Listener } from './layer/listener.js';
export type { TcpStatistics } from './layer/statistics.js';
export { type Probe, TcpLayer, type TcpLayerOptions } from './layer/tcp-layer.js';
export { RecoveryPhase } from './recovery/index.js';
export { Segment } from './segment.js';
export { SegmentTemplate } from './send/segment-template.js';
export { State, stateName } from './state.js';
export { DEFAULT_SETTINGS, resolveSettings, SETTING_NAMES, type TcpSettings } from './tcp-settings.js';
