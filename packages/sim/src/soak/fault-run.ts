import { describeFaultSchedule } from '../faults/describe.js';
import { FaultNetwork } from '../faults/fault-network.js';
import { drawFaultSchedule, FAULTS_END_MICROSECONDS } from '../faults/fault-schedule.js';
import type { Sending } from '../faults/sending.js';
import { checkConnections } from '../streams/connection-invariants.js';
import { SegmentWatch } from '../streams/segment-watch.js';
import type { StreamEnd } from '../streams/stream-end.js';
import { runTransfers, Transfer } from '../streams/transfer.js';

/** What became of one schedule. */
export interface FaultRun {
  readonly seed: number;
  /** Of every frame and its time. */
  readonly digest: string;
  readonly steps: number;
  /** Virtual time until all flows had ended. */
  readonly microseconds: number;
  readonly bytes: number;
}

/** Connections in TIME-WAIT, half-open ones and keep-alives are gone after this. */
const AFTERLIFE_MICROSECONDS = 150e6;

/**
 * Runs the schedule of a seed over TCP: every flow must end as planned and deliver every byte, no invariant may break,
 * nothing may hang or leak. @throws SimulationError that has the schedule in its message.
 */
export function runFaultSchedule(seed: number): FaultRun {
  const schedule = drawFaultSchedule(seed);
  const network = new FaultNetwork(schedule);
  const { simulation } = network;
  try {
    for (const host of simulation.hosts) checkConnections(simulation, host);
    new SegmentWatch(simulation);
    const transfers = schedule.flows.map(
      (flow) =>
        new Transfer(simulation, {
          ...flow,
          client: network.host(flow.client),
          server: network.host(flow.server),
          address: schedule.topology.addresses[flow.server]!,
          seed: seed + flow.port,
          mayBeForgotten: network.host(flow.server).tcp.settings.synCookies === 'always',
          clientOptions: flow.clientSending.options,
          serverOptions: flow.serverSending.options,
        }),
    );
    for (const [i, flow] of schedule.flows.entries()) {
      changeSending(network, flow.client, flow.clientSending, () => transfers[i]!.client);
      changeSending(network, flow.server, flow.serverSending, () => transfers[i]!.server);
    }
    runTransfers(simulation, transfers);
    const microseconds = simulation.time;
    simulation.runFor(Math.max(AFTERLIFE_MICROSECONDS, FAULTS_END_MICROSECONDS - microseconds));
    for (const transfer of transfers) transfer.close();
    const problems = transfers.flatMap((transfer) => transfer.problems());
    if (problems.length > 0) throw simulation.error(problems.join('\n'));
    for (const { name, tcp } of simulation.hosts) {
      if (tcp.size !== 0) throw simulation.error(`${name}: ${tcp.size} connections are left long after all have ended`);
    }
    simulation.assertClean();
    const bytes = transfers.reduce((sum, transfer) => sum + transfer.delivered, 0);
    return { seed, digest: simulation.digest, steps: simulation.steps, microseconds, bytes };
  } catch (error) {
    if (error instanceof Error) error.message = `${describeFaultSchedule(schedule)}\n${error.message}`;
    throw error;
  } finally {
    simulation.close();
  }
}

function changeSending(network: FaultNetwork, name: string, sending: Sending, find: () => StreamEnd | null): void {
  const host = network.host(name);
  for (const { at, options } of sending.changes) {
    network.simulation.at(at, () => {
      find()?.connection.apply(options);
      host.requestPoll();
    });
  }
}

export interface SoakOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Every so many seeds the run is repeated, and must be the same. Default 50; 0: never. */
  readonly repeatEvery?: number;
  /** Called after each seed. */
  readonly onRun?: (run: FaultRun) => void;
  /** Called for each seed that failed, with an error that says how. Default: it is thrown. */
  readonly onFailure?: (seed: number, error: Error) => void;
}

export interface SoakReport {
  readonly passed: number;
  readonly failed: readonly number[];
  readonly bytes: number;
  readonly steps: number;
  /** Virtual time of all runs together. */
  readonly microseconds: number;
}

/** Runs the schedules of many seeds. @throws what a seed threw, unless there is `onFailure`. */
export function soakFaultSchedules(options: SoakOptions): SoakReport {
  const { firstSeed, seeds, repeatEvery = 50, onRun, onFailure } = options;
  const failed: number[] = [];
  const totals = { bytes: 0, steps: 0, microseconds: 0 };
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      const run = runFaultSchedule(seed);
      if (repeatEvery > 0 && seed % repeatEvery === 0) requireSame(run, runFaultSchedule(seed));
      totals.bytes += run.bytes;
      totals.steps += run.steps;
      totals.microseconds += run.microseconds;
      onRun?.(run);
    } catch (error) {
      if (onFailure === undefined || !(error instanceof Error)) throw error;
      failed.push(seed);
      onFailure(seed, error);
    }
  }
  return { passed: seeds - failed.length, failed, ...totals };
}

function requireSame(one: FaultRun, other: FaultRun): void {
  if (one.digest === other.digest) return;
  throw new Error(`seed ${one.seed} does not repeat: digests ${one.digest} and ${other.digest}`);
}
