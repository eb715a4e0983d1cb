import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { inNetworkNamespace, readInterface } from '@prism-net/linux';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type AttachSteeringOptions,
  attachSteering,
  attachXdp,
  compileSteering,
  createMap,
  type Steering,
  type XdpProgram,
} from './index.js';
import { loadSteering } from './steering-maps.js';

/** Answers on the kernel's own sockets: TCP 22, UDP 7000 and 7001. */
const SERVER = `
  require('net').createServer((socket) => { socket.on('error', () => {}); socket.end('ssh'); }).listen(22, ready);
  let left = 3;
  for (const port of [7000, 7001]) {
    const socket = require('dgram').createSocket('udp4');
    socket.on('message', (message, from) => socket.send(message, from.port, from.address));
    socket.bind(port, ready);
  }
  function ready() { if (--left === 0) console.log('ready'); }
`;
/** Says what of it answers within 300 ms. */
const CLIENT = `
  const answers = [];
  const socket = require('dgram').createSocket('udp4');
  socket.on('message', (message) => answers.push(String(message)));
  for (const port of [7000, 7001]) socket.send('udp ' + port, port, '10.0.0.1');
  const ssh = require('net').connect(22, '10.0.0.1').on('error', () => {}).on('data', () => answers.push('tcp 22'));
  setTimeout(() => { console.log(answers.sort().join(', ')); process.exit(); }, 300);
`;

const everything: Steering = { rules: [], otherwise: 'redirect' };

describe.skipIf(labUnavailable() !== null)('attachSteering', () => {
  let lab: NetworkLab;
  const opened: { close(): void }[] = [];
  const attach = (options: Partial<AttachSteeringOptions>): XdpProgram => {
    const program = attachSteering({
      interface: 'right',
      networkNamespace: lab.namespace('server'),
      steering: everything,
      ...options,
    });
    opened.push(program);
    return program;
  };
  const show = (device = 'right') => lab.run('server', ['ip', 'link', 'show', device]);
  const reachable = () => lab.run('client', [process.execPath, '-e', CLIENT]).trim();

  beforeAll(async () => {
    lab = NetworkLab.open('bpf');
    lab.veth({
      left: { namespace: 'client', name: 'left', address: '10.0.0.2/24' },
      right: { namespace: 'server', name: 'right', address: '10.0.0.1/24' },
      mtu: 9000,
    });
    const server = lab.spawn('server', [process.execPath, '-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(server.stdout!, 'data');
  });
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
  });
  afterAll(() => lab?.close());

  it.each(['native', 'generic'] as const)('attaches in %s mode, and detaches when it is closed', (mode) => {
    const program = attach({ attach: mode });
    expect(program).toMatchObject({ mode, fallback: '', queues: 1 });
    expect(show()).toMatch(mode === 'native' ? / xdp / : / xdpgeneric /);
    expect(show()).toContain('prog/xdp id');
    program.close();
    program.close();
    expect(show()).not.toContain('prog/xdp');
    expect(() => program.counters()).toThrow('the program is closed');
  });

  it('takes generic mode where the driver knows no other, and says so', () => {
    const program = attach({ interface: 'lo' });
    expect(program.mode).toBe('generic');
    expect(program.fallback).toMatch(/falls back to generic mode: .* refuses XDP in native mode: .* \(EOPNOTSUPP\)/);
    program.close();
    expect(() => attach({ interface: 'lo', attach: 'native' })).toThrow(
      expect.objectContaining({ code: 'EOPNOTSUPP', link: 'xdp:lo' }),
    );
  });

  it('says that another program is attached', () => {
    attach({});
    for (const mode of ['auto', 'native'] as const) {
      expect(() => attach({ attach: mode })).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    }
    expect(() => attach({})).toThrow(
      /^xdp:right: .* another XDP program is attached there \(EBUSY\); 'ip link show' .* end the process/,
    );
  });

  it('says that an MTU needs frames in several buffers', () => {
    const native = () => attach({ attach: 'native', hasFragments: false });
    expect(native).toThrow(expect.objectContaining({ code: 'ERANGE' }));
    expect(native).toThrow(/the MTU is larger than one buffer.*load the program with hasFragments/);
    expect(attach({ hasFragments: false }).fallback).toMatch(/ERANGE/);
  });

  it('says that there is no such interface, and what options are wrong', () => {
    expect(() => attach({ interface: 'eth77' })).toThrow(
      expect.objectContaining({ code: 'ENODEV', link: 'xdp:eth77' }),
    );
    expect(() => attach({ attach: 'hardware' as never })).toThrow(
      'attach must be auto, native or generic, not hardware',
    );
    expect(() => attach({ queue: 1 } as never)).toThrow("there is no option 'queue'");
    expect(() => attach({ queues: 0 })).toThrow('queues must be a whole number');
    expect(show()).not.toContain('prog/xdp');
  });

  it('refuses sockets that are none, and queues there are not', () => {
    const program = attach({});
    expect(() => program.setSocket(1, 0)).toThrow('queue must be a whole number from 0 to 0, not 1');
    expect(() => program.setSocket(0, 0)).toThrow(/EOPNOTSUPP|EINVAL|ENOTSOCK/);
    program.clearSocket(0);
  });

  it('lets everything reach the kernel while there is no socket', () => {
    const program = attach({});
    expect(reachable()).toBe('tcp 22, udp 7000, udp 7001');
    const { otherwise, withoutSocket, redirected, passed } = program.counters();
    expect(otherwise).toBeGreaterThan(5);
    expect([withoutSocket, redirected, passed]).toEqual([otherwise, 0, otherwise]);
  });

  it.each(['native', 'generic'] as const)(
    'takes one port and leaves ssh and the others to the kernel, in %s mode',
    (mode) => {
      // Another device in the place of sockets: what is redirected leaves the kernel's sight.
      const index = inNetworkNamespace(lab.namespace('server'), () => readInterface('right').index);
      const sockets = createMap({ type: 'devices', keySize: 4, valueSize: 4, entries: 1 });
      inNetworkNamespace(lab.namespace('server'), () => sockets.update(0, index));
      const steering: Steering = {
        rules: [{ protocol: 'udp', address: '10.0.0.1', port: 7000, action: 'redirect' }],
        otherwise: 'pass',
      };
      const { program, counters } = loadSteering(compileSteering(steering), sockets, true);
      const attachment = inNetworkNamespace(lab.namespace('server'), () => attachXdp(program, index, mode));
      opened.push(attachment, program, counters, sockets);
      expect(reachable()).toBe('tcp 22, udp 7001');
      attachment.close();
      expect(reachable()).toBe('tcp 22, udp 7000, udp 7001');
    },
  );

  it('is a deny list too, and one that can be replaced while it is attached', () => {
    const program = attach({
      steering: { rules: [{ protocol: 'udp', port: 7000, action: 'drop' }], otherwise: 'pass' },
    });
    expect(reachable()).toBe('tcp 22, udp 7001');
    expect(program.counters()).toMatchObject({ rules: [1], dropped: 1 });
    program.replace({ rules: [{ sourceAddress: '10.0.0.0/24', protocol: 'tcp', action: 'drop' }], otherwise: 'pass' });
    expect(program.counters()).toMatchObject({ rules: [0], dropped: 0 });
    expect(reachable()).toBe('udp 7000, udp 7001');
    expect(() => program.replace({ rules: [{ port: -1, action: 'drop' }], otherwise: 'pass' })).toThrow('port must be');
    expect(reachable()).toBe('udp 7000, udp 7001');
    expect(show().match(/prog\/xdp/g)).toHaveLength(1);
  });

  it('leaves nothing attached when the process is killed', async () => {
    const fixture = fileURLToPath(new URL('../dist/attach.fixture.js', import.meta.url));
    const child = spawn(process.execPath, [fixture, 'right', lab.namespace('server')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(show()).toContain('prog/xdp id');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(show()).not.toContain('prog/xdp');
    attach({});
  });

  it('leaves nothing attached when the worker is terminated', async () => {
    const worker = new Worker(new URL('../dist/attach.fixture.js', import.meta.url), {
      workerData: ['right', lab.namespace('server')],
    });
    await once(worker, 'message');
    expect(show()).toContain('prog/xdp id');
    await worker.terminate();
    expect(show()).not.toContain('prog/xdp');
  });
});
