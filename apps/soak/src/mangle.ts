import { runMangling } from '@prism-net/sim';

/** Forged segments of one run: then other hosts, other connections. */
const SEGMENTS_PER_RUN = 4000;

/** Attacks live connections with so many mangled and forged segments; returns how many runs failed. */
export function soakMangled(firstSeed: number, segments: number): number {
  const start = performance.now();
  const reasons = new Set<string>();
  const failed: number[] = [];
  let sent = 0;
  let delivered = 0;
  let peakFrames = 0;
  let recovery = 0;
  let askedBytes = 0;
  let answerBytes = 0;
  let withheld = 0;
  for (let seed = firstSeed; sent < segments; seed++) {
    const share = Math.min(SEGMENTS_PER_RUN, segments - sent);
    sent += share;
    try {
      const run = runMangling(seed, share);
      delivered += run.delivered;
      peakFrames = Math.max(peakFrames, run.peakFrames);
      recovery = Math.max(recovery, run.recoveryMicroseconds);
      for (const reason of run.reasons) reasons.add(reason);
      for (const tally of run.tallies.values()) {
        askedBytes += tally.askedBytes;
        answerBytes += tally.answerBytes;
        withheld += tally.withheld;
      }
    } catch (error) {
      failed.push(seed);
      console.log(`${(error as Error).message}\n`);
    }
  }
  const runs = Math.ceil(segments / SEGMENTS_PER_RUN);
  const real = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`${segments} mangled segments in ${runs} runs, ${real} s: ${failed.length} runs failed`);
  console.log(
    `  ${delivered} bytes of streams delivered unharmed, ${reasons.size} drop reasons reached, at most ${peakFrames} ` +
      `packets in use, all streams done ${(recovery / 1e6).toFixed(1)} s of virtual time after the attack at the latest`,
  );
  const ratio = askedBytes === 0 ? 0 : answerBytes / askedBytes;
  console.log(
    `  answers to forgeries without effect: ${ratio.toFixed(2)} bytes for each byte; ${withheld} exact forgeries were ` +
      'withheld, which an attacker on the path wins by the rules of TCP',
  );
  if (failed.length > 0) console.log(`  failed: ${failed.join(', ')}`);
  return failed.length;
}
