import type { Scenario } from './scenario.js';

export const scenarios: readonly Scenario[] = [
  {
    name: 'ring',
    summary: 'lock-free rings: SPSC and MPMC in one thread, SPSC in bursts of 32 between two workers, latency',
    load: async () => (await import('./scenarios/ring.js')).ring,
  },
  {
    name: 'checksum',
    summary: 'Internet checksum of 20, 1,460 and 8,960 bytes, beside memory.copy and a plain JavaScript loop',
    load: async () => (await import('./scenarios/checksum.js')).checksum,
  },
  {
    name: 'udp-path',
    summary: '64-byte datagrams through two stacks over the in-process pipe, one thread, beside node:dgram',
    load: async () => (await import('./scenarios/udp-path.js')).udpPath,
  },
  {
    name: 'udp-echo',
    summary: '64 bytes there and back between two UDP applications, beside node:dgram',
    load: async () => (await import('./scenarios/udp-echo.js')).udpEcho,
    loadOverLink: async () => (await import('./scenarios/link/echo.js')).udpEchoOverLink,
  },
  {
    name: 'udp-throughput',
    summary: 'datagrams of 64 and 8,900 bytes in one direction, beside node:dgram',
    loadOverLink: async () => (await import('./scenarios/link/udp-throughput.js')).udpThroughputOverLink,
  },
  {
    name: 'tcp-echo',
    summary: '64 bytes there and back between two TCP applications, beside node:net',
    load: async () => (await import('./scenarios/tcp-echo.js')).tcpEcho,
    loadOverLink: async () => (await import('./scenarios/link/echo.js')).tcpEchoOverLink,
  },
  {
    name: 'tcp-throughput',
    summary: 'one TCP stream: in process at MTU 1,500 and 9,000, over a link in writes of 8,000 bytes, beside node:net',
    load: async () => (await import('./scenarios/tcp-throughput.js')).tcpThroughput,
    loadOverLink: async () => (await import('./scenarios/link/tcp-throughput.js')).tcpThroughputOverLink,
  },
  {
    name: 'tcp-cps',
    summary: 'connect, 64 bytes, 64 bytes back, close: cycles per second with 64 under way, beside node:net',
    load: async () => (await import('./scenarios/tcp-cps.js')).tcpCps,
    loadOverLink: async () => (await import('./scenarios/link/tcp-cycles.js')).tcpCyclesOverLink,
  },
  {
    name: 'template-send',
    summary:
      'from a call to the frame at the link: sends, templates, and both after a cold pause, with and without warming',
    load: async () => (await import('./scenarios/template-send.js')).templateSend,
  },
  {
    name: 'tcp-connections',
    summary:
      'a great many idle connections, --connections of them, and 1 % of these active: bytes each, beside node:net',
    load: async () => (await import('./scenarios/tcp-connections.js')).tcpConnections,
  },
  {
    name: 'order-gateway',
    summary:
      'the order gateway (datagram port) and its load client, two stacks in two worker threads over shared memory',
    load: async () => (await import('./scenarios/order-gateway.js')).orderGateway,
  },
  {
    name: 'session-port',
    summary: 'OUCH orders over one SoupBinTCP session: client, gateway and book in one thread, beside node:net',
    load: async () => (await import('./scenarios/session-port.js')).sessionPort,
  },
];

/** How a scenario says which links it has. */
export function linkNote({ load, loadOverLink }: Scenario): string {
  if (loadOverLink === undefined) return '';
  return load === undefined ? ' [--link, root]' : ' [--link: root]';
}
