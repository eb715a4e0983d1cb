import { describe, expect, it } from 'vitest';
import { Unsupported } from '../values/unsupported.js';
import { splitShellCommand } from './shell-command.js';
import { runShellCommand } from './shell-runner.js';
import { applySysctl, type HostSettings } from './sysctl.js';

function settings(text: string): HostSettings {
  const result: HostSettings = { tcp: {}, connection: {} };
  runShellCommand(text, result);
  return result;
}

describe('splitShellCommand', () => {
  it('cuts at line ends, semicolons and operators, and takes quotes off', () => {
    const text = 'a "b c" \'d;e\' f\\ g; h && i\n# comment\n  j > /dev/null 2>&1 || k';
    expect(splitShellCommand(text).map(({ words, output }) => [words, output])).toEqual([
      [['a', 'b c', 'd;e', 'f g'], null],
      [['h'], null],
      [['i'], null],
      [['j'], '/dev/null'],
      [['k'], null],
    ]);
  });

  it('knows pipes, and lines that go on', () => {
    const [first, second] = splitShellCommand('nstat | grep \\\n X');
    expect(first).toMatchObject({ words: ['nstat'], isPiped: true });
    expect(second).toMatchObject({ words: ['grep', 'X'], isPiped: false });
  });
});

describe('runShellCommand', () => {
  it('makes options of sysctls, however they are written', () => {
    expect(
      settings('sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0\nsysctl -w net.ipv4.tcp_ecn = 1').tcp,
    ).toEqual({
      timestamps: false,
      selectiveAcknowledgements: false,
      ecn: 'active',
    });
    expect(settings('sysctl net.ipv4.tcp_rmem="4096 540000 $((15*1024*1024))"').tcp).toEqual({
      receiveBuffer: 540_000,
      maximumReceiveBuffer: 15 << 20,
    });
    expect(settings('../common/set_sysctls.py /proc/sys/net/ipv4/tcp_syncookies=2').tcp).toEqual({
      synCookies: 'always',
    });
    expect(settings('echo 5 > /proc/sys/net/ipv4/tcp_syn_retries').tcp).toEqual({ synRetransmissions: 5 });
    expect(settings('sysctl -w net.inet.tcp.rfc1323=0; sysctl -w net.inet.tcp.ecn.enable=2').tcp).toEqual({
      windowScaling: false,
      timestamps: false,
      ecn: 'passive',
    });
    expect(settings('sysctl -q net.ipv4.tcp_keepalive_time=5').connection).toEqual({ keepAliveIdleMilliseconds: 5000 });
    expect(settings('sysctl -q net.ipv4.ip_default_ttl=7').timeToLive).toBe(7);
  });

  it('accepts what is so already, or has no meaning here', () => {
    settings('../../common/defaults.sh\nsysctl -q net.ipv4.tcp_dsack=1\n');
    settings('ip tcp_metrics flush all > /dev/null 2>&1\ntc qdisc add dev tun0 root pfifo\nnstat > /dev/null');
    settings('sysctl -w net.inet.tcp.hostcache.purgenow=1');
  });

  it('lets time pass', () => {
    expect(runShellCommand('sleep 1.5', { tcp: {}, connection: {} }).sleep).toBe(1_500_000);
  });

  it.each([
    ['sysctl -q net.ipv4.tcp_ecn=3', 'sysctl net.ipv4.tcp_ecn=3'],
    ['sysctl -q net.ipv4.tcp_dsack=0', 'sysctl net.ipv4.tcp_dsack=0'],
    ['sysctl -q net.ipv4.tcp_nonsense=0', 'sysctl net.ipv4.tcp_nonsense=0'],
    ['sysctl -q net.ipv4.tcp_congestion_control=bbr', 'sysctl net.ipv4.tcp_congestion_control=bbr'],
    ['sysctl net.ipv4.tcp_ecn', "'sysctl net.ipv4.tcp_ecn'"],
    ['ip route change 192.0.2.1 via 192.168.0.1 mtu 1200', "'ip route change"],
    ['tc qdisc add dev tun0 root netem delay 10ms', "'tc qdisc"],
    ['nstat | grep Foo', 'reads a pipe'],
    ['kldload tcpmd5', "'kldload tcpmd5'"],
  ])('names what has no equivalent: %s', (text, what) => {
    expect(() => settings(text)).toThrow(Unsupported);
    expect(() => settings(text)).toThrow(what);
  });

  it('refuses values that are no numbers', () => {
    expect(applySysctl('net.ipv4.tcp_syn_retries', 'many', { tcp: {}, connection: {} })).toBe(false);
    expect(applySysctl('net.ipv4.tcp_rmem', '1 2', { tcp: {}, connection: {} })).toBe(false);
  });
});
