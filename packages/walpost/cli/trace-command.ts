import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import type { Config } from '../config.ts';
import { withKafka } from '../kafka.ts';
import { openObserved } from '../observe/open-observed.ts';
import { publishedTopics } from '../observe/services.ts';
import type { Timeline } from '../observe/timeline.ts';
import { openReader } from '../observe/topic-reader.ts';
import { jsonOption, waitOption } from '../options.ts';
import { printJson } from '../output.ts';
import { diagnoseTimeline } from '../trace/diagnose-timeline.ts';
import { showTimeline } from '../trace/show-timeline.ts';
import { traceKey } from '../trace/trace-key.ts';

interface Options {
  wait: number;
  json?: true;
}

/** `walpost trace …` */
export function traceCommand(config: () => Config): Command {
  return new Command('trace')
    .description(
      'show where the events of a key are: outbox, slot, topic, each consumer, and what keeps them',
    )
    .argument('<key>', 'of the events, as it is in the outbox and in the records')
    .addOption(waitOption(0, 'how long to wait for a Kafka that is not there yet'))
    .addOption(jsonOption())
    .action(async (key: string, options: Options) => trace(config(), key, options));
}

async function trace(config: Config, key: string, { wait, json }: Options): Promise<void> {
  const timeline = await findTimeline(config, key, wait);
  const now = Date.now();
  const verdict = diagnoseTimeline(timeline, now);
  if (json) printJson({ ...timeline, verdict });
  else if (verdict.state !== 'unknown') console.log(showTimeline(timeline, verdict, now));
  if (verdict.state !== 'unknown') return;
  const unasked = timeline.problems.length > 0 ? `; not asked: ${timeline.problems.join('; ')}` : '';
  throw new CliError(`no database knows the key ${timeline.key}${unasked}`);
}

async function findTimeline(config: Config, key: string, wait: number): Promise<Timeline> {
  const { system, servers, observerPassword: password, connect } = config;
  if (password === undefined)
    throw new CliError('OBSERVER_PASSWORD is not set; it is the password of the role observer');
  const { observed, close } = openObserved({ system, servers, password, applicationName: 'walpost-cli' });
  const look = (kafka: Parameters<typeof traceKey>[0]['kafka']) =>
    traceKey({ services: observed, kafka, connect }, key);
  try {
    return await withKafka(config, wait, async (access) => {
      const reader = await openReader(access, publishedTopics(system));
      try {
        return await look({ value: { ...access, reader } });
      } finally {
        await reader.close();
      }
    }).catch((error: unknown) => {
      if (error instanceof CliError) return look({ error: error.message });
      throw error;
    });
  } finally {
    await close();
  }
}
