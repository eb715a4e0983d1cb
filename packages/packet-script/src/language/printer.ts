import type {
  Action,
  EventTime,
  Expression,
  HeaderOption,
  IcmpTransport,
  IpFields,
  PacketAction,
  Ports,
  Script,
  ScriptEvent,
  SequenceRange,
  StructField,
  SystemCall,
  TcpOption,
  TcpTransport,
  Transport,
} from './syntax.js';

/** The script in one notation, comments and blanks lost: what parses to an equal script again. */
export function formatScript(script: Script): string {
  const parts = script.options.map(formatOption);
  if (script.initCommand !== null) parts.push(`\`${script.initCommand.text}\``);
  parts.push(...script.events.map(formatEvent));
  if (script.cleanupCommand !== null) parts.push(`\`${script.cleanupCommand.text}\``);
  return `${parts.join('\n')}\n`;
}

function formatOption({ name, value }: HeaderOption): string {
  return value === null ? `--${name}` : `--${name}=${/^[\w.:/=`"-]+$/.test(value) ? value : `"${value}"`}`;
}

export function formatEvent(event: ScriptEvent): string {
  return `${formatEventTime(event.time)}${formatAction(event.action)}`;
}

function formatEventTime(time: EventTime): string {
  switch (time.type) {
    case 'any':
      return '* ';
    case 'absolute':
      return `${formatTime(time.start)} `;
    case 'relative':
      return `+${formatTime(time.start)} `;
    case 'absolute-range':
      return `${formatTime(time.start)}~${formatTime(time.end)} `;
    case 'relative-range':
      return `+${formatTime(time.start)}~+${formatTime(time.end)} `;
  }
}

/** Seconds with as many digits as it takes. */
export function formatTime(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6).replace(/0{1,3}$/, '');
}

export function formatAction(action: Action): string {
  switch (action.kind) {
    case 'packet':
      return formatPacket(action);
    case 'system-call':
      return formatCall(action);
    case 'command':
      return `\`${action.text}\``;
    case 'code':
      return `%{ ${action.text} }%`;
  }
}

// ---- packets

export function formatPacket(packet: PacketAction): string {
  const sign = packet.direction === 'inbound' ? '<' : '>';
  const outer = packet.encapsulations.map(({ type, text }) =>
    type === 'address' || text.startsWith('encap') ? text : `${text}:`,
  );
  const marks = packet.unsupported.filter((name) => name.startsWith('mutated packet '));
  const mutation = marks.map((name) => name.slice('mutated packet '.length));
  const socket = packet.unsupported.find((name) => name.startsWith('packet of the socket '))?.replace(/.* /, '');
  if (socket !== undefined) mutation.unshift(`sock(${socket})`);
  return [sign, ...outer, formatIp(packet.ip), formatTransport(packet.transport), ...mutation]
    .filter((part) => part !== '')
    .join(' ');
}

function formatIp(ip: IpFields): string {
  const fields: string[] = [];
  if (ip.dscp !== undefined) fields.push(`dscp 0x${ip.dscp.toString(16)}`);
  if (ip.ecn !== undefined) fields.push(ip.dscp === undefined ? ip.ecn : `ecn ${ip.ecn}`);
  if (ip.trafficClass !== undefined) fields.push(`tos 0x${ip.trafficClass.toString(16)}`);
  if (ip.flowLabel !== undefined) fields.push(`flowlabel 0x${ip.flowLabel.toString(16)}`);
  if (ip.timeToLive !== undefined) fields.push(`ttl ${ip.timeToLive}`);
  return fields.length === 0 ? '' : `[${fields.join(', ')}]`;
}

function formatTransport(transport: Transport): string {
  switch (transport.protocol) {
    case 'tcp':
      return formatTcp(transport);
    case 'udp':
      return `udp${formatPorts(transport.ports, ' ')} (${transport.length})`;
    case 'udplite':
      return `udplite${formatPorts(transport.ports, ' ')} (${transport.length}, ${transport.coverage})`;
    case 'icmp':
      return formatIcmp(transport);
    case 'sctp':
      return `${formatPorts(transport.ports, '')}${transport.text}`.replace(/(\d)sctp/, '$1 sctp');
  }
}

function formatPorts(ports: Ports | null, before: string): string {
  return ports === null ? '' : `${before}${ports.source} > ${ports.destination}`;
}

export function formatTcp(transport: TcpTransport): string {
  const parts: string[] = [];
  if (transport.ports !== null) parts.push(formatPorts(transport.ports, ''));
  parts.push(formatFlags(transport), formatSequence(transport.sequence));
  if (transport.udpEncapsulation !== null) parts.push(`/udp(${formatPorts(transport.udpEncapsulation, '')})`);
  if (transport.acknowledgement !== null) {
    parts.push(`ack ${transport.acknowledgement}${transport.isAcknowledgementAbsolute ? '!' : ''}`);
  }
  if (transport.window !== null) parts.push(`win ${transport.window}`);
  if (transport.urgentPointer !== null) parts.push(`urg ${transport.urgentPointer}`);
  if (transport.options === null) parts.push('<...>');
  else if (transport.options.length > 0) parts.push(`<${transport.options.map(formatTcpOption).join(',')}>`);
  return parts.join(' ');
}

function formatFlags({ flags, ace }: TcpTransport): string {
  if (ace === null) return flags === '' ? '-' : flags;
  return flags.endsWith('.') ? `${flags.slice(0, -1)}${ace}.` : `${flags}${ace}`;
}

function formatSequence({ start, length, isAbsolute, isAny }: SequenceRange): string {
  if (isAny) return `...(${length})`;
  return `${start}:${start + length}(${length})${isAbsolute ? '!' : ''}`;
}

export function formatTcpOption(option: TcpOption): string {
  switch (option.kind) {
    case 'nop':
    case 'eol':
      return option.kind;
    case 'sack-permitted':
      return 'sackOK';
    case 'mss':
      return `mss ${option.value}`;
    case 'wscale':
      return `wscale ${option.shift ?? '*'}`;
    case 'sack':
      return `sack ${option.blocks.map(([left, right]) => `${left}:${right}`).join(' ')}`;
    case 'timestamps': {
      const { value, echo, isEchoAbsolute } = option;
      return `TS val ${value ?? '...'} ecr ${echo ?? '...'}${isEchoAbsolute ? '!' : ''}`;
    }
    case 'md5':
      return `md5 ${option.digest}`.trimEnd();
    case 'fast-open':
      return `${option.isExperimental ? 'FOEXP' : 'FO'} ${option.cookie}`.trimEnd();
    case 'tarr':
      return `exp-tarr ${option.rate ?? ''}`.trimEnd();
    case 'acc-ecn': {
      const names = option.order === 1 ? ['e1b', 'ceb', 'e0b'] : ['e0b', 'ceb', 'e1b'];
      const counters = option.counters.map((counter, i) => ` ${names[i] ?? 'e0b'} ${counter}`);
      return `${option.name}${counters.join('')}`;
    }
    case 'other':
      return `${option.name} ${option.text}`.trimEnd();
  }
}

function formatIcmp({ type, code, mtu, identifier, quote }: IcmpTransport): string {
  const parts = ['icmp', type];
  if (code !== null) parts.push(code);
  if (mtu !== null) parts.push(`mtu ${mtu}`);
  if (identifier !== null) parts.push(`id ${identifier}`);
  if (quote?.protocol === 'tcp') parts.push(`[${formatSequence(quote.sequence)}]`);
  else if (quote?.protocol === 'other') parts.push(`[${quote.text}]`);
  else if (quote !== null) parts.push(`[${quote.protocol} (${quote.length})]`);
  return parts.join(' ');
}

// ---- system calls

export function formatCall(call: SystemCall): string {
  const end = call.end === null ? '' : `...${formatTime(call.end)} `;
  const errno = call.errno === null ? '' : ` ${call.errno}`;
  const note = call.note === null ? '' : ` (${call.note})`;
  return `${end}${call.name}(${formatList(call.arguments)}) = ${formatExpression(call.result)}${errno}${note}`;
}

function formatList(list: readonly Expression[]): string {
  return list.map(formatExpression).join(', ');
}

export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'ellipsis':
      return '...';
    case 'number':
      return expression.text;
    case 'word':
      return expression.name;
    case 'string':
      return `"${expression.value}"${expression.isPrefix ? '...' : ''}`;
    case 'binary':
      return `${operand(expression.left)} ${expression.operator} ${operand(expression.right)}`;
    case 'unary':
      return `${expression.operator}${operand(expression.operand)}`;
    case 'call':
      return `${expression.name}(${formatList(expression.arguments)})`;
    case 'assignment':
      return `${expression.name}=${formatExpression(expression.value)}`;
    case 'list':
      return `[${formatList(expression.elements)}]`;
    case 'struct':
      return `{${expression.fields.map(formatField).join(', ')}}`;
    case 'raw':
      return `{${expression.text}}`;
  }
}

function operand(expression: Expression): string {
  const text = formatExpression(expression);
  return expression.kind === 'binary' ? `(${text})` : text;
}

function formatField({ name, count, value }: StructField): string {
  const text = formatExpression(value);
  if (name === null) return text;
  return `${name}${count === null ? '' : `(${formatExpression(count)})`}=${text}`;
}
