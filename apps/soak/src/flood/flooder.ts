import type { Packet, PacketPool } from '@prism-net/buffers';
import type { Jack, Line } from '@prism-net/sim';
import { ethernet, type MacAddress, tcp } from '@prism-net/wire';
import { makeArpReply } from './arp-reply.js';
import type { FloodFrame, FloodKind } from './flood-frame.js';

const TRANSPORT = ethernet.HEADER_LENGTH + 20;

/** A machine on the line that sends what it likes, and is the gateway to everywhere. It forgets what it is answered. */
export class Flooder implements Jack {
  readonly name = 'flooder';
  line: Line | null = null;
  sent = 0;
  sentBytes = 0;
  /** Of the answers: segments and their bytes, by what they are. */
  answers = 0;
  answerBytes = 0;
  resets = 0;
  arpRequests = 0;
  readonly #macAddress: MacAddress;
  readonly #gateway: number;
  readonly #pool: PacketPool;

  constructor(macAddress: MacAddress, gateway: number, pool: PacketPool) {
    this.#macAddress = macAddress;
    this.#gateway = gateway;
    this.#pool = pool;
  }

  send(frame: FloodFrame, kind: FloodKind): void {
    frame.next(kind);
    const packet = this.#pool.take();
    if (packet === null) throw new Error('the network is out of frames');
    packet.memory.write(packet.offset, frame.bytes, 0, frame.length);
    packet.length = frame.length;
    this.sent += 1;
    this.sentBytes += frame.length;
    this.line!.send(packet);
  }

  arrive(packet: Packet): boolean {
    const { view, offset } = packet;
    if (ethernet.etherType(view, offset) === ethernet.EtherType.ARP) {
      this.#resolve(packet);
      return true;
    }
    const isMine = ethernet.destinationLow(view, offset) === this.#macAddress.low;
    if (isMine) {
      this.answers += 1;
      this.answerBytes += packet.totalLength;
      if ((tcp.flags(view, offset + TRANSPORT) & tcp.Flag.RST) !== 0) this.resets += 1;
    }
    packet.release();
    return true;
  }

  /** Only the gateway is there. */
  #resolve(packet: Packet): void {
    this.arpRequests += 1;
    if (makeArpReply(packet, this.#gateway, this.#macAddress)) this.line!.send(packet);
    else packet.release();
  }
}
