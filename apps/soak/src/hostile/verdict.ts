import type { AttackReport } from './attack.js';

/** More than this is no steady state: frames of the pool are allocated before. */
const MEMORY_GROWTH = 128 * 2 ** 20;

/** What is wrong with the outcome of an attack, a sentence each. None: the stack has stood it. */
export function findFaults(report: AttackReport): string[] {
  const { after, before, check, client, closed, corpus, full, malformed, paced, sent } = report;
  const faults: string[] = [];
  const must = (isRight: boolean, fault: string): void => {
    if (!isRight) faults.push(fault);
  };
  const { receive } = closed;
  const received = after.statistics.receive;

  must(report.conversations > 0, 'no conversation was open for the corpus to be about');
  must(paced.sent + paced.refused === corpus.frames, `tcpreplay sent ${paced.sent} of ${corpus.frames} frames`);
  must(paced.refused < corpus.frames / 250, `the cable refused ${paced.refused} frames`);
  must(full.sent > 0, 'tcpreplay sent nothing at full speed');
  // What the receiver has no time for is lost in the kernel's buffers; a busy machine has little time.
  const reached = receive.received - before.statistics.receive.received;
  must(reached > corpus.frames / 2, `only ${reached} frames of ${corpus.frames} reached the stack`);

  must(check.udp === 'ok', `afterwards UDP: ${check.udp}`);
  must(check.tcp === 'ok', `afterwards TCP: ${check.tcp}`);
  must(report.ping === 'ok', `afterwards ping: ${report.ping}`);
  must(report.ended === 'exit 0', `the stack's process: ${report.ended}`);
  must(client.stream.error === '', `the client's connection: ${client.stream.error}`);
  must(client.stream.wrong === 0 && client.connections.wrong === 0, 'other bytes came back on a connection');
  must(client.stream.bytes > 0, 'nothing came back on the connection that was open all the time');

  must(received.unexplained === 0, `${received.unexplained} frames are not accounted for`);
  must(receive.unexplained === 0, `${receive.unexplained} frames are not accounted for after the end`);
  must(receive.held === 0, `${receive.held} frames are still held after the end`);
  must(closed.link.receivedPackets === receive.received, 'the link and the stack have not received the same');
  must(
    Object.keys(receive.dropped).length > 40,
    `only ${Object.keys(receive.dropped).length} reasons of drops were reached`,
  );
  must(closed.leak === '', closed.leak);
  must(closed.outstanding === 0, `${closed.outstanding} packets were not given back`);
  must(
    after.memory.peak - before.memory.resident < MEMORY_GROWTH,
    `the process grew from ${before.memory.resident} to ${after.memory.peak} bytes`,
  );

  must(
    malformed.length === 0,
    `tshark finds ${malformed.length} frames malformed: ${malformed.slice(0, 5).join('; ')}`,
  );
  // What the client sends is echoed to it, byte for byte and a little more: acknowledgements.
  const asked = closed.link.receivedBytes - sent.toClient.bytes;
  must(sent.answers.bytes <= asked, `answered ${sent.answers.bytes} bytes to ${asked}`);
  return faults;
}
