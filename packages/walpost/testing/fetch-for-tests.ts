import { loadProject } from '../project.ts';
import { fetchComponents } from '../stack/fetch-components.ts';
import { findJdk } from '../stack/find-jdk.ts';
import { withoutSecrets } from '../stack/settings.ts';

/**
 * Downloads what the tests run on, before Jest starts: a test's time limit is no place for that.
 * Throws a StackError when a JDK or Maven is missing or Maven fails.
 */
export async function fetchForTests(): Promise<void> {
  const { system } = await loadProject(process.cwd());
  const env = withoutSecrets(system, process.env);
  await fetchComponents(env, await findJdk(env), console.log, undefined);
}
