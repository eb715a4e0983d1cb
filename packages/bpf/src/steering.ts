export type SteeringAction = 'redirect' | 'pass' | 'drop';

export interface SteeringRule {
  readonly protocol?: 'udp' | 'tcp' | 'icmp' | number;
  readonly address?: string;
  readonly port?: number | readonly [from: number, to: number];
  readonly sourceAddress?: string;
  readonly sourcePort?: number | readonly [from: number, to: number];
  readonly vlan?: number;
  readonly etherType?: number;
  readonly action: SteeringAction;
}

export interface Steering {
  readonly rules: readonly SteeringRule[];
  readonly otherwise: SteeringAction;
  readonly addresses?: readonly string[];
  readonly sharedAddress?: boolean;
}
