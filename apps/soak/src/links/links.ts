import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { impair, type Link } from '@prism-net/link';
import { openLink } from '@prism-net/links';
import { missingForLab, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { createMonotonicClock } from '@prism-net/time';
import type { KernelSays } from './kernel-side.js';
import { chunkAt } from './stream-bytes.js';

const KERNEL = '10.79.0.1';
const PRISM = '10.79.0.2';

/** By the name of the option --link. */
const LINKS: Readonly<Record<string, string>> = {
  tap: `tap:prism0?hostAddress=${KERNEL}/24`,
  packet: 'packet:prism0',
  ring: 'packet:prism0?mode=ring',
  xdp: 'xdp:prism0?attach=native',
  'xdp-generic': 'xdp:prism0?attach=generic',
};
const PROGRAM = fileURLToPath(new URL('./kernel-side.js', import.meta.url)).replace('/src/links/', '/dist/links/');

export interface LinksOptions {
  /** Of each stream. */
  readonly bytes: number;
  /** A name of {@link LINKS}, or 'all'. */
  readonly link: string;
}

/** One stream each way between Prism and the kernel over each link, whole and with 1 % loss. Returns how many differed. */
export async function soakLinks({ bytes, link }: LinksOptions): Promise<number> {
  const missing = missingForLab() ?? (link === 'all' || link in LINKS ? null : `know no link '${link}'`);
  if (missing !== null) {
    console.log(`links: cannot run: ${missing}; links are ${Object.keys(LINKS).join(', ')}, all`);
    return 1;
  }
  let failures = 0;
  for (const name of link === 'all' ? Object.keys(LINKS) : [link]) {
    for (const loss of [0, 0.01]) {
      // A tenth is enough to be lost many times.
      const length = loss === 0 ? bytes : Math.ceil(bytes / 10);
      try {
        failures += await exchange(name, loss, length);
      } catch (error) {
        failures++;
        console.log(`${name}: FAILED: ${(error as Error).message}`);
      }
    }
  }
  return failures;
}

async function exchange(name: string, loss: number, bytes: number): Promise<number> {
  const lab = NetworkLab.open('soaklinks');
  try {
    const isTap = name === 'tap';
    if (!isTap) {
      lab.veth({
        left: { namespace: 'kernel', name: 'kernel0', address: `${KERNEL}/24` },
        right: { namespace: 'prism', name: 'prism0' },
      });
    }
    const networkNamespace = lab.namespace(isTap ? 'kernel' : 'prism');
    const driver = await openLink(LINKS[name]!, {
      networkNamespace,
      ...(name.startsWith('xdp') ? { onFallback: () => {} } : {}),
    });
    const stack = createStack({ link: damaged(driver, loss), address: `${PRISM}/24` });
    try {
      return await bothWays(lab, stack, `${name}, ${loss * 100} % lost`, bytes);
    } finally {
      stack.close();
      stack.pool.assertNoLeaks();
    }
  } finally {
    lab.close();
  }
}

function damaged(link: Link, loss: number): Link {
  if (loss === 0) return link;
  return impair(link, {
    seed: 1,
    clock: createMonotonicClock(),
    pool: link.pool!,
    transmit: { loss },
    receive: { loss },
  });
}

async function bothWays(lab: NetworkLab, stack: Stack, what: string, bytes: number): Promise<number> {
  const child = lab.spawn('kernel', [process.execPath, PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const heard = async (): Promise<KernelSays> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the kernel's side has ended");
    return JSON.parse(value) as KernelSays;
  };
  const first = await heard();
  if (!('ready' in first)) throw new Error("the kernel's side is not ready");
  let failures = 0;
  const report = (direction: string, start: number, hash: string, other: string) => {
    const seconds = (performance.now() - start) / 1000;
    const rate = `${((8 * bytes) / seconds / 1e9).toFixed(2)} Gbit/s`;
    if (hash !== other) failures++;
    const verdict = hash === other ? `SHA-256 ${hash.slice(0, 16)}… at both ends` : 'SHA-256 DIFFERS';
    console.log(`${what}: ${bytes} bytes ${direction}: ${verdict}, ${seconds.toFixed(1)} s, ${rate}`);
  };

  let start = performance.now();
  const out = await stack.connect({ address: KERNEL, port: first.ready.sink });
  const hash = createHash('sha256');
  for (let sent = 0; sent < bytes; ) {
    const chunk = chunkAt(sent, bytes - sent);
    hash.update(chunk);
    sent += chunk.length;
    await out.write(chunk);
  }
  out.end();
  let answer = '';
  for await (const chunk of out) answer += new TextDecoder().decode(chunk);
  report('to the kernel', start, hash.digest('hex'), answer);

  start = performance.now();
  const stream = await stack.connect({ address: KERNEL, port: first.ready.source });
  await stream.write(String(bytes));
  const received = createHash('sha256');
  for await (const chunk of stream) received.update(chunk);
  stream.end();
  const last = await heard();
  report('from the kernel', start, received.digest('hex'), 'sent' in last ? last.sent : '');
  return failures;
}
