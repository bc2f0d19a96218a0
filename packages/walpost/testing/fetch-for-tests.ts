import { fetchComponents } from '../stack/fetch-components.ts';
import { findJdk } from '../stack/find-jdk.ts';

/**
 * Downloads what the tests run on, before Jest starts: a test's time limit is no place for that.
 * Throws a StackError when a JDK or Maven is missing or Maven fails.
 */
export async function fetchForTests(): Promise<void> {
  await fetchComponents(process.env, await findJdk(process.env), console.log, undefined);
}
