import { LinkUnavailableError } from '@prism-net/linux';

const OTHERS = 'link-packet works on any interface, link-tap needs none';

/** What a step of the opening was, and what its refusals mean: [what is missing, what to do]. */
type Reasons = Readonly<Record<string, readonly [missing: string, instead: string]>>;

const COMMON: Reasons = {
  EPERM: ['AF_XDP needs CAP_NET_RAW (and CAP_NET_ADMIN and CAP_BPF for its program)', 'run as root or grant them'],
  EACCES: ['AF_XDP needs CAP_NET_RAW (and CAP_NET_ADMIN and CAP_BPF for its program)', 'run as root or grant them'],
  EAFNOSUPPORT: ['the kernel has no AF_XDP (CONFIG_XDP_SOCKETS)', OTHERS],
  ENOBUFS: [
    'the memory that may be locked does not suffice for the packet memory (RLIMIT_MEMLOCK)',
    "raise it ('ulimit -l', LimitMEMLOCK), grant CAP_IPC_LOCK or ask for fewer frames",
  ],
  ENOMEM: ['the kernel has no memory left for the rings', 'ask for smaller rings or fewer frames'],
};

/** Throws what a negative errno of a step means. `steps` names refusals that mean something else in this step. */
export function unavailable(code: string, link: string, step: string, reasons: Reasons = {}, cause?: unknown): never {
  const [missing, instead] = reasons[code] ?? COMMON[code] ?? [`the kernel refuses`, OTHERS];
  throw new LinkUnavailableError(code, link, `${missing} (${step}: ${code})`, instead, cause);
}
