import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import type { DatagramSocket, DatagramTemplate, StreamSocket, StreamTemplate } from '@prism-net/socket';
import { createStack, type Stack } from '@prism-net/stack';
import { type Clock, createMonotonicClock, createNanosecondClock } from '@prism-net/time';
import { StampingLink } from './stamping-link.js';

export const PAYLOAD = 64;
const FRAMES = 1024;
const SERVER = '10.0.0.2';

/** One way to send 64 bytes of which two fields are new, and to rehearse that. */
export interface Sender {
  send(value: number): void;
  warm(): void;
}

/** Two stacks over the pipe, whose sender's end notes when it is handed a frame. */
export class SendPath {
  readonly nanoseconds: Clock;
  readonly link: StampingLink;
  readonly plainDatagram: Sender;
  readonly templateDatagram: Sender;
  readonly #client: Stack;
  readonly #server: Stack;
  readonly #clock: Clock;
  readonly plainStream: Sender;
  readonly templateStream: Sender;
  received = 0;

  static async open(): Promise<SendPath> {
    const clock = createMonotonicClock();
    const nanoseconds = createNanosecondClock();
    const memory = PacketMemory.create({ frames: 2 * FRAMES });
    const [left, right] = createPipe();
    const link = new StampingLink(left, nanoseconds);
    const common = { mode: 'manual', clock, memory } as const;
    const pool = () => PacketPool.create(memory, FRAMES);
    const client = createStack({ ...common, link, address: '10.0.0.1/24', pool: pool() });
    const server = createStack({ ...common, link: right, address: `${SERVER}/24`, pool: pool() });
    const listener = server.listen({ port: 7000, noDelay: true });
    const sink = new Uint8Array(4096);
    listener.onConnection((socket) => socket.onReadable(() => void socket.readInto(sink)));
    let stream: StreamSocket | undefined;
    client.connect({ address: SERVER, port: 7000, noDelay: true }).then((socket) => {
      stream = socket;
    });
    for (let i = 0; stream === undefined; i++) {
      if (i === 100) throw new Error('template-send: the handshake does not get through');
      client.poll();
      server.poll();
      await Promise.resolve();
    }
    return new SendPath(client, server, link, nanoseconds, clock, stream);
  }

  private constructor(
    client: Stack,
    server: Stack,
    link: StampingLink,
    nanoseconds: Clock,
    clock: Clock,
    stream: StreamSocket,
  ) {
    this.link = link;
    this.nanoseconds = nanoseconds;
    this.#clock = clock;
    this.#client = client;
    this.#server = server;
    this.#server.udpSocket({ port: 7000 }).onReadable((socket) => {
      for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
        packet.release();
        this.received = (this.received + 1) | 0;
      }
    });
    const socket = this.#client.udpSocket().connect(7000, SERVER);
    socket.send('resolve');
    this.settle();
    this.plainDatagram = new PlainDatagram(this.#client, socket);
    this.templateDatagram = new DatagramMessage(socket.template(new Uint8Array(PAYLOAD)));
    this.plainStream = new PlainStream(this.#client, stream);
    this.templateStream = new StreamMessage(stream.template(new Uint8Array(PAYLOAD)));
  }

  settle(): void {
    for (let i = 0; i < 3; i++) {
      const now = this.#clock.now();
      this.#client.poll(now);
      this.#server.poll(now);
    }
  }

  /** Nanoseconds from the call until the link has the frame, the timer's cost included. */
  time(sender: Sender, value: number): number {
    const { link } = this;
    const { handed } = link;
    const start = this.nanoseconds.now();
    sender.send(value);
    const passed = (link.stamp - start) | 0;
    if (link.handed !== handed + 1) throw new Error('template-send: not one frame for one send');
    return passed;
  }

  close(): void {
    this.#client.close();
    this.#server.close();
    for (const { accounts } of [this.#client, this.#server]) {
      const { unexplained } = accounts.snapshot();
      if (unexplained !== 0) throw new Error(`template-send: ${unexplained} frames unexplained`);
    }
  }
}

/** As an application keeps it that knows no templates. */
class Message {
  readonly bytes = new Uint8Array(PAYLOAD);
  readonly #view = new DataView(this.bytes.buffer);

  patch(value: number): void {
    this.#view.setUint32(8, value);
    this.#view.setUint32(40, ~value);
  }
}

/** The application's message is patched where it stands, copied into a packet, and flushed without waiting for a poll. */
class PlainDatagram implements Sender {
  readonly #stack: Stack;
  readonly #socket: DatagramSocket;
  readonly #message = new Message();

  constructor(stack: Stack, socket: DatagramSocket) {
    this.#stack = stack;
    this.#socket = socket;
  }

  send(value: number): void {
    this.#message.patch(value);
    const packet = this.#socket.reserve()!;
    packet.memory.write(packet.offset, this.#message.bytes, 0, PAYLOAD);
    packet.length = PAYLOAD;
    this.#socket.commit(packet);
    this.#stack.interfaces[1]!.flush();
  }

  warm(): void {
    this.#socket.warm(this.#message.bytes);
  }
}

/** The stream's is a class of its own: calls of one that sends both would be of two shapes. */
class DatagramMessage implements Sender {
  readonly #template: DatagramTemplate;

  constructor(template: DatagramTemplate) {
    this.#template = template;
  }

  send(value: number): void {
    this.#template.setUint32(8, value);
    this.#template.setUint32(40, ~value);
    this.#template.send();
  }

  warm(): void {
    this.#template.warm();
  }
}

/** Written to the send buffer, sent by TCP and flushed without waiting for a poll. */
class PlainStream implements Sender {
  readonly #stack: Stack;
  readonly #socket: StreamSocket;
  readonly #message = new Message();

  constructor(stack: Stack, socket: StreamSocket) {
    this.#stack = stack;
    this.#socket = socket;
  }

  send(value: number): void {
    this.#message.patch(value);
    this.#socket.tryWrite(this.#message.bytes);
    this.#stack.tcp.flush(this.#stack.now());
    this.#stack.interfaces[1]!.flush();
  }

  warm(): void {
    this.#socket.warm(this.#message.bytes);
  }
}

class StreamMessage implements Sender {
  readonly #template: StreamTemplate;

  constructor(template: StreamTemplate) {
    this.#template = template;
  }

  send(value: number): void {
    this.#template.setUint32(8, value);
    this.#template.setUint32(40, ~value);
    this.#template.send();
  }

  warm(): void {
    this.#template.warm();
  }
}
