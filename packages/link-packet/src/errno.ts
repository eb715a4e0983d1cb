/** Errors of Linux that decide what happens to a packet, by number. */
export const EINTR = 4;
export const ENXIO = 6;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENETDOWN = 100;
export const ENOBUFS = 105;

/** The interface is down, or gone. */
export function isInterfaceError(errno: number): boolean {
  return errno === ENETDOWN || errno === ENXIO || errno === ENODEV;
}
