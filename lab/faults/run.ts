import { StackError } from 'walpost/stack/stack-error';
import { experiment, type Outcome } from './experiment.ts';
import { commandOf, type Options, readOptions, usage } from './options.ts';
import { describeFault } from './plan.ts';
import { report, writeFindings } from './report.ts';
import { shrink } from './shrink.ts';

/**
 * `npm run faults`: loads a system of its own, breaks it, and says which promises held. Ends with how many did, and a
 * non-zero exit code unless all did.
 */
export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage);
  try {
    const options = readOptions(args);
    const outcome = await conduct(options);
    const failed = failures(outcome);
    if (failed > 0 && options.shrinks) await findSmaller(options);
    console.log(`\n${outcome.findings.size + 1 - failed} passed, ${failed} failed`);
    process.exitCode = failed > 0 ? 1 : 0;
  } catch (error) {
    console.error(error instanceof StackError ? error.message : error);
    process.exitCode = 1;
  }
}

async function conduct(options: Options): Promise<Outcome> {
  console.log(
    `\n${options.orders} orders at ${options.rate}/s, ${options.plan.length} faults, seed ${options.seed}`,
  );
  const outcome = await experiment(options, (line) => console.log(line));
  console.log(`\n${report(outcome)}`);
  if (options.report !== undefined) writeFindings(options.report, outcome);
  return outcome;
}

/** Broken promises; what the lab itself could not do counts as one. */
function failures({ findings, troubles }: Outcome): number {
  const broken = [...findings.values()].filter((found) => found.length > 0).length;
  return broken + (troubles.length > 0 ? 1 : 0);
}

async function findSmaller(options: Options): Promise<void> {
  const all = options.plan.map(({ number }) => number);
  console.log(`\nLooking for fewer than ${all.length} faults that still fail.`);
  const left = await shrink(all, async (numbers) => {
    const plan = options.plan.filter(({ number }) => numbers.includes(number));
    return failures(await conduct({ ...options, plan, report: undefined })) > 0;
  });
  const names = options.plan.filter(({ number }) => left.includes(number)).map(describeFault);
  console.log(`\nThese are enough: ${names.join('; ')}\n  ${commandOf(options, left)}`);
}
