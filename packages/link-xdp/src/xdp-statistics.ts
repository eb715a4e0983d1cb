/** What the kernel counts of a socket (struct xdp_statistics). */
export interface KernelStatistics {
  /** Packets lost for other reasons: larger than what the socket takes, no frames for all of a packet. */
  readonly receiveDropped: number;
  /** Addresses in the fill ring that the kernel refused. */
  readonly receiveInvalid: number;
  /** Descriptors in the transmit ring that the kernel refused. */
  readonly transmitInvalid: number;
  /** Packets lost because the receive ring was full. */
  readonly receiveRingFull: number;
  /** Times the kernel found no frame to receive into. */
  readonly fillRingEmpty: number;
  /** Times the kernel found nothing to send. */
  readonly transmitRingEmpty: number;
}

/** Counters of an XDP link beyond those that every link has. Doubles in one array: counting allocates nothing. */
export class XdpStatistics {
  readonly #counts = new Float64Array(8);

  /** Native calls made for receiving: wake-ups where the kernel asks for them, busy polls, clock readings, copies of ARP. */
  get receiveCalls(): number {
    return this.#counts[0]!;
  }
  /** Native calls made for sending: one kick per burst. */
  get transmitCalls(): number {
    return this.#counts[1]!;
  }
  /** Records the kernel handed over that made no sense: wrong address or length, a frame it did not have. */
  get invalidRecords(): number {
    return this.#counts[2]!;
  }
  /** Times no frame was free for an empty fill ring: the application holds too many packets. */
  get fillRingDry(): number {
    return this.#counts[3]!;
  }
  /** Packets that were copied into frames of the link's own pool to be sent. */
  get copied(): number {
    return this.#counts[4]!;
  }
  /** Packets whose checksum the kernel or the card was asked to complete. */
  get checksumRequests(): number {
    return this.#counts[5]!;
  }
  /** Kicks the kernel refused, for want of memory or because the interface is down; they are repeated. */
  get refusedKicks(): number {
    return this.#counts[6]!;
  }
  /** Packets heard by way of the packet socket, where the kernel shares the address. */
  get copiesHeard(): number {
    return this.#counts[7]!;
  }

  countReceiveCall(): void {
    this.#counts[0]! += 1;
  }
  countTransmitCall(): void {
    this.#counts[1]! += 1;
  }
  countInvalid(records: number): void {
    this.#counts[2]! += records;
  }
  countDry(): void {
    this.#counts[3]! += 1;
  }
  countCopied(): void {
    this.#counts[4]! += 1;
  }
  countChecksumRequest(): void {
    this.#counts[5]! += 1;
  }
  countRefusedKick(): void {
    this.#counts[6]! += 1;
  }
  countHeard(): void {
    this.#counts[7]! += 1;
  }

  /** A plain copy for reports. */
  snapshot(): Readonly<Record<string, number>> {
    const { receiveCalls, transmitCalls, invalidRecords, fillRingDry } = this;
    const { copied, checksumRequests, refusedKicks, copiesHeard } = this;
    return {
      receiveCalls,
      transmitCalls,
      invalidRecords,
      fillRingDry,
      copied,
      checksumRequests,
      refusedKicks,
      copiesHeard,
    };
  }
}
