/** What befell a frame. */
export const FrameEvent = {
  /** A host or a switch put it on the line. */
  SENT: 0,
  /** It reached the other end. */
  ARRIVED: 1,
  LOST: 2,
  CORRUPTED: 3,
  DUPLICATED: 4,
  REORDERED: 5,
  /** The queue in front of the line was full. */
  QUEUE_FULL: 6,
  /** The line was down. */
  LINE_DOWN: 7,
  /** Longer than the line carries: a black hole. */
  TOO_LONG: 8,
  /** The receiving host had no room or no packet for it. */
  NOT_RECEIVED: 9,
  /** Marked as having met congestion (RFC 3168). */
  MARKED: 10,
} as const;
export type FrameEvent = (typeof FrameEvent)[keyof typeof FrameEvent];

export const FRAME_EVENT_NAMES = [
  'sent',
  'arrived',
  'lost',
  'corrupted',
  'duplicated',
  'reordered',
  'queue full',
  'line down',
  'too long',
  'not received',
  'marked',
] as const;
