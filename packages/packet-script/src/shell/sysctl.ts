import type { ConnectionOptions, TcpSettings } from '@prism-net/tcp';

/** What a script's sysctls come to: options of the host, and of its connections. */
export interface HostSettings {
  tcp: { -readonly [Key in keyof TcpSettings]?: TcpSettings[Key] };
  timeToLive?: number;
  connection: { -readonly [Key in keyof ConnectionOptions]?: ConnectionOptions[Key] };
}

type Apply = (value: string, settings: HostSettings) => boolean;

/** `true` when the value is one we have an equivalent for. */
function when(values: readonly string[], apply: (value: string, settings: HostSettings) => void): Apply {
  return (value, settings) => {
    if (!values.includes(value)) return false;
    apply(value, settings);
    return true;
  };
}

/** A whole number in some unit. */
function number(apply: (value: number, settings: HostSettings) => void): Apply {
  return (text, settings) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < 0) return false;
    apply(value, settings);
    return true;
  };
}

/** The host does it this way, and no other. */
function fixed(...values: readonly string[]): Apply {
  return (value) => values.includes(value);
}

const anything: Apply = () => true;

/** `minimum default maximum`. */
function triple(apply: (initial: number, maximum: number, settings: HostSettings) => void): Apply {
  return (text, settings) => {
    const [, initial, maximum] = text.trim().split(/\s+/).map(evaluate);
    if (!(initial! > 0) || !(maximum! > 0)) return false;
    apply(initial!, maximum!, settings);
    return true;
  };
}

/** A number, or the shell's arithmetic with products in it. */
function evaluate(text: string): number {
  const inner = /^\$\(\((.*)\)\)$/.exec(text)?.[1] ?? text;
  return inner.split('*').reduce((product, factor) => product * Number(factor), 1);
}

/** TCP knows at most the window that can be scaled to. */
const LARGEST_WINDOW = 65_535 << 14;
const bounded = (bytes: number): number => Math.max(256, Math.min(bytes, LARGEST_WINDOW));

const ALGORITHMS: Readonly<Record<string, string>> = { reno: 'newreno', newreno: 'newreno', cubic: 'cubic' };

const congestionControl: Apply = (value, settings) => {
  const name = ALGORITHMS[value];
  if (name === undefined) return false;
  settings.tcp.congestionControl = name;
  return true;
};

const ecn: Apply = when(['0', '1', '2'], (value, { tcp }) => {
  tcp.ecn = value === '0' ? 'off' : value === '1' ? 'active' : 'passive';
});

const LINUX: Readonly<Record<string, Apply>> = {
  tcp_timestamps: when(['0', '1', '2'], (value, { tcp }) => void (tcp.timestamps = value !== '0')),
  tcp_sack: when(['0', '1'], (value, { tcp }) => void (tcp.selectiveAcknowledgements = value === '1')),
  tcp_window_scaling: when(['0', '1'], (value, { tcp }) => void (tcp.windowScaling = value === '1')),
  tcp_ecn: ecn,
  tcp_ecn_fallback: fixed('1'),
  tcp_syncookies: when(['0', '1', '2'], (value, { tcp }) => {
    tcp.synCookies = value === '0' ? 'never' : value === '1' ? 'when-full' : 'always';
  }),
  tcp_rmem: triple((initial, maximum, { tcp }) => {
    tcp.receiveBuffer = bounded(initial);
    tcp.maximumReceiveBuffer = bounded(Math.max(initial, maximum));
  }),
  tcp_wmem: triple((initial, _, { tcp }) => void (tcp.sendBuffer = bounded(initial))),
  tcp_congestion_control: congestionControl,
  tcp_syn_retries: number((value, { tcp }) => void (tcp.synRetransmissions = value)),
  tcp_retries1: fixed('3'),
  tcp_retries2: number((value, { tcp }) => void (tcp.retransmissions = value)),
  tcp_fin_timeout: number((value, { tcp }) => void (tcp.finWait2Milliseconds = value * 1000)),
  tcp_max_orphans: number((value, { tcp }) => void (tcp.maximumOrphans = value)),
  tcp_max_tw_buckets: number((value, { tcp }) => void (tcp.timeWaitSize = value)),
  tcp_max_syn_backlog: number((value, { tcp }) => void (tcp.synCacheSize = value)),
  tcp_min_snd_mss: number((value, { tcp }) => void (tcp.minimumSegmentSize = value)),
  tcp_rto_min_us: number((value, { tcp }) => void (tcp.minimumRetransmissionMilliseconds = Math.round(value / 1000))),
  tcp_rto_max_ms: number((value, { tcp }) => void (tcp.maximumRetransmissionMilliseconds = value)),
  tcp_keepalive_time: number((value, { connection }) => void (connection.keepAliveIdleMilliseconds = value * 1000)),
  tcp_keepalive_intvl: number(
    (value, { connection }) => void (connection.keepAliveIntervalMilliseconds = value * 1000),
  ),
  tcp_keepalive_probes: number((value, { connection }) => void (connection.keepAliveProbes = value)),
  ip_default_ttl: number((value, settings) => void (settings.timeToLive = value)),
  ip_local_port_range: (text, { tcp }) => {
    const [first, last] = text.trim().split(/\s+/).map(Number);
    if (!(first! > 0 && last! >= first!)) return false;
    tcp.ephemeralPorts = { first: first!, last: last! };
    return true;
  },
  tcp_dsack: fixed('1'),
  tcp_frto: fixed('1', '2'),
  tcp_fack: anything,
  tcp_reordering: fixed('3'),
  tcp_early_retrans: fixed('3', '4'),
  tcp_recovery: fixed('1'),
  tcp_rfc1337: fixed('1'),
  tcp_moderate_rcvbuf: fixed('1'),
  tcp_slow_start_after_idle: fixed('1'),
  // 0: never; 1: when a black hole is suspected.
  tcp_mtu_probing: when(['0', '1'], (value, { tcp }) => void (tcp.blackHoleTimeouts = value === '0' ? 0 : 2)),
  tcp_autocorking: fixed('0'),
  tcp_fastopen: fixed('0'),
  tcp_abort_on_overflow: fixed('0'),
  // How a kernel saves work, or shapes what leaves it; no segment looks different for it here.
  tcp_tso_win_divisor: anything,
  tcp_min_tso_segs: anything,
  tcp_tso_rtt_log: anything,
  tcp_pacing_ss_ratio: anything,
  tcp_pacing_ca_ratio: anything,
  tcp_notsent_lowat: fixed('4294967295', '-1'),
  tcp_low_latency: anything,
  tcp_no_metrics_save: anything,
  tcp_fastopen_key: anything,
  tcp_limit_output_bytes: anything,
  tcp_challenge_ack_limit: anything,
  ip_no_pmtu_disc: fixed('0'),
};

const FREEBSD: Readonly<Record<string, Apply>> = {
  rfc1323: when(['0', '1', '2', '3'], (value, { tcp }) => {
    tcp.windowScaling = value === '1' || value === '2';
    tcp.timestamps = value === '1' || value === '3';
  }),
  'sack.enable': when(['0', '1'], (value, { tcp }) => void (tcp.selectiveAcknowledgements = value === '1')),
  'ecn.enable': ecn,
  syncookies: when(['0', '1'], (value, { tcp }) => {
    if (tcp.synCookies !== 'always') tcp.synCookies = value === '1' ? 'when-full' : 'never';
  }),
  syncookies_only: when(['0', '1'], (value, { tcp }) => {
    if (value === '1') tcp.synCookies = 'always';
  }),
  recvspace: number((value, { tcp }) => void (tcp.receiveBuffer = bounded(value))),
  sendspace: number((value, { tcp }) => void (tcp.sendBuffer = bounded(value))),
  recvbuf_max: number((value, { tcp }) => void (tcp.maximumReceiveBuffer = bounded(value))),
  'cc.algorithm': congestionControl,
  delacktime: number((value, { tcp }) => void (tcp.delayedAcknowledgementMilliseconds = value)),
  msl: number((value, { tcp }) => void (tcp.timeWaitMilliseconds = 2 * value)),
  finwait2_timeout: number((value, { tcp }) => void (tcp.finWait2Milliseconds = value)),
  rexmit_min: number((value, { tcp }) => void (tcp.minimumRetransmissionMilliseconds = value)),
  rexmit_initial: number((value, { tcp }) => void (tcp.initialRetransmissionMilliseconds = value)),
  keepidle: number((value, { connection }) => void (connection.keepAliveIdleMilliseconds = value)),
  keepintvl: number((value, { connection }) => void (connection.keepAliveIntervalMilliseconds = value)),
  keepcnt: number((value, { connection }) => void (connection.keepAliveProbes = value)),
  initcwnd_segments: fixed('10'),
  delayed_ack: fixed('1'),
  rexmit_slop: fixed('200'),
  rexmit_drop_options: fixed('0'),
  blackhole: fixed('0'),
  drop_synfin: fixed('0'),
  icmp_may_rst: fixed('1'),
  rfc3390: anything,
  rfc3042: fixed('1'),
  pmtud_blackhole_detection: when(['0', '1'], (value, { tcp }) => void (tcp.blackHoleTimeouts = value === '0' ? 0 : 2)),
  rfc6675_pipe: anything,
  abc_l_var: anything,
  'fastopen.client_enable': fixed('0'),
  'fastopen.server_enable': fixed('0'),
  'hostcache.purgenow': anything,
  'hostcache.purge': anything,
  'hostcache.enable': anything,
  recvbuf_auto: fixed('1'),
  sendbuf_auto: anything,
  tso: anything,
  functions_default: fixed('freebsd'),
};

const OTHERS: Readonly<Record<string, Apply>> = {
  'kern.ipc.maxsockbuf': number((value, { tcp }) => void (tcp.maximumReceiveBuffer = bounded(value))),
  'net.core.somaxconn': number((value, { tcp }) => void (tcp.backlog = Math.max(value, 1))),
  'net.core.rmem_max': anything,
  'net.core.wmem_max': anything,
  'net.core.optmem_max': anything,
  'net.core.default_qdisc': anything,
};

/**
 * Applies one sysctl. False: the host has nothing like it, or not with this value; whoever asks must say so.
 */
export function applySysctl(name: string, value: string, settings: HostSettings): boolean {
  const text = value.trim();
  return find(name)?.(text, settings) ?? false;
}

function find(name: string): Apply | undefined {
  const dotted = name.replaceAll('/', '.');
  const linux = /^net\.ipv4\.(?:conf\.\w+\.)?([\w]+)$/.exec(dotted)?.[1];
  if (linux !== undefined) return LINUX[linux];
  const freebsd = /^net\.inet\.tcp\.(.+)$/.exec(dotted)?.[1];
  if (freebsd !== undefined) return FREEBSD[freebsd];
  return OTHERS[dotted];
}
