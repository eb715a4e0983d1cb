import { linuxAddon } from './addon.js';

/** Binds the calling thread to processors, by number. A busy-polling loop should own its core. @throws SystemError EINVAL. */
export function pinThread(processors: readonly number[]): void {
  linuxAddon().pinThread(processors);
}

/** The processors the calling thread may run on. */
export function threadProcessors(): number[] {
  return linuxAddon().threadProcessors();
}
