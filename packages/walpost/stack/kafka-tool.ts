// `walpost kafka <tool> …`: runs one of the programs that come with Kafka, those behind its bin/kafka-<tool>.sh.
import { spawn } from 'node:child_process';
import { loadProject } from '../project.ts';
import { fetchComponents } from './fetch-components.ts';
import { findJdk } from './find-jdk.ts';
import { javaLocale, quickCompiler } from './java.ts';
import { completeSettings, setting, withoutSecrets } from './settings.ts';
import { StackError } from './stack-error.ts';

/** The classes that Kafka's scripts start, by the scripts' names. */
const tools: Readonly<Record<string, string>> = {
  configs: 'kafka.admin.ConfigCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  topics: 'org.apache.kafka.tools.TopicCommand',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
};
const OFFLINE = 'dump-log';

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(`walpost: ${error.message}`);
  process.exitCode = 1;
}

/** @returns the tool's exit code; 2 when there is no such tool */
async function run([called = '', ...args]: readonly string[]): Promise<number> {
  const name = called.replace(/^(bin\/)?kafka-/, '').replace(/\.sh$/, '');
  const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
  if (!tool) {
    console.error(
      `walpost kafka: choose one of ${Object.keys(tools).join(', ')}; what follows is for the tool.`,
    );
    return 2;
  }
  const { system } = await loadProject(process.cwd());
  const settings = completeSettings(system, process.env);
  const jdk = await findJdk(settings);
  const { kafka } = await fetchComponents(
    withoutSecrets(system, settings),
    jdk,
    (line) => console.error(line),
    undefined,
  );
  const isTold = args.some((arg) => arg.startsWith('--bootstrap-server'));
  const where = name === OFFLINE || isTold ? [] : ['--bootstrap-server', setting(settings, 'KAFKA_BROKERS')];
  const jvm = ['-Xmx256m', '-XX:+UseSerialGC', quickCompiler];
  const child = spawn(`${jdk.home}/bin/java`, [...jvm, '-cp', `${kafka}/*`, tool, ...where, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...javaLocale },
  });
  // Whoever ends the caller ends the tool, whose exit code is passed on; Ctrl-C reaches all of them.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
