import { Errno } from '@prism-net/errors';

/** What to do about an error, where its name alone does not say. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  [`send ${Errno.EDESTADDRREQ}`, 'there is none; give port and address, or connect first'],
  [`send ${Errno.EACCES}`, 'a broadcast address; open the socket with broadcast: true'],
  [`connect ${Errno.EACCES}`, 'a broadcast address; open the socket with broadcast: true'],
  [`send ${Errno.ENETUNREACH}`, 'no route leads there; give the stack a gateway, or use addRoute'],
  [`connect ${Errno.ENETUNREACH}`, 'no route leads there; give the stack a gateway, or use addRoute'],
  [`join ${Errno.EADDRINUSE}`, 'joined already'],
  [`join ${Errno.EINVAL}`, 'is not a multicast group (224.0.0.0 to 239.255.255.255)'],
  [`bind ${Errno.EADDRINUSE}`, 'another socket has it; set reuse on both to share it'],
  [`bind ${Errno.EADDRNOTAVAIL}`, 'not an address of this stack, or no port is left'],
]);

/** Advice about an error of a call, for its message. */
export function errorAdvice(syscall: string, errno: Errno): string | undefined {
  return ADVICE.get(`${syscall} ${errno}`);
}
