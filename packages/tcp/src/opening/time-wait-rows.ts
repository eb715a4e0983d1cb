import type { Instant } from '@prism-net/time';
import type { FlowKey, FlowWords } from './flow-key.js';

/** Words of a row: 96 bytes. */
export const ROW_WORDS = 24;

/** Where in a row each word is. The key is at 0; the four words of the local address and those of the remote follow. */
export const Word = {
  KEY: 0,
  LOCAL: 4,
  REMOTE: 8,
  SEND_NEXT: 12,
  RECEIVE_NEXT: 13,
  RECEIVE_WINDOW: 14,
  RECEIVE_WINDOW_SCALE: 15,
  HAS_TIMESTAMPS: 16,
  TIMESTAMP_RECENT: 17,
  TIMESTAMP_OFFSET: 18,
  NETWORK_INDEX: 19,
  TRAFFIC_CLASS: 20,
  STARTED_AT: 21,
  CHALLENGE_READY_AT: 22,
  TIME_TO_LIVE: 23,
} as const;

/** What is kept of connections in TIME-WAIT: a row of int32 words each, read and written by name. */
export class TimeWaitRows {
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

  /** SND.NXT, our FIN counted. */
  sendNext(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.SEND_NEXT]!;
  }

  setSendNext(slot: number, sequence: number): void {
    this.rows[slot * ROW_WORDS + Word.SEND_NEXT] = sequence;
  }

  /** RCV.NXT, the peer's FIN counted. */
  receiveNext(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.RECEIVE_NEXT]!;
  }

  setReceiveNext(slot: number, sequence: number): void {
    this.rows[slot * ROW_WORDS + Word.RECEIVE_NEXT] = sequence;
  }

  /** RCV.WND in bytes, as last announced. */
  receiveWindow(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.RECEIVE_WINDOW]!;
  }

  setReceiveWindow(slot: number, bytes: number): void {
    this.rows[slot * ROW_WORDS + Word.RECEIVE_WINDOW] = bytes;
  }

  /** The shift between `receiveWindow` and the header's field; 0 when windows were not scaled. */
  receiveWindowScale(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.RECEIVE_WINDOW_SCALE]!;
  }

  setReceiveWindowScale(slot: number, shift: number): void {
    this.rows[slot * ROW_WORDS + Word.RECEIVE_WINDOW_SCALE] = shift;
  }

  /** The connection used timestamps. */
  hasTimestamps(slot: number): boolean {
    return this.rows[slot * ROW_WORDS + Word.HAS_TIMESTAMPS] !== 0;
  }

  setHasTimestamps(slot: number, isSet: boolean): void {
    this.rows[slot * ROW_WORDS + Word.HAS_TIMESTAMPS] = isSet ? 1 : 0;
  }

  /** TS.Recent: the last timestamp of the peer. */
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

  /** Which network layer answers go by. */
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

  timeToLive(slot: number): number {
    return this.rows[slot * ROW_WORDS + Word.TIME_TO_LIVE]!;
  }

  setTimeToLive(slot: number, timeToLive: number): void {
    this.rows[slot * ROW_WORDS + Word.TIME_TO_LIVE] = timeToLive;
  }

  /** When the wait began, or last began again. */
  startedAt(slot: number): Instant {
    return this.rows[slot * ROW_WORDS + Word.STARTED_AT]!;
  }
}
