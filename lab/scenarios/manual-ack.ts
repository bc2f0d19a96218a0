import { committedOf, eventMaker, makeTopic, openAdmin, openProducer, orderNames } from './clients.ts';
import { distinct, openService } from './service.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-manual-ack';
const GROUP = 'manual-ack';

/** The offset is committed by hand, after the database; a crash in between costs nothing and doubles nothing. */
export const manualAck: Scenario = {
  name: 'manual-ack',
  summary: 'killed before the offset is committed: delivered again, effect once',
  question:
    'A consumer is killed between the commit of its database and that of its offset. How often is the event handled?',
  parts: ['postgres', 'kafka', 'registry'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, stack } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const producer = await openProducer(stage);
  const event = await eventMaker(stage);
  const service = await openService(stage, admin, GROUP, TOPIC);
  const committed = () => committedOf(admin, GROUP, TOPIC);

  say('20 events wait. A consumer reads them, commits its database, and is killed (kill -9) at that moment.');
  await producer.send({ topic: TOPIC, messages: orderNames(20).map((order) => event(order, 1)) });
  const program = 'dist/programs/consume-and-crash.js';
  const { code, stderr } = await stack.run('node', [program, JSON.stringify(service.config('doomed'))]);
  if (code !== null) throw new Error(`the consumer ended by itself (exit ${code}): ${stderr}`);
  const before = await service.effects();
  show(
    `in the database: ${before.length} effects; in Kafka: no offset committed (${await committed()})`,
    before.length > 0 && (await committed()) === -1,
  );

  say('Another member starts. Kafka gives it what was never acknowledged, once the dead one has timed out.');
  await service.start('survivor');
  const after = await service.allEffects();
  show(
    `${service.repeated()} events were delivered a second time; their inbox rows said so`,
    service.repeated() === before.length,
  );
  show(
    `${after.length} effects for ${distinct(after)} events, offset ${await committed()}: each one once`,
    after.length === 20 && distinct(after) === 20,
  );
}
