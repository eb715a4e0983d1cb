import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Capture, labUnavailable } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { damagedStart, judge } from './judge.testkit.js';
import { bodyOf, receiveStream, receiveText, sendStream, serveHttp } from './prism-peer.testkit.js';
import { type Configuration, KERNEL, openSetting, PRISM, type Setting } from './setting.testkit.js';

const MIB = 1024 * 1024;
const BULK = 32 * MIB;
/** At MTU 1500: one frame, the longest in one, one byte more, up to 45 fragments; the last is the longest there is. */
const DATAGRAMS = [0, 1, 64, 1472, 1473, 5_000, 20_000, 60_000, 65_507];

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Prism and the kernel of this machine understand each other over a link: everything, both ways, judged by tshark. */
export function describeInteroperation(configuration: Configuration): void {
  const missing = labUnavailable('ping', 'curl', 'ethtool', 'tcpdump', 'tshark');
  describe.skipIf(missing !== null)(`Prism and the kernel over ${configuration.name} (${configuration.link})`, () => {
    let setting: Setting;
    let capture: Capture;
    let file = '';
    beforeAll(async () => {
      setting = await openSetting(configuration);
      file = join(setting.folder, 'from-prism.pcap');
      // The kernel's end, on the way in: what Prism sent, as the kernel got it.
      capture = setting.lab.capture('kernel', setting.device, file, { direction: 'in' });
    });
    afterAll(() => setting?.close());

    it('ping: the kernel asks, in one frame and in fragments', async () => {
      const { run } = setting;
      // Until five are answered: on a machine with other things to do an answer may come late, but it comes.
      const ping = ['ping', '-q', '-c', '5', '-i', '0.01', '-w', '20'];
      for (const size of [
        ['-s', '56'],
        ['-s', '1472', '-M', 'do'],
        ['-s', '20000'],
        ['-s', '60000'],
      ]) {
        const { status, output } = await run([...ping, ...size, PRISM]);
        expect(output).toMatch(/ ([5-9]|\d\d+) received/);
        expect(status).toBe(0);
      }
    });

    it('ping: Prism asks, in one frame and in fragments', async () => {
      const { stack } = setting;
      expect((await stack.ping(KERNEL)).roundTripMicroseconds).toBeGreaterThan(0);
      await stack.ping(KERNEL, { payloadLength: 1472 });
      await stack.ping(KERNEL, { payloadLength: 1800 });
    });

    it('UDP: Prism answers the kernel, datagrams of any length both ways', async () => {
      const { stack, peer } = setting;
      const echo = stack.udpSocket({ port: 7 });
      echo.onMessage((datagram) => datagram.reply(datagram.data));
      expect(await peer.call('udpExchange', PRISM, 7, DATAGRAMS)).toEqual(DATAGRAMS);
      echo.close();
    });

    it('UDP: the kernel answers Prism, datagrams of any length both ways', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('udpEcho', 0)) as number;
      const socket = stack.udpSocket().connect(port, KERNEL);
      for (const length of DATAGRAMS) {
        const message = bodyOf(length);
        socket.send(message);
        const answer = await socket.next();
        expect(answer!.data.length).toBe(length);
        expect(sha256(answer!.data)).toBe(sha256(message));
      }
      socket.close();
    });

    it('nobody listens: connections and datagrams are refused, both ways', async () => {
      const { stack, peer } = setting;
      expect(await peer.call('connectAndWait', PRISM, 999)).toBe('ECONNREFUSED');
      expect(await peer.call('udpRefused', PRISM, 999)).toBe('ECONNREFUSED');
      await expect(stack.connect({ address: KERNEL, port: 999 })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      const socket = stack.udpSocket().connect(999, KERNEL);
      socket.send('hello');
      await expect(socket.next()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      socket.close();
    });

    it('HTTP: curl and Node get from and post to Prism, over kept connections', async () => {
      const { stack, peer, run, folder } = setting;
      serveHttp(stack, 80);
      const url = `http://${PRISM}/${MIB}`;
      const hash = sha256(bodyOf(MIB));
      const got = join(folder, 'got');
      const twice = ['curl', '-sS', '-m', '10', '-o', got, '-o', got, '-w', '%{http_code} %{num_connects}\n', url, url];
      expect(await run(twice)).toEqual({ status: 0, output: '200 1\n200 0\n' });
      expect(sha256(readFileSync(got))).toBe(hash);
      const body = join(folder, 'body');
      writeFileSync(body, bodyOf(300_000));
      const post = ['curl', '-sS', '-m', '10', '-H', 'Expect:', '--data-binary', `@${body}`, url];
      expect(await run(post)).toEqual({ status: 0, output: sha256(readFileSync(body)) });
      const answers = await peer.call('httpGet', url, 3);
      expect(answers).toEqual(Array(3).fill({ status: 200, bytes: MIB, hash }));
    });

    it('HTTP: Prism posts to Node, and gets', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serveHttp', 0)) as number;
      const body = bodyOf(MIB);
      const stream = await stack.connect({ address: KERNEL, port });
      const text = receiveText(stream);
      await stream.write(`POST /p HTTP/1.1\r\nHost: k\r\nContent-Length: ${MIB}\r\n\r\n`);
      await stream.write(body);
      await stream.write('GET /g HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n');
      const answer = await text;
      expect(answer).toContain(`POST /p ${sha256(body)}`);
      expect(answer).toContain(`GET /g ${sha256(new Uint8Array())}`);
      stream.end();
      await stream.closed;
    });

    it('half close: one side has ended and still receives, both ways', async () => {
      const { stack, peer } = setting;
      const sink = (await peer.call('serve', 'sink', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port: sink });
      // The kernel answers only when Prism has ended its side.
      const hash = await sendStream(stream, 100_000);
      expect(JSON.parse(await receiveText(stream))).toEqual({ bytes: 100_000, hash });
      await stream.closed;

      const listener = stack.listen({ port: 81 });
      listener.onConnection(async (connection) => {
        const received = await receiveStream(connection);
        await connection.write(received.hash);
        await sendStream(connection, 50_000);
      });
      const result = await peer.call('halfClose', PRISM, 81, 70_000);
      expect(result.received.bytes).toBe(result.hash.length + 50_000);
      listener.close();
    });

    it('half close: the kernel ends first, and reads on what Prism sends', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serve', 'listener', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port });
      expect(await receiveText(stream)).toBe('I am done');
      const hash = await sendStream(stream, 100_000);
      await stream.closed;
      expect(await peer.call('lastReceived')).toEqual({ bytes: 100_000, hash });
    });

    it('abrupt close: a reset of either side is the other’s ECONNRESET', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serve', 'resetter', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port });
      await stream.write('hello');
      await expect(stream.read()).rejects.toMatchObject({ code: 'ECONNRESET' });

      const listener = stack.listen({ port: 82 });
      const next = async () => {
        const connection = await listener.accept();
        await connection!.read();
        return connection!;
      };
      const wait = peer.call('connectAndWait', PRISM, 82);
      (await next()).abort();
      expect(await wait).toBe('ECONNRESET');

      const reset = peer.call('connectAndReset', PRISM, 82);
      const connection = await next();
      await connection.write('answer');
      await expect(connection.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
      await reset;
      listener.close();
    });

    it('bulk: the kernel receives 32 MiB from Prism, hashes equal', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serve', 'sink', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port });
      const [hash, answer] = await Promise.all([sendStream(stream, BULK), receiveText(stream)]);
      expect(JSON.parse(answer)).toEqual({ bytes: BULK, hash });
      // Headers of 20 bytes each, and the option of timestamps.
      expect(stream.tcpInfo().segmentSize).toBe((configuration.mtu ?? 1500) - 52);
      await stream.closed;
    });

    it('bulk: Prism receives 32 MiB from the kernel, hashes equal', async () => {
      const { stack, peer } = setting;
      const port = (await peer.call('serve', 'source', 0)) as number;
      const stream = await stack.connect({ address: KERNEL, port });
      await stream.write(String(BULK));
      const received = await receiveStream(stream);
      expect(received).toEqual({ bytes: BULK, hash: await peer.call('lastSent') });
      stream.end();
      await stream.closed;
    });

    const sums = configuration.completeChecksums ? 'of every layer' : 'of IP and ICMP (the others are the kernel’s)';
    it(`tshark finds nothing malformed in all that Prism sent, and no wrong checksum ${sums}`, async () => {
      await capture.stop();
      const verdict = await judge(file, setting.mac, configuration.completeChecksums);
      expect(verdict.faults.slice(0, 5)).toEqual([]);
      expect(verdict.frames).toBeGreaterThan(500);
      // The judge is awake: one bit of the first IP header turned over does not get past it.
      const damaged = damagedStart(file, join(setting.folder, 'damaged.pcap'));
      expect((await judge(damaged, setting.mac, configuration.completeChecksums)).faults).toHaveLength(1);
    });
  });
}
