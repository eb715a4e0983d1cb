import type { Connection, ControlBlock, TcpInformation } from '@prism-net/tcp';
import type { Variables } from '../code/code-expression.js';
import { codeConstants } from '../values/constants.js';

/** Linux's numbers of the states, which FreeBSD's names stand for here too. */
const STATES: Readonly<Record<string, string>> = {
  CLOSED: 'TCP_CLOSE',
  LISTEN: 'TCP_LISTEN',
  'SYN-SENT': 'TCP_SYN_SENT',
  'SYN-RECEIVED': 'TCP_SYN_RECV',
  ESTABLISHED: 'TCP_ESTABLISHED',
  'FIN-WAIT-1': 'TCP_FIN_WAIT1',
  'FIN-WAIT-2': 'TCP_FIN_WAIT2',
  'CLOSE-WAIT': 'TCP_CLOSE_WAIT',
  CLOSING: 'TCP_CLOSING',
  'LAST-ACK': 'TCP_LAST_ACK',
  'TIME-WAIT': 'TCP_TIME_WAIT',
};
const RECOVERY = { open: 'TCP_CA_Open', disorder: 'TCP_CA_Disorder', recovery: 'TCP_CA_Recovery', loss: 'TCP_CA_Loss' };
/** What Linux says while slow start has no threshold yet. */
const NO_THRESHOLD = 0x7fffffff;
const NO_THRESHOLD_OF_OURS = 0x3fff_ffff;

export interface VariableOptions {
  /** FreeBSD counts the congestion window in bytes, Linux in segments. */
  readonly inBytes: boolean;
}

/** The variables of a code fragment: `tcp_info` of the connection, and the names of its values. */
export function setTcpVariables(variables: Variables, connection: Connection, options: VariableOptions): void {
  for (const [name, value] of codeConstants) variables.set(name, value);
  const information = connection.information();
  for (const [name, value] of Object.entries(describe(information, options))) variables.set(`tcpi_${name}`, value);
  variables.set('tcpi_options', optionBits(connection.wake()));
}

/** For a socket that has no connection yet, or no longer. */
export function setClosedVariables(variables: Variables, state: 'CLOSED' | 'LISTEN' | 'TIME-WAIT'): void {
  for (const [name, value] of codeConstants) variables.set(name, value);
  variables.set('tcpi_state', codeConstants.get(STATES[state]!)!);
}

function describe(info: TcpInformation, { inBytes }: VariableOptions): Record<string, number> {
  const unit = inBytes ? 1 : info.segmentSize;
  const threshold = info.slowStartThreshold;
  return {
    state: codeConstants.get(STATES[info.state]!)!,
    ca_state: codeConstants.get(RECOVERY[info.recovery])!,
    retransmits: info.consecutiveTimeouts,
    backoff: info.consecutiveTimeouts,
    snd_wscale: info.sendWindowScale,
    rcv_wscale: info.receiveWindowScale,
    rto: info.retransmissionTimeout,
    rtt: info.smoothedRoundTrip,
    rttvar: info.roundTripVariation,
    min_rtt: info.minimumRoundTrip,
    snd_mss: info.segmentSize,
    pmtu: info.pathMtu,
    snd_cwnd: Math.floor(info.congestionWindow / unit),
    snd_ssthresh: threshold >= NO_THRESHOLD_OF_OURS ? NO_THRESHOLD : Math.floor(threshold / unit),
    unacked: Math.ceil(((info.sendNext - info.sendUnacknowledged) | 0) / info.segmentSize),
    total_retrans: info.retransmitted,
    snd_rexmitpack: info.retransmitted,
    notsent_bytes: info.unsentBytes,
    bytes_acked: info.bytesAcknowledged,
    bytes_received: info.bytesReceived,
    bytes_sent: info.bytesSent,
    segs_in: info.segmentsIn,
    segs_out: info.segmentsOut,
    rcv_ooopack: info.outOfOrder,
    snd_wnd: info.sendWindow,
    rcv_wnd: info.receiveWindow,
    rcv_space: info.receiveWindow,
    snd_nxt: info.sendNext >>> 0,
    rcv_nxt: info.receiveNext >>> 0,
  };
}

function optionBits({ hasTimestamps, hasSelectiveAcknowledgements, hasScaling, hasEcn }: ControlBlock): number {
  return (
    Number(hasTimestamps) |
    (Number(hasSelectiveAcknowledgements) << 1) |
    (Number(hasScaling) << 2) |
    (Number(hasEcn) << 3)
  );
}
