import { closeSync, openSync, writeSync } from 'node:fs';
import { CaptureDirection, PcapWriter } from '@prism-net/link';
import { type Corpus, makeCorpus } from './corpus.js';
import type { Target } from './target.js';

/** Writes the corpus of a seed as a capture, one frame a microsecond. */
export function writeCorpusFile(file: string, target: Target, seed: number, frames: number): Corpus {
  const descriptor = openSync(file, 'w');
  try {
    const writer = new PcapWriter((bytes) => writeSync(descriptor, bytes), { format: 'pcap' });
    let microseconds = 0;
    const corpus = makeCorpus(target, seed, frames, (frame) => {
      const seconds = Math.floor(microseconds / 1e6);
      writer.writeBytes(frame, seconds, (microseconds - seconds * 1e6) * 1000, CaptureDirection.UNKNOWN);
      writer.commit();
      microseconds++;
    });
    writer.flush();
    return corpus;
  } finally {
    closeSync(descriptor);
  }
}
