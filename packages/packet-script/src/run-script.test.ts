import { describe, expect, it } from 'vitest';
import { formatResult, formatSummary, parseScript, runScript, type ScriptResult } from './index.js';

const LISTENING = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`;
const ESTABLISHED = `${LISTENING}
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
`;
const lines = (text: string): number => text.split('\n').length;

function failure(script: string, options = {}): Extract<ScriptResult, { outcome: 'failed' }> {
  const result = runScript(script, options);
  if (result.outcome !== 'failed') throw new Error(formatResult('script', result));
  return result;
}

function passes(script: string, options = {}): void {
  expect(formatResult('script', runScript(script, options))).toBe('ok script');
}

describe('a packet', () => {
  it('that is as expected lets the script go on', () => {
    passes('0 < S 5:5(0) win 1000\n+0 > R. 0:0(0) ack 1 win 0');
  });

  it('that differs is the first difference, with line, time and both packets', () => {
    expect(failure('0 < S 5:5(0) win 1000\n\n+0 > R. 0:0(0) ack 7 win 0')).toMatchObject({
      line: 3,
      time: 0,
      message: "the packet's acknowledgement number should be 7, is 1",
      expected: '> R. 0:0(0) ack 7 win 0',
      actual: '> R. 0:0(0) ack 1 win 0 at 0.000',
    });
  });

  it('that is too early, too late or missing is told apart', () => {
    expect(failure('0 < S 0:0(0) win 1000\n+.1 > R. 0:0(0) ack 1').message).toContain('too early');
    expect(failure(`${ESTABLISHED}+.5 > P. 1:2(1) ack 1`)).toMatchObject({
      message: 'the packet was not sent in time',
      actual: 'no packet',
      line: lines(ESTABLISHED),
    });
    const early = failure(`${ESTABLISHED}+0 write(4, ..., 10) = 10\n+.005 > P. 1:11(10) ack 1`);
    expect(early.message).toBe('the packet was sent too early: at 0.105 was expected, ± 0.004');
    const late = failure(`${ESTABLISHED}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.01 > P. 1:11(10) ack 1`);
    expect(late.message).toBe('the packet was not sent in time');
    expect(late.actual).toMatch(/^> .* 1:11\(10\) ack 1 .*at 0\.\d+$/);
  });

  it('may be late by the tolerance, which the script or the caller sets', () => {
    const script = `${ESTABLISHED}+0 write(4, ..., 10) = 10\n+.005 > P. 1:11(10) ack 1`;
    passes(`--tolerance_usecs=5000\n${script}`);
    passes(script, { toleranceMicroseconds: 5000 });
    expect(failure(`--tolerance_usecs=5000\n${script}`, { toleranceMicroseconds: 1000 }).message).toContain(
      'too early',
    );
    passes(`--tolerance_percent=100\n${script}`);
  });

  it('may come in a range of times, or at any time', () => {
    const script = `0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
.5 connect(3, ..., ...) = -1 EALREADY (Operation already in progress)
.5 ${'`'}sleep 0${'`'}
`;
    // RFC 6298 §2.1: the first retransmission comes after a second.
    const first = `${script}`.replace('.5 connect', '+0 > S 0:0(0) <...>\n.5 connect');
    passes(`${first}+.4~+.6 > S 0:0(0) <...>`);
    passes(`${first}.9~1.1 > S 0:0(0) <...>`);
    passes(`${first}* > S 0:0(0) <...>`);
    expect(failure(`${first}1.1~1.5 > S 0:0(0) <...>`).message).toContain('too early: from 1.100 to 1.500');
    expect(failure(`${first}+.1~+.2 > S 0:0(0) <...>`).message).toBe('the packet was not sent in time');
  });

  it('that nobody expects fails at the next expectation, and at the end when strict', () => {
    const script = `${ESTABLISHED}+0 write(4, ..., 10) = 10\n`;
    expect(failure(`${script}+0 < . 1:1(0) ack 11 win 9\n+0 close(4) = 0\n+0 > F. 11:11(0) ack 1`).line).toBe(
      lines(ESTABLISHED) + 3,
    );
    passes(script);
    expect(failure(script, { strict: true })).toMatchObject({
      message: 'a packet was sent that the script does not expect',
      actual: expect.stringContaining('1:11(10)'),
    });
  });

  it('may be made up of several, unless segments are strict', () => {
    const script = `${ESTABLISHED}+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1`;
    passes(script);
    expect(failure(`--strict_segments\n${script}`).message).toContain('flag PSH should be 1, is 0');
  });

  it('belongs to another conversation when it names its ports', () => {
    passes(`${LISTENING}
+0 < 4000 > 8080 S 0:0(0) win 1000 <mss 1000>
+0 > 8080 > 4000 S. 0:0(0) ack 1 <...>
+0 < 5000 > 8080 S 100:100(0) win 1000 <mss 1000>
+0 > 8080 > 5000 S. 0:0(0) ack 101 <...>
+0 < 4000 > 8080 . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 < 4000 > 8080 P. 1:11(10) ack 1 win 1000
+0 > 8080 > 4000 . 1:1(0) ack 11`);
  });

  it('injected after another keeps the distance the script gives it', () => {
    passes(`${ESTABLISHED}+.1 < P. 1:11(10) ack 1 win 9\n+.1 < P. 11:21(10) ack 1 win 9\n.3 read(4, ..., 99) = 20`);
  });
});

describe('time', () => {
  it('does not go backward', () => {
    expect(failure('1 < R 0:0(0) win 0\n0.5 < R 0:0(0) win 0').message).toContain('too late');
  });

  it('passes while a command sleeps', () => {
    passes('0 < R 0:0(0) win 0\n+0 `sleep 2`\n2.1 < R 0:0(0) win 0');
    expect(failure('0 < R 0:0(0) win 0\n+0 `sleep 2`\n1.9 < R 0:0(0) win 0').message).toContain('too late');
  });
});

describe('a system call', () => {
  it('that returns something else is a difference', () => {
    expect(failure('0 close(9) = 0')).toMatchObject({
      line: 1,
      message: 'close() returned something else',
      expected: 'close(9) = 0',
      actual: '-1 EBADF at 0.000',
    });
    expect(failure(`${ESTABLISHED}+0 read(3, ..., 5) = -1 EBADF (Bad file descriptor)`).actual).toBe(
      '-1 ENOTCONN at 0.100',
    );
  });

  it('needs a buffer', () => {
    passes(
      `${ESTABLISHED}+0 write(4, NULL, 5) = -1 EFAULT (Bad address)\n+0 read(4, NULL, 5) = -1 EFAULT (Bad address)`,
    );
  });

  it('that blocks returns at the time the script says', () => {
    const script = `${ESTABLISHED}+0...0.1 read(4, ..., 100) = 10\n+.1 < P. 1:11(10) ack 1 win 9`;
    passes(script);
    expect(failure(script.replace('...0.1', '...0.05')).message).toContain('read() returned too late');
    expect(failure(script.replace('...0.1', '...0.2')).message).toContain('read() returned too early');
    expect(failure(`${ESTABLISHED}+0...0.2 read(4, ..., 100) = 10`).message).toBe('read() blocks still');
  });

  it('that may not block says so, and one that blocks unannounced ends the script', () => {
    passes(`${ESTABLISHED}+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 read(4, ..., 5) = -1 EAGAIN (Again)`);
    passes(`${ESTABLISHED}+0 recv(4, ..., 5, MSG_DONTWAIT) = -1 EWOULDBLOCK (Again)`);
    expect(failure(`${ESTABLISHED}+0 read(4, ..., 5) = 5`).message).toContain('read() blocks;');
  });

  it('waits for its own timeout', () => {
    passes(`${ESTABLISHED}+0 poll([{fd=4, events=POLLIN, revents=0}], 1, 250) = 0\n0.35 close(4) = 0`);
  });

  it('compares what it fills in', () => {
    const script = `${ESTABLISHED}+0 < P. 1:11(10) ack 1 win 9\n`;
    passes(`${script}+0 ioctl(4, SIOCINQ, [10]) = 0`);
    expect(failure(`${script}+0 ioctl(4, SIOCINQ, [11]) = 0`)).toMatchObject({ expected: '11', actual: '10' });
    expect(failure(`${script}+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [5], [4]) = 0`)).toMatchObject({ actual: '0' });
    expect(failure(`${script}+0 poll([{fd=4, events=POLLIN, revents=0}], 1, 0) = 1`)).toMatchObject({
      expected: '0',
      actual: 'POLLIN',
    });
  });

  it.each([
    ['setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4)', 'getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4])'],
    ['setsockopt(4, IPPROTO_TCP, TCP_KEEPIDLE, [7], 4)', 'getsockopt(4, SOL_TCP, TCP_KEEPIDLE, [7], [4])'],
    ['setsockopt(4, SOL_TCP, TCP_KEEPINTVL, [7], 4)', 'getsockopt(4, SOL_TCP, TCP_KEEPINTVL, [7], [4])'],
    ['setsockopt(4, SOL_TCP, TCP_KEEPCNT, [7], 4)', 'getsockopt(4, SOL_TCP, TCP_KEEPCNT, [7], [4])'],
    ['setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [700], 4)', 'getsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [700], [4])'],
    ['setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4)', 'getsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], [4])'],
    [
      'setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8)',
      'getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8])',
    ],
    ['setsockopt(4, SOL_TCP, TCP_CONGESTION, "reno", 4)', 'getsockopt(4, SOL_TCP, TCP_CONGESTION, "reno", [4])'],
    ['setsockopt(4, 6, 1, [1], 4)', 'getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4])'],
    ['setsockopt(4, SOL_IP, IP_TTL, [9], 4)', 'getsockopt(4, SOL_IP, IP_TTL, [9], [4])'],
  ])('%s is kept', (set, get) => {
    passes(`${ESTABLISHED}+0 ${set} = 0\n+0 ${get} = 0`);
    expect(failure(`${ESTABLISHED}+0 ${get} = 0`).message).toContain('getsockopt');
  });
});

describe('code', () => {
  it('sees the connection, and its output is handed on', () => {
    const result = runScript(`${ESTABLISHED}+0 %{ print(tcpi_snd_mss, tcpi_state == TCP_ESTABLISHED) }%`);
    expect(result).toMatchObject({ outcome: 'passed', printed: ['1000 True'] });
    expect(failure(`${ESTABLISHED}+0 %{ assert tcpi_snd_mss == 5 }%`)).toMatchObject({
      line: lines(ESTABLISHED),
      message: 'the assertion does not hold',
      expected: 'tcpi_snd_mss == 5',
      actual: 'tcpi_snd_mss = 1000',
    });
  });

  it('keeps its variables from one fragment to the next', () => {
    passes(
      `${ESTABLISHED}+0 %{ before = tcpi_bytes_received }%\n+0 < P. 1:11(10) ack 1 win 9\n+0 %{ assert tcpi_bytes_received == before + 10 }%`,
    );
  });

  it('sees listening and closed sockets', () => {
    passes(`${LISTENING}+0 %{ assert tcpi_state == TCP_LISTEN }%`);
    passes('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 %{ assert tcpi_state == TCPI_CLOSED }%');
  });
});

describe('a command', () => {
  it('sets options of the host before it is needed', () => {
    const syn = `${LISTENING}+0 < S 0:0(0) win 1000 <mss 1000,sackOK,nop,nop>\n+0 > S. 0:0(0) ack 1 <mss 1460`;
    passes(`\`sysctl -q net.ipv4.tcp_sack=0\`${syn}>`);
    expect(failure(`\`sysctl -q net.ipv4.tcp_sack=1\`${syn}>`).message).toContain('TCP options');
  });

  it('restores what it likes at the end, but changes nothing while the host runs', () => {
    passes(`${LISTENING}+0 \`sysctl -q net.ipv4.tcp_sack=0\``);
    const result = runScript(
      `${LISTENING}+0 \`sysctl -q net.ipv4.tcp_sack=0\`\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4`,
    );
    expect(result).toMatchObject({ outcome: 'unsupported', line: lines(LISTENING) });
  });
});

describe('what the host does not have', () => {
  it.each([
    ['+0 sendfile(3, 4, [0], 5) = 5', 'the system call sendfile'],
    ['+0 socket(..., SOCK_RAW, IPPROTO_RAW) = 3', 'sockets of type 3 and protocol 255'],
    ['+0 socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 3', 'sockets other than AF_INET'],
    ['+0 socket(..., SOCK_STREAM, IPPROTO_MPTCP) = 3', 'sockets of type 1 and protocol 262'],
    ['+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0', 'the socket option TCP_FASTOPEN'],
    ['+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, "bbr", 4) = 0', "the congestion control 'bbr'"],
    ['+0 send(4, ..., 5, MSG_OOB) = 5', 'the flag MSG_OOB'],
    ['+0 sendto(4, ..., 5, MSG_FASTOPEN, ..., ...) = 5', 'the flag MSG_FASTOPEN'],
    ['+0 ioctl(4, SIOCATMARK, [0]) = 0', 'ioctl SIOCATMARK'],
    ['+0 fcntl(4, F_SETOWN, 1) = 0', 'fcntl F_SETOWN'],
    ['+0 epoll_ctl(5, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, fd=3}) = 0', 'EPOLLET'],
    [
      '+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=0, msg_control=[{cmsg_level=1}]}, 0) = 0',
      'msg_control',
    ],
    ['+0 > S 0:0(0) <mss 1460,mp_join_syn>', 'TCP option mp_join_syn'],
    ['+0 > S 0:0(0) <mss MSS>', 'symbol MSS without a definition'],
    ['+0 < sctp: ABORT[]', 'SCTP packet'],
    ['+0 < ipv4 1.1.1.1 > 2.2.2.2: . 1:1(0)', 'ipv4 encapsulation'],
    ['+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [UNKNOWN_THING], 4) = 0', 'UNKNOWN_THING'],
    ['+0 `ip link set dev tun0 mtu 1200`', 'the shell command'],
    ['+0 %{ import os }%', 'code fragment: import'],
  ])('is named with its line: %s', (line, reason) => {
    const before = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n';
    expect(runScript(before + line)).toMatchObject({
      outcome: 'unsupported',
      line: 2,
      reason: expect.stringContaining(reason),
    });
  });

  it('in an option of the script is named too', () => {
    for (const option of ['--ip_version=ipv6', '--ip_version=ipv4-mapped-ipv6', '--nonsense=1', '--mtu=5']) {
      const result = runScript(`${option}\n0 close(3) = 0`);
      expect(result).toMatchObject({ outcome: 'unsupported', line: 1, reason: `option ${option.replace('=1', '')}` });
    }
  });

  it('among the values of a sysctl is named, too', () => {
    const result = runScript(
      '`sysctl -q net.ipv4.tcp_rto_max_ms=999999999`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3',
    );
    expect(result).toMatchObject({ outcome: 'unsupported', reason: expect.stringContaining('999999999') });
  });

  it('is found before anything is run', () => {
    expect(runScript('0 close(3) = 0\n+0 splice(3, NULL, 4, NULL, 1, 0) = 1')).toMatchObject({
      outcome: 'unsupported',
      line: 2,
    });
  });
});

describe('options', () => {
  it('give addresses, ports and MTU', () => {
    const own = '--local_ip=10.1.2.3\n--netmask_ip=255.255.255.0\n--remote_ip=10.9.9.9\n--mtu=900\n--bind_port=99\n';
    passes(`${own}${LISTENING}+0 < S 0:0(0) win 1000 <mss 5000>\n+0 > S. 0:0(0) ack 1 <mss 860>`);
    passes(`${own}${LISTENING}+0 < 7 > 99 S 0:0(0) win 1000 <mss 5000>\n+0 > 99 > 7 S. 0:0(0) ack 1 <mss 860>`);
  });

  it('define symbols', () => {
    const script = `${LISTENING}+0 < S 0:0(0) win 1000 <mss PEER>\n+0 > S. 0:0(0) ack 1 <mss 1460>`;
    passes(`--define=PEER=900\n${script}`);
    passes(script, { defines: { PEER: '900' } });
    passes(`--define=WHAT=SO_KEEPALIVE\n${LISTENING}+0 setsockopt(3, SOL_SOCKET, SO_KEEPALIVE, [WHAT], 4) = 0`);
  });

  it('may ask for no more than parsing', () => {
    passes('--dry_run\n0 close(9) = 0\n+0 < sctp: ABORT[]');
  });
});

describe('the host', () => {
  it('draws other numbers with another seed, and the script holds for all', () => {
    const script = parseScript(`${ESTABLISHED}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1`);
    for (let seed = 0; seed < 5; seed++) expect(runScript(script, { seed }).outcome).toBe('passed');
  });

  it('is the same host every time', () => {
    const script = `${ESTABLISHED}+0 %{ print(tcpi_snd_nxt) }%`;
    expect(runScript(script, { seed: 9 })).toEqual(runScript(script, { seed: 9 }));
    expect(runScript(script, { seed: 9 })).not.toEqual(runScript(script, { seed: 10 }));
  });
});

describe('reports', () => {
  it('are one line, or as many as the difference takes', () => {
    expect(formatResult('a.pkt', runScript('0 close(9) = -1 EBADF (Bad)'))).toBe('ok a.pkt');
    expect(formatResult('a.pkt', runScript('0 pipe([5, 6]) = 0'))).toBe(
      'unsupported a.pkt: line 1: the system call pipe',
    );
    expect(formatResult('a.pkt', runScript('0 close(9) = 0'))).toBe(
      'not ok a.pkt\n  line 1, at 0.000 s: close() returned something else\n    expected: close(9) = 0\n    actual:   -1 EBADF at 0.000',
    );
    expect(formatResult('a.pkt', runScript('0 close(9'))).toBe(
      "not ok a.pkt\n  line 1, at 0.000 s: syntax error in column 10: expected ')' at the end of the arguments of close, found the end of the script",
    );
    expect(formatSummary({ passed: 1, failed: 2, unsupported: 3 })).toBe('1 passed, 2 failed, 3 unsupported');
  });
});
