import type { BpfMap } from './bpf-map.js';
import type { ParsedSteering } from './parse-steering.js';
import { Counter } from './steering-program.js';

/** Frames since the program was attached. Each is counted once, except that `withoutSocket` are counted where they matched too. */
export interface SteeringCounters {
  /** By rule, in their order; a later fragment counts where the first one did. */
  readonly rules: readonly number[];
  readonly otherwise: number;
  /** Neighbour resolution for Prism's `addresses`. */
  readonly ownNeighbours: number;
  /** Neighbour resolution of others that no rule matched: to the kernel. */
  readonly foreignNeighbours: number;
  /** Too short, or no valid IP header: to the kernel, which counts them as what they are. */
  readonly malformed: number;
  /** To be redirected, but the receive queue had no socket: to the kernel. */
  readonly withoutSocket: number;
  /** Given to a socket, which may still have had no room. */
  readonly redirected: number;
  readonly passed: number;
  readonly dropped: number;
}

export function readCounters(map: BpfMap, steering: ParsedSteering): SteeringCounters {
  const count = steering.rules.length;
  const rules = steering.rules.map((_, index) => sum(map, index));
  const otherwise = sum(map, count + Counter.OTHERWISE);
  const ownNeighbours = sum(map, count + Counter.OWN_NEIGHBOURS);
  const foreignNeighbours = sum(map, count + Counter.FOREIGN_NEIGHBOURS);
  const malformed = sum(map, count + Counter.MALFORMED);
  const withoutSocket = sum(map, count + Counter.WITHOUT_SOCKET);
  const totals = { redirect: 0, pass: foreignNeighbours + malformed, drop: 0 };
  for (const [index, rule] of steering.rules.entries()) totals[rule.action] += rules[index]!;
  totals[steering.otherwise] += otherwise;
  totals[steering.sharedAddress ? 'pass' : 'redirect'] += ownNeighbours;
  return {
    rules,
    otherwise,
    ownNeighbours,
    foreignNeighbours,
    malformed,
    withoutSocket,
    // Read last, so that it may count a frame that the others do not have yet.
    redirected: Math.max(0, totals.redirect - withoutSocket),
    passed: totals.pass + withoutSocket,
    dropped: totals.drop,
  };
}

/** A counter over all processors; exact up to 2^53. */
function sum(map: BpfMap, index: number): number {
  const values = map.lookup(index)!;
  const view = new DataView(values.buffer);
  let total = 0;
  for (let at = 0; at < values.byteLength; at += map.valueSize) {
    total += view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
  }
  return total;
}
