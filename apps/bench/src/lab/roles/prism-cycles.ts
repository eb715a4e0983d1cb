import { CYCLE_SETTINGS, CycleClient, CycleServer } from '../../cycles/cycles.js';
import type { PeerChannel } from '../peer-channel.js';
import type { PeerJob } from '../peer-job.js';
import { PrismHost } from '../prism-host.js';

export async function prismCycleServer(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job, { tcp: CYCLE_SETTINGS });
  const server = new CycleServer(host.stack, job.payload);
  host.settle();
  channel.ready(host.conditions);
  await host.run(channel, server);
  server.close();
  host.close();
  channel.done({ served: server.served });
}

export async function prismCycleClient(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job, { tcp: CYCLE_SETTINGS });
  const client = new CycleClient(host.stack, job.peer, job.payload, job.concurrency ?? 1);
  host.settle();
  channel.ready(host.conditions);
  client.meter.measure(job).then(({ itemsPerSecond }) => channel.measured({ cyclesPerSecond: itemsPerSecond }));
  await host.run(channel, client);
  const figures = { cycles: client.meter.items, failed: client.failed };
  client.close();
  host.close();
  channel.done(figures);
}
