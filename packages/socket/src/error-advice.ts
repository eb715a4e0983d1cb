import { Errno } from '@prism-net/errors';

/** What to do about an error, where its name alone does not say. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  [`send ${Errno.EDESTADDRREQ}`, 'there is none; give port and address, or connect first'],
  [`template ${Errno.EDESTADDRREQ}`, 'there is none; give { address, port }, or connect first'],
  [`send ${Errno.EACCES}`, 'a broadcast address; open the socket with broadcast: true'],
  [`template ${Errno.EACCES}`, 'a broadcast address; open the socket with broadcast: true'],
  [`connect ${Errno.EACCES}`, 'a broadcast address; open the socket with broadcast: true'],
  [`send ${Errno.ENETUNREACH}`, 'no route leads there; give the stack a gateway, or use addRoute'],
  [`template ${Errno.ENETUNREACH}`, 'no route leads there; give the stack a gateway, or use addRoute'],
  [`connect ${Errno.ENETUNREACH}`, 'no route leads there; give the stack a gateway, or use addRoute'],
  [`template ${Errno.ENOBUFS}`, 'no packet left in the pool; a template takes two'],
  [`join ${Errno.EADDRINUSE}`, 'joined already'],
  [`join ${Errno.EINVAL}`, 'is not a multicast group (224.0.0.0 to 239.255.255.255)'],
  [`bind ${Errno.EADDRINUSE}`, 'another socket has it; set reuse on both to share it'],
  [`bind ${Errno.EADDRNOTAVAIL}`, 'not an address of this stack, or no port is left'],
]);

/** The same for stream sockets, where some errors mean something else. */
const STREAM_ADVICE: ReadonlyMap<string, string> = new Map([
  [`connect ${Errno.ECONNREFUSED}`, 'nothing listens there'],
  [`connect ${Errno.ECONNRESET}`, 'the peer accepted the connection and reset it at once'],
  [`connect ${Errno.ETIMEDOUT}`, 'no answer in time; the host may be down, or a firewall drops what is sent'],
  [`connect ${Errno.EHOSTUNREACH}`, 'no such neighbour, or a router knows no way to the host'],
  [`connect ${Errno.ENETUNREACH}`, 'no route leads there; give the stack a gateway, or use addRoute'],
  [`connect ${Errno.EACCES}`, 'a broadcast or multicast address; a connection is between two hosts'],
  [`connect ${Errno.EADDRINUSE}`, 'such a connection exists; choose another localPort, or leave it out'],
  [`connect ${Errno.EADDRNOTAVAIL}`, 'no local port is free; raise tcp.ephemeralPorts of the stack'],
  [`connect ${Errno.EAFNOSUPPORT}`, 'IPv6 is not supported yet'],
  [`connect ${Errno.EINVAL}`, 'the unspecified address names no host'],
  [`connect ${Errno.ENOBUFS}`, 'too many connections; raise tcp.maximumConnections of the stack'],
  [`bind ${Errno.EADDRINUSE}`, 'a listener or another connection has it; leave localPort out to get a free one'],
  [`bind ${Errno.EADDRNOTAVAIL}`, 'not an address of this stack'],
  [`listen ${Errno.EADDRINUSE}`, 'another listener has it, or no port is free; set reusePort on both to share it'],
  [`listen ${Errno.EADDRNOTAVAIL}`, 'not an address of this stack'],
  [`listen ${Errno.EAFNOSUPPORT}`, 'IPv6 is not supported yet'],
  [`listen ${Errno.ENOBUFS}`, 'too many listeners; raise tcp.maximumListeners of the stack'],
  [`read ${Errno.ECONNRESET}`, 'the peer reset the connection'],
  [`write ${Errno.ECONNRESET}`, 'the peer reset the connection'],
  [`read ${Errno.ETIMEDOUT}`, 'the peer does not answer any more'],
  [`write ${Errno.ETIMEDOUT}`, 'the peer does not answer any more'],
  [`read ${Errno.ECONNABORTED}`, 'the connection was aborted on this side'],
  [`write ${Errno.ECONNABORTED}`, 'the connection was aborted on this side'],
  [`write ${Errno.EPIPE}`, 'nothing can be written after end(), shutdown() or the end of the connection'],
  [`write ${Errno.EBADF}`, 'the socket is closed'],
  [`template ${Errno.EINVAL}`, 'the message is empty'],
  [`template ${Errno.EPIPE}`, 'nothing can be written after end(), shutdown() or the end of the connection'],
  [`template ${Errno.ENOBUFS}`, 'no packet left in the pool; a template takes two'],
  [`template ${Errno.EBADF}`, 'the socket is closed'],
]);

/** Advice about an error of a call, for its message. */
export function errorAdvice(syscall: string, errno: Errno): string | undefined {
  return ADVICE.get(`${syscall} ${errno}`);
}

/** As {@link errorAdvice}, for stream sockets. */
export function streamErrorAdvice(syscall: string, errno: Errno): string | undefined {
  return STREAM_ADVICE.get(`${syscall} ${errno}`);
}
