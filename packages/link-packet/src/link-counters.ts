/** Indices of {@link PacketLinkCounters.counts}. */
export const Counter = {
  NATIVE_CALLS: 0,
  KERNEL_DROPS: 1,
  STARVED: 2,
  TRUNCATED: 3,
  RECEIVED_SUPER_SEGMENTS: 4,
  TRANSMITTED_SUPER_SEGMENTS: 5,
  INTERFACE_ERRORS: 6,
  TRANSMIT_ERRORS: 7,
} as const;
export type Counter = (typeof Counter)[keyof typeof Counter];

/** What a packet link counts beyond the statistics of every link. Doubles in one array: counting allocates nothing. */
export class PacketLinkCounters {
  readonly #counts = new Float64Array(8);

  count(counter: Counter, by: number): void {
    this.#counts[counter]! += by;
  }

  /** Calls into the addon on the data path. */
  get nativeCalls(): number {
    return this.#counts[Counter.NATIVE_CALLS]!;
  }
  /** Frames the kernel found no room for, in the socket's buffer or in the ring. */
  get kernelDrops(): number {
    return this.#counts[Counter.KERNEL_DROPS]!;
  }
  /** Times that packets stayed in the kernel because the pool was empty. */
  get starved(): number {
    return this.#counts[Counter.STARVED]!;
  }
  /** Received frames dropped because they were longer than the room for them. */
  get truncated(): number {
    return this.#counts[Counter.TRUNCATED]!;
  }
  /** Packets received that were several frames of the sender's TCP. */
  get receivedSuperSegments(): number {
    return this.#counts[Counter.RECEIVED_SUPER_SEGMENTS]!;
  }
  /** Packets sent that the kernel, or the card, cuts. */
  get transmittedSuperSegments(): number {
    return this.#counts[Counter.TRANSMITTED_SUPER_SEGMENTS]!;
  }
  /** Errors that said that the interface is down or gone. */
  get interfaceErrors(): number {
    return this.#counts[Counter.INTERFACE_ERRORS]!;
  }
  /** Packets dropped because the kernel refuses them for good. */
  get transmitErrors(): number {
    return this.#counts[Counter.TRANSMIT_ERRORS]!;
  }

  /** A plain copy for reports. */
  snapshot(): Record<string, number> {
    return {
      nativeCalls: this.nativeCalls,
      kernelDrops: this.kernelDrops,
      starved: this.starved,
      truncated: this.truncated,
      receivedSuperSegments: this.receivedSuperSegments,
      transmittedSuperSegments: this.transmittedSuperSegments,
      interfaceErrors: this.interfaceErrors,
      transmitErrors: this.transmitErrors,
    };
  }
}
