/** Errors of Linux that decide what happens to a packet, by number. */
export const EINTR = 4;
export const ENXIO = 6;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EFAULT = 14;
export const ENODEV = 19;
export const ENETDOWN = 100;
export const ENOBUFS = 105;

/** The interface is down, or gone. */
export function isInterfaceError(errno: number): boolean {
  return errno === ENETDOWN || errno === ENXIO || errno === ENODEV;
}

/**
 * How often a packet is offered in vain to an interface whose queue discipline refuses it (ENOBUFS). A full queue refuses
 * for a while; a policy, or a shaper whose bucket is smaller than the packet, for ever: nothing would be sent any more.
 */
export const MOST_REFUSALS = 16;
