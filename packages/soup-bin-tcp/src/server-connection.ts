import { NOT_A_NUMBER } from './ascii-field.js';
import { Deframer, type PacketReceiver } from './deframer.js';
import { Ending } from './ending.js';
import { LOGIN_REQUEST_BYTES, readLoginRequest, writeLoginAccepted, writeLoginRejected } from './login.js';
import { copyBytes, LoginRejectReason, PACKET_HEADER_BYTES, PacketType, writePacketHeader } from './packet.js';
import type { ServerSession } from './server-session.js';
import type { SoupServer } from './soup-server.js';

/** Room for a login's answer, a heartbeat and a debug text. */
const CONTROL_BYTES = 128;

/** One connection of a client, without its transport: bytes in by `receive`, bytes out by `transmit`, time by `advance`. */
export class ServerConnection implements PacketReceiver {
  /** Of the account that logged in. */
  session: ServerSession | null = null;
  /** Why it is over: send what `transmit` still gives, then close it; at once if {@link mustAbort}. */
  ending: Ending = Ending.none;

  readonly #server: SoupServer;
  readonly #deframer: Deframer;
  readonly #control = new DataView(new ArrayBuffer(CONTROL_BYTES));
  #controlLength = 0;
  /** Of the next message to be sent. */
  #cursor = 0;
  #lastHeard: number;
  /** The last time that something was sent. */
  #lastSent: number;

  /** For {@link SoupServer.open}. */
  constructor(server: SoupServer, now: number) {
    this.#server = server;
    this.#deframer = new Deframer(this, server.maximumLength);
    this.#lastHeard = now;
    this.#lastSent = now;
  }

  /** The peer does not read, or somebody took its place: nothing that is still to be sent would be of use. */
  get mustAbort(): boolean {
    const { ending } = this;
    return (
      ending === Ending.heartbeatTimeout ||
      ending === Ending.loginTimeout ||
      ending === Ending.slowReader ||
      ending === Ending.superseded
    );
  }

  /** Messages of the session that were not yet sent. */
  get backlog(): number {
    return this.session === null ? 0 : (this.session.store.end - this.#cursor) | 0;
  }

  /** There is something for `transmit`. */
  get hasOutput(): boolean {
    if (this.#controlLength > 0) return true;
    const { session } = this;
    return (
      session !== null && (this.#cursor !== session.store.end || (session.hasEnded && this.ending === Ending.none))
    );
  }

  /** Takes bytes that arrived; returns how many were used: fewer when the message receiver said stop. */
  receive(view: DataView, at: number, length: number, now: number): number {
    if (this.ending !== Ending.none) return length;
    this.#lastHeard = now;
    const used = this.#deframer.push(view, at, length);
    if (this.#deframer.fault !== Ending.none) this.finish(this.#deframer.fault);
    return used;
  }

  /**
   * Writes whole packets that are to be sent, at most `room` bytes, and returns their length; 0: nothing to send, or no
   * room for the next packet. `room` should be that of a frame.
   */
  transmit(view: DataView, at: number, room: number, now: number): number {
    let written = this.#controlLength;
    if (written > room) return 0;
    copyBytes(view, at, this.#control, 0, written);
    this.#controlLength = 0;
    const { session } = this;
    if (session !== null) written = (written + this.#transmitMessages(session, view, at + written, room - written)) | 0;
    if (written > 0) this.#lastSent = now;
    return written;
  }

  /** To be called a few times a second, if only for time to pass. */
  advance(now: number): void {
    if (this.ending !== Ending.none) return;
    const { timing } = this.#server;
    const { session } = this;
    const silence = (now - this.#lastSent) | 0;
    if (session === null) {
      if (silence >= timing.login) this.finish(Ending.loginTimeout);
    } else if (((session.store.start - this.#cursor) | 0) > 0) {
      this.finish(Ending.slowReader);
    } else if (((now - this.#lastHeard) | 0) >= timing.timeout) {
      this.finish(Ending.heartbeatTimeout);
    } else if (this.hasOutput) {
      if (silence >= timing.timeout) this.finish(Ending.slowReader);
    } else if (silence >= timing.heartbeat) {
      this.#controlLength = writePacketHeader(this.#control, 0, PacketType.serverHeartbeat, 0);
    }
  }

  /** The transport is gone. */
  disconnected(): void {
    this.finish(Ending.disconnected);
  }

  /** A text for people at the other end, if there is room for one just now. Cold path. */
  debug(text: string): void {
    const length = Math.min(text.length, 80);
    if (this.#controlLength + PACKET_HEADER_BYTES + length > CONTROL_BYTES) return;
    const at = this.#controlLength + PACKET_HEADER_BYTES;
    for (let n = 0; n < length; n++) this.#control.setUint8(at + n, text.charCodeAt(n) & 0x7f);
    this.#controlLength += writePacketHeader(this.#control, this.#controlLength, PacketType.debug, length);
  }

  /** For the deframer. */
  receivePacket(type: number, view: DataView, at: number, length: number): boolean {
    if (type === PacketType.unsequencedData && this.session !== null) {
      // Whoever takes the message may also end the connection.
      return this.#server.receiver.receiveMessage(this.session, view, at, length) && this.ending === Ending.none;
    }
    const ending = this.#receiveOther(type, view, at, length);
    if (ending === Ending.none) return true;
    this.finish(ending);
    return false;
  }

  /** The first ending counts. */
  finish(ending: Ending): void {
    if (this.ending !== Ending.none) return;
    this.ending = ending;
    if (this.session?.connection === this) this.session.connection = null;
    this.#server.ended(ending);
  }

  #receiveOther(type: number, view: DataView, at: number, length: number): Ending {
    switch (type) {
      case PacketType.clientHeartbeat:
        return length === 0 ? Ending.none : Ending.wrongLength;
      case PacketType.debug:
        return Ending.none;
      case PacketType.logoutRequest:
        return length === 0 ? Ending.logout : Ending.wrongLength;
      case PacketType.loginRequest:
        if (length !== LOGIN_REQUEST_BYTES) return Ending.wrongLength;
        return this.session === null ? this.#login(view, at) : Ending.secondLogin;
      case PacketType.unsequencedData:
        return Ending.notLoggedIn;
      default:
        return Ending.unexpectedType;
    }
  }

  #login(view: DataView, at: number): Ending {
    const request = readLoginRequest(view, at);
    const session = this.#server.authenticate(request.username, request.password);
    if (session === null) return this.#reject(LoginRejectReason.notAuthorised, Ending.notAuthorised);
    const first = firstMessage(session, request.session, request.sequenceNumber);
    const isTaken = session.connection !== null && !this.#server.takesOver;
    if (first < 0 || isTaken) return this.#reject(LoginRejectReason.sessionNotAvailable, Ending.sessionNotAvailable);
    session.connection?.finish(Ending.superseded);
    session.connection = this;
    this.session = session;
    this.#cursor = session.store.cursorOf(first);
    this.#controlLength = writeLoginAccepted(this.#control, 0, { session: session.name, sequenceNumber: first });
    this.#server.receiver.loggedIn?.(session);
    return Ending.none;
  }

  #reject(reason: LoginRejectReason, ending: Ending): Ending {
    this.#controlLength = writeLoginRejected(this.#control, 0, reason);
    return ending;
  }

  #transmitMessages(session: ServerSession, view: DataView, at: number, room: number): number {
    const { store } = session;
    if (this.ending !== Ending.none) return 0;
    if (((store.start - this.#cursor) | 0) > 0) {
      this.finish(Ending.slowReader);
      return 0;
    }
    let written = 0;
    let cursor = this.#cursor;
    while (cursor !== store.end) {
      if (written + store.packetLength(cursor) > room) break;
      written = (written + store.copyPacket(cursor, view, at + written)) | 0;
      cursor = (cursor + 1) | 0;
    }
    this.#cursor = cursor;
    if (
      session.hasEnded &&
      cursor === store.end &&
      this.ending === Ending.none &&
      room - written >= PACKET_HEADER_BYTES
    ) {
      written = (written + writePacketHeader(view, at + written, PacketType.endOfSession, 0)) | 0;
      this.finish(Ending.endOfSession);
    }
    return written;
  }
}

/** Number of the first message to send; -1 when the session or the message is not there. */
function firstMessage({ name, store }: ServerSession, wantedSession: string, wanted: number): number {
  if (wanted === NOT_A_NUMBER || (wantedSession !== '' && wantedSession !== name)) return -1;
  const first = wanted === 0 ? Math.max(1, store.total) : wanted;
  return first >= store.oldestNumber && first <= store.total + 1 ? first : -1;
}
