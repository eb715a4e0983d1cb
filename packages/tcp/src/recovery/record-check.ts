import type { LossRecovery } from './loss-recovery.js';
import { DeadlineKind } from './recovery-constants.js';
import { NEXT, NONE, PREVIOUS, RECORD_SHIFT, RecordFlag, type TransmissionRecords } from './transmission-records.js';

const { SACKED, LOST, RETRANSMISSION_IN_FLIGHT, RETRANSMITTED } = RecordFlag;

/** The first invariant of loss recovery that is broken, or null. Costs a walk over everything. */
export function checkRecovery(recovery: LossRecovery): string | null {
  const { deadlineKind, duplicates, outstanding, records, unacknowledged, window } = recovery;
  if (records.start !== unacknowledged) return `records start at ${records.start}`;
  if (records.absentBytes > outstanding) return `${records.absentBytes} of ${outstanding} absent`;
  if (duplicates.presumedBytes > outstanding) return `${duplicates.presumedBytes} presumed to have arrived`;
  if (window.window < window.maximumSegmentSize) return `window is ${window.window}`;
  if ((deadlineKind === DeadlineKind.NONE) !== (records.count === 0)) return `timer is ${deadlineKind}`;
  return checkRecords(records, recovery.next);
}

/** Recounts everything; the first thing that is wrong, or null. */
export function checkRecords(records: TransmissionRecords, next: number): string | null {
  const counts = { sackedBytes: 0, sackedCount: 0, lostBytes: 0, retransmittedBytes: 0 };
  let lost = 0;
  let retransmissions = 0;
  if (records.count < 0 || records.count > records.mask + 1) return `${records.count} records in ${records.mask + 1}`;
  for (let index = records.first; index < records.end; index++) {
    const length = records.recordLength(index);
    if (length <= 0) return `record ${index} has length ${length}`;
    const flags = records.flags(index);
    const state = flags & ~RETRANSMITTED;
    if ((flags & SACKED) !== 0) {
      if (state !== SACKED) return `record ${index} is SACKed and has flags ${flags}`;
      counts.sackedBytes += length;
      counts.sackedCount++;
      for (let i = index; i < Math.min(records.words[wordOf(records, index, NEXT)]!, records.end); i++) {
        if ((records.flags(i) & SACKED) === 0) return `record ${index} skips ${i}, which is not SACKed`;
      }
    }
    if ((flags & LOST) !== 0) counts.lostBytes += length;
    if ((flags & RETRANSMISSION_IN_FLIGHT) !== 0) {
      if ((flags & RETRANSMITTED) === 0) return `record ${index} is in flight again, but was not retransmitted`;
      counts.retransmittedBytes += length;
      retransmissions++;
    } else if ((flags & LOST) !== 0) {
      lost++;
    }
    if (flags === RETRANSMITTED) return `record ${index} was retransmitted and is in no list`;
    if (state === 0 && index < records.firstOriginal) {
      return `record ${index} is an original before ${records.firstOriginal}`;
    }
  }
  const end = records.count === 0 ? records.start : records.recordEnd(records.end - 1);
  if (end !== next) return `the records end at ${end}, not at ${next}`;
  for (const name of ['sackedBytes', 'sackedCount', 'lostBytes', 'retransmittedBytes'] as const) {
    if (records[name] !== counts[name]) return `${name} is ${records[name]}, counted ${counts[name]}`;
  }
  return (
    checkList(records, records.firstLost, records.lastLost, lost, LOST) ??
    checkList(
      records,
      records.firstRetransmission,
      records.lastRetransmission,
      retransmissions,
      RETRANSMISSION_IN_FLIGHT,
    )
  );
}

function checkList(
  records: TransmissionRecords,
  first: number,
  last: number,
  count: number,
  flag: number,
): string | null {
  let previous = NONE;
  let seen = 0;
  for (let index = first; index !== NONE; index = records.words[wordOf(records, index, NEXT)]!) {
    if (index < records.first || index >= records.end) return `list of ${flag}: ${index} is no record`;
    if (++seen > count) return `list of ${flag}: longer than ${count}`;
    const isInFlight = (records.flags(index) & RETRANSMISSION_IN_FLIGHT) !== 0;
    if ((records.flags(index) & flag) === 0 || isInFlight !== (flag === RETRANSMISSION_IN_FLIGHT)) {
      return `list of ${flag}: record ${index} has flags ${records.flags(index)}`;
    }
    if (records.words[wordOf(records, index, PREVIOUS)] !== previous) return `list of ${flag}: broken before ${index}`;
    if (flag === RETRANSMISSION_IN_FLIGHT && previous !== NONE) {
      if (((records.sentAt(index) - records.sentAt(previous)) | 0) < 0)
        return `retransmissions out of order at ${index}`;
    }
    previous = index;
  }
  if (previous !== last) return `list of ${flag}: ends at ${previous}, not at ${last}`;
  return seen === count ? null : `list of ${flag}: ${seen} records of ${count}`;
}

function wordOf(records: TransmissionRecords, index: number, word: number): number {
  return ((index & records.mask) << RECORD_SHIFT) | word;
}
