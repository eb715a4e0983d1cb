export { AcknowledgementSample } from './acknowledgement-sample.js';
export { Bbr, type BbrOptions } from './bbr/bbr.js';
export { BbrPhase } from './bbr/bbr-phase.js';
export { CongestionCause, type CongestionControl, type CongestionTraits, NO_TRAITS } from './congestion-control.js';
export { CongestionWindow, MAXIMUM_WINDOW } from './congestion-window.js';
export { Cubic, type CubicOptions } from './cubic.js';
export { Dctcp } from './dctcp.js';
export { NewReno, type NewRenoOptions } from './new-reno.js';
export {
  type CongestionControlFactory,
  congestionControlNames,
  createCongestionControl,
  registerCongestionControl,
  requireCongestionControl,
} from './registry.js';
export type { StateExchange } from './state-exchange.js';
