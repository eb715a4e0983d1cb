import { Errno, posixError } from '@prism-net/errors';
import { nextBelow, type RandomSource } from '@prism-net/tables';
import type { Instant, TimerHandler, TimerWheel } from '@prism-net/time';

// RFC 5227 §1.1, in microseconds.
const PROBE_WAIT = 1_000_000;
const PROBE_NUM = 3;
const PROBE_MIN = 1_000_000;
const PROBE_MAX = 2_000_000;
const ANNOUNCE_WAIT = 2_000_000;
const ANNOUNCE_NUM = 2;
const ANNOUNCE_INTERVAL = 2_000_000;
const DEFEND_INTERVAL = 10_000_000;

const PROBING = 0;
const ANNOUNCING = 1;
const SETTLED = 2;
/** Another host answered a probe: the address is not used. */
const REFUSED = 3;

/** Sends what a state of an own address asks for. */
export interface AnnouncementSender {
  /** RFC 5227 §2.1.1: a request whose sender address is zero. */
  sendProbe(address: number): void;
  /** RFC 5227 §2.3: a request for the address from the address itself. */
  sendAnnouncement(address: number): void;
}

class OwnAddress {
  readonly address: number;
  readonly timer: number;
  state = SETTLED;
  sent = 0;
  defended = false;
  defendedAt: Instant = 0;

  constructor(address: number, timer: number) {
    this.address = address;
    this.timer = timer;
  }
}

/** The IPv4 addresses for which ARP answers on one interface, and how they are probed, announced and defended (RFC 5227). */
export class OwnAddresses implements TimerHandler {
  readonly #limit: number;
  readonly #probes: boolean;
  readonly #timers: TimerWheel;
  readonly #random: RandomSource;
  readonly #sender: AnnouncementSender;
  readonly #entries: OwnAddress[] = [];

  constructor(limit: number, probes: boolean, timers: TimerWheel, random: RandomSource, sender: AnnouncementSender) {
    this.#limit = limit;
    this.#probes = probes;
    this.#timers = timers;
    this.#random = random;
    this.#sender = sender;
  }

  /** Throws ENOMEM when there are too many. An address that is there already stays as it is. */
  add(address: number, now: Instant): void {
    if (this.#find(address) !== null) return;
    if (this.#entries.length >= this.#limit) {
      throw posixError(Errno.ENOMEM, 'addIpv4Address', `at most ${this.#limit} addresses, see arp.addresses`);
    }
    const timer = this.#timers.create(this, address);
    if (timer < 0) throw posixError(Errno.ENOMEM, 'addIpv4Address', 'the timer wheel has no timer left');
    const entry = new OwnAddress(address, timer);
    this.#entries.push(entry);
    if (this.#probes) {
      entry.state = PROBING;
      this.#timers.arm(timer, nextBelow(this.#random, PROBE_WAIT), now);
    } else {
      this.#announce(entry, now);
    }
  }

  remove(address: number): void {
    const at = this.#entries.findIndex((entry) => entry.address === address);
    if (at < 0) return;
    this.#timers.destroy(this.#entries[at]!.timer);
    this.#entries.splice(at, 1);
  }

  close(): void {
    for (const entry of this.#entries) this.#timers.destroy(entry.timer);
    this.#entries.length = 0;
  }

  /** Ours, and in use. */
  isSettled(address: number): boolean {
    const entry = this.#find(address);
    return entry !== null && (entry.state === SETTLED || entry.state === ANNOUNCING);
  }

  /** Ours, but still being probed. */
  isTentative(address: number): boolean {
    return this.#find(address)?.state === PROBING;
  }

  has(address: number): boolean {
    return this.#find(address) !== null;
  }

  /** The address to ask from: the one most like the address asked for, which is in the same network if any is; 0: none. */
  closestTo(target: number): number {
    let best = 0;
    let bestPrefix = -1;
    for (const entry of this.#entries) {
      if (entry.state === PROBING || entry.state === REFUSED) continue;
      const prefix = Math.clz32(entry.address ^ target);
      if (prefix <= bestPrefix) continue;
      best = entry.address;
      bestPrefix = prefix;
    }
    return best;
  }

  /** Another host claims the address: give it up if it was only probed for, else defend it, once in a while. */
  conflict(address: number, now: Instant): void {
    const entry = this.#find(address);
    if (entry === null || entry.state === REFUSED) return;
    if (entry.state === PROBING) {
      entry.state = REFUSED; // RFC 5227 §2.1.1
      this.#timers.cancel(entry.timer);
      return;
    }
    // RFC 5227 §2.4 (c): keep it, and never answer more than once in DEFEND_INTERVAL, lest two hosts do so for ever.
    if (entry.defended && ((now - entry.defendedAt) | 0) >= 0 && ((now - entry.defendedAt) | 0) < DEFEND_INTERVAL) {
      return;
    }
    entry.defended = true;
    entry.defendedAt = now;
    this.#sender.sendAnnouncement(address);
  }

  onTimer(_timer: number, address: number, now: Instant): void {
    const entry = this.#find(address);
    if (entry === null) return;
    if (entry.state === ANNOUNCING) {
      this.#announce(entry, now);
      return;
    }
    if (entry.state !== PROBING) return;
    if (entry.sent === PROBE_NUM) {
      entry.sent = 0;
      this.#announce(entry, now);
      return;
    }
    entry.sent++;
    this.#sender.sendProbe(address);
    const spacing = PROBE_MIN + nextBelow(this.#random, PROBE_MAX - PROBE_MIN);
    this.#timers.arm(entry.timer, entry.sent === PROBE_NUM ? ANNOUNCE_WAIT : spacing, now);
  }

  #announce(entry: OwnAddress, now: Instant): void {
    entry.state = ANNOUNCING;
    entry.sent++;
    this.#sender.sendAnnouncement(entry.address);
    if (entry.sent < ANNOUNCE_NUM) this.#timers.arm(entry.timer, ANNOUNCE_INTERVAL, now);
    else entry.state = SETTLED;
  }

  #find(address: number): OwnAddress | null {
    // A handful at most, and only ARP looks here. Addresses are configured, never the wire's, so a scan cannot be flooded.
    for (const entry of this.#entries) if (entry.address === address) return entry;
    return null;
  }
}
