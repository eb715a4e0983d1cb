import { invalidArgument, requireWholeNumber } from '@prism-net/errors';
import { ENDING_COUNT, type Ending } from './ending.js';
import { PASSWORD_BYTES, SESSION_BYTES, USERNAME_BYTES } from './login.js';
import { ServerConnection } from './server-connection.js';
import { type AccountOptions, ServerSession } from './server-session.js';
import { type Timing, type TimingOptions, timingOf } from './timing.js';

export interface MessageReceiver {
  /**
   * One message of a client, to be read during the call only. False: take no more for now; the bytes that `receive` left
   * unused come again.
   */
  receiveMessage(session: ServerSession, view: DataView, at: number, length: number): boolean;
  /** A client has logged in; its answer leaves with the next `transmit`. */
  loggedIn?(session: ServerSession): void;
}

export interface SoupServerOptions extends TimingOptions {
  readonly accounts: readonly AccountOptions[];
  readonly receiver: MessageReceiver;
  /** Longest packet taken from a client: type and payload. Default 512. */
  readonly maximumLength?: number;
  /** Connections at the same time, logged in or not. Default 64. */
  readonly maximumConnections?: number;
  /**
   * A second login to a session whose connection is still there: true takes over, so that a client whose connection died in
   * silence need not wait until the server has noticed; false is rejected. Default true.
   */
  readonly takeOver?: boolean;
}

/** The server's side of SoupBinTCP: accounts, their sessions, and the connections to them. No I/O and no clock of its own. */
export class SoupServer {
  readonly sessions: readonly ServerSession[];
  readonly receiver: MessageReceiver;
  readonly timing: Timing;
  readonly maximumLength: number;
  readonly takesOver: boolean;
  /** How connections ended, by {@link Ending}. */
  readonly endings = new Float64Array(ENDING_COUNT);
  /** Connections that are not over. */
  connections = 0;
  /** Connections refused because there were as many as may be. */
  refused = 0;
  readonly #maximumConnections: number;

  /** @throws PosixError EINVAL */
  constructor(options: SoupServerOptions) {
    const { accounts, maximumConnections = 64, maximumLength = 512 } = options;
    this.receiver = options.receiver;
    this.timing = timingOf(options);
    this.maximumLength = requireWholeNumber('SoupServer', 'maximumLength', maximumLength, 64, 65_535);
    this.#maximumConnections = requireWholeNumber('SoupServer', 'maximumConnections', maximumConnections, 1, 65_536);
    this.takesOver = options.takeOver ?? true;
    this.sessions = accounts.map((account, index) => new ServerSession(requireAccount(account), index));
    const names = new Set(accounts.map(({ username }) => username));
    if (names.size !== accounts.length) throw invalidArgument('SoupServer', 'two accounts have the same username');
  }

  /** For a connection that was accepted; null when there are too many: close it. */
  open(now: number): ServerConnection | null {
    if (this.connections >= this.#maximumConnections) {
      this.refused += 1;
      return null;
    }
    this.connections += 1;
    return new ServerConnection(this, now);
  }

  /** The account's session; null when name or password is wrong. Every password is compared whole. */
  authenticate(username: string, password: string): ServerSession | null {
    let found: ServerSession | null = null;
    for (const session of this.sessions) {
      if (session.username === username && isSame(session.password, password)) found = session;
    }
    return found;
  }

  /** For its connections. */
  ended(ending: Ending): void {
    this.connections -= 1;
    this.endings[ending]! += 1;
  }
}

function requireAccount(account: AccountOptions): AccountOptions {
  requireField('username', account.username, USERNAME_BYTES);
  requireField('password', account.password, PASSWORD_BYTES);
  requireField('session', account.session, SESSION_BYTES);
  return account;
}

function requireField(name: string, text: string, width: number): void {
  if (text.length <= width && /^[0-9A-Za-z]+$/.test(text)) return;
  throw invalidArgument('SoupServer', `${name} must be 1 to ${width} letters and digits, not '${text}'`);
}

/** Takes as long however much of it is right. */
function isSame(expected: string, given: string): boolean {
  let difference = expected.length ^ given.length;
  for (let n = 0; n < PASSWORD_BYTES; n++) difference |= (expected.charCodeAt(n) || 0) ^ (given.charCodeAt(n) || 0);
  return difference === 0;
}
