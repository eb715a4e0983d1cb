import { spawnSync } from 'node:child_process';
import { LinkUnavailableError } from '@prism-net/linux';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPacketLink, type PacketLinkOptions, packetRingBytes } from './index.js';
import { cable, debugPool, openEnd } from './packet.testkit.js';

function failure(options: PacketLinkOptions): unknown {
  try {
    openPacketLink(options).close();
  } catch (error) {
    return error;
  }
  throw new Error('the link could be opened');
}

describe('wrong options', () => {
  const pool = debugPool('virtio', 16);
  it.each(
    [
      [{ interface: 'x', mod: 'ring' }, "there is no option 'mod'"],
      [{ interface: '' }, 'interface must be the name'],
      [{ interface: 'x', mode: 'fast' }, "mode must be 'virtio' or 'ring', not fast"],
      [{ interface: 'x', frames: 60 }, 'frames must be a whole number from 64'],
      [{ interface: 'x', pool }, 'the frames of the pool must be a whole number from 98'],
      [{ interface: 'x', pool, frames: 512 }, 'leave one of the two out'],
      [{ interface: 'x', ring: {} }, "ring is for mode 'ring'"],
      [{ interface: 'x', mode: 'ring', ring: { frames: 1 } }, 'ring.frames must be a whole number'],
      [{ interface: 'x', mode: 'ring', ring: { frameSize: 2047 } }, 'ring.frameSize must be a multiple of 16'],
      [{ interface: 'x', fanout: { group: 65_536 } }, 'fanout.group must be a whole number'],
      [{ interface: 'x', fanout: { group: 1, by: 'luck' } }, 'fanout.by must be'],
      [{ interface: 'x', macAddress: '01:00:00:00:00:01' }, 'must not be a multicast address'],
      [{ interface: 'x', macAddress: '00:00:00:00:00:00' }, 'macAddress must not be zero'],
      [{ interface: 'x', timestamps: 'exact' }, 'timestamps must be'],
      [{ interface: 'x', promiscuous: 'yes' }, 'promiscuous must be true or false'],
    ].map(([options, message]) => [message, options] as const),
  )('EINVAL: %s', (message, options) => {
    const error = failure(options as PacketLinkOptions) as NodeJS.ErrnoException;
    expect(error.code).toBe('EINVAL');
    expect(error.message).toContain(message);
  });
});

describe.skipIf(labUnavailable() !== null)('what the machine lacks', () => {
  let lab: NetworkLab;
  let networkNamespace: string;
  beforeAll(() => {
    lab = NetworkLab.open('packet_errors');
    cable(lab);
    networkNamespace = lab.namespace('prism');
    lab.run('prism', ['ip', 'tuntap', 'add', 'dev', 'tun9', 'mode', 'tun']);
    lab.run('prism', ['ip', 'link', 'set', 'tun9', 'up']);
  });
  afterAll(() => lab.close());

  const refusal = (options: PacketLinkOptions): LinkUnavailableError => {
    const error = failure({ networkNamespace, ...options });
    expect(error).toBeInstanceOf(LinkUnavailableError);
    return error as LinkUnavailableError;
  };

  it('no such interface', () => {
    const error = refusal({ interface: 'none0' });
    expect(error).toMatchObject({ code: 'ENODEV', link: 'packet:none0' });
    expect(error.message).toContain('there is no interface none0 here');
  });

  it('no such network namespace', () => {
    expect(refusal({ interface: 'left', networkNamespace: 'none' })).toMatchObject({ code: 'ENOENT' });
  });

  it('the loopback of the kernel, and frames without Ethernet', () => {
    expect(refusal({ interface: 'lo' }).message).toContain('createLoopbackLink()');
    expect(refusal({ interface: 'tun9' })).toMatchObject({ code: 'EOPNOTSUPP' });
  });

  it('an interface that is down', () => {
    lab.run('prism', ['ip', 'link', 'set', 'left', 'down']);
    const error = refusal({ interface: 'left' });
    expect(error).toMatchObject({ code: 'ENETDOWN', missing: 'left is down' });
    expect(error.instead).toContain('ip link set left up');
    lab.run('prism', ['ip', 'link', 'set', 'left', 'up']);
  });

  it('hardware timestamps where there is no such hardware', () => {
    expect(refusal({ interface: 'left', timestamps: 'hardware' }).instead).toContain("timestamps: 'software'");
  });

  it('a memory without room for the rings', () => {
    const error = failure({ interface: 'left', networkNamespace, mode: 'ring', pool: debugPool('virtio') });
    expect(error).toMatchObject({ code: 'ENOMEM' });
    expect((error as Error).message).toContain('raise kernelRingBytes');
    expect(packetRingBytes({ ring: { frames: 64, frameSize: 2048 } })).toBe(96 * 2048);
  });

  it('a fan-out group of another kind', () => {
    const first = openEnd(lab, 'left', 'virtio', { fanout: { group: 5, by: 'hash' } });
    const error = refusal({ interface: 'left', fanout: { group: 5, by: 'cpu' } });
    expect(error.instead).toContain('all members of a group must give the same');
    first.close();
    first.pool.assertNoLeaks();
  });

  it('a user without rights', () => {
    const entry = new URL('../dist/index.js', import.meta.url).href;
    const code = `const { openPacketLink } = await import('${entry}');
      try { openPacketLink({ interface: 'left' }); } catch (e) { console.log(e.name, e.code, e.message); }`;
    const { stdout, stderr } = spawnSync(
      'ip',
      ['netns', 'exec', networkNamespace, process.execPath, '--input-type=module', '-e', dropRights(code)],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(stdout).toContain('LinkUnavailableError EPERM');
    expect(stdout).toContain('CAP_NET_RAW');
  });
});

/** Changing the user drops the capabilities. */
function dropRights(code: string): string {
  return `process.setgroups([]); process.setgid(65534); process.setuid(65534);\n${code}`;
}
