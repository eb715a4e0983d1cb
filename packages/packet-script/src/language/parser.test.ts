import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScript } from './parser.js';
import { formatScript } from './printer.js';
import type { Expression, PacketAction, Script, SystemCall, TcpTransport } from './syntax.js';
import { ScriptSyntaxError } from './token.js';

function packet(line: string, defines = {}): PacketAction {
  return parseScript(`+0 ${line}`, { defines }).events[0]!.action as PacketAction;
}

function tcp(line: string): TcpTransport {
  return packet(line).transport as TcpTransport;
}

function call(line: string): SystemCall {
  return parseScript(`+0 ${line}`).events[0]!.action as SystemCall;
}

/** Without places, which the printer changes. */
function shape(script: Script): unknown {
  return JSON.parse(JSON.stringify(script, (key, value) => (key === 'line' || key === 'column' ? undefined : value)));
}

/** One of everything there is; each must parse, and print to something that parses to the same. */
const EVERY_NOTATION = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
0.100 bind(3, ..., ...) = 0
+.1 listen(3, 128) = 0
1 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
+0 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 connect(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}, ...) = 0
+0...0.200 accept(3, ..., ...) = 4
0.1...0.25 read(4, ..., 1000) = 1000
+.002 ... 0.052 connect(4, ..., ...) = 0
+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=..., linger=...}, [8]) = 0
+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, "reno", 4) = 0
+0 getsockopt(3, SOL_TCP, TCP_CONGESTION, "cub"..., [16]) = 0
+0 setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, {enable=1, psk=000102030405060708090a0b0c0d0e0f}, 20) = 0
+0 setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name="rack", pcbcnt=0}, 36) = 0
+0 setsockopt(3, SOL_SOCKET, SO_ACCEPTFILTER, {af_name="dataready"}, 16) = 0
+0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
+0 poll([{fd=3, events=POLLIN}], 1, -1) = 0
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0
+0 epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0
+0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLIN, u32=7}) = 0
+0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLIN, u64=0x1234}) = 0
+0 writev(4, [{..., 10}, {..., 20}], 2) = 30
+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, MSG_OOB) = 30
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=MSG_ERRQUEUE|MSG_TRUNC,
     msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=10000000}},
       {cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=ENOMSG, ee_origin=4, ee_type=0, ee_code=0,
        ee_info=SCM_TSTAMP_SND, ee_data=99}},
       {cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=9000}]}, MSG_ERRQUEUE) = 0
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{iov_base=..., iov_len=5}], msg_control(24)=[{cmsg_len=24,
     cmsg_level=IPPROTO_IP, cmsg_type=..., cmsg_data={TCP_NLA_BUSY=..., TCP_NLA_SND_CWND=10}}], msg_flags=0}, 0) = 5
+0 sendfile(3, 4, 0, 100, {headers(1)=[{..., 3}], trailers(0)=[]}, [103], 0) = 0
+0 sendto(4, ..., 100, MSG_FASTOPEN, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 recv(4, ..., 10240, MSG_PEEK) = 1000
+0 ioctl(4, SIOCINQ, [1000]) = 0
+0 pipe([5, 6]) = 0
+0 splice(4, NULL, 6, NULL, 99, 0) = 99
+0 open("/dev/null", O_RDONLY) = 7
+0 sctp_sendv(3, [{..., 8}], 1, [{sa_family = AF_INET, sin_port = htons(9), sin_addr = inet_addr("1.2.3.4")}], 1) = 8
+0 setsockopt(3, SOL_SOCKET, SO_MARK, [(int) 5 + 2 * 3 - 1], sizeof(int)) = 0
+0 setsockopt(3, SOL_IPV6, IPV6_FLOWLABEL_MGR, [inet6_addr("2001:db8::2") & ~1 << 2], sizeof(struct in6_addr)) = 0
+0 setsockopt(3, SOL_IP, IP_LWT, {(label 5, tc 0, [S], ttl 64)}, 8) = 0
+0 setsockopt(3, SOL_IP, IP_LWT, {flags [key present, sequence# present], sum 0, off 0, key = 5, seq 6}, 8) = 0
+0 send(4, "abc" "def", 6, MSG_DONTWAIT | MSG_NOSIGNAL) = 6
+0 close(4) = 0 # comment
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale *>
+0.1 < . 1:1(0) ack 1 win 257
+0~+0.2 > P. 1:1001(1000) ack 1
+.01~.03 > P. 1001:2001(1000) ack 1
0.5~0.75 > FP. 2001:2002(1) ack 1 win 65535 urg 5
* > . 1:1(0) ack 1 <...>
+0 < - 1:1001(1000) win 20000
+0 > R 1:1(0) win ...
+0 > R 1:1(0)
+0 > R. 0:0(0)! ack 1! win 0 <nop,nop,md5 valid>
+0 > . ...(1460) ack 1
+0 < U. 1:101(100) ack 1 win 257 urg 100
+0 > [noecn] SEWA 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>
+0 < [ect0] SW. 0:0(0) ack 1 win 32767 <mss 1024,ECN e0b 1 ceb 0 e1b 1,nop,nop,nop,sackOK,nop,wscale 8>
+0 > [ect0] .5 1:1013(1012) ack 1 <ECN e1b 1 ceb 0 e0b 1,nop>
+0 > [ect0] P.5 1013:2025(1012) ack 1
+0 > [ect0]  5.     1:1461(1460) ack 1
+0 > [ect01] P5.  1461:2921(1460) ack 1
+0 < [ce] F2. 1:1(0) ack 1 win 5
+0 > EAP. 1:1001(1000) ack 1 <AccECN0 EE0B 1 ECEB 0 EE1B 1,exp-AccECN1 EE1B 5,exp-tarr 3,exp-tarr>
+0 > (tos 0x2) . 1:1(0) ack 1
+0 > [dscp af11, ecn ce, ttl 64] . 1:1(0) ack 1
+0 > [tos 0x1c, flowlabel 0x1, hlim 3] . 1:1(0) ack 1
+0 > [flowlabel 0x2] . 1:1(0) ack 1
+0 < [ttl 255] . 1:1(0) ack 1 win 5
+0 > [dscp voice-admit] . 1:1(0) ack 1
+0 < 4000 > 8080 S 0:0(0) win 100
+0 > . 1:1(0) ack 1 <nop,nop,TS val ... ecr 100!>
+0 > . 1:1(0) ack 1 <nop,nop,sack 2001:3001 4001:5001 6001:7001>
+0 > S 0:10(10) <mss 1460,FO 0102030405060708,nop,nop,FOEXP a1b2,FO,eol,eol,exp-FO>
+0 < . 1:1(0) ack 1 win 514 <md5 000102030405060708090a0b0c0d0e0f,nop,nop>
+0 < icmp unreachable frag_needed mtu 1400 [1:1001(1000)]
+0 < icmp unreachable host_unreachable [0:0(0)]
+0 < [4294967295:4294967295(0)] icmp unreachable packet_filtered
+0 < [udp (100)] icmp time_exceeded ttl_exceeded_in_transit
+0 < [ttl 5] [1:2(1)] icmp unreachable frag_needed mtu 1500
+0 < icmp packet_too_big mtu 1300 [1:1001(1000)]
+0 < icmp unreachable [udp (100)]
+0 > icmp echo_reply id 7 [raw (64)]
+0 < icmp type_9 code_3
+0 < icmp unreachable port_unreachable [sctp(5)]
+0 > udp (1000)
+0 < udp 53 > 4242 (100)
+0 < udplite (100, 8)
+0 < ipv4 2.2.2.2 > 1.1.1.1: gre: . 1:1001(1000) ack 1 win 123
+0 > ipv6 (tos 0x1) 2::2222 > 1::1111 : mpls (label 5, tc 0, ttl 64)(label 6, tc 1, [S], ttl 3): . 1:1(0) ack 1 win 1
+0 > gre, flags [checksum present, key present], sum 0x1, off 0, key = 5, seq 1 : . 1:1(0) ack 1
+0 < encap psp spi 0x684abfc1, vc 0x123456789abcdef . 1:1001(1000) ack 1 win 123
+0 < ipv4 2.2.2.2 > 1.1.1.1 : psp spi 12: . 1:1001(1000) ack 1 win 123
+0 > S 0:0(0) <mss 1460,mpcapable v1 flags[flag_h] key[ckey,skey] mpcdatalen 2,dss dack8=3 dll=0 nocs>
+0 > > addr[saddr] S 0:0(0) win 65535 <mp_join_syn backup=1 address_id=0 token=sha256_32(skey)>
+0 < P. 1:21(20) ack 1 win 257 {rep tcp win_size 0x1021}
+0 < P. 1:21(20) ack 1 win 257 {mut ip 3 5; trun tcp 8-12}
+0 < S 0:0(0) win 5 <mss 1460,mp_capable key_a> sock(3)
+0 < sctp (tag = 5): INIT[flgs=0, tag=1, a_rwnd=1500, os=1, is=1, tsn=1, ECN_CAPABLE[]]; HEARTBEAT-ACK[flgs=0]
+0 < sctp/udp(9899 > 9899): COOKIE_ECHO[flgs=0, len=..., val=...]
+0 < sctp(bad_crc32c): [0x01, 2, 3]
+0 . 1:1(0)
`.trim();

/** The last line is there to prove that a bad line is noticed in this company. */
const LINES = EVERY_NOTATION.split(/\n(?=[+*0-9])/).slice(0, -1);

describe('parseScript', () => {
  it.each(LINES)('reads %s, and prints it to something equal', (line) => {
    const script = parseScript(line);
    expect(script.events).toHaveLength(1);
    expect(shape(parseScript(formatScript(script)))).toEqual(shape(script));
  });

  it('reads all of it as one script, each event at its place', () => {
    const script = parseScript(LINES.join('\n'));
    expect(script.events).toHaveLength(LINES.length);
    expect(script.events[4]).toMatchObject({ line: 5, column: 1, time: { type: 'absolute', start: 1_000_000 } });
    expect(shape(parseScript(formatScript(script)))).toEqual(shape(script));
    expect(() => parseScript(EVERY_NOTATION)).toThrow('expected a packet');
  });

  it('reads a script of which nothing is on a line of its own', () => {
    const script = parseScript(LINES.join(' ').replace('# comment', ''));
    expect(script.events).toHaveLength(LINES.length);
  });

  it('reads options, the command at the start and the command at the end', () => {
    const script = parseScript(
      '// comment\n--tolerance_usecs=100000\n--ip_version=ipv4-mapped-ipv6\n--dry_run // really\n--remote_ip=192.0.2.1/24\n' +
        '--define=CC="reno"\n`../common/defaults.sh\nsysctl -q x=1`\n+0 close(3) = 0\n+0 `ip route show`\n%{ print(1) }%\n`x`\n',
    );
    expect(script.options.map(({ name, value }) => [name, value])).toEqual([
      ['tolerance_usecs', '100000'],
      ['ip_version', 'ipv4-mapped-ipv6'],
      ['dry_run', null],
      ['remote_ip', '192.0.2.1/24'],
      ['define', 'CC="reno"'],
    ]);
    expect(script.initCommand?.text).toBe('../common/defaults.sh\nsysctl -q x=1');
    expect(script.events.map(({ action }) => action.kind)).toEqual(['system-call', 'command', 'code']);
    expect(script.cleanupCommand?.text).toBe('x');
  });

  it('puts definitions in place of symbols, and names symbols without one', () => {
    const line = '> S. 0:0(0) ack 1 <mss MSS,FO COOKIE>';
    expect(packet(line, { MSS: '1460', COOKIE: 'a1b2' })).toMatchObject({
      unsupported: [],
      transport: {
        options: [
          { kind: 'mss', value: 1460 },
          { kind: 'fast-open', cookie: 'a1b2' },
        ],
      },
    });
    expect(packet(line).unsupported).toEqual(['symbol MSS without a definition', 'symbol COOKIE without a definition']);
    const own = parseScript('--define=MSS=1200\n+0 > S 0:0(0) <mss MSS>').events[0]!.action as PacketAction;
    expect(own.transport).toMatchObject({ options: [{ value: 1200 }] });
  });
});

describe('packets', () => {
  it('names what it understands and cannot run', () => {
    expect(packet('< encap psp spi 7 . 1:1(0) ack 1 win 5').unsupported).toEqual(['psp encapsulation']);
    expect(packet('> S 0:0(0) <mp_join_syn backup=1>').unsupported).toEqual(['TCP option mp_join_syn']);
    expect(packet('< sctp: ABORT[flgs=0]').unsupported).toEqual(['SCTP packet']);
    expect(packet('< . 1:1(0) ack 1 win 5 {rep tcp win_size 1}').unsupported).toEqual([
      'mutated packet {rep tcp win_size 1}',
    ]);
    expect(packet('> . 1:1(0) ack 1').unsupported).toEqual([]);
  });

  it('keeps flags and the ACE count apart in every notation', () => {
    for (const notation of ['P.5', 'P5.']) expect(tcp(`> ${notation} 1:2(1)`)).toMatchObject({ flags: 'P.', ace: 5 });
    for (const notation of ['.5', '5.']) expect(tcp(`> ${notation} 1:2(1)`)).toMatchObject({ flags: '.', ace: 5 });
    expect(tcp('> SEWA 0:0(0)')).toMatchObject({ flags: 'SEWA', ace: null });
    expect(tcp('> - 0:0(0)')).toMatchObject({ flags: '', ace: null });
  });

  it('tells no options from any options', () => {
    expect(tcp('> . 1:1(0) ack 1').options).toEqual([]);
    expect(tcp('> . 1:1(0) ack 1 <...>').options).toBeNull();
  });

  it('tells what is not said from zero', () => {
    expect(tcp('> . 1:1(0)')).toMatchObject({ acknowledgement: null, window: null, urgentPointer: null });
    expect(tcp('> . 1:1(0) ack 0 win 0 urg 0')).toMatchObject({ acknowledgement: 0, window: 0, urgentPointer: 0 });
  });

  it('reads sequence numbers over the wrap', () => {
    expect(tcp('> . 4294967295:0(1) ack 1').sequence).toMatchObject({ start: 4294967295, length: 1 });
  });
});

describe('expressions', () => {
  const argument = (text: string): Expression => call(`f(${text}) = 0`).arguments[0]!;

  it('bind as in C', () => {
    expect(argument('1 | 2 + 3 * 4 - 1')).toMatchObject({
      operator: '|',
      right: { operator: '-', left: { operator: '+', right: { operator: '*' } } },
    });
    expect(argument('5 -1')).toMatchObject({ operator: '+', right: { value: -1 } });
    expect(argument('(int) 5')).toMatchObject({ kind: 'number', value: 5 });
    expect(argument('(FLAG) | 1')).toMatchObject({ operator: '|' });
  });

  it('of a result end where the time of the next event begins', () => {
    const { events } = parseScript('+0 f() = 3 +0 g() = A|B +.1 > . 1:1(0)\n* > R 1:1(0)');
    expect(events).toHaveLength(4);
    expect(call('f() = -1 EAGAIN (Resource temporarily unavailable)')).toMatchObject({
      result: { value: -1 },
      errno: 'EAGAIN',
      note: 'Resource temporarily unavailable',
    });
  });
});

describe('errors', () => {
  it('are of one kind, whatever becomes of a script', () => {
    const text = LINES.join('\n');
    const cut = fc.tuple(fc.nat(text.length), fc.nat(40), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 4 }), (cuts) => {
        let mangled = text;
        for (const [at, length, instead] of cuts) mangled = mangled.slice(0, at) + instead + mangled.slice(at + length);
        try {
          formatScript(parseScript(mangled));
        } catch (error) {
          expect(error).toBeInstanceOf(ScriptSyntaxError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['+0 < S 0:0(1)', 1, 8, 'contradict'],
    ['+0 > X. 1:1(0)', 1, 6, 'no set of TCP flags'],
    ['+0 > . 1:1(0) ack', 1, 18, 'a number as acknowledgement number'],
    ['\n+0 > . 1:1(0) win 70000', 2, 19, 'out of range'],
    ['+0 > . 1:1(0) <mss 1460', 1, 24, "'>'"],
    ['+0 > . 1:1(0) <mss 70000>', 1, 20, 'out of range'],
    ['+0 > . 1:1(0) <FO abc>', 1, 19, 'hexadecimal'],
    ['+0 < . 1:1(0) <...>', 1, 19, 'outbound'],
    ['+0 < [ect01] . 1:1(0)', 1, 21, 'outbound'],
    ['* socket() = 3', 1, 1, 'outbound packets only'],
    ['+0~+1 < . 1:1(0)', 1, 1, 'outbound packets only'],
    ['+1~+0.5 > . 1:1(0)', 1, 5, 'backwards'],
    ['+0 socket(3', 1, 12, "')'"],
    ['+0 socket(3)', 1, 13, 'a result'],
    ['+0 socket(3) = ', 1, 16, 'a value'],
    ['+0 socket([3) = 1', 1, 13, "']'"],
    ['-1 close(3) = 0', 1, 1, 'negative'],
    ['close(3) = 0', 1, 1, 'a time'],
    ['', 1, 1, 'an event'],
    ['--mss=', 1, 7, 'a value for --mss'],
    ['+0 > [tos] . 1:1(0)', 1, 10, 'a number as tos'],
    ['+0 > [color 5] . 1:1(0)', 1, 7, 'no field of the IP header'],
    ['+0 < icmp', 1, 10, 'an ICMP type'],
    ['+0 < udp 5', 1, 10, "'('"],
    ['+0 f({fd=3) = 0', 1, 11, "'}'"],
    ['+0 f((1) = 0', 1, 10, "')'"],
  ])('in %j name place and cause', (text, line, column, message) => {
    expect(() => parseScript(text)).toThrow(
      expect.objectContaining({ name: 'ScriptSyntaxError', line, column, message: expect.stringContaining(message) }),
    );
  });
});
