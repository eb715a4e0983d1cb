/**
 * A parsed script: plain values, every one with the place it stands at. All times are microseconds.
 *
 *     Script ── options, initCommand, cleanupCommand
 *       └─ events: time + action
 *                         ├─ PacketAction   < or >, IP fields, TCP | UDP | ICMP | …
 *                         ├─ SystemCall     name(arguments) = result
 *                         ├─ ShellCommand   `…`
 *                         └─ CodeFragment   %{ … }%
 */
export interface Position {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Script {
  readonly options: readonly HeaderOption[];
  readonly initCommand: ShellCommand | null;
  readonly events: readonly ScriptEvent[];
  readonly cleanupCommand: ShellCommand | null;
}

/** `--name=value` at the top of a script. */
export interface HeaderOption extends Position {
  readonly name: string;
  readonly value: string | null;
}

export type EventTime =
  | { readonly type: 'absolute' | 'relative'; readonly start: number }
  | { readonly type: 'absolute-range' | 'relative-range'; readonly start: number; readonly end: number }
  | { readonly type: 'any' };

export interface ScriptEvent extends Position {
  readonly time: EventTime;
  readonly action: Action;
}

export type Action = PacketAction | SystemCall | ShellCommand | CodeFragment;

export interface ShellCommand extends Position {
  readonly kind: 'command';
  readonly text: string;
}

export interface CodeFragment extends Position {
  readonly kind: 'code';
  /** As written between `%{` and `}%`, without blanks at both ends. */
  readonly text: string;
}

// ---- packets

export type Direction = 'inbound' | 'outbound';

export interface PacketAction extends Position {
  readonly kind: 'packet';
  readonly direction: Direction;
  /** Headers in front of the inner packet: tunnels and labels. */
  readonly encapsulations: readonly Encapsulation[];
  readonly ip: IpFields;
  readonly transport: Transport;
  /** Names of what was understood but has no meaning here: options, tunnels, mutations. Empty: all can be run. */
  readonly unsupported: readonly string[];
}

export interface Encapsulation {
  readonly type: 'ipv4' | 'ipv6' | 'gre' | 'mpls' | 'psp' | 'address';
  readonly text: string;
}

/** What the script says of the IP header. Absent: not said, so not compared. */
export interface IpFields {
  /** ECN codepoint: `noecn`, `ect0`, `ect1`, `ce`, or `ect01` for either capable one. */
  readonly ecn?: 'noecn' | 'ect0' | 'ect1' | 'ect01' | 'ce';
  /** The whole byte: DSCP and ECN. */
  readonly trafficClass?: number;
  /** The six bits of RFC 2474. */
  readonly dscp?: number;
  readonly timeToLive?: number;
  readonly flowLabel?: number;
}

export interface Ports {
  readonly source: number;
  readonly destination: number;
}

export type Transport = TcpTransport | UdpTransport | UdpLiteTransport | IcmpTransport | SctpTransport;

export interface TcpTransport {
  readonly protocol: 'tcp';
  readonly ports: Ports | null;
  /** Letters of `SFRP.UEWA`, in the order written; empty for `-`. */
  readonly flags: string;
  /** The count of RFC 9768 in the bits of AE, CWR and ECE, written as a digit; null where letters name the bits. */
  readonly ace: number | null;
  readonly sequence: SequenceRange;
  readonly acknowledgement: number | null;
  /** The acknowledgement number is the one on the wire. */
  readonly isAcknowledgementAbsolute: boolean;
  readonly window: number | null;
  readonly urgentPointer: number | null;
  /** null: any options will do (`<...>`). */
  readonly options: readonly TcpOption[] | null;
  readonly udpEncapsulation: Ports | null;
}

export interface SequenceRange {
  readonly start: number;
  /** Bytes of payload. */
  readonly length: number;
  /** As on the wire, not relative to the initial sequence number (`!`). */
  readonly isAbsolute: boolean;
  /** Any sequence number will do (`...`). */
  readonly isAny: boolean;
}

export type TcpOption =
  | { readonly kind: 'nop' | 'eol' | 'sack-permitted' }
  | { readonly kind: 'mss'; readonly value: number }
  /** null: any shift. */
  | { readonly kind: 'wscale'; readonly shift: number | null }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [left: number, right: number])[] }
  /** null: any value. */
  | {
      readonly kind: 'timestamps';
      readonly value: number | null;
      readonly echo: number | null;
      readonly isEchoAbsolute: boolean;
    }
  | { readonly kind: 'fast-open'; readonly cookie: string; readonly isExperimental: boolean }
  | { readonly kind: 'md5'; readonly digest: string }
  /** Counters in the order written, e.g. `e0b`, `ceb`, `e1b`. */
  | {
      readonly kind: 'acc-ecn';
      readonly name: string;
      readonly order: 0 | 1;
      readonly isExperimental: boolean;
      readonly counters: readonly number[];
    }
  | { readonly kind: 'tarr'; readonly rate: number | null }
  | { readonly kind: 'other'; readonly name: string; readonly text: string };

export interface UdpTransport {
  readonly protocol: 'udp';
  readonly ports: Ports | null;
  readonly length: number;
}

export interface UdpLiteTransport {
  readonly protocol: 'udplite';
  readonly ports: Ports | null;
  readonly length: number;
  readonly coverage: number;
}

export interface IcmpTransport {
  readonly protocol: 'icmp';
  readonly type: string;
  readonly code: string | null;
  readonly mtu: number | null;
  readonly identifier: number | null;
  readonly quote: IcmpQuote | null;
}

/** The packet an ICMP message quotes. */
export type IcmpQuote =
  | { readonly protocol: 'tcp'; readonly sequence: SequenceRange }
  | { readonly protocol: 'udp' | 'raw'; readonly length: number }
  | { readonly protocol: 'other'; readonly text: string };

export interface SctpTransport {
  readonly protocol: 'sctp';
  readonly ports: Ports | null;
  readonly text: string;
}

// ---- system calls

export interface SystemCall extends Position {
  readonly kind: 'system-call';
  readonly name: string;
  readonly arguments: readonly Expression[];
  readonly result: Expression;
  /** Name of the error that is expected with -1. */
  readonly errno: string | null;
  /** The words in parentheses at the end. */
  readonly note: string | null;
  /** When a blocking call returns; null for one that does not block. As the event's time: absolute or relative. */
  readonly end: number | null;
}

export type Expression = Position &
  (
    | { readonly kind: 'ellipsis' }
    | { readonly kind: 'number'; readonly value: number; readonly text: string }
    | { readonly kind: 'word'; readonly name: string }
    | { readonly kind: 'string'; readonly value: string; readonly isPrefix: boolean }
    | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
    | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
    | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[] }
    | { readonly kind: 'assignment'; readonly name: string; readonly value: Expression }
    | { readonly kind: 'list'; readonly elements: readonly Expression[] }
    | { readonly kind: 'struct'; readonly fields: readonly StructField[] }
    /** Braces in a notation of their own: a label stack, a GRE header. */
    | { readonly kind: 'raw'; readonly text: string }
  );

export interface StructField {
  /** null: by position. */
  readonly name: string | null;
  /** The number of elements in parentheses behind the name: `msg_iov(1)=…`. */
  readonly count: Expression | null;
  readonly value: Expression;
}
