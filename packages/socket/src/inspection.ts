import type { SocketAddress } from './socket-address.js';

/** Node's `util.inspect`, and so `console.log`, calls the method of this name; elsewhere nobody does. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom');

/** A socket in one line, instead of the whole stack that hangs on it: `StreamSocket { state: ESTABLISHED, local: … }`. */
export function oneLine(
  what: { readonly constructor: { readonly name: string } },
  state: string,
  local: SocketAddress,
  rest = '',
): string {
  return `${what.constructor.name} { state: ${state}, local: ${endpoint(local)}${rest} }`;
}

export function endpoint({ address, port }: SocketAddress): string {
  return `${address}:${port}`;
}
