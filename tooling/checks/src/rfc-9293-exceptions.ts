export interface Exception {
  /**
   * 'not kept': no code does it. 'in part': the code that cites it does less than it says, or leaves it to others. 'not
   * applicable': it speaks to somebody else, or of something that this stack does not have.
   */
  readonly kind: 'not kept' | 'in part' | 'not applicable';
  readonly reason: string;
}

const URGENT =
  'Received only, and as ordinary text: what comes as urgent is delivered in its place in the stream, as RFC 6093 §6 advises. The application is not told (MUST-32, MUST-33), and none can be sent (MUST-62). New applications should not use it (SHLD-13).';
const SOURCE_ROUTES =
  'Datagrams with a source route are dropped (IPV4_SOURCE_ROUTED) and none are sent: they lead around filters and spoof addresses (RFC 7126 §4.3, §4.4).';

/** What of RFC 9293 this stack does not keep, or not wholly. By id. */
export const EXCEPTIONS: Readonly<Record<string, Exception>> = {
  'MUST-13': {
    kind: 'in part',
    reason:
      '2 MSL is 60 s by default, as on other hosts, not 240 s; `timeWaitMilliseconds` sets it. A full table forgets its oldest connection.',
  },
  'MUST-18': {
    kind: 'in part',
    reason: 'The least timeout is 200 ms by default, as on other hosts; RFC 6298 §2.4 says it should be 1 s.',
  },
  'MUST-20': {
    kind: 'in part',
    reason:
      'R2 ends the connection; R1 gives IP no advice. The neighbour cache verifies a neighbour every 30 to 90 s of use by itself, and there is no second gateway to turn to.',
  },
  'MUST-23': {
    kind: 'in part',
    reason:
      'A SYN of ours is sent again for 183 s. A SYN-ACK is for 63 s only, so that half-open connections do not fill the cache (RFC 4987).',
  },
  'MUST-30': { kind: 'in part', reason: URGENT },
  'MUST-31': { kind: 'in part', reason: 'See MUST-30.' },
  'MUST-32': { kind: 'not kept', reason: 'See MUST-30.' },
  'MUST-33': { kind: 'not kept', reason: 'See MUST-30.' },
  'MUST-62': { kind: 'not kept', reason: 'See MUST-30: no urgent pointer is sent.' },
  'MUST-47': { kind: 'in part', reason: 'Urgent data is not reported; see MUST-30.' },
  'MUST-51': { kind: 'not kept', reason: SOURCE_ROUTES },
  'MUST-52': { kind: 'not kept', reason: 'See MUST-51.' },
  'MUST-53': { kind: 'not kept', reason: 'See MUST-51.' },
  'MUST-58': {
    kind: 'in part',
    reason:
      'A peer without SACK gets an acknowledgement for each segment ahead of a gap: it counts them (RFC 5681 §3.2).',
  },
  'MUST-59': { kind: 'in part', reason: 'See MUST-58.' },
  'MUST-66': { kind: 'in part', reason: 'RST is; URG is never processed, see MUST-30.' },
  'SHLD-6': { kind: 'not applicable', reason: 'No link of this stack has an MTU that varies from packet to packet.' },
  'SHLD-13': { kind: 'not applicable', reason: 'A rule for applications; see MUST-30.' },
  'SHLD-23': { kind: 'not applicable', reason: 'A rule for applications.' },
  'SHLD-24': { kind: 'not kept', reason: 'See MUST-51.' },
  'SHLD-26': {
    kind: 'in part',
    reason:
      'Only while the connection is being opened; later a forged message could end it, so that the error is only remembered (RFC 5927 §5.2).',
  },
};
