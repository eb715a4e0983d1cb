/** The POSIX errors Prism reports, with the numbers Linux gives them. Zero is success; the data path returns these numbers. */
export const Errno = {
  NONE: 0,
  EPERM: 1,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EINVAL: 22,
  EPIPE: 32,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
} as const;
export type Errno = (typeof Errno)[keyof typeof Errno];

const names = new Map<number, string>(Object.entries(Errno).map(([name, number]) => [number, name]));

/** An error shaped like Node's own system errors: `code`, `errno` (negative), `syscall`. */
export interface PosixError extends Error {
  readonly code: string;
  readonly errno: number;
  /** The call, or the thing being made, that failed. */
  readonly syscall: string;
  /** The message without call and code. */
  readonly detail: string;
}

/** Makes the error for a failed operation: `bind EADDRINUSE: 10.0.0.1:7 is taken`. */
export function posixError(errno: Errno, syscall: string, detail: string): PosixError {
  const code = names.get(errno) ?? `E${errno}`;
  return Object.assign(new Error(`${syscall} ${code}: ${detail}`), { code, errno: -errno, syscall, detail });
}
