// A process of its own, in the sender's namespace: a stack on a packet link, that sends as much as it can.
import { openPacketLink } from '@prism-net/link-packet';
import { createStack } from '@prism-net/stack';

export interface PrismSenderJob {
  readonly interface: string;
  readonly address: string;
  readonly target: string;
  readonly port: number;
  readonly seconds: number;
  readonly congestionControl: string;
}

export interface PrismSenderReport {
  readonly congestionControl: string;
  readonly retransmitted: number;
}

/** More than path and queue hold, so that it never is what limits. */
const SEND_BUFFER = 4 << 20;

async function send(job: PrismSenderJob): Promise<PrismSenderReport> {
  const link = openPacketLink({ interface: job.interface });
  const { congestionControl } = job;
  const stack = createStack({
    link,
    address: `${job.address}/24`,
    tcp: { congestionControl, sendBuffer: SEND_BUFFER },
  });
  const socket = await stack.connect({ address: job.target, port: job.port });
  const chunk = new Uint8Array(65_536);
  const end = performance.now() + job.seconds * 1000;
  while (performance.now() < end) await socket.write(chunk);
  const { congestionControl: used, retransmitted } = socket.tcpInfo();
  socket.abort();
  stack.close();
  return { congestionControl: used, retransmitted };
}

process.stdout.write(JSON.stringify(await send(JSON.parse(process.argv[2]!) as PrismSenderJob)));
