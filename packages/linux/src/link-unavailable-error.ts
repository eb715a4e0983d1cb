/**
 * Why a link cannot be opened here. Codes of Prism's own: `PLATFORM` (not Linux), `NO_BINARY` (no addon for this system),
 * `LOAD` (there is one, but it does not load). All others are POSIX codes of the call that the kernel refused: `EPERM`,
 * `ENODEV`, `EBUSY`, `EOPNOTSUPP` …
 */
export class LinkUnavailableError extends Error {
  override readonly name = 'LinkUnavailableError';
  readonly code: string;
  /** The package, or the link: 'link-tap', 'xdp:eth0'. */
  readonly link: string;
  /** What is missing, as a sentence. */
  readonly missing: string;
  /** What to do about it, or what to use instead. */
  readonly instead: string;

  constructor(code: string, link: string, missing: string, instead: string, cause?: unknown) {
    super(`${link}: ${missing}; ${instead}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.link = link;
    this.missing = missing;
    this.instead = instead;
  }
}

/** The error of a system call that a native addon threw: `code`, `errno`, `syscall`. */
export interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && typeof (error as Partial<SystemError>).syscall === 'string';
}
