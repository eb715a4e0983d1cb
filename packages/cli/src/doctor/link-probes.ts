import { createPipe, type Link } from '@prism-net/link';
import { openLink } from '@prism-net/links';
import { createStack } from '@prism-net/stack';
import type { Capability } from './capabilities.js';
import type { TestNetwork } from './test-network.js';

/** A link to try, and how. */
export interface LinkProbe {
  readonly name: string;
  /** How a program opens one like it. */
  readonly specification: string;
  /** Rights a program needs that opens one. */
  readonly needs: readonly Capability[];
  /** `undefined` for a link inside the process. */
  readonly native: NativeProbe | undefined;
  /** Opens a link inside the process. */
  readonly openInProcess?: () => Promise<OpenedLink>;
}

export interface NativeProbe {
  specification(network: TestNetwork): string;
  /** The kernel's address at the other end and Prism's, where the link brings a network of its own. */
  readonly addresses?: { readonly address: string; readonly peer: string };
}

export interface OpenedLink {
  readonly link: Link;
  readonly address: string;
  /** Who answers. */
  readonly peer: string;
  close(): void;
}

const TAP_PEER = '10.204.0.1';
const XDP: readonly Capability[] = ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_BPF'];

export const LINK_PROBES: readonly LinkProbe[] = [
  {
    name: 'loopback',
    specification: 'loopback',
    needs: [],
    native: undefined,
    async openInProcess() {
      const link = await openLink('loopback');
      return { link, address: '10.0.0.1/24', peer: '10.0.0.1', close: () => link.close() };
    },
  },
  {
    name: 'pipe',
    specification: 'createPipe()',
    needs: [],
    native: undefined,
    async openInProcess() {
      const [link, other] = createPipe();
      const answering = createStack({ link: other, address: '10.0.0.2/24', mode: 'busy' });
      const close = (): void => {
        answering.close();
        for (const end of [link, other]) end.close();
      };
      return { link, address: '10.0.0.1/24', peer: '10.0.0.2', close };
    },
  },
  {
    name: 'tap',
    specification: `tap:prism0?hostAddress=${TAP_PEER}/24`,
    needs: ['CAP_NET_ADMIN'],
    native: {
      specification: () => `tap:prismtap0?hostAddress=${TAP_PEER}/24`,
      addresses: { address: '10.204.0.2/24', peer: TAP_PEER },
    },
  },
  {
    name: 'packet virtio',
    specification: 'packet:eth0',
    needs: ['CAP_NET_RAW'],
    native: { specification: (network) => `packet:${network.interface}?mode=virtio` },
  },
  {
    name: 'packet ring',
    specification: 'packet:eth0?mode=ring',
    needs: ['CAP_NET_RAW'],
    native: { specification: (network) => `packet:${network.interface}?mode=ring` },
  },
  {
    name: 'xdp generic',
    specification: 'xdp:eth0?attach=generic',
    needs: XDP,
    native: { specification: (network) => `xdp:${network.interface}?attach=generic` },
  },
  {
    name: 'xdp native',
    specification: 'xdp:eth0?attach=native',
    needs: XDP,
    native: { specification: (network) => `xdp:${network.interface}?attach=native` },
  },
];
