import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a user's PATH may not lead, and these commands live. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The environment of every command: the user's, with the folders of the network commands. */
export function commandEnvironment(): NodeJS.ProcessEnv {
  const path = process.env.PATH ?? '';
  return { ...process.env, PATH: [path, ...SYSTEM_FOLDERS].join(delimiter), LC_ALL: 'C' };
}

export function isInstalled(command: string): boolean {
  return commandEnvironment()
    .PATH!.split(delimiter)
    .some((folder) => {
      try {
        accessSync(join(folder, command), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export interface RunOptions {
  /** Written to the command's standard input. */
  readonly input?: string | Uint8Array;
  /** Milliseconds until it is killed. Default 30,000. */
  readonly timeout?: number;
}

/** Why a command of the lab failed: `code` is that of a POSIX error, or 'EFAILED' when the command itself said no. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  /** The exit status, null when it was killed or not started. */
  readonly status: number | null;
  readonly output: string;

  constructor(code: string, message: string, status: number | null, output: string) {
    super(message);
    this.code = code;
    this.status = status;
    this.output = output;
  }
}

/** Runs a command and returns what it printed. @throws CommandError with what it printed to standard error. */
export function runCommand(command: readonly string[], options: RunOptions = {}): string {
  const [program, ...args] = command;
  const timeout = options.timeout ?? 30_000;
  const result = spawnSync(program!, args, {
    encoding: 'utf8',
    env: commandEnvironment(),
    input: options.input ?? '',
    timeout,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status === 0) return result.stdout;
  const output = `${result.stderr ?? ''}${result.stdout ?? ''}`.trim();
  const code = (result.error as NodeJS.ErrnoException | undefined)?.code ?? 'EFAILED';
  const reason =
    code === 'ENOENT'
      ? 'is not installed'
      : code === 'ETIMEDOUT'
        ? `did not end within ${timeout} ms`
        : `failed (${result.signal ?? `status ${result.status}`})`;
  throw new CommandError(
    code,
    `${command.join(' ')} ${reason}${output === '' ? '' : `: ${output}`}`,
    result.status,
    output,
  );
}
