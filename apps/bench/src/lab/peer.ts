#!/usr/bin/env node
// One end of a benchmark over a real link: a process of its own, on a core of its own. Started by the scenarios.
import { pinThread } from '@prism-net/linux';
import { PeerChannel } from './peer-channel.js';
import type { PeerJob, RoleName } from './peer-job.js';

type Role = (job: PeerJob, channel: PeerChannel) => Promise<void>;

/** Loaded when asked for: the kernel's ends should not carry a network stack with them. */
const roles: Readonly<Record<RoleName, () => Promise<Role>>> = {
  'prism-udp-echo-server': async () => (await import('./roles/prism-udp-echo.js')).prismUdpEchoServer,
  'prism-udp-echo-client': async () => (await import('./roles/prism-udp-echo.js')).prismUdpEchoClient,
  'node-dgram-echo-server': async () => (await import('./roles/node-dgram-echo.js')).dgramEchoServer,
  'node-dgram-echo-client': async () => (await import('./roles/node-dgram-echo.js')).dgramEchoClient,
  'prism-udp-source': async () => (await import('./roles/prism-udp-stream.js')).prismUdpSource,
  'prism-udp-sink': async () => (await import('./roles/prism-udp-stream.js')).prismUdpSink,
  'node-dgram-source': async () => (await import('./roles/node-dgram-stream.js')).dgramSource,
  'node-dgram-sink': async () => (await import('./roles/node-dgram-stream.js')).dgramSink,
  'prism-tcp-echo-server': async () => (await import('./roles/prism-tcp-echo.js')).prismTcpEchoServer,
  'prism-tcp-echo-client': async () => (await import('./roles/prism-tcp-echo.js')).prismTcpEchoClient,
  'node-net-echo-server': async () => (await import('./roles/node-net-echo.js')).netEchoServer,
  'node-net-echo-client': async () => (await import('./roles/node-net-echo.js')).netEchoClient,
  'prism-tcp-source': async () => (await import('./roles/prism-tcp-stream.js')).prismTcpSource,
  'prism-tcp-sink': async () => (await import('./roles/prism-tcp-stream.js')).prismTcpSink,
  'prism-iperf3-client': async () => (await import('./roles/prism-iperf3-client.js')).prismIperf3Client,
  'node-net-source': async () => (await import('./roles/node-net-stream.js')).netSource,
  'node-net-sink': async () => (await import('./roles/node-net-stream.js')).netSink,
  'prism-cycle-server': async () => (await import('./roles/prism-cycles.js')).prismCycleServer,
  'prism-cycle-client': async () => (await import('./roles/prism-cycles.js')).prismCycleClient,
  'kernel-cycle-server': async () => (await import('./roles/kernel-cycle-server.js')).kernelCycleServer,
  'node-cycle-client': async () => (await import('./roles/node-cycle-client.js')).netCycleClient,
};

const channel = new PeerChannel();
// An error in a callback, of a socket or of the stack, would otherwise end the process without a word to the scenario.
process.on('uncaughtException', (error) => channel.failed(error));
try {
  const job = JSON.parse(process.argv[2]!) as PeerJob;
  const role = await roles[job.role]();
  pinThread([job.core]);
  await role(job, channel);
} catch (error) {
  channel.failed(error);
}
