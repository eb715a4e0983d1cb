import { type BpfMap, createMap } from './bpf-map.js';
import { compileSteering } from './compile-steering.js';
import { XdpAction } from './instruction-set.js';
import { parseSteering } from './parse-steering.js';
import { type Program, runProgram } from './program.js';
import type { Steering, SteeringAction } from './steering.js';
import { readCounters, type SteeringCounters } from './steering-counters.js';
import { type LoadedSteering, loadSteering } from './steering-maps.js';

const actions: Readonly<Record<number, SteeringAction>> = {
  [XdpAction.REDIRECT]: 'redirect',
  [XdpAction.PASS]: 'pass',
  [XdpAction.DROP]: 'drop',
};

/**
 * A compiled steering specification in the kernel, attached to nothing. In the place of the sockets is the loopback
 * device, to which a test run never really redirects: so that 'redirect' can be told from 'pass' without a socket.
 */
export class LoadedJudge {
  readonly #sockets: BpfMap;
  readonly #loaded: LoadedSteering;
  readonly #steering: Steering;

  constructor(steering: Steering, hasFragments = true) {
    this.#steering = steering;
    this.#sockets = createMap({ type: 'devices', keySize: 4, valueSize: 4, entries: 1 });
    this.#sockets.update(0, 1);
    this.#loaded = loadSteering(compileSteering(steering), this.#sockets, hasFragments);
  }

  get program(): Program {
    return this.#loaded.program;
  }

  judge(frame: Uint8Array): SteeringAction {
    const { action } = runProgram(this.#loaded.program, frame);
    return (
      actions[action] ??
      ((): never => {
        throw new Error(`the program answered ${action}`);
      })()
    );
  }

  counters(): SteeringCounters {
    return readCounters(this.#loaded.counters, parseSteering(this.#steering));
  }

  close(): void {
    this.#loaded.program.close();
    this.#loaded.counters.close();
    this.#sockets.close();
  }
}

/** The verdicts on some frames, in order. */
export function judge(steering: Steering, ...frames: readonly Uint8Array[]): SteeringAction[] {
  const loaded = new LoadedJudge(steering);
  try {
    return frames.map((frame) => loaded.judge(frame));
  } finally {
    loaded.close();
  }
}
