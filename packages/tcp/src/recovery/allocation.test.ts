import { type CongestionWindow, createCongestionControl, NewReno } from '@prism-net/congestion';
import { steadyStateBytes } from '@prism-net/measure';
import { seq, TcpOptions } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { LossRecovery } from './loss-recovery.js';
import { DeadlineKind, RecoveryPhase } from './recovery-constants.js';

const MSS = 1448;
const ROUNDS = 20_000;
/** The measurement's own objects take a few hundred bytes; one number per round would be 320,000. */
const NOTHING = 10_000;

/** Asks for all there is. */
class Demanding extends NewReno {
  override readonly traits = { deliveryRate: true, sent: true, rulesRecovery: false, preciseEcn: true };
  sent = 0;

  override onSent(_window?: CongestionWindow, bytes = 0): void {
    this.sent = (this.sent + bytes) | 0;
  }
}

function connect(control: string): LossRecovery {
  const recovery = new LossRecovery(1024, {});
  recovery.use(control === 'demanding' ? new Demanding() : createCongestionControl(control), 0);
  recovery.start(0x7fff_0000, 0);
  recovery.sackEnabled = true;
  recovery.timestampsEnabled = true;
  recovery.established(MSS, 0);
  return recovery;
}

for (const name of ['newreno', 'cubic', 'demanding']) {
  it(`data and plain acknowledgements allocate nothing once optimised (${name})`, () => {
    const recovery = connect(name);
    const options = new TcpOptions();
    options.hasTimestamps = true;
    let now = 0;
    const work = () => {
      for (let i = 0; i < ROUNDS; i++) {
        now = (now + 50_007) | 0;
        recovery.resume(now);
        while (recovery.allowance() >= MSS && recovery.records.count < 32)
          recovery.onSent((recovery.next + MSS) | 0, now);
        now = (now + 777) | 0;
        recovery.onAcknowledgement((recovery.unacknowledged + MSS) | 0, options, false, false, i, now);
        recovery.onAcknowledgement(recovery.next, options, false, false, i, now);
      }
    };
    const bytes = steadyStateBytes(work);
    expect(recovery.phase).toBe(RecoveryPhase.OPEN);
    expect(recovery.check()).toBe(null);
    expect(bytes).toBeLessThan(NOTHING);
  });

  it(`loss, SACK, recovery, probes and timeouts allocate nothing once optimised (${name})`, () => {
    const recovery = connect(name);
    const options = new TcpOptions();
    options.hasTimestamps = true;
    let now = 0;
    let recoveries = 0;
    let timeouts = 0;
    const send = () => {
      for (let index = recovery.nextLost(); index >= 0 && recovery.allowance() >= MSS; index = recovery.nextLost()) {
        recovery.onRetransmitted(index, now);
      }
      while (recovery.allowance() >= MSS && recovery.records.count < 200)
        recovery.onSent((recovery.next + MSS) | 0, now);
    };
    const expire = () => {
      if (recovery.deadlineKind === DeadlineKind.RETRANSMISSION) timeouts++;
      now = recovery.deadline;
      recovery.onDeadline(now);
    };
    const work = () => {
      for (let i = 0; i < ROUNDS / 4; i++) {
        send();
        now = (now + 20_000) | 0;
        const una = recovery.unacknowledged;
        for (let block = 1; block < 5; block++) {
          options.sackCount = 1;
          options.sackStart[0] = (una + MSS) | 0;
          options.sackEnd[0] = seq.minimum((una + block * 2 * MSS) | 0, recovery.next);
          recovery.onAcknowledgement(una, options, false, false, 0, now);
          send();
        }
        if (recovery.phase === RecoveryPhase.RECOVERY) recoveries++;
        if ((i & 15) === 0) {
          expire();
          send();
          now = (now + 20_000) | 0;
        }
        // D-SACK.
        options.sackStart[0] = una;
        options.sackEnd[0] = (una + MSS) | 0;
        recovery.onAcknowledgement(seq.minimum((una + 10 * MSS) | 0, recovery.next), options, false, false, 0, now);
        options.sackCount = 0;
        recovery.onAcknowledgement(recovery.next, options, (i & 63) === 0, false, 0, now);
      }
    };
    const bytes = steadyStateBytes(work);
    expect(recovery.check()).toBe(null);
    expect(recoveries).toBeGreaterThan(ROUNDS);
    expect(timeouts).toBeGreaterThan(ROUNDS / 16);
    expect(bytes).toBeLessThan(NOTHING);
  });
}
