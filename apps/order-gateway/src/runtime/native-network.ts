import { missingForLab, NetworkLab } from '@prism-net/netlab';
import { Doorbell } from '@prism-net/rings';
import type { Options } from '../options.js';
import { framesFor, type LinkPlans, MTU, type NativeLinkPlan } from './link-plan.js';
import { GATEWAY_PORT } from './run-plan.js';

const LARGEST_XDP_RING = 32_768;

/** The links of a run over the machine's own network, and what has to be removed at its end. */
export interface NativeNetwork {
  readonly plans: LinkPlans;
  /** Idempotent. */
  close(): void;
}

type NativeOptions = Pick<
  Options,
  'link' | 'linkOptions' | 'interface' | 'address' | 'router' | 'window' | 'account' | 'ports' | 'sessionPort'
>;

/**
 * With an interface: the gateway alone, on it. Without: gateway and load client in namespaces of their own, joined by a
 * cable (packet, xdp), or by a router that is this machine's kernel (tap).
 *
 * @throws Error that says in one line what is missing.
 */
export function openNativeNetwork(options: NativeOptions): NativeNetwork {
  if (options.interface !== undefined) {
    return { plans: { gateway: onInterface(options, options.interface), client: undefined }, close() {} };
  }
  const missing = missingForLab();
  if (missing !== null) {
    throw new Error(
      `--link ${options.link}: its test network ${missing}; use --link memory, or an interface that is there: --interface NAME --address A.B.C.D/N`,
    );
  }
  const lab = NetworkLab.open('order_gateway');
  try {
    return {
      plans: options.link === 'tap' ? overRouter(lab, options) : overCable(lab, options),
      close: () => lab.close(),
    };
  } catch (error) {
    lab.close();
    throw error;
  }
}

/** Two namespaces with a cable between them. The kernel has no address on it: both ends are Prism's. */
function overCable(lab: NetworkLab, options: NativeOptions): LinkPlans {
  lab.veth({
    left: { namespace: 'gateway', name: 'gateway0' },
    right: { namespace: 'client', name: 'client0' },
    mtu: MTU,
  });
  // A cable of the kernel has no memory to share with: asking for zero-copy would only bring a warning.
  const bind = options.link === 'xdp' && !isGiven(options, 'bind') ? { bind: 'copy' } : {};
  const end = (name: string, address: string): NativeLinkPlan => ({
    ...plan(options, `${name}0`, address),
    options: { ...linkOptions(options), ...bind, networkNamespace: lab.namespace(name) },
  });
  return { gateway: end('gateway', '10.0.0.1/24'), client: end('client', '10.0.0.2/24') };
}

/** Two TAP devices of one namespace, whose kernel is the router between their networks. */
function overRouter(lab: NetworkLab, options: NativeOptions): LinkPlans {
  const networkNamespace = lab.namespace('router');
  lab.sysctl('router', { 'net.ipv4.ip_forward': 1 });
  const end = (name: string, network: string): NativeLinkPlan => ({
    ...plan(options, `${name}0`, `${network}.1/24`),
    router: `${network}.254`,
    options: { ...linkOptions(options), networkNamespace, hostAddress: `${network}.254/24` },
  });
  return { gateway: end('gateway', '10.0.1'), client: end('client', '10.0.2') };
}

/** An interface of this machine, which others use too: of AF_XDP's queue only the gateway's own traffic is taken. */
function onInterface(options: NativeOptions, name: string): NativeLinkPlan {
  const address = options.address!;
  const own = address.split('/')[0]!;
  const steering = {
    rules: [
      ...(options.ports === 'session'
        ? []
        : [{ protocol: 'udp', address: own, port: GATEWAY_PORT, action: 'redirect' }]),
      ...(options.account === undefined
        ? []
        : [{ protocol: 'tcp', address: own, port: options.sessionPort, action: 'redirect' }]),
      { protocol: 'icmp', address: own, action: 'redirect' },
    ],
    otherwise: 'pass',
    addresses: [own],
  };
  return {
    ...plan(options, name, address),
    ...(options.router === undefined ? {} : { router: options.router }),
    options: { ...linkOptions(options), ...(options.link === 'xdp' ? { steering } : {}) },
  };
}

function plan({ link, linkOptions }: NativeOptions, name: string, address: string): Omit<NativeLinkPlan, 'options'> {
  const specification = `${link}:${name}${linkOptions === '' ? '' : `?${linkOptions}`}`;
  return { kind: 'native', specification, address, bell: new SharedArrayBuffer(Doorbell.byteLength) };
}

/** Orders are small: frames for segments of 64 KiB would only be fewer. */
function linkOptions(options: NativeOptions): Readonly<Record<string, unknown>> {
  const { link, window } = options;
  // What comes while a thread waits for its turn on a shared core must find room: later fills come on top of the window.
  const usesRing = link === 'packet' && options.linkOptions.split('&').includes('mode=ring');
  // Half of an AF_XDP link's frames are the kernel's, and its rings hold as many: both ports' bursts have to fit.
  const xdpRing = Math.min(2 * framesFor(window), LARGEST_XDP_RING);
  return {
    ...(link === 'xdp' && !isGiven(options, 'rings.receive') && !isGiven(options, 'rings.fill')
      ? { rings: { receive: xdpRing, fill: xdpRing } }
      : {}),
    ...(usesRing && !isGiven(options, 'ring.frames') && !isGiven(options, 'ring.frameSize')
      ? { ring: { frames: framesFor(window), frameSize: 2048 } }
      : {}),
    ...(isGiven(options, 'frames') ? {} : { frames: link === 'xdp' ? 2 * xdpRing : 2 * framesFor(window) }),
    ...(link === 'tap' && !isGiven(options, 'offloads.segmentation') ? { offloads: { segmentation: false } } : {}),
  };
}

function isGiven({ linkOptions }: NativeOptions, name: string): boolean {
  return linkOptions.split('&').some((option) => option.startsWith(`${name}=`));
}
