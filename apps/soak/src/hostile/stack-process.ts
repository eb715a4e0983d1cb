import type { Link, LinkStatisticsSnapshot } from '@prism-net/link';
import { openLink } from '@prism-net/links';
import { createStack, type Stack, type StackStatistics } from '@prism-net/stack';
import { formatMacAddress } from '@prism-net/wire';
import { ECHO_PORT, KERNEL, MTU, PREFIX_LENGTH, PRISM } from './addresses.js';

/** The program that is attacked: a stack with echo servers on a link. It talks to whoever forked it. */
export interface StackTask {
  readonly link: string;
  readonly networkNamespace: string;
}

export type StackQuestion = 'report' | 'close';

export interface StackReport {
  readonly statistics: StackStatistics;
  /** Bytes of the process: now, and the most there were. */
  readonly memory: { readonly resident: number; readonly peak: number };
}

export type StackAnswer =
  | { readonly kind: 'ready'; readonly mode: string; readonly macAddress: string }
  | ({ readonly kind: 'report' } & StackReport)
  /** After `close`: what is left, and what was found wrong. */
  | {
      readonly kind: 'closed';
      readonly receive: StackStatistics['receive'];
      readonly link: LinkStatisticsSnapshot;
      readonly outstanding: number;
      readonly leak: string;
    }
  | { readonly kind: 'failed'; readonly message: string };

function tell(answer: StackAnswer): void {
  process.send!(answer);
}

function serve(stack: Stack): void {
  const socket = stack.udpSocket({ port: ECHO_PORT });
  socket.onMessage(({ data, address, port }) => {
    // Port 0 says that there is no port to answer to (RFC 768).
    if (port === 0) return;
    try {
      socket.send(data, port, address);
    } catch {
      // Sources are forged: neighbours that do not answer are unreachable. The stack counts what did not leave.
    }
  });
  stack.listen({ port: ECHO_PORT, backlog: 64 }).onConnection((connection) => {
    // How it ends is the client's affair.
    connection.readable.pipeTo(connection.writable).catch(() => {});
  });
}

function close(stack: Stack, link: Link): void {
  stack.close();
  let leak = '';
  try {
    stack.pool.assertNoLeaks();
  } catch (error) {
    leak = (error as Error).message;
  }
  const receive = stack.accounts.snapshot();
  const { outstanding } = stack.pool;
  tell({ kind: 'closed', receive, link: link.statistics.snapshot(), outstanding, leak });
}

async function main(task: StackTask): Promise<void> {
  const link = await openLink(task.link, { networkNamespace: task.networkNamespace });
  const stack = createStack({
    link,
    address: `${PRISM.address}/${PREFIX_LENGTH}`,
    gateway: KERNEL.address,
    mtu: MTU,
    // A short memory for what is never completed: the run need not wait long for it to go.
    ipv4: { reassembly: { timeoutMilliseconds: 2000 } },
  });
  serve(stack);
  let peak = 0;
  const sample = (): number => {
    const { rss } = process.memoryUsage();
    peak = Math.max(peak, rss);
    return rss;
  };
  setInterval(sample, 100).unref();
  process.on('message', (question: StackQuestion) => {
    if (question === 'close') {
      close(stack, link);
      process.disconnect();
      return;
    }
    const resident = sample();
    tell({ kind: 'report', statistics: stack.statistics(), memory: { resident, peak } });
  });
  // Whoever forked this has gone: so does it.
  process.on('disconnect', () => setImmediate(() => process.exit()));
  tell({ kind: 'ready', mode: link.capabilities.mode, macAddress: formatMacAddress(link.capabilities.macAddress) });
}

if (process.send !== undefined) {
  main(JSON.parse(process.argv[2]!) as StackTask).catch((error: Error) => {
    tell({ kind: 'failed', message: error.message });
    process.disconnect();
    process.exitCode = 1;
  });
}
