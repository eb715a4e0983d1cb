import type { Link } from '@prism-net/link';
import { createStack } from '@prism-net/stack';

const PINGS = 8;
const TIMEOUT_MILLISECONDS = 1000;

/**
 * Puts a stack on a link and pings the other end: an ARP request and its answer, ICMP echoes and theirs. Returns the
 * fastest round trip in microseconds. Closes the link, as a stack does.
 */
export async function frameRoundTrip(link: Link, address: string, peer: string): Promise<number> {
  const stack = createStack({ link, address, mode: 'busy' });
  try {
    let fastest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < PINGS; i++) {
      const { roundTripMicroseconds } = await stack.ping(peer, { timeoutMilliseconds: TIMEOUT_MILLISECONDS });
      fastest = Math.min(fastest, roundTripMicroseconds);
    }
    return fastest;
  } finally {
    stack.close();
  }
}
