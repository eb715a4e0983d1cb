/**
 * IEX-TP, the transport of the IEX exchange's feeds: a 40-byte little-endian header before each datagram's messages.
 *
 *     0 version  1 reserved  2 protocol  4 channel  8 session  12 payload length  14 message count
 *     16 stream offset (u64)  24 first message's sequence number (u64)  32 send time (u64, ns)
 */
const HEADER_LENGTH = 40;
const VERSION = 1;
/** TOPS 1.5 and 1.6, DEEP. */
const PROTOCOLS: readonly number[] = [0x8002, 0x8003, 0x8004];

export interface FeedSummary {
  readonly channel: number;
  readonly session: number;
  readonly datagrams: number;
  readonly messages: number;
  readonly heartbeats: number;
  readonly firstSequence: number;
  readonly nextSequence: number;
  /** Places where sequence numbers jump ahead, and messages missing there. */
  readonly gaps: number;
  readonly missing: number;
  /** Datagrams that repeat messages seen before. */
  readonly repeated: number;
}

interface Feed {
  channel: number;
  session: number;
  datagrams: number;
  messages: number;
  heartbeats: number;
  firstSequence: number;
  nextSequence: number;
  gaps: number;
  missing: number;
  repeated: number;
}

/** Sessions followed at most; what comes beyond is not checked. */
const MAXIMUM_FEEDS = 64;

/** Follows the sequence numbers of each session in the datagrams it is shown. */
export class IexFeedCheck {
  readonly #feeds: Feed[] = [];

  /** A payload at `at`. False when it is not IEX-TP. */
  see(view: DataView, at: number, length: number): boolean {
    if (length < HEADER_LENGTH || view.getUint8(at) !== VERSION) return false;
    if (!PROTOCOLS.includes(view.getUint16(at + 2, true))) return false;
    if (view.getUint16(at + 12, true) !== length - HEADER_LENGTH) return false;
    const feed = this.#feed(view.getInt32(at + 4, true), view.getInt32(at + 8, true));
    if (feed === undefined) return false;
    const count = view.getUint16(at + 14, true);
    const sequence = view.getUint32(at + 24, true) + view.getUint32(at + 28, true) * 2 ** 32;
    if (feed.datagrams === 0) {
      feed.firstSequence = sequence;
      feed.nextSequence = sequence;
    }
    feed.datagrams++;
    feed.messages += count;
    if (count === 0) feed.heartbeats++;
    if (sequence > feed.nextSequence) {
      feed.gaps++;
      feed.missing += sequence - feed.nextSequence;
    } else if (sequence < feed.nextSequence) {
      feed.repeated++;
    }
    // A heartbeat names the number the next message will have.
    feed.nextSequence = Math.max(feed.nextSequence, sequence + count);
    return true;
  }

  get summaries(): readonly FeedSummary[] {
    return this.#feeds;
  }

  #feed(channel: number, session: number): Feed | undefined {
    const known = this.#feeds.find((feed) => feed.channel === channel && feed.session === session);
    if (known !== undefined || this.#feeds.length >= MAXIMUM_FEEDS) return known;
    const none = { datagrams: 0, messages: 0, heartbeats: 0, firstSequence: 0, nextSequence: 0 };
    const feed = { channel, session, ...none, gaps: 0, missing: 0, repeated: 0 };
    this.#feeds.push(feed);
    return feed;
  }
}
