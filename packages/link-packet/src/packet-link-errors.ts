import { isSystemError, LinkUnavailableError, type NetworkInterface } from '@prism-net/linux';

const ELSEWHERE = 'createPipe() and createLoopbackLink() of @prism-net/link need no interface';

/** The kernel's refusal as an error that says what is missing and what to do. Other errors pass as they are. */
export function explain(error: unknown, name: string, interfaceName: string): unknown {
  // Prism's own errors say in `detail` what is wrong.
  if (!isSystemError(error) || 'detail' in error) return error;
  const { code, syscall } = error;
  const [missing, instead] = reason(code, syscall, interfaceName);
  return new LinkUnavailableError(code, name, missing, instead, error);
}

function reason(code: string, syscall: string, interfaceName: string): [missing: string, instead: string] {
  if (code === 'EPERM' || code === 'EACCES') {
    return [
      `this user may not open packet sockets (${syscall})`,
      `run as root, or with CAP_NET_RAW ('setcap cap_net_raw+ep' on the node binary); ${ELSEWHERE}`,
    ];
  }
  if (code === 'ENOENT') return ['there is no such network namespace', "'ip netns' lists them"];
  if (code === 'ENODEV' || code === 'ENXIO') {
    return [`there is no interface ${interfaceName} here`, "'ip link' lists those there are"];
  }
  if (code === 'EAFNOSUPPORT') {
    return ['this kernel has no packet sockets (CONFIG_PACKET)', "load the module by 'modprobe af_packet'"];
  }
  if (syscall === 'PACKET_FANOUT') {
    if (code === 'ENOSPC') return ['the group has as many members as it can', 'use another fanout.group'];
    return [
      `the kernel refuses to join the fan-out group: ${code}`,
      'all members of a group must give the same interface, fanout.by and fanout.defragment',
    ];
  }
  if (syscall === 'SIOCSHWTSTAMP') {
    return [`${interfaceName} gives no hardware timestamps: ${code}`, "use timestamps: 'software'"];
  }
  if (code === 'ENOMEM' || code === 'ENOBUFS') {
    return [`the kernel has no memory for ${syscall}`, 'make the ring smaller: ring.frames, ring.frameSize'];
  }
  return [`the kernel refuses ${syscall}: ${code}`, `see 'ip -d link show ${interfaceName}', and dmesg`];
}

/** Refuses interfaces that cannot be a link. @throws LinkUnavailableError EOPNOTSUPP, ENETDOWN. */
export function requireUsable({ isEthernet, isLoopback, isUp, name }: NetworkInterface, link: string): void {
  if (isLoopback) {
    const missing = `${name} is the kernel's own loopback: what is sent there comes back to the sender, and to the kernel`;
    throw new LinkUnavailableError('EOPNOTSUPP', link, missing, ELSEWHERE);
  }
  if (!isEthernet) {
    const missing = `frames of ${name} have no Ethernet header`;
    throw new LinkUnavailableError('EOPNOTSUPP', link, missing, 'use an Ethernet interface: eth0, a veth, a bridge');
  }
  if (!isUp) {
    throw new LinkUnavailableError('ENETDOWN', link, `${name} is down`, `bring it up by 'ip link set ${name} up'`);
  }
}
