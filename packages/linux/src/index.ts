export { closeDescriptor } from './descriptor.js';
export { isSystemError, LinkUnavailableError, type SystemError } from './link-unavailable-error.js';
export { loadAddon } from './load-addon.js';
export {
  configureInterface,
  type InterfaceSettings,
  listInterfaces,
  type NetworkInterface,
  readInterface,
} from './network-interface.js';
export { inNetworkNamespace, joinNetworkNamespace } from './network-namespace.js';
export { addressOf, aliasMemory, type PlacementOptions, placeMemory } from './place-memory.js';
export { Readable, Readiness, Writable } from './readiness.js';
export { pinThread, threadProcessors } from './thread.js';
