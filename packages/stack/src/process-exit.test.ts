import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** Runs a module over the built packages: how the process ends is theirs to decide. */
function run(code: string): Promise<{ code: unknown; output: string }> {
  const module = `
    import { createPipe } from '@prism-net/link';
    import { createStack } from '@prism-net/stack';
    const [left, right] = createPipe();
    const here = createStack({ link: left, address: '10.0.0.1/24' });
    const peer = createStack({ link: right, address: '10.0.0.2/24' });
    ${code}`;
  const args = ['--input-type=module', '--eval', module];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, timeout: 10_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? 'killed'), output: stdout + stderr }),
    );
  });
}

it('a process whose stacks have no open socket ends by itself', async () => {
  expect(await run('')).toEqual({ code: 0, output: '' });
});

it('a process ends by itself when its last socket is closed', async () => {
  const code = `
    const server = peer.udpSocket({ port: 7 });
    server.onMessage(({ data }) => { console.log(Buffer.from(data).toString()); server.close(); client.close(); });
    const client = here.udpSocket();
    setTimeout(() => client.send('last words', 7, '10.0.0.2'), 200).unref();`;
  expect(await run(code)).toEqual({ code: 0, output: 'last words\n' });
});

it('an open socket keeps the process alive', async () => {
  const code = `
    const server = peer.udpSocket({ port: 7 });
    setTimeout(() => { console.log('still here'); process.exit(3); }, 300).unref();`;
  expect(await run(code)).toEqual({ code: 3, output: 'still here\n' });
});

it('a ping keeps the process alive until it is answered or given up', async () => {
  const code = `
    console.log((await here.ping('10.0.0.2')).address);
    await here.ping('10.0.0.77', { timeoutMilliseconds: 200 }).catch((error) => console.log(error.code));`;
  expect(await run(code)).toEqual({ code: 0, output: '10.0.0.2\nETIMEDOUT\n' });
});

const STREAMS = `
    const listener = peer.listen({ port: 80 });
    const accepted = listener.accept();
    const client = await here.connect({ address: '10.0.0.2', port: 80 });
    const server = await accepted;`;

it('a listener, and a connection that waits, keep the process alive', async () => {
  const code = `
    peer.listen({ port: 80 });
    setTimeout(() => { console.log('still listening'); process.exit(3); }, 300).unref();`;
  expect(await run(code)).toEqual({ code: 3, output: 'still listening\n' });
  const connected = `${STREAMS}
    listener.close();
    setTimeout(() => { console.log('still connected'); process.exit(3); }, 300).unref();`;
  expect(await run(connected)).toEqual({ code: 3, output: 'still connected\n' });
});

it('a closed connection keeps the process alive until everything has arrived, its TIME-WAIT does not', async () => {
  const code = `${STREAMS}
    listener.close();
    let bytes = 0;
    server.onReadable(() => {
      for (let packet = server.receivePacket(); packet !== null; packet = server.receivePacket()) {
        bytes += packet.length;
        packet.release();
      }
      if (server.isEndOfStream) { console.log(bytes); server.close(); }
    });
    client.write(new Uint8Array(3_000_000));
    client.close();
    process.on('exit', () => console.log(here.statistics().tcp.timeWait, peer.statistics().tcp.connections));`;
  expect(await run(code)).toEqual({ code: 0, output: '3000000\n1 0\n' });
});

it('bytes that nobody reads of a connection that is gone keep no process alive', async () => {
  const code = `${STREAMS}
    listener.close();
    await client.write('unread');
    server.onReadable(() => { server.onReadable(null); client.abort(); });
    process.on('exit', () => console.log(server.readableBytes));`;
  expect(await run(code)).toEqual({ code: 0, output: '6\n' });
});

it('an attempt to connect keeps the process alive until it is given up', async () => {
  const code = `
    await here.connect({ address: '10.0.0.77', port: 80, timeoutMilliseconds: 200 }).catch((error) => console.log(error.code));`;
  expect(await run(code)).toEqual({ code: 0, output: 'ETIMEDOUT\n' });
});
