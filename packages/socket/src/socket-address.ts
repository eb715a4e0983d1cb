export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}
