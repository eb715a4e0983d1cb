import type { Instant } from '@prism-net/time';
import { allowedChallenge } from './challenge-limit.js';
import type { FlowKey, FlowWords } from './flow-key.js';

/** Words of a row: 128 bytes, two cache lines. */
export const ROW_WORDS = 32;

/** Where in a row each word is. The key is at 0; the four words of the local address and those of the remote follow. */
export const Word = {
  KEY: 0,
  LOCAL: 4,
  REMOTE: 8,
  LISTENER: 12,
  LISTENER_GENERATION: 13,
  IRS: 14,
  ISS: 15,
  MAXIMUM_SEGMENT_SIZE: 16,
  WINDOW_SCALE: 17,
  RECEIVE_WINDOW_SCALE: 18,
  FLAGS: 19,
  TIMESTAMP_RECENT: 20,
  TIMESTAMP_OFFSET: 21,
  SENT_AT: 22,
  DEADLINE: 23,
  RETRANSMISSIONS: 24,
  NETWORK_INDEX: 25,
  TRAFFIC_CLASS: 26,
  OLDER: 27,
  NEWER: 28,
  CHALLENGE_READY_AT: 29,
} as const;

const SACK_PERMITTED = 1;
const TIMESTAMPS = 2;
const ECN = 4;
const ANSWERED_AGAIN = 8;

/** What is kept of half-open connections: a row of int32 words each, read and written by name. */
export class SynCacheRows {
  protected readonly rows: Int32Array;

  protected constructor(capacity: number) {
    this.rows = new Int32Array(capacity * ROW_WORDS);
  }

  /** The local port; the key holds both. */
  localPort(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.KEY + 2]! >>> 16;
  }

  remotePort(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.KEY + 2]! & 0xffff;
  }

  /** Slot of the listener the SYN was for. */
  listener(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.LISTENER]!;
  }

  /** When the SYN-ACK was first sent: a round-trip sample, if `retransmissions` is 0 (RFC 6298 §3, Karn). */
  sentAt(slot: number): Instant {
    return this.rows[slot * ROW_WORDS + Word.SENT_AT]!;
  }

  /** How often the SYN-ACK was sent again because its time was up. */
  retransmissions(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.RETRANSMISSIONS]!;
  }

  /** Keeps the addresses. */
  setAddresses(slot: number, from: FlowWords): void {
    const rows = this.rows;
    const at = slot * ROW_WORDS + Word.LOCAL;
    rows[at] = from.localA;
    rows[at + 1] = from.localB;
    rows[at + 2] = from.localC;
    rows[at + 3] = from.localD;
    rows[at + 4] = from.remoteA;
    rows[at + 5] = from.remoteB;
    rows[at + 6] = from.remoteC;
    rows[at + 7] = from.remoteD;
  }

  copyAddresses(slot: number, to: FlowWords): void {
    const rows = this.rows;
    const at = slot * ROW_WORDS + Word.LOCAL;
    to.localA = rows[at]!;
    to.localB = rows[at + 1]!;
    to.localC = rows[at + 2]!;
    to.localD = rows[at + 3]!;
    to.remoteA = rows[at + 4]!;
    to.remoteB = rows[at + 5]!;
    to.remoteC = rows[at + 6]!;
    to.remoteD = rows[at + 7]!;
  }

  copyKey(slot: number, to: FlowKey): void {
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    to.a = rows[at]!;
    to.b = rows[at + 1]!;
    to.c = rows[at + 2]!;
    to.d = rows[at + 3]!;
  }

  /** Initial receive sequence number: that of the SYN. */
  irs(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.IRS]!;
  }

  setIrs(slot: number, sequence: number): void {
    this.rows[slot * ROW_WORDS + Word.IRS] = sequence;
  }

  /** Initial send sequence number: that of the SYN-ACK. */
  iss(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.ISS]!;
  }

  setIss(slot: number, sequence: number): void {
    this.rows[slot * ROW_WORDS + Word.ISS] = sequence;
  }

  /** As the peer's option said; -1: it did not. */
  maximumSegmentSize(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.MAXIMUM_SEGMENT_SIZE]!;
  }

  setMaximumSegmentSize(slot: number, bytes: number): void {
    this.rows[slot * ROW_WORDS + Word.MAXIMUM_SEGMENT_SIZE] = bytes;
  }

  /** The peer's; -1: windows are not scaled. */
  windowScale(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.WINDOW_SCALE]!;
  }

  setWindowScale(slot: number, shift: number): void {
    this.rows[slot * ROW_WORDS + Word.WINDOW_SCALE] = shift;
  }

  /** Ours, offered in the SYN-ACK; means nothing when `windowScale` is -1. */
  receiveWindowScale(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.RECEIVE_WINDOW_SCALE]!;
  }

  setReceiveWindowScale(slot: number, shift: number): void {
    this.rows[slot * ROW_WORDS + Word.RECEIVE_WINDOW_SCALE] = shift;
  }

  /** Both sides permit SACK. */
  sackPermitted(slot: number): boolean {
    return this.#hasFlag(slot, SACK_PERMITTED);
  }

  setSackPermitted(slot: number, isSet: boolean): void {
    this.#setFlag(slot, SACK_PERMITTED, isSet);
  }

  /** Both sides use timestamps. */
  hasTimestamps(slot: number): boolean {
    return this.#hasFlag(slot, TIMESTAMPS);
  }

  setHasTimestamps(slot: number, isSet: boolean): void {
    this.#setFlag(slot, TIMESTAMPS, isSet);
  }

  /** ECN was agreed on (RFC 3168 §6.1.1). */
  ecn(slot: number): boolean {
    return this.#hasFlag(slot, ECN);
  }

  setEcn(slot: number, isSet: boolean): void {
    this.#setFlag(slot, ECN, isSet);
  }

  /** TS.Recent: the timestamp to echo (RFC 7323 §4.3). */
  timestampRecent(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.TIMESTAMP_RECENT]!;
  }

  setTimestampRecent(slot: number, value: number): void {
    this.rows[slot * ROW_WORDS + Word.TIMESTAMP_RECENT] = value;
  }

  /** Ours; see `TimestampOffset`. */
  timestampOffset(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.TIMESTAMP_OFFSET]!;
  }

  setTimestampOffset(slot: number, offset: number): void {
    this.rows[slot * ROW_WORDS + Word.TIMESTAMP_OFFSET] = offset;
  }

  /** The SYN came again, and was answered again: a round trip cannot be told from it (RFC 6298 §3, Karn). */
  answeredAgain(slot: number): boolean {
    return this.#hasFlag(slot, ANSWERED_AGAIN);
  }

  setAnsweredAgain(slot: number): void {
    this.#setFlag(slot, ANSWERED_AGAIN, true);
  }

  /** As `ChallengeLimit` of connections (RFC 5961 §7): whether the row may answer with an acknowledgement now. */
  allowChallenge(slot: number, now: Instant, jitter: number): boolean {
    const at = slot * ROW_WORDS + Word.CHALLENGE_READY_AT;
    const readyAt = this.rows[at]!;
    const next = allowedChallenge(readyAt, now, jitter);
    this.rows[at] = next;
    return next !== readyAt;
  }

  /** Which network layer the SYN came by. */
  networkIndex(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.NETWORK_INDEX]!;
  }

  setNetworkIndex(slot: number, index: number): void {
    this.rows[slot * ROW_WORDS + Word.NETWORK_INDEX] = index;
  }

  trafficClass(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.TRAFFIC_CLASS]!;
  }

  setTrafficClass(slot: number, trafficClass: number): void {
    this.rows[slot * ROW_WORDS + Word.TRAFFIC_CLASS] = trafficClass;
  }

  #hasFlag(slot: number, flag: number): boolean {
    return (this.rows[slot * ROW_WORDS + Word.FLAGS]! & flag) !== 0;
  }

  #setFlag(slot: number, flag: number, isSet: boolean): void {
    const rows = this.rows;
    const at = slot * ROW_WORDS + Word.FLAGS;
    rows[at] = isSet ? rows[at]! | flag : rows[at]! & ~flag;
  }
}
