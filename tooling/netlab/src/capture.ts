import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { commandEnvironment } from './command.js';
import { sleep } from './namespaces.js';

const START_MILLISECONDS = 10_000;
/** tcpdump has written all it saw when its file stays as it is for so long. */
const QUIET_MILLISECONDS = 60;

export interface CaptureOptions {
  /** What to capture, as tcpdump's expression: 'host 10.0.0.2 and udp'. Default everything. */
  readonly filter?: string;
  /** Only frames that came in, or that went out, through the device. Default both. */
  readonly direction?: 'in' | 'out';
  /** Bytes kept of a frame. Default all. */
  readonly snapLength?: number;
}

export interface Capture {
  /** Ends the capture once everything seen so far is in the file. Idempotent. Returns the packets the kernel dropped. */
  stop(): Promise<{ dropped: number }>;
}

/** Starts tcpdump and returns when it is capturing. @throws Error with what tcpdump said. */
export function startCapture(
  namespace: string,
  device: string,
  file: string,
  options: CaptureOptions,
): { capture: Capture; child: ChildProcess } {
  const log = openUnnamed();
  const args = ['netns', 'exec', namespace, 'tcpdump', '-i', device, '-n', '-U', '-w', file];
  // As root, or it could not write where only root may; a buffer that takes a burst; no waiting for blocks to fill.
  args.push('-Z', 'root', '-B', '65536', '--immediate-mode', '-s', String(options.snapLength ?? 0));
  if (options.direction !== undefined) args.push('-Q', options.direction);
  if (options.filter !== undefined) args.push(options.filter);
  const child = spawn('ip', args, { stdio: ['ignore', 'ignore', log], env: commandEnvironment() });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const said = (): string => {
    const bytes = Buffer.alloc(fstatSync(log).size);
    return bytes.toString('utf8', 0, readSync(log, bytes, 0, bytes.length, 0)).trim();
  };
  for (let waited = 0; !said().includes('listening on'); waited += 5) {
    // The event loop does not turn here: whether the child has ended is only to be seen from outside.
    if (waited >= START_MILLISECONDS || child.pid === undefined || hasEnded(child.pid)) {
      const reason = said();
      child.kill('SIGKILL');
      closeSync(log);
      throw new Error(`tcpdump does not capture on ${device}: ${reason === '' ? 'it did not start' : reason}`);
    }
    sleep(5);
  }

  const finish = async (): Promise<{ dropped: number }> => {
    let size = -1;
    for (let now = statSync(file).size; now !== size; now = statSync(file).size) {
      size = now;
      await delay(QUIET_MILLISECONDS);
    }
    child.kill('SIGINT');
    await ended;
    const dropped = Number(/(\d+) packets? dropped by kernel/.exec(said())?.[1] ?? 0);
    closeSync(log);
    return { dropped };
  };
  let stopped: Promise<{ dropped: number }> | undefined;
  const capture: Capture = {
    stop: () => {
      stopped ??= finish();
      return stopped;
    },
  };
  return { capture, child };
}

let opened = 0;

/** A file to write to and read from, that is gone when nobody has it open any more. */
function openUnnamed(): number {
  const path = join(tmpdir(), `prism-capture-${process.pid}-${opened++}`);
  const descriptor = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return descriptor;
}

function hasEnded(pid: number): boolean {
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').slice(-300));
  } catch {
    return true;
  }
}
