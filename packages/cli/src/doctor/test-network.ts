import { missingForLab, NetworkLab } from '@prism-net/netlab';

/** Where the doctor passes its frames: two namespaces of its own, joined by a cable. The kernel answers at `peer`. */
export interface TestNetwork {
  /** Prism's end of the cable is here, and the TAP. */
  readonly namespace: string;
  readonly interface: string;
  readonly address: string;
  readonly peer: string;
  close(): void;
}

const PEER = '10.203.0.1';

/** Why this process cannot make a test network; null if it can. */
export function testNetworkUnavailable(): string | null {
  return missingForLab();
}

/** @throws Error when the machine refuses. */
export function openTestNetwork(): TestNetwork {
  const lab = NetworkLab.open('doctor');
  try {
    lab.veth({
      left: { namespace: 'prism', name: 'prism0' },
      right: { namespace: 'kernel', name: 'kernel0', address: `${PEER}/24` },
    });
  } catch (error) {
    lab.close();
    throw error;
  }
  const namespace = lab.namespace('prism');
  return { namespace, interface: 'prism0', address: '10.203.0.2/24', peer: PEER, close: () => lab.close() };
}
