import { requireWholeNumber } from '@prism-net/errors';
import { Deframer, type PacketReceiver } from './deframer.js';
import { Ending } from './ending.js';
import { LOGIN_ACCEPTED_BYTES, LOGIN_REJECTED_BYTES, readLoginAccepted, writeLoginRequest } from './login.js';
import { copyBytes, LoginRejectReason, PacketType, writePacketHeader } from './packet.js';
import { type Timing, type TimingOptions, timingOf } from './timing.js';

export interface SequencedReceiver {
  /** The next message of the session; its number is `client.nextNumber` during the call. False: stop for now. */
  receiveMessage(view: DataView, at: number, length: number): boolean;
  /** Logged in: messages follow from `client.nextNumber` on. What the server may not have received is sent again now. */
  loggedIn?(): void;
}

export interface SoupClientOptions extends TimingOptions {
  readonly username: string;
  readonly password: string;
  /** Session to resume; empty: the one that is running. Default empty. */
  readonly session?: string;
  /** Number of the first message wanted; 0: the latest. Default 1: all. */
  readonly nextNumber?: number;
  readonly receiver: SequencedReceiver;
  /** Longest packet taken from the server: type and payload. Default 512. */
  readonly maximumLength?: number;
}

const CONTROL_BYTES = 64;

/**
 * The client's side of SoupBinTCP, over any number of connections one after the other: it knows its place in the session
 * and asks for the message after the last one it has seen.
 */
export class SoupClient implements PacketReceiver {
  /** Why the connection is over; `none` while it is open. */
  ending: Ending = Ending.disconnected;
  isLoggedIn = false;
  /** The session's name, once known. */
  session: string;

  readonly #username: string;
  readonly #password: string;
  readonly #receiver: SequencedReceiver;
  readonly #timing: Timing;
  readonly #deframer: Deframer;
  readonly #control = new DataView(new ArrayBuffer(CONTROL_BYTES));
  #controlLength = 0;
  #lastHeard = 0;
  #lastSent = 0;
  /** The number of the next message; passes 2^31. */
  readonly #next = new Float64Array(1);

  constructor(options: SoupClientOptions) {
    this.#username = options.username;
    this.#password = options.password;
    this.session = options.session ?? '';
    this.#receiver = options.receiver;
    this.#timing = timingOf(options);
    const maximumLength = requireWholeNumber('SoupClient', 'maximumLength', options.maximumLength ?? 512, 64, 65_535);
    this.#deframer = new Deframer(this, maximumLength);
    const { nextNumber = 1 } = options;
    this.#next[0] = requireWholeNumber('SoupClient', 'nextNumber', nextNumber, 0, Number.MAX_SAFE_INTEGER);
  }

  /** Number of the next message. */
  get nextNumber(): number {
    return this.#next[0]!;
  }

  get hasOutput(): boolean {
    return this.#controlLength > 0;
  }

  /** A connection is there: logs in, asking for `nextNumber`. */
  connected(now: number): void {
    this.#deframer.reset();
    this.ending = Ending.none;
    this.isLoggedIn = false;
    this.#lastHeard = now;
    this.#lastSent = now;
    this.#controlLength = writeLoginRequest(this.#control, 0, {
      username: this.#username,
      password: this.#password,
      session: this.session,
      sequenceNumber: this.#next[0]!,
    });
  }

  /** The transport is gone. */
  disconnected(): void {
    this.#finish(Ending.disconnected);
  }

  /** Takes bytes that arrived; returns how many were used: fewer when the receiver said stop. */
  receive(view: DataView, at: number, length: number, now: number): number {
    if (this.ending !== Ending.none) return length;
    this.#lastHeard = now;
    const used = this.#deframer.push(view, at, length);
    if (this.#deframer.fault !== Ending.none) this.#finish(this.#deframer.fault);
    return used;
  }

  /** Writes what the session itself has to say (login, heartbeat, logout) if there is room for all of it. Returns its length. */
  transmit(view: DataView, at: number, room: number, now: number): number {
    const length = this.#controlLength;
    if (length === 0 || length > room) return 0;
    copyBytes(view, at, this.#control, 0, length);
    this.#controlLength = 0;
    this.#lastSent = now;
    return length;
  }

  /** The caller has sent messages of its own (see `writePacketHeader`): no heartbeat is due. */
  sent(now: number): void {
    this.#lastSent = now;
  }

  /** To be called a few times a second, if only for time to pass. */
  advance(now: number): void {
    if (this.ending !== Ending.none) return;
    const silence = (now - this.#lastHeard) | 0;
    if (!this.isLoggedIn) {
      if (silence >= this.#timing.login) this.#finish(Ending.loginTimeout);
    } else if (silence >= this.#timing.timeout) {
      this.#finish(Ending.heartbeatTimeout);
    } else if (this.#controlLength === 0 && ((now - this.#lastSent) | 0) >= this.#timing.heartbeat) {
      this.#controlLength = writePacketHeader(this.#control, 0, PacketType.clientHeartbeat, 0);
    }
  }

  /** Says goodbye; the server closes the connection. */
  logout(): void {
    if (this.isLoggedIn) this.#controlLength = writePacketHeader(this.#control, 0, PacketType.logoutRequest, 0);
  }

  /** For the deframer. */
  receivePacket(type: number, view: DataView, at: number, length: number): boolean {
    if (type === PacketType.sequencedData && this.isLoggedIn) {
      const goesOn = this.#receiver.receiveMessage(view, at, length);
      this.#next[0]! += 1;
      return goesOn && this.ending === Ending.none;
    }
    const ending = this.#receiveOther(type, view, at, length);
    if (ending === Ending.none) return true;
    this.#finish(ending);
    return false;
  }

  #receiveOther(type: number, view: DataView, at: number, length: number): Ending {
    switch (type) {
      case PacketType.serverHeartbeat:
        return length === 0 ? Ending.none : Ending.wrongLength;
      case PacketType.debug:
        return Ending.none;
      case PacketType.endOfSession:
        return length === 0 ? Ending.endOfSession : Ending.wrongLength;
      case PacketType.loginRejected:
        if (this.isLoggedIn) return Ending.unexpectedType;
        if (length !== LOGIN_REJECTED_BYTES) return Ending.wrongLength;
        return view.getUint8(at) === LoginRejectReason.notAuthorised
          ? Ending.notAuthorised
          : Ending.sessionNotAvailable;
      case PacketType.loginAccepted:
        if (this.isLoggedIn) return Ending.secondLogin;
        return length === LOGIN_ACCEPTED_BYTES ? this.#accepted(view, at) : Ending.wrongLength;
      case PacketType.sequencedData:
        return Ending.notLoggedIn;
      default:
        return Ending.unexpectedType;
    }
  }

  #accepted(view: DataView, at: number): Ending {
    const { session, sequenceNumber } = readLoginAccepted(view, at);
    const wanted = this.#next[0]!;
    const isOther = this.session !== '' && session !== this.session;
    if (sequenceNumber < 1 || isOther || (wanted !== 0 && sequenceNumber !== wanted)) return Ending.gap;
    this.session = session;
    this.#next[0] = sequenceNumber;
    this.isLoggedIn = true;
    this.#receiver.loggedIn?.();
    return Ending.none;
  }

  #finish(ending: Ending): void {
    if (this.ending !== Ending.none) return;
    this.ending = ending;
    this.isLoggedIn = false;
    this.#controlLength = 0;
  }
}
