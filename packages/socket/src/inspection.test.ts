import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { LOOPBACK, LoopbackHost } from './loopback-host.testkit.js';
import { connectedPair } from './stream-pair.testkit.js';

describe('sockets printed by console.log are one line', () => {
  it('streams and listeners, open and closed', async () => {
    const { host, client, server, listener } = await connectedPair();
    const { port } = client.localAddress;
    expect(inspect(client)).toBe(
      `StreamSocket { state: ESTABLISHED, local: ${LOOPBACK}:${port}, remote: ${LOOPBACK}:80 }`,
    );
    expect(inspect({ deep: [server] })).toContain(`remote: ${LOOPBACK}:${port} }`);
    client.end();
    host.settle();
    expect(inspect(server)).toContain('{ state: CLOSE-WAIT, ');
    expect(inspect(listener)).toBe('StreamListener { state: LISTEN, local: 0.0.0.0:80, pending: 0 }');
    server.close();
    listener.close();
    host.settle();
    expect(inspect(server)).toBe(`StreamSocket { state: CLOSED, local: ${LOOPBACK}:80, remote: ${LOOPBACK}:${port} }`);
    expect(inspect(listener)).toContain('{ state: closed, ');
    host.finish();
  });

  it('datagram sockets', () => {
    const host = new LoopbackHost();
    const server = host.socket({ port: 7 });
    const client = host.socket().connect(7, LOOPBACK);
    expect(inspect(server)).toBe('DatagramSocket { state: open, local: 0.0.0.0:7, readable: 0 }');
    client.send('x');
    host.settle();
    expect(inspect(server)).toContain('readable: 1 }');
    expect(inspect(client)).toMatch(
      /^DatagramSocket \{ state: connected, local: [\d.:]+, remote: 127.0.0.1:7, readable: 0 \}$/,
    );
    client.close();
    expect(inspect(client)).toContain('{ state: closed, ');
    host.finish();
  });
});
