/** What only a TAP counts, beside LinkStatistics. Doubles in one array: counting allocates nothing. */
export class TapStatistics {
  readonly #counts = new Float64Array(8);

  /** Calls of the native addon on the data path: one moves a whole burst. */
  get nativeCalls(): number {
    return this.#counts[0]!;
  }
  /** Virtual segments received: TCP segments the kernel has not cut, or has put together. */
  get superSegmentsReceived(): number {
    return this.#counts[1]!;
  }
  /** Virtual segments sent, each by one write. */
  get superSegmentsSent(): number {
    return this.#counts[2]!;
  }
  /** Received packets whose virtio-net header contradicted itself or the packet, or cut off; among the link's `dropped`. */
  get refusedHeaders(): number {
    return this.#counts[3]!;
  }
  /** Received packets of other protocols whose partial checksum was completed here. */
  get completedChecksums(): number {
    return this.#counts[4]!;
  }
  /** Calls of receive that found no packet to read into: what there was stayed in the kernel's queue. */
  get starved(): number {
    return this.#counts[5]!;
  }
  /** Packets to send the kernel refused for good: the interface is down, for one; among the link's `dropped`. */
  get refusedByKernel(): number {
    return this.#counts[6]!;
  }
  /** Packets to send that were copied, because they lay in another memory. */
  get copied(): number {
    return this.#counts[7]!;
  }

  countNativeCall(): void {
    this.#counts[0]! += 1;
  }
  countSuperSegmentReceived(): void {
    this.#counts[1]! += 1;
  }
  countSuperSegmentSent(): void {
    this.#counts[2]! += 1;
  }
  countRefusedHeader(): void {
    this.#counts[3]! += 1;
  }
  countCompletedChecksum(): void {
    this.#counts[4]! += 1;
  }
  countStarved(): void {
    this.#counts[5]! += 1;
  }
  countRefusedByKernel(packets: number): void {
    this.#counts[6]! += packets;
  }
  countCopied(): void {
    this.#counts[7]! += 1;
  }

  /** A plain copy for reports. */
  snapshot(): TapStatisticsSnapshot {
    const { nativeCalls, superSegmentsReceived, superSegmentsSent, refusedHeaders } = this;
    const { completedChecksums, starved, refusedByKernel, copied } = this;
    return {
      nativeCalls,
      superSegmentsReceived,
      superSegmentsSent,
      refusedHeaders,
      completedChecksums,
      starved,
      refusedByKernel,
      copied,
    };
  }
}

export interface TapStatisticsSnapshot {
  readonly nativeCalls: number;
  readonly superSegmentsReceived: number;
  readonly superSegmentsSent: number;
  readonly refusedHeaders: number;
  readonly completedChecksums: number;
  readonly starved: number;
  readonly refusedByKernel: number;
  readonly copied: number;
}
