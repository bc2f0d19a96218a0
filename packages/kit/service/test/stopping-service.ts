// A service that acquires three things, and is stopped or fails as its argument says; it prints each release.
import { runProcess } from '@walpost/kit/service/lifecycle';
import { createLogger } from '@walpost/kit/telemetry/logger';

const [how] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);

await runProcess(createLogger('test', 'silent'), async (defer) => {
  defer('first', () => say('first'));
  defer('second', async () => {
    say('second');
    if (how === 'release fails') throw new Error('cannot be closed');
  });
  if (how === 'start fails') throw new Error('cannot start');
  defer('third', () => say('third'));
  // Something has to be under way, or the process ends by itself.
  const timer = setInterval(() => undefined, 60_000);
  defer('timer', () => clearInterval(timer));
  if (how === 'fails later') setImmediate(() => Promise.reject(new Error('fatal')));
  else say('started');
});
