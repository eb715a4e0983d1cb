import type { CallDefinition } from '../system-calls.js';
import { close, fcntl, ioctl, shutdown } from './control.js';
import { accept, bind, connect, listen, socket } from './opening.js';
import { epollCreate, epollCtl, epollWait, poll } from './polling.js';
import { getsockopt, setsockopt } from './socket-options.js';
import { transferCalls } from './transfer.js';

/** The system calls a script can make of this host; any other is reported by its name. */
export const systemCalls: ReadonlyMap<string, CallDefinition> = new Map(
  Object.entries({
    socket,
    bind,
    listen,
    accept,
    accept4: accept,
    connect,
    ...transferCalls,
    shutdown,
    close,
    setsockopt,
    getsockopt,
    fcntl,
    ioctl,
    poll,
    epoll_create: epollCreate,
    epoll_create1: epollCreate,
    epoll_ctl: epollCtl,
    epoll_wait: epollWait,
  }),
);
