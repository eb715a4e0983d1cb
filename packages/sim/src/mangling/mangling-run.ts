import { formatTime } from '../event-log.js';
import { runTransfers } from '../streams/transfer.js';
import { Attack, type AttackTally } from './attack.js';
import { MangledNetwork } from './mangled-network.js';
import { drawManglingPlan } from './mangling-plan.js';

/** What became of an attack. */
export interface ManglingRun {
  readonly seed: number;
  /** Of every frame and its time. */
  readonly digest: string;
  /** Forged frames that were put in. */
  readonly segments: number;
  /** Bytes of them. */
  readonly bytes: number;
  /** Bytes of streams that arrived. */
  readonly delivered: number;
  readonly tallies: ReadonlyMap<string, AttackTally>;
  /** Reasons for which hosts dropped frames. */
  readonly reasons: readonly string[];
  /** Frames that were in use at once, of the hosts, at most. */
  readonly peakFrames: number;
  /** Virtual time from the end of the attack to that of the last connection. */
  readonly recoveryMicroseconds: number;
  /** Virtual time that the attack took. */
  readonly attackMicroseconds: number;
  readonly steps: number;
}

/** Half-open connections, TIME-WAIT and waiting packets are gone after this. */
const AFTERLIFE_MICROSECONDS = 150e6;
/** However it was deceived, a connection has all its data through after so long. */
const RECOVERY_MICROSECONDS = 400e6;

/**
 * Attacks the connections of a plan with so many forged frames. Every connection must live through it, deliver every byte
 * and end as planned; no invariant may break, nothing may hang or leak. @throws SimulationError.
 */
export function runMangling(seed: number, segments: number): ManglingRun {
  const plan = drawManglingPlan(seed, segments);
  const network = new MangledNetwork(plan);
  const { simulation, transfers } = network;
  try {
    network.begin();
    const attack = new Attack(network, plan);
    const begin = simulation.time;
    attack.start();
    simulation.runUntil(() => attack.isOver, { microseconds: 3600e6 });
    const end = simulation.time;
    // Connections that open yet.
    simulation.runUntil(() => transfers.length === plan.flows.length);
    runTransfers(simulation, transfers, RECOVERY_MICROSECONDS);
    const recoveryMicroseconds = simulation.time - end;
    simulation.runFor(AFTERLIFE_MICROSECONDS);
    for (const transfer of transfers) transfer.close();
    const problems = transfers.flatMap((transfer) => transfer.problems());
    if (problems.length > 0) throw simulation.error(problems.join('\n'));
    const reasons = new Set(simulation.hosts.flatMap(({ accounts }) => Object.keys(accounts.snapshot().dropped)));
    for (const { name, tcp } of simulation.hosts) {
      if (tcp.size !== 0) throw simulation.error(`${name}: ${tcp.size} connections are left long after all have ended`);
    }
    const peakFrames = Math.max(...simulation.hosts.map(({ pool }) => pool.peak));
    simulation.assertClean();
    return {
      seed,
      digest: simulation.digest,
      segments: attack.frames,
      bytes: attack.bytes,
      delivered: network.delivered,
      tallies: attack.tallies,
      reasons: [...reasons].sort(),
      peakFrames,
      recoveryMicroseconds,
      attackMicroseconds: end - begin,
      steps: simulation.steps,
    };
  } catch (error) {
    if (error instanceof Error) {
      const { line, flows, ...rest } = plan;
      error.message = `${JSON.stringify(rest)}\n${JSON.stringify(line)}\n${flows.map((flow) => JSON.stringify(flow)).join('\n')}\nat ${formatTime(simulation.time)}\n${error.message}`;
    }
    throw error;
  } finally {
    simulation.close();
  }
}
