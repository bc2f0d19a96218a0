import { expect, test } from '@jest/globals';
import { createDamage } from '../inflict.ts';

/** A step that ends when it is told to. */
function held(): { step: () => Promise<string>; begun: () => boolean; end(): void } {
  let resolve: (text: string) => void = () => undefined;
  const promise = new Promise<string>((fulfil) => {
    resolve = fulfil;
  });
  let isBegun = false;
  return {
    step: () => {
      isBegun = true;
      return promise;
    },
    begun: () => isBegun,
    end: () => resolve('done'),
  };
}

test('a fault that concerns several parts waits for each of them, and each of them for it', async () => {
  const { inTurn } = createDamage(() => undefined);
  const [kill, stall, pause, other] = [held(), held(), held(), held()];
  const killed = inTurn('payment', kill.step);
  const stalled = inTurn(['postgres', 'payment'], stall.step);
  const paused = inTurn('postgres', pause.step);
  const apart = inTurn('kafka', other.step);
  other.end();
  expect(await apart).toBe('done');
  expect(stall.begun()).toBe(false);
  kill.end();
  await killed;
  await new Promise(setImmediate);
  expect([stall.begun(), pause.begun()]).toEqual([true, false]);
  stall.end();
  pause.end();
  expect(await Promise.all([stalled, paused])).toEqual(['done', 'done']);
});

test('one that fails ends its turn', async () => {
  const { inTurn } = createDamage(() => undefined);
  const failed = inTurn(['postgres', 'order'], () => Promise.reject(new Error('gone')));
  await expect(failed).rejects.toThrow('gone');
  await expect(inTurn('order', async () => 'done')).resolves.toBe('done');
});
