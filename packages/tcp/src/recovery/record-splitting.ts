import {
  capacityFor,
  FLAGS,
  NEXT,
  NONE,
  ORDER,
  RATE_SHIFT,
  RECORD_SHIFT,
  RecordFlag,
  type TransmissionRecords,
} from './transmission-records.js';

const { SACKED, LOST, RETRANSMISSION_IN_FLIGHT, RETRANSMITTED } = RecordFlag;

/**
 * Cuts records longer than `maximumLength` to that length. Those that are not SACKed count as lost, whatever they were. Cold:
 * copies all records.
 */
export function splitRecords(records: TransmissionRecords, maximumLength: number): void {
  let count = 0;
  for (let index = records.first; index < records.end; index++) {
    count += Math.ceil(records.recordLength(index) / maximumLength);
  }
  if (count === records.count) return;

  const retransmissions: number[] = [];
  for (let index = records.firstRetransmission; index !== NONE; ) {
    if (records.recordLength(index) <= maximumLength) retransmissions.push(records.recordEnd(index));
    index = records.words[((index & records.mask) << RECORD_SHIFT) | NEXT]!;
  }

  const { first, end, start } = records;
  const lengths: number[] = [];
  const flags: number[] = [];
  const times: number[] = [];
  const orders: number[] = [];
  for (let index = first; index < end; index++) {
    lengths.push(records.recordLength(index));
    flags.push(records.flags(index));
    times.push(records.sentAt(index));
    orders.push(records.order(index));
  }

  const { transmissions, lostTotal, keepsRates, rates, mask } = records;
  records.keepRates(false);
  records.reset(start);
  const capacity = Math.max(capacityFor(count), records.mask + 1);
  records.words = new Int32Array(capacity << RECORD_SHIFT);
  records.mask = capacity - 1;
  if (keepsRates) records.keepRates(true);
  let sequence = start;
  lengths.forEach((length, i) => {
    for (let rest = length; rest > 0; rest -= maximumLength) {
      const piece = Math.min(rest, maximumLength);
      sequence = (sequence + piece) | 0;
      const at = ((first + i) & mask) << RATE_SHIFT;
      if (keepsRates) records.rates.set(rates.subarray(at, at + (1 << RATE_SHIFT)), records.end << RATE_SHIFT);
      append(records, sequence, piece, times[i]!, orders[i]!, cutFlags(flags[i]!, length > maximumLength));
    }
  });
  records.transmissions = transmissions;
  records.lostTotal = lostTotal;
  for (const recordEnd of retransmissions) records.enlistRetransmission(records.find((recordEnd - 1) | 0));
  records.sortLosses();
}

function cutFlags(flags: number, isCut: boolean): number {
  return isCut && (flags & SACKED) === 0 ? (flags & RETRANSMITTED) | LOST : flags;
}

function append(
  records: TransmissionRecords,
  end: number,
  length: number,
  sentAt: number,
  order: number,
  flags: number,
): void {
  const index = records.end;
  records.append(end, sentAt);
  const at = (index & records.mask) << RECORD_SHIFT;
  records.words[at | FLAGS] = flags;
  records.words[at | ORDER] = order;
  records.words[at | NEXT] = index + 1;
  if ((flags & SACKED) !== 0) {
    records.sackedBytes += length;
    records.sackedCount++;
  }
  if ((flags & LOST) !== 0) records.lostBytes += length;
  if ((flags & RETRANSMISSION_IN_FLIGHT) !== 0) records.retransmittedBytes += length;
}
