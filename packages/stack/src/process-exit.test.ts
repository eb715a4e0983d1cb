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
