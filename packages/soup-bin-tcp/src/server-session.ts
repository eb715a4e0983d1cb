import { MessageStore, type MessageStoreOptions } from './message-store.js';
import type { ServerConnection } from './server-connection.js';

export interface AccountOptions {
  /** At most 6 characters. */
  readonly username: string;
  /** At most 10 characters. */
  readonly password: string;
  /** At most 10 characters: the name of this run of messages. A name that was used before makes clients resume what is gone. */
  readonly session: string;
  /** How much is kept for clients that come back. */
  readonly store?: MessageStoreOptions;
}

/** The messages for one account: they outlive its connections. */
export class ServerSession {
  readonly username: string;
  readonly password: string;
  readonly name: string;
  /** The caller's: its place among the sessions. */
  readonly index: number;
  readonly store: MessageStore;
  /** The connection that is logged in, if one is. */
  connection: ServerConnection | null = null;
  /** No more messages will come. */
  hasEnded = false;

  constructor(options: AccountOptions, index: number) {
    this.username = options.username;
    this.password = options.password;
    this.name = options.session;
    this.index = index;
    this.store = new MessageStore(options.store);
  }

  /** Adds a message; write its `length` bytes at once where the result says, in `store.view`. */
  add(length: number): number {
    return this.store.add(length);
  }

  /** Bytes wait that the connection has not taken. */
  get hasBacklog(): boolean {
    return this.connection !== null && this.connection.backlog > 0;
  }

  /** After the messages so far the client is told that the session is over, and is disconnected. */
  end(): void {
    this.hasEnded = true;
  }
}
