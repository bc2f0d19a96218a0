// A stack that the test files of one run share: the first that asks has it started, and it ends when nobody has asked for
// a while. Usage: hold-stack.js PROJECT SOCKET
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { loadProject } from '../project.ts';
import { messageOf } from '../stack/stack-error.ts';
import { type TestStack, testStack } from './test-stack.ts';

/** How long it stays when nobody is connected, ms: the next test file comes soon. */
const LINGER = 10_000;

/** What a client asks, one JSON text a line. */
export interface Question {
  readonly id: number;
  readonly ask: 'env' | 'killRelay' | 'walpost';
  readonly args?: readonly string[];
}
/** What it is told: an answer of that id, or how far the start is. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly progress: string };

const [folder = '', path = ''] = process.argv.slice(2);
const clients = new Set<Socket>();
let lingering: NodeJS.Timeout | undefined;

const server = createServer();
if (await listen()) {
  const stack = testStack(undefined, {
    project: await loadProject(folder),
    report: {
      parts: () => undefined,
      state: (name, state) => tell({ progress: `${name} ${state}` }),
      line: (line) => tell({ progress: line }),
    },
  });
  // Whoever asks is told.
  stack.catch(() => undefined);
  linger(stack);
  server.on('connection', (client) => answer(client, stack));
}

/** @returns false when another process serves already */
async function listen(): Promise<boolean> {
  try {
    await once(server.listen(path), 'listening');
    return true;
  } catch {
    // What a process left that was killed looks the same, but nobody answers.
    const other = connect(path);
    const answers = await once(other, 'connect').then(
      () => true,
      () => false,
    );
    other.destroy();
    if (answers) return false;
    await rm(path, { force: true });
    await once(server.listen(path), 'listening');
    return true;
  }
}

function tell(answer: Answer, to: Iterable<Socket> = clients): void {
  for (const client of to) if (client.writable) client.write(`${JSON.stringify(answer)}\n`);
}

function answer(client: Socket, stack: Promise<TestStack>): void {
  clients.add(client);
  clearTimeout(lingering);
  client.on('error', () => client.destroy());
  client.once('close', () => {
    clients.delete(client);
    if (clients.size === 0) linger(stack);
  });
  createInterface({ input: client }).on('line', async (line) => {
    const { id, ask, args = [] } = JSON.parse(line) as Question;
    try {
      const started = await stack;
      if (ask === 'killRelay') {
        await started.kill('connect');
        await started.ready('connect');
      }
      tell({ id, value: ask === 'walpost' ? await started.operate(...args) : started.env }, [client]);
    } catch (error) {
      tell({ id, error: messageOf(error) }, [client]);
    }
  });
}

function linger(stack: Promise<TestStack>): void {
  clearTimeout(lingering);
  lingering = setTimeout(async () => {
    server.close();
    await stack.then((started) => started.close()).catch(() => undefined);
    process.exit();
  }, LINGER);
}
