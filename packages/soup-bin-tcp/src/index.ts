export { NOT_A_NUMBER } from './ascii-field.js';
export { Deframer, type PacketReceiver } from './deframer.js';
export { ENDING_COUNT, Ending, endingName } from './ending.js';
export * from './login.js';
export { MessageStore, type MessageStoreOptions } from './message-store.js';
export {
  copyBytes,
  LoginRejectReason,
  PACKET_HEADER_BYTES,
  PacketType,
  writePacketHeader,
} from './packet.js';
export { ServerConnection } from './server-connection.js';
export { type AccountOptions, ServerSession } from './server-session.js';
export { type SequencedReceiver, SoupClient, type SoupClientOptions } from './soup-client.js';
export { type MessageReceiver, SoupServer, type SoupServerOptions } from './soup-server.js';
export type { Timing, TimingOptions } from './timing.js';
