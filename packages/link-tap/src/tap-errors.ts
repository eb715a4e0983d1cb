import { isSystemError, LinkUnavailableError } from '@prism-net/linux';

function privilege(device: string): string {
  const name = device.includes('%') ? 'prism0' : device;
  return `run as root or with CAP_NET_ADMIN, or have root make the device for you: ip tuntap add mode tap user $USER name ${name} vnet_hdr && ip link set ${name} up`;
}

/** The kernel's refusal as an error that says what is missing and what to do. Other errors pass as they are. */
export function explain(error: unknown, device: string, multiQueue: boolean): unknown {
  // Prism's own errors have a detail: an option, or memory.
  if (!isSystemError(error) || 'detail' in error) return error;
  const { code, syscall } = error;
  const [missing, instead] = reason(code, syscall, device, multiQueue);
  return new LinkUnavailableError(code, `tap:${device}`, missing, instead, error);
}

function reason(
  code: string,
  syscall: string,
  device: string,
  multiQueue: boolean,
): [missing: string, instead: string] {
  if (syscall === 'open') {
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO') {
      return [
        'the kernel has no /dev/net/tun',
        "load its module by 'modprobe tun'; in a container pass the device: --device /dev/net/tun",
      ];
    }
    if (code === 'EACCES' || code === 'EPERM')
      return ['/dev/net/tun must not be opened by this user', privilege(device)];
    return [
      `/dev/net/tun cannot be opened: ${code}`,
      "EMFILE: the process has too many descriptors open ('ulimit -n')",
    ];
  }
  if (code === 'EPERM' || code === 'EACCES') {
    return syscall === 'TUNSETIFF'
      ? [`this user may not make or open ${device} (${syscall})`, privilege(device)]
      : [
          `this user may not change the settings of ${device} (${syscall})`,
          `run as root or with CAP_NET_ADMIN, or leave out hostAddress and mtu and have root set them: ip address add A.B.C.D/N dev ${device}; ip link set ${device} mtu N up`,
        ];
  }
  if (syscall !== 'TUNSETIFF') return [`${syscall} failed: ${code}`, 'see dmesg for what the kernel says'];
  if (code === 'EBUSY') {
    return [
      `${device} is in use: another process, or another link, has it open`,
      multiQueue ? 'close a queue first' : 'choose another name, or open it by multiQueue: true at all ends',
    ];
  }
  if (code === 'EINVAL') {
    return [
      `${device} exists and is no TAP device${multiQueue ? ' of several queues' : ', or one of several queues'}`,
      `choose another name, ${multiQueue ? 'or leave multiQueue out' : 'or give multiQueue: true'} ('ip -d link show ${device}' tells)`,
    ];
  }
  if (code === 'E2BIG') return [`${device} has as many queues as the kernel allows`, 'close a queue first'];
  return [`the kernel refuses ${device}: ${code}`, 'choose another name'];
}
