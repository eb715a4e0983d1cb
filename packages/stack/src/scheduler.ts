/** The event loop, as far as the stack uses it. Injected in simulations; otherwise what the platform has. */
export interface Scheduler {
  /** Runs `callback` in the next iteration of the event loop, after pending I/O. */
  immediate(callback: () => void): void;
  /** Runs `callback` after at least `milliseconds`; `keepsAlive` says whether the process waits for it. */
  timeout(callback: () => void, milliseconds: number, keepsAlive: boolean): unknown;
  cancel(timeout: unknown): void;
}

interface Timers {
  setImmediate?: (callback: () => void) => unknown;
  setTimeout: (callback: () => void, milliseconds: number) => unknown;
  clearTimeout: (timeout: unknown) => void;
}

/** `setImmediate` where there is one; elsewhere a message to oneself, which browsers do not delay as they do timers. */
export function platformScheduler(): Scheduler {
  const timers = globalThis as unknown as Timers;
  return {
    immediate: timers.setImmediate?.bind(globalThis) ?? messageToSelf(),
    timeout(callback, milliseconds, keepsAlive) {
      const timeout = timers.setTimeout(callback, milliseconds);
      if (!keepsAlive) (timeout as { unref?: () => void }).unref?.();
      return timeout;
    },
    cancel: (timeout) => timers.clearTimeout(timeout),
  };
}

function messageToSelf(): (callback: () => void) => void {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  (port2 as unknown as { onmessage: () => void }).onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port1.postMessage(0);
  };
}
