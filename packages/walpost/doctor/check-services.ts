import { type Check, fail, ok, rootReason, warn } from '../check.ts';
import type { Config } from '../config.ts';
import { START } from '../observe/diagnose-group.ts';

const ANSWER_WITHIN = 5_000;

/** Whether each service, and the console, says that it can do its work. */
export async function checkServices({ addresses }: Config): Promise<Check[]> {
  return Promise.all(
    Object.entries(addresses).map(([name, url]) => checkService(name, url, name === 'console' ? warn : fail)),
  );
}

async function checkService(name: string, url: string, bad: typeof fail): Promise<Check> {
  const what = `${name} service`;
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(ANSWER_WITHIN) });
    const { status, problems } = (await response.json()) as {
      status?: unknown;
      problems?: Record<string, string>;
    };
    if (response.ok && status === 'ok') return ok(what, url);
    if (problems) {
      const named = Object.entries(problems).map(([part, text]) => `${part}: ${text}`);
      const text = `it runs, but not everything that it needs: ${named.join('; ')}`;
      // As Postgres says of a table or a column that no migration has made yet.
      return /(relation|column) .* does not exist/.test(text)
        ? bad(what, text, `npx walpost migrate ${name}`)
        : bad(what, text);
    }
    return bad(what, `what answers at ${url} is no service of Walpost (${response.status})`);
  } catch (error) {
    if (error instanceof SyntaxError) return bad(what, `what answers at ${url} is no service of Walpost`);
    return bad(what, `${url} does not answer: ${rootReason(error)}`, START);
  }
}
