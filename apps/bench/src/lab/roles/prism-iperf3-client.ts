import { randomInt } from 'node:crypto';
import type { StreamSocket } from '@prism-net/socket';
import { RateMeter } from '../meters.js';
import { type PeerChannel, sleep } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { PrismHost } from '../prism-host.js';
import { countReceived, StreamSender, streamBuffers, streamConditions } from './prism-tcp-stream.js';

/** States that iperf3's ends tell each other over the control connection, one byte each. */
const State = {
  TEST_START: 1,
  TEST_RUNNING: 2,
  TEST_END: 4,
  PARAM_EXCHANGE: 9,
  CREATE_STREAMS: 10,
  EXCHANGE_RESULTS: 13,
  DISPLAY_RESULTS: 14,
  IPERF_DONE: 16,
} as const;

/** What may wait in the kernel's receive buffer for its application when the test ends. */
const BUFFERED_BYTES = 16 << 20;
const COOKIE_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The client of a test with an `iperf3` server, which is the kernel's end at its best: one stream, either way. Prism's
 * sending and receiving is that of `prism-tcp-source` and `prism-tcp-sink`.
 */
export async function prismIperf3Client(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  channel.ready(streamConditions(host));
  const sender = new StreamSender(host, job.payload);
  const loop = host.run(channel, sender);
  const meter = new RateMeter();
  const cookie = `${Array.from({ length: 36 }, () => COOKIE_LETTERS[randomInt(32)]).join('')}\0`;
  const connect = async (): Promise<StreamSocket> => {
    const socket = await host.stack.connect({ address: job.peer, port: PORT, ...streamBuffers(host) });
    await socket.write(cookie);
    return socket;
  };

  const control = await connect();
  let stream: StreamSocket | undefined;
  let gbitPerSecond = 0;
  let undelivered = 0;
  for (let state = await readState(control); state !== State.DISPLAY_RESULTS; state = await readState(control)) {
    if (state === State.PARAM_EXCHANGE) {
      const time = Math.ceil(job.warmUpSeconds + job.seconds) + 30;
      const reverse = job.reverse === true ? { reverse: true } : {};
      await writeJson(control, {
        tcp: true,
        omit: 0,
        time,
        parallel: 1,
        len: 131_072,
        client_version: '3.12',
        ...reverse,
      });
    } else if (state === State.CREATE_STREAMS) {
      stream = await connect();
    } else if (state === State.TEST_RUNNING) {
      if (job.reverse === true) countReceived(stream!, meter);
      else sender.socket = stream!;
      host.settle();
      gbitPerSecond = await measure(job, meter, stream!);
      host.turnMicroseconds = 0;
      sender.socket = null;
      await control.write(Uint8Array.of(State.TEST_END));
    } else if (state === State.EXCHANGE_RESULTS) {
      const counted = { id: 1, bytes: meter.bytes, retransmits: 0, jitter: 0, errors: 0, packets: 0 };
      const usage = { cpu_util_total: 0, cpu_util_user: 0, cpu_util_system: 0, sender_has_retransmits: 0 };
      await writeJson(control, { ...usage, streams: [counted] });
      const { streams } = (await readJson(control)) as { streams: { bytes: number }[] };
      // What the kernel's application was really handed, by its own account.
      if (job.reverse !== true) undelivered = stream!.tcpInfo().bytesAcknowledged - streams[0]!.bytes;
    }
  }
  if (undelivered > BUFFERED_BYTES) throw new Error(`iperf3 was handed ${undelivered} bytes less than acknowledged`);
  channel.measured({ gbitPerSecond });
  const { retransmitted } = stream!.tcpInfo();
  await control.write(Uint8Array.of(State.IPERF_DONE));
  await loop;
  const { receivedPackets, transmittedPackets } = host.link.statistics;
  host.close();
  channel.done({
    nativeCallsPerPacket: host.nativeCalls.sending / (receivedPackets + transmittedPackets),
    retransmitted,
  });
}

/** Gigabits per second: receiving, of what the application was handed; sending, of what the peer has acknowledged. */
async function measure(job: PeerJob, meter: RateMeter, stream: StreamSocket): Promise<number> {
  if (job.reverse === true) return (await meter.measure(job)).gbitPerSecond;
  await sleep(job.warmUpSeconds);
  const start = performance.now();
  const { bytesAcknowledged } = stream.tcpInfo();
  await sleep(job.seconds);
  const bytes = stream.tcpInfo().bytesAcknowledged - bytesAcknowledged;
  return (bytes * 8) / ((performance.now() - start) * 1e6);
}

async function readState(control: StreamSocket): Promise<number> {
  const state = new Uint8Array(await readExactly(control, 1))[0]!;
  // Signed: ACCESS_DENIED and SERVER_ERROR.
  if (state > 127) throw new Error(`the iperf3 server refuses the test (state ${state - 256})`);
  return state;
}

async function readExactly(socket: StreamSocket, bytes: number): Promise<ArrayBuffer> {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const chunk = await socket.read(bytes - at);
    if (chunk === undefined) throw new Error('the iperf3 server has closed the control connection');
    all.set(chunk, at);
    at += chunk.length;
  }
  return all.buffer;
}

async function readJson(control: StreamSocket): Promise<unknown> {
  const length = new DataView(await readExactly(control, 4)).getUint32(0);
  return JSON.parse(Buffer.from(await readExactly(control, length)).toString());
}

/** Four bytes of length, then the text. */
async function writeJson(control: StreamSocket, value: object): Promise<void> {
  const text = Buffer.from(JSON.stringify(value));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  await control.write(Buffer.concat([length, text]));
}
