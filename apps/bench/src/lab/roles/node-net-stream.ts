import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { RateMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';

/** Sends to whoever connects, in writes of `payload` bytes, for ever, or so many bytes of noise. */
export async function netSource(job: PeerJob, channel: PeerChannel): Promise<void> {
  const server = createServer({ highWaterMark: 1 << 20 }, (socket) => {
    socket.on('error', () => socket.destroy());
    if (job.hashedBytes === undefined) writeForEver(socket, job, channel);
    else writeNoise(socket, job.hashedBytes, channel);
  });
  server.listen(PORT);
  await once(server, 'listening');
  channel.ready();
  await channel.stopped;
  channel.done();
}

/** Writes that are corked go to the kernel together, by one `writev`: several times faster, when they are small. */
function writeForEver(socket: Socket, { payload, corked = 1 }: PeerJob, channel: PeerChannel): void {
  const block = Buffer.alloc(payload, 7);
  const write = (): void => {
    let hasRoom = true;
    while (hasRoom && !channel.isStopped) {
      if (corked > 1) socket.cork();
      for (let i = 0; i < corked && hasRoom; i++) hasRoom = socket.write(block);
      if (corked > 1) socket.uncork();
    }
  };
  socket.on('drain', write);
  write();
}

async function writeNoise(socket: Socket, bytes: number, channel: PeerChannel): Promise<void> {
  const hash = createHash('sha256');
  const block = randomBytes(1 << 20);
  for (let left = bytes; left > 0; left -= block.length) {
    const part = block.subarray(0, Math.min(left, block.length));
    part.writeUInt32BE(left >>> 0, 0);
    hash.update(part);
    await new Promise<unknown>((resolve) => socket.write(part, resolve));
  }
  socket.end();
  channel.measured({ bytes }, hash.digest('hex'));
}

/** Connects and takes what comes. */
export async function netSink(job: PeerJob, channel: PeerChannel): Promise<void> {
  const meter = new RateMeter();
  const hash = createHash('sha256');
  let seen = 0;
  channel.ready();
  const socket = createConnection({
    host: job.peer,
    port: PORT,
    onread: {
      buffer: Buffer.alloc(256 * 1024),
      callback: (bytes, buffer) => {
        seen = (seen + buffer[0]!) | 0;
        meter.count(1, bytes);
        if (job.hashedBytes !== undefined) hash.update(buffer.subarray(0, bytes));
        return true;
      },
    },
  });
  if (job.hashedBytes !== undefined) {
    await once(socket, 'end');
    channel.measured({ bytes: meter.bytes }, hash.digest('hex'));
  } else {
    const { gbitPerSecond } = await meter.measure(job);
    channel.measured({ gbitPerSecond });
  }
  await channel.stopped;
  channel.done({ received: meter.bytes });
}
