import { invalidArgument, requireWholeNumber } from '@prism-net/errors';
import { formatTime } from '../event-log.js';
import { bulkMatrix, findWrap, runBulk, type StreamDigest } from './bulk.js';
import { soakFaultSchedules } from './fault-run.js';

/** What the command needs from where it runs. */
export interface SoakEnvironment {
  print(line: string): void;
  /** SHA-256: `() => createHash('sha256')` of `node:crypto`. */
  createDigest(): StreamDigest;
}

const HELP = `soak [--seeds N] [--first SEED] [--bulk BYTES] [--help]
  --seeds N     fault schedules to run over TCP (default 10000; 0: none)
  --first SEED  the first of them (default 0)
  --bulk BYTES  and then a stream of so many bytes for every combination of 0, 0.1, 1 and 5 % loss with reordering,
                duplicates and corruption, hashed at both ends; the last one across the wrap of sequence numbers
                (1073741824 for the whole gigabyte; default 0: none)
A seed that fails is printed with its schedule; PRISM_SEED=SEED repeats it in the tests of packages/sim.`;

/** Every so many seeds a line says how far it is. */
const REPORT_EVERY = 1000;

/** The long tests, as a command. Returns the exit status: 0 when all passed. @throws PosixError EINVAL for wrong arguments. */
export function soakCommand(parameters: readonly string[], environment: SoakEnvironment): number {
  const { print } = environment;
  if (parameters.includes('--help')) {
    print(HELP);
    return 0;
  }
  const { seeds, first, bulk } = parseParameters(parameters);
  const failures = soakSchedules(first, seeds, print) + soakBulk(bulk, environment);
  print(failures === 0 ? 'all passed' : `${failures} failed`);
  return failures === 0 ? 0 : 1;
}

function parseParameters(parameters: readonly string[]): { seeds: number; first: number; bulk: number } {
  const values = { seeds: 10_000, first: 0, bulk: 0 };
  for (let i = 0; i < parameters.length; i += 2) {
    const name = parameters[i]!.replace(/^--/, '') as keyof typeof values;
    if (!parameters[i]!.startsWith('--') || !(name in values)) {
      throw invalidArgument('soak', `there is no option ${parameters[i]}\n${HELP}`);
    }
    values[name] = requireWholeNumber('soak', parameters[i]!, Number(parameters[i + 1]), 0, 2 ** 40);
  }
  return values;
}

function soakSchedules(firstSeed: number, seeds: number, print: SoakEnvironment['print']): number {
  if (seeds === 0) return 0;
  let done = 0;
  const report = soakFaultSchedules({
    firstSeed,
    seeds,
    onRun: () => {
      if (++done % REPORT_EVERY === 0) print(`${done} schedules`);
    },
    onFailure: (_seed, error) => print(`${error.message}\n`),
  });
  const { passed, failed, bytes, steps, microseconds } = report;
  print(`fault schedules ${firstSeed} to ${firstSeed + seeds - 1}: ${passed} passed, ${failed.length} failed`);
  print(`  ${bytes} bytes delivered, ${steps} steps, ${formatTime(microseconds)} of virtual time`);
  if (failed.length > 0) print(`  failed: ${failed.join(', ')}`);
  return failed.length;
}

function soakBulk(bytes: number, { print, createDigest }: SoakEnvironment): number {
  if (bytes === 0) return 0;
  let failures = 0;
  for (const [index, cell] of bulkMatrix().entries()) {
    const what = Object.entries(cell).map(([name, rate]) => `${name} ${rate * 100} %`);
    try {
      // The last is the worst: it crosses the wrap as well.
      const begin = index === 31 ? findWrap(index, bytes) : { seed: index, at: 0 };
      const { sent, received, firstSequence, lastSequence, microseconds } = runBulk({
        ...cell,
        ...begin,
        bytes,
        createDigest,
      });
      const wraps = lastSequence < firstSequence ? ', sequence numbers wrapped' : '';
      if (sent !== received) failures++;
      const verdict = sent === received ? `SHA-256 ${sent}` : `SHA-256 DIFFER: ${sent} ${received}`;
      print(`${bytes} bytes, ${what.join(', ')}: ${verdict}, ${formatTime(microseconds)}${wraps}`);
    } catch (error) {
      failures++;
      print(`${bytes} bytes, ${what.join(', ')}: ${(error as Error).message}\n`);
    }
  }
  return failures;
}
