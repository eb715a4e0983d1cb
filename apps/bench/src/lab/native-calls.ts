import type { Link } from '@prism-net/link';

/** Calls of native code on a link's data path so far. */
export interface NativeCalls {
  readonly receiving: number;
  readonly sending: number;
}

/** Where each kind of link counts its calls. */
interface Counting {
  /** AF_XDP: by direction. */
  readonly details?: { readonly receiveCalls: number; readonly transmitCalls: number };
  /** TAP, and AF_PACKET: both together. */
  readonly tap?: { readonly nativeCalls: number };
  readonly nativeCalls?: number;
}

/** NaN where a link counts none; a link that does not tell directions apart says the sum for both. */
export function nativeCalls(link: Link): NativeCalls {
  const { details, tap, nativeCalls: total } = link as Counting;
  if (details !== undefined) return { receiving: details.receiveCalls, sending: details.transmitCalls };
  const both = tap?.nativeCalls ?? total ?? Number.NaN;
  return { receiving: both, sending: both };
}
