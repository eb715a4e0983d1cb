import { createStack } from '@prism-net/stack';
import { openLink } from '../open-link.js';

/** A program with a stack on a link, to be killed: forked, it tells when it is ready and when it is busy. */
export interface CrashTask {
  readonly link: string;
  readonly networkNamespace: string;
  /** Of the stack, '10.0.0.1/24'. */
  readonly address: string;
  /** Frames received until it calls itself busy. */
  readonly frames: number;
}

export type CrashMessage = 'ready' | 'busy' | { readonly failed: string };

async function main({ link: specification, networkNamespace, address, frames }: CrashTask): Promise<void> {
  const link = await openLink(specification, { networkNamespace });
  const stack = createStack({ link, address });
  const echo = stack.udpSocket({ port: 7 });
  echo.onReadable(() => {
    for (let packet = echo.receivePacket(); packet !== null; packet = echo.receivePacket()) echo.reply(packet);
  });
  process.send!('ready' satisfies CrashMessage);
  const timer = setInterval(() => {
    if (link.statistics.transmittedPackets < frames) return;
    clearInterval(timer);
    process.send!('busy' satisfies CrashMessage);
  }, 5);
  // When the test is gone, so is this.
  process.on('disconnect', () => process.exit());
}

if (process.send !== undefined) {
  main(JSON.parse(process.argv[2]!) as CrashTask).catch((error: Error) => {
    process.send!({ failed: error.message } satisfies CrashMessage, () => process.exit(1));
  });
}
