import type { Packet } from '@prism-net/buffers';
import { Errno, posixError, requireWholeNumber } from '@prism-net/errors';
import type { EchoHandler, Icmp } from '@prism-net/ipv4';
import type { RandomSource } from '@prism-net/tables';
import { elapsed, type Instant, type TimerHandler, type TimerWheel } from '@prism-net/time';
import { formatIpv4Address } from '@prism-net/wire';

export interface PingOptions {
  /** Bytes of data after the ICMP header; EMSGSIZE when they do not fit one frame of packet memory. Default 56. */
  readonly payloadLength?: number;
  /** Default 1,000. */
  readonly timeoutMilliseconds?: number;
}

export interface PingReply {
  readonly address: string;
  readonly roundTripMicroseconds: number;
}

interface Waiting {
  readonly destination: number;
  readonly sentAt: Instant;
  readonly resolve: (reply: PingReply) => void;
  readonly reject: (error: Error) => void;
  readonly timer: number;
}

/** Sends ICMP echo requests (RFC 792) and matches the replies by an identifier of its own and their sequence number. */
export class Ping implements EchoHandler, TimerHandler {
  readonly #icmp: Icmp;
  readonly #timers: TimerWheel;
  readonly #identifier: number;
  #sequence = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(icmp: Icmp, timers: TimerWheel, random: RandomSource) {
    this.#icmp = icmp;
    this.#timers = timers;
    this.#identifier = random.nextInt32() & 0xffff;
    icmp.echoHandler = this;
  }

  send(destination: number, options: PingOptions, now: Instant): Promise<PingReply> {
    const { payloadLength = 56, timeoutMilliseconds = 1000 } = options;
    requireWholeNumber('ping', 'payloadLength', payloadLength, 0, 65_507);
    requireWholeNumber('ping', 'timeoutMilliseconds', timeoutMilliseconds, 1, 600_000);
    const sequence = (this.#sequence = (this.#sequence + 1) & 0xffff);
    const timer = this.#waiting.has(sequence) ? -1 : this.#timers.create(this, sequence);
    if (timer < 0) return Promise.reject(posixError(Errno.ENOBUFS, 'ping', 'too many requests are unanswered'));
    this.#timers.arm(timer, timeoutMilliseconds * 1000, now);
    return new Promise((resolve, reject) => {
      this.#waiting.set(sequence, { destination, sentAt: now, resolve, reject, timer });
      const errno = this.#icmp.ping(destination, this.#identifier, sequence, payloadLength, now);
      if (errno !== Errno.NONE) this.#fail(sequence, errno);
    });
  }

  /** Nobody answered in time. */
  onTimer(_timer: number, sequence: number): void {
    this.#fail(sequence, Errno.ETIMEDOUT);
  }

  echoReply(_packet: Packet, source: number, identifier: number, sequence: number, now: Instant): boolean {
    const waiting = this.#take(source, identifier, sequence);
    if (waiting === undefined) return false;
    const roundTripMicroseconds = Math.max(0, elapsed(now, waiting.sentAt));
    waiting.resolve({ address: formatIpv4Address(source), roundTripMicroseconds });
    return true;
  }

  echoError(errno: Errno, destination: number, identifier: number, sequence: number): boolean {
    const waiting = this.#take(destination, identifier, sequence);
    waiting?.reject(posixError(errno, 'ping', formatIpv4Address(destination)));
    return waiting !== undefined;
  }

  close(): void {
    for (const sequence of [...this.#waiting.keys()]) this.#fail(sequence, Errno.ENETDOWN);
  }

  #take(address: number, identifier: number, sequence: number): Waiting | undefined {
    if (identifier !== this.#identifier) return undefined;
    const waiting = this.#waiting.get(sequence);
    if (waiting === undefined || waiting.destination !== address) return undefined;
    this.#forget(sequence, waiting);
    return waiting;
  }

  #fail(sequence: number, errno: Errno): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting === undefined) return;
    this.#forget(sequence, waiting);
    waiting.reject(posixError(errno, 'ping', formatIpv4Address(waiting.destination)));
  }

  #forget(sequence: number, waiting: Waiting): void {
    this.#waiting.delete(sequence);
    this.#timers.destroy(waiting.timer);
  }
}
