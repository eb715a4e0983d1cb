import { execFile, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, describe, expect, it } from 'vitest';
import { Side, writeOrder } from './orders/order-message.js';
import { isReply, REPLY_BYTES } from './orders/reply-message.js';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const links = ['xdp', 'packet', 'tap'] as const;
const noLab = labUnavailable() !== null;

interface Ended {
  /** Exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[]): Promise<Ended> {
  const [file, ...args] = command;
  return new Promise((resolve) => {
    execFile(file!, args, { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'killed'), stdout, stderr });
    });
  });
}

describe.skipIf(noLab)('the order gateway over links of the machine', () => {
  it.each([...links, 'packet?mode=ring', 'xdp?attach=generic'])(
    '--link %s: every order is answered exactly once',
    async (link) => {
      const { code, stdout, stderr } = await run([
        process.execPath,
        program,
        '--json',
        '--seconds',
        '1',
        '--link',
        link,
      ]);
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
      const { figures, conditions } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
      expect(figures).toMatchObject({ lost: 0, duplicated: 0, unexplainedDrops: 0, answered: figures.orders });
      expect(figures.orders).toBeGreaterThan(100);
      expect(conditions.link).toContain(link.split('?')[0]);
    },
  );
});

describe.skipIf(noLab)('the order gateway on an interface', () => {
  let lab: NetworkLab | undefined;
  afterEach(() => lab?.close());

  const ORDERS = 20;
  /** Sends orders from the kernel's side, and prints how many bytes each answer has. */
  const client = (orders: readonly string[]): string => `
    const socket = require('node:dgram').createSocket('udp4');
    const orders = ${JSON.stringify(orders)}.map((hexadecimal) => Buffer.from(hexadecimal, 'hex'));
    let answers = 0;
    socket.on('message', (answer) => {
      console.log(answer.toString('hex'));
      if (++answers === orders.length) socket.close();
    });
    for (const order of orders) socket.send(order, 9000, '10.0.0.1');
    setTimeout(() => process.exit(1), 10000).unref();`;

  it.each(['packet', 'xdp'])('--link %s serves clients of the kernel until it is stopped', async (link) => {
    lab = NetworkLab.open(`order_gateway_${link}`);
    lab.veth({
      left: { namespace: 'gateway', name: 'gw0' },
      right: { namespace: 'client', name: 'client0', address: '10.0.0.2/24' },
    });
    const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] };
    const served = ['--link', link, '--interface', 'gw0', '--address', '10.0.0.1/24', '--json'];
    const gateway = lab.spawn('gateway', [process.execPath, program, ...served], options);
    let stdout = '';
    gateway.stdout!.on('data', (data: Buffer) => {
      stdout += data.toString();
    });
    const ended = once(gateway, 'exit');
    const arp = ['ping', '-c', '1', '-W', '1', '10.0.0.1'];
    await expect.poll(() => answers(lab!, arp), { timeout: 10_000, interval: 100 }).toBe(true);

    const view = new DataView(new ArrayBuffer(25));
    const orders = Array.from({ length: ORDERS }, (_, id) => {
      writeOrder(view, 0, id + 1, 0, 10_000, 100, Side.buy);
      return Buffer.from(view.buffer).toString('hex');
    });
    const printed = lab
      .run('client', [process.execPath, '-e', client(orders)])
      .trimEnd()
      .split('\n');
    expect(printed).toHaveLength(ORDERS);
    for (const line of printed) {
      const bytes = Buffer.from(line, 'hex');
      expect(isReply(new DataView(bytes.buffer, bytes.byteOffset), 0, bytes.length)).toBe(true);
      expect(bytes).toHaveLength(REPLY_BYTES);
    }

    gateway.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    const { figures, conditions } = JSON.parse(stdout.trimEnd());
    expect(figures).toMatchObject({ orders: ORDERS, refusedSends: 0, unexplainedDrops: 0 });
    expect(conditions.threads).toBe('gateway, book');
  });
});

function answers(lab: NetworkLab, ping: readonly string[]): boolean {
  try {
    lab.run('client', ping);
    return true;
  } catch {
    return false;
  }
}

describe('the order gateway without rights', () => {
  // Root without capabilities is as powerless as everybody else.
  const powerless = noLab ? [] : ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];

  it.skipIf(!noLab && labUnavailable('setpriv') !== null).each(links)('--link %s is one clear error', async (link) => {
    const { code, stdout, stderr } = await run([...powerless, process.execPath, program, '--link', link]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^order-gateway: --link \w+: its test network .+--link memory.+\n$/);
  });
});
