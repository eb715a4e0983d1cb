/** Counters every link keeps. Doubles, because they outgrow 31 bits within the hour; held in one array, so that counting allocates nothing. */
export class LinkStatistics {
  readonly #counts = new Float64Array(6);

  get receivedPackets(): number {
    return this.#counts[0]!;
  }
  get receivedBytes(): number {
    return this.#counts[1]!;
  }
  get transmittedPackets(): number {
    return this.#counts[2]!;
  }
  get transmittedBytes(): number {
    return this.#counts[3]!;
  }
  /** Packets offered to transmit that the link had no room for (each refusal counts). */
  get transmitRefused(): number {
    return this.#counts[4]!;
  }
  /** Frames the link itself lost or discarded: impairment, oversize, a malformed descriptor, no packet left to receive into. */
  get dropped(): number {
    return this.#counts[5]!;
  }

  countReceived(packets: number, bytes: number): void {
    this.#counts[0]! += packets;
    this.#counts[1]! += bytes;
  }
  countTransmitted(packets: number, bytes: number): void {
    this.#counts[2]! += packets;
    this.#counts[3]! += bytes;
  }
  countRefused(packets: number): void {
    this.#counts[4]! += packets;
  }
  countDropped(packets: number): void {
    this.#counts[5]! += packets;
  }

  /** A plain copy for reports. */
  snapshot(): LinkStatisticsSnapshot {
    return {
      receivedPackets: this.receivedPackets,
      receivedBytes: this.receivedBytes,
      transmittedPackets: this.transmittedPackets,
      transmittedBytes: this.transmittedBytes,
      transmitRefused: this.transmitRefused,
      dropped: this.dropped,
    };
  }
}

export interface LinkStatisticsSnapshot {
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly transmittedPackets: number;
  readonly transmittedBytes: number;
  readonly transmitRefused: number;
  readonly dropped: number;
}
