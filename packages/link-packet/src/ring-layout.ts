const PAGE = 4096;
/** As much as the kernel is asked for in one piece. */
const LARGEST_BLOCK = 1 << 20;
/** TPACKET_ALIGNMENT of <linux/if_packet.h>. */
export const SLOT_ALIGNMENT = 16;

/**
 * A ring of slots in blocks, as the kernel lays it out: no slot crosses the end of a block.
 *
 *     | slot | slot | … | rest | slot | slot | … | rest | …
 *     |<------- block -------->|
 */
export class RingLayout {
  readonly slotBytes: number;
  readonly slots: number;
  readonly blockBytes: number;
  readonly blocks: number;
  /** Of all blocks. */
  readonly bytes: number;
  readonly #slotsPerBlock: number;

  /** At least `slots`, up to the next whole block. */
  constructor(slots: number, slotBytes: number) {
    const perBlock = Math.max(1, Math.min(slots, Math.floor(LARGEST_BLOCK / slotBytes)));
    this.slotBytes = slotBytes;
    this.blockBytes = Math.ceil((perBlock * slotBytes) / PAGE) * PAGE;
    // The kernel counts on as many as fit.
    this.#slotsPerBlock = Math.floor(this.blockBytes / slotBytes);
    this.blocks = Math.ceil(slots / this.#slotsPerBlock);
    this.slots = this.blocks * this.#slotsPerBlock;
    this.bytes = this.blocks * this.blockBytes;
  }

  /** The offset of every slot, from `start` on. */
  offsets(start: number): Int32Array {
    return Int32Array.from({ length: this.slots }, (_, slot) => {
      const block = Math.floor(slot / this.#slotsPerBlock);
      return start + block * this.blockBytes + (slot % this.#slotsPerBlock) * this.slotBytes;
    });
  }
}
