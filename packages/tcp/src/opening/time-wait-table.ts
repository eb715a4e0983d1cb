import { requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { createHashKey, KeyedTable, type RandomSource, SlotList } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import { seq } from '@prism-net/wire';
import { allowedChallenge } from './challenge-limit.js';
import { remaining } from './deadline.js';
import type { FlowKey } from './flow-key.js';
import { ROW_WORDS, TimeWaitRows, Word } from './time-wait-rows.js';

export interface TimeWaitTableOptions {
  /** Records at most; the oldest gives way. Default 16,384, of about 150 bytes each. */
  readonly capacity?: number;
  /** How long a record stays: 2 MSL (RFC 9293 §3.6.1 takes MSL as two minutes; others as 30 s). Default 60,000. */
  readonly timeoutMilliseconds?: number;
}

export interface TimeWaitTableStatistics {
  readonly added: number;
  /** Records whose time was up. */
  readonly expired: number;
  /** Records that gave way to others before their time. */
  readonly evicted: number;
  /** Waits that began again because the peer repeated its FIN. */
  readonly restarted: number;
}

/** Between the last sequence number of a connection and the first of its successor; as Linux has it. */
const SEQUENCE_GAP = 65_535 + 2;

/** After this the timestamp clock has certainly ticked since the last segment (RFC 7323 §5.4: a tick takes at most 1 s). */
const TIMESTAMP_TICK_MICROSECONDS = 1_000_000;

const Count = { ADDED: 0, EXPIRED: 1, EVICTED: 2, RESTARTED: 3 } as const;

/**
 * Connections in TIME-WAIT, as records of 96 bytes: what is needed to acknowledge a repeated FIN and to tell old segments
 * from a new connection of the same name. Bounded; every operation is O(1): all records wait equally long, so they
 * expire in the order in which their waits began.
 *
 * An RST does not end the wait (RFC 1337 §3), and only a repeated FIN restarts it.
 */
export class TimeWaitTable extends TimeWaitRows {
  readonly capacity: number;
  readonly #timeout: number;
  readonly #table: KeyedTable;
  readonly #slots: SlotList;
  readonly #counts = new Float64Array(4);

  /** @throws PosixError EINVAL for an option out of range. */
  constructor(random: RandomSource, options: TimeWaitTableOptions = {}) {
    requireKnownOptions('TimeWaitTable', options, ['capacity', 'timeoutMilliseconds']);
    const { capacity = 16_384, timeoutMilliseconds = 60_000 } = options;
    requireWholeNumber('TimeWaitTable', 'capacity', capacity, 1, 1 << 22);
    requireWholeNumber('TimeWaitTable', 'timeoutMilliseconds', timeoutMilliseconds, 1, 600_000);
    super(capacity);
    this.capacity = capacity;
    this.#timeout = timeoutMilliseconds * 1000;
    this.#table = new KeyedTable({ capacity, keyWords: 4, key: createHashKey(random) });
    this.#slots = new SlotList(capacity);
  }

  /** Records now held. */
  get size(): number {
    return this.#slots.size;
  }

  get statistics(): TimeWaitTableStatistics {
    const [added = 0, expired = 0, evicted = 0, restarted = 0] = this.#counts;
    return { added, expired, evicted, restarted };
  }

  /**
   * A record for the key, to be filled by the setters; at first everything in it is 0. When the table is full the oldest
   * record gives way; a record that has the key already begins anew.
   */
  add(key: FlowKey, now: Instant): number {
    const previous = this.find(key);
    if (previous >= 0) this.remove(previous);
    else if (this.#slots.size === this.capacity) {
      this.remove(this.#slots.oldest);
      this.#counts[Count.EVICTED]! += 1;
    }
    const slot = this.#slots.allocate();
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    rows.fill(0, at, at + ROW_WORDS);
    rows[at] = key.a;
    rows[at + 1] = key.b;
    rows[at + 2] = key.c;
    rows[at + 3] = key.d;
    rows[at + Word.CHALLENGE_READY_AT] = now;
    rows[at + Word.STARTED_AT] = now;
    this.#table.insert(key.a, key.b, key.c, key.d, slot);
    this.#counts[Count.ADDED]! += 1;
    return slot;
  }

  /** The record of the key, or -1. */
  find(key: FlowKey): number {
    return this.#table.find(key.a, key.b, key.c, key.d);
  }

  /** Ends the wait; no effect when the slot is free. */
  remove(slot: number): void {
    if (!this.#slots.isAllocated(slot)) return;
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    this.#table.remove(rows[at]!, rows[at + 1]!, rows[at + 2]!, rows[at + 3]!);
    this.#slots.free(slot);
  }

  /** The peer repeated its FIN: 2 MSL again (RFC 9293 §3.10.7.4, eighth, TIME-WAIT). */
  restart(slot: number, now: Instant): void {
    this.#slots.touch(slot);
    this.rows[slot * ROW_WORDS + Word.STARTED_AT] = now;
    this.#counts[Count.RESTARTED]! += 1;
  }

  /**
   * Whether a SYN may open a new connection in place of this one. If not, it gets a challenge ACK (RFC 9293 §3.10.7.4).
   *
   * RFC 9293 §3.6.1, MAY-2: should the SYN turn out to be an old duplicate, the connection returns to TIME-WAIT. So the
   * record stays, behind the half-open connection, until the handshake is complete.
   *
   * @param hasTimestamp the SYN carries a timestamp and the new connection would use timestamps
   */
  isReusableBySyn(slot: number, sequence: number, hasTimestamp: boolean, timestampValue: number): boolean {
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    if (hasTimestamp) {
      // RFC 6191 §2: the old connection had none, so PAWS will refuse what is left of it (also RFC 9293 §3.6.1, SHLD-4).
      if (rows[at + Word.HAS_TIMESTAMPS] === 0) return true;
      const recent = rows[at + Word.TIMESTAMP_RECENT]!;
      // RFC 6191 §2: a later timestamp is enough, an earlier one is an old duplicate; equal ones prove nothing.
      if (timestampValue !== recent) return seq.isGreater(timestampValue, recent);
    }
    // RFC 6191 §2, RFC 1122 §4.2.2.13: above the last number seen, which is that of the FIN.
    return seq.isGreaterOrEqual(sequence, rows[at + Word.RECEIVE_NEXT]!);
  }

  /**
   * Whether an active open may take the name of this connection: only if the peer will know the new segments by their
   * later timestamps (RFC 6191 §2, as the peer sees it).
   */
  isReusableForConnect(slot: number, now: Instant): boolean {
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    if (rows[at + Word.HAS_TIMESTAMPS] === 0) return false;
    return (now - rows[at + Word.STARTED_AT]!) >>> 0 >= TIMESTAMP_TICK_MICROSECONDS;
  }

  /**
   * The initial sequence number of the successor: `proposed` (of `InitialSequence`), unless that is not larger than every
   * number this connection used (RFC 9293 §3.6.1, MAY-2; RFC 1122 §4.2.2.13).
   */
  successorSequence(slot: number, proposed: number): number {
    return seq.maximum(proposed, this.minimumNextSequence(slot));
  }

  /** The least initial sequence number of a successor. */
  minimumNextSequence(slot: number): number {
    return (this.rows[slot * ROW_WORDS + Word.SEND_NEXT]! + SEQUENCE_GAP) | 0;
  }

  /** Whether a challenge ACK may be sent now, which then counts as sent; see `ChallengeLimit`. */
  allowChallenge(slot: number, now: Instant, jitter: number): boolean {
    const rows = this.rows;
    const at = slot * ROW_WORDS + Word.CHALLENGE_READY_AT;
    const readyAt = allowedChallenge(rows[at]!, now, jitter);
    if (readyAt === rows[at]) return false;
    rows[at] = readyAt;
    return true;
  }

  /** Ends up to `maximum` waits whose time is up. Returns how many. */
  expire(now: Instant, maximum: number): number {
    let expired = 0;
    while (expired < maximum && this.#slots.size > 0 && this.nextDeadline(now) === 0) {
      this.remove(this.#slots.oldest);
      expired++;
    }
    this.#counts[Count.EXPIRED]! += expired;
    return expired;
  }

  /** Microseconds until `expire` has something to do: 0 when it has, -1 when the table is empty. */
  nextDeadline(now: Instant): number {
    const oldest = this.#slots.oldest;
    if (oldest < 0) return -1;
    return this.#remaining(oldest, this.#timeout, now);
  }

  /** Microseconds until `duration` has passed since the wait began. */
  #remaining(slot: number, duration: number, now: Instant): number {
    const deadline = (this.rows[slot * ROW_WORDS + Word.STARTED_AT]! + duration) | 0;
    return remaining(deadline, duration, now);
  }
}
