/** Builds captures byte by byte for the tests of the readers, in either byte order. */
export class CaptureBytes {
  readonly #bytes: number[] = [];
  readonly #littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  get length(): number {
    return this.#bytes.length;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  word(...values: number[]): this {
    for (const value of values) this.#append(value, 4);
    return this;
  }

  half(...values: number[]): this {
    for (const value of values) this.#append(value, 2);
    return this;
  }

  raw(bytes: ArrayLike<number>): this {
    for (const byte of Array.from(bytes)) this.#bytes.push(byte);
    return this;
  }

  /** A pcapng block around the given body, padded. */
  block(type: number, body: CaptureBytes): this {
    const padded = (body.length + 3) & ~3;
    const length = 12 + padded;
    return this.word(type, length)
      .raw(body.toBytes())
      .raw(new Uint8Array(padded - body.length))
      .word(length);
  }

  section(): this {
    return this.block(0x0a0d0d0a, this.#new().word(0x1a2b3c4d).half(1, 0).word(0xffffffff, 0xffffffff));
  }

  /** An interface, with if_tsresol and if_tsoffset if given. */
  interface(linkType: number, snapLength: number, resolution?: number, offsetSeconds?: number): this {
    const body = this.#new().half(linkType, 0).word(snapLength);
    if (resolution !== undefined) body.half(9, 1).raw([resolution, 0, 0, 0]);
    if (offsetSeconds !== undefined) {
      const high = Math.floor(offsetSeconds / 2 ** 32);
      body.half(14, 8).word(...(this.#littleEndian ? [offsetSeconds, high] : [high, offsetSeconds]));
    }
    return this.block(1, body.half(0, 0));
  }

  packet(number: number, timestamp: bigint, data: ArrayLike<number>, originalLength = data.length): this {
    const body = this.#new()
      .word(number, Number(timestamp >> 32n), Number(timestamp & 0xffffffffn), data.length, originalLength)
      .raw(data);
    return this.block(6, body);
  }

  #new(): CaptureBytes {
    return new CaptureBytes(this.#littleEndian);
  }

  #append(value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const shift = 8 * (this.#littleEndian ? i : size - 1 - i);
      this.#bytes.push((value >>> shift) & 0xff);
    }
  }
}
