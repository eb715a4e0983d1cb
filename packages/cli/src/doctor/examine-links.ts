import { TimestampSource } from '@prism-net/buffers';
import type { Link } from '@prism-net/link';
import { openLink } from '@prism-net/links';
import { type LinkUnavailableError, listInterfaces } from '@prism-net/linux';
import { missingCapabilities, ownCapabilities } from './capabilities.js';
import type { LinkFigures, LinkFinding } from './diagnosis.js';
import { frameRoundTrip } from './frame-round-trip.js';
import { LINK_PROBES, type LinkProbe, type OpenedLink } from './link-probes.js';
import { openTestNetwork, type TestNetwork, testNetworkUnavailable } from './test-network.js';

/** Codes of errors that no rights and no test network would change. */
const HOPELESS = ['PLATFORM', 'NO_PACKAGE', 'NO_BINARY', 'LOAD'];
/** A namespace that is nowhere: what is opened there fails, but only after the driver has been loaded. */
const NOWHERE = 'prism-doctor-nowhere';
const IN_PROCESS = 'the links inside the process work without it';

/** Opens every link there is and passes frames through it; native ones in a network of the doctor's own. */
export async function examineLinks(
  probes: readonly LinkProbe[] = LINK_PROBES,
  openNetwork: () => TestNetwork | string = tryToOpen,
): Promise<LinkFinding[]> {
  const network = openNetwork();
  const findings: LinkFinding[] = [];
  try {
    // One after the other: two AF_XDP sockets on one queue would stand in each other's way.
    for (const probe of probes) findings.push(await examine(probe, network));
  } finally {
    if (typeof network !== 'string') network.close();
  }
  return findings;
}

/** The network, or why there is none. */
function tryToOpen(): TestNetwork | string {
  const missing = testNetworkUnavailable();
  if (missing !== null) return `a test network ${missing}`;
  try {
    return openTestNetwork();
  } catch (error) {
    return `no test network: ${(error as Error).message}`;
  }
}

async function examine(probe: LinkProbe, network: TestNetwork | string): Promise<LinkFinding> {
  const { name, specification, native } = probe;
  const finding = { name, specification, native: native !== undefined };
  const fallbacks: string[] = [];
  if (native !== undefined && typeof network === 'string') return { ...finding, ...(await notTried(probe, network)) };
  let opened: OpenedLink | undefined;
  try {
    opened =
      native === undefined || typeof network === 'string'
        ? await probe.openInProcess!()
        : await openNative(native, network, (message) => fallbacks.push(message));
    const { link, address, peer } = opened;
    const roundTripMicroseconds = await frameRoundTrip(link, address, peer);
    const capabilities = figuresOf(link);
    return {
      ...finding,
      state: 'works',
      capabilities,
      roundTripMicroseconds,
      ...(fallbacks.length > 0 && { fallbacks }),
    };
  } catch (error) {
    return { ...finding, ...failure(error, opened !== undefined) };
  } finally {
    opened?.close();
  }
}

async function openNative(
  native: NonNullable<LinkProbe['native']>,
  network: TestNetwork,
  onFallback: (message: string) => void,
): Promise<OpenedLink> {
  const specification = native.specification(network);
  const link = await openLink(specification, {
    networkNamespace: network.namespace,
    ...(specification.startsWith('xdp') && { onFallback }),
  });
  const { address, peer } = native.addresses ?? network;
  return { link, address, peer, close: () => link.close() };
}

/** What can be said of a native link without a network to try it in: whether its driver loads, and what rights it lacks. */
async function notTried(
  probe: LinkProbe,
  why: string,
): Promise<Pick<LinkFinding, 'state' | 'code' | 'missing' | 'instead'>> {
  try {
    // The driver of TAP is loaded by its first call, and so is the addon below all of them.
    listInterfaces();
    (await openLink(probe.native!.specification(NOWHERE_NETWORK), { networkNamespace: NOWHERE })).close();
  } catch (error) {
    if (HOPELESS.includes((error as LinkUnavailableError).code)) return failure(error, false);
  }
  const rights = missingCapabilities(probe.needs, ownCapabilities());
  const needs = rights.length === 0 ? '' : `; ${probe.name} needs ${rights.join(', ')}`;
  return { state: 'not tried', missing: `${why}${needs}`, instead: `run the doctor as root; ${IN_PROCESS}` };
}

const NOWHERE_NETWORK: TestNetwork = {
  namespace: NOWHERE,
  interface: 'prism-nowhere',
  address: '10.203.0.2/24',
  peer: '10.203.0.1',
  close() {},
};

function failure(error: unknown, wasOpen: boolean): Pick<LinkFinding, 'state' | 'code' | 'missing' | 'instead'> {
  const { code = 'EFAILED', message, missing, instead } = error as Partial<LinkUnavailableError> & Error;
  const reason = missing ?? (wasOpen ? `it opens, but no frame came back: ${message}` : message);
  return { state: 'fails', code, missing: reason, instead: instead ?? IN_PROCESS };
}

const TIMESTAMPS = {
  [TimestampSource.NONE]: 'none',
  [TimestampSource.SOFTWARE]: 'software',
  [TimestampSource.HARDWARE]: 'hardware',
} as const;

function figuresOf({ capabilities }: Link): LinkFigures {
  return {
    mode: capabilities.mode,
    mtu: capabilities.mtu,
    queues: capabilities.queues,
    receiveChecksum: capabilities.receiveChecksum,
    transmitChecksum: capabilities.transmitChecksum,
    segmentation: capabilities.segmentation,
    timestamps: TIMESTAMPS[capabilities.timestamps],
  };
}
