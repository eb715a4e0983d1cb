import { linuxAddon } from './addon.js';

/** Closes a file descriptor that no other object owns. */
export function closeDescriptor(descriptor: number): void {
  linuxAddon().close(descriptor);
}
