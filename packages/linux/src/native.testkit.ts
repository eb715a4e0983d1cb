import { linuxAddon } from './addon.js';

/** Why there is no addon for tests, or null. The reason is printed; with CI=true it is thrown: a skip is a failure there. */
export function nativeUnavailable(): string | null {
  try {
    linuxAddon();
    return null;
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const { message } = error as Error;
    process.stderr.write(`[linux] SKIPPED: ${message}\n`);
    return message;
  }
}

/** Open file descriptors of this process, all threads. */
export const DESCRIPTORS = '/proc/self/fd';
