import type { PeerChannel } from '../peer-channel.js';

/** Keeps Node's event loop from ever sleeping: what the kernel's sockets can do at most. */
export function spin(channel: PeerChannel): void {
  const turn = (): void => {
    if (!channel.isStopped) setImmediate(turn);
  };
  turn();
}
