/** The error for a mistake of the programmer or in the configuration. Packets from the wire never lead here. */
export function invalidArgument(message: string): TypeError & { code: 'EINVAL' } {
  return Object.assign(new TypeError(message), { code: 'EINVAL' as const });
}
