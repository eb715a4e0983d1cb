import { readNumber, readText, writeNumber, writeText } from './ascii-field.js';
import { type LoginRejectReason, PACKET_HEADER_BYTES, PacketType, writePacketHeader } from './packet.js';

/*
 * Payloads of the login, ASCII:
 *
 *   login request              login accepted
 *   offset  field       width  offset  field                       width
 *        0  username        6       0  session                        10
 *        6  password       10      10  sequence number                20
 *       16  session        10
 *       26  sequence       20  login rejected: one byte, the reason
 */
export const USERNAME_BYTES = 6;
export const PASSWORD_BYTES = 10;
export const SESSION_BYTES = 10;
export const SEQUENCE_BYTES = 20;

export const LOGIN_REQUEST_BYTES = USERNAME_BYTES + PASSWORD_BYTES + SESSION_BYTES + SEQUENCE_BYTES;
export const LOGIN_ACCEPTED_BYTES = SESSION_BYTES + SEQUENCE_BYTES;
export const LOGIN_REJECTED_BYTES = 1;

const USERNAME = 0;
const PASSWORD = USERNAME + USERNAME_BYTES;
const REQUESTED_SESSION = PASSWORD + PASSWORD_BYTES;
const REQUESTED_SEQUENCE = REQUESTED_SESSION + SESSION_BYTES;

export interface LoginRequest {
  readonly username: string;
  readonly password: string;
  /** Empty: the one that is running. */
  readonly session: string;
  /** Number of the first message wanted; 0: the latest one. `NOT_A_NUMBER` when the field was none. */
  readonly sequenceNumber: number;
}

/** Cold path. `at`: of the payload, LOGIN_REQUEST_BYTES long. */
export function readLoginRequest(view: DataView, at: number): LoginRequest {
  return {
    username: readText(view, at + USERNAME, USERNAME_BYTES),
    password: readText(view, at + PASSWORD, PASSWORD_BYTES),
    session: readText(view, at + REQUESTED_SESSION, SESSION_BYTES),
    sequenceNumber: readNumber(view, at + REQUESTED_SEQUENCE, SEQUENCE_BYTES),
  };
}

/** Writes the whole packet and returns its length. */
export function writeLoginRequest(view: DataView, at: number, request: LoginRequest): number {
  const payload = at + PACKET_HEADER_BYTES;
  writeText(view, payload + USERNAME, USERNAME_BYTES, request.username);
  writeText(view, payload + PASSWORD, PASSWORD_BYTES, request.password);
  writeText(view, payload + REQUESTED_SESSION, SESSION_BYTES, request.session, true);
  writeNumber(view, payload + REQUESTED_SEQUENCE, SEQUENCE_BYTES, request.sequenceNumber);
  return writePacketHeader(view, at, PacketType.loginRequest, LOGIN_REQUEST_BYTES);
}

export interface LoginAccepted {
  readonly session: string;
  /** Number of the first sequenced message that follows. */
  readonly sequenceNumber: number;
}

/** Cold path. `at`: of the payload, LOGIN_ACCEPTED_BYTES long. */
export function readLoginAccepted(view: DataView, at: number): LoginAccepted {
  return {
    session: readText(view, at, SESSION_BYTES),
    sequenceNumber: readNumber(view, at + SESSION_BYTES, SEQUENCE_BYTES),
  };
}

/** Writes the whole packet and returns its length. */
export function writeLoginAccepted(view: DataView, at: number, accepted: LoginAccepted): number {
  const payload = at + PACKET_HEADER_BYTES;
  writeText(view, payload, SESSION_BYTES, accepted.session, true);
  writeNumber(view, payload + SESSION_BYTES, SEQUENCE_BYTES, accepted.sequenceNumber);
  return writePacketHeader(view, at, PacketType.loginAccepted, LOGIN_ACCEPTED_BYTES);
}

/** Writes the whole packet and returns its length. */
export function writeLoginRejected(view: DataView, at: number, reason: LoginRejectReason): number {
  view.setUint8(at + PACKET_HEADER_BYTES, reason);
  return writePacketHeader(view, at, PacketType.loginRejected, LOGIN_REJECTED_BYTES);
}
