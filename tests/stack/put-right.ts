import { setting } from 'walpost/testing/support';
import type { TestStack } from 'walpost/testing/test-stack';

/**
 * Starts what a test left stopped and resumes what it left paused. Run after each test of a shared stack: one that
 * fails half-way would have all later ones wait until their time is over, for a reason that is not theirs.
 */
export async function putRight(stack: TestStack): Promise<void> {
  for (const part of stack.stopped()) await stack.start(part);
  const answer = await fetch(`${setting(stack.env, 'CONNECT_URL')}/connectors?expand=status`);
  const connectors = (await answer.json()) as Record<string, { status: { connector: { state: string } } }>;
  for (const [name, { status }] of Object.entries(connectors)) {
    if (status.connector.state === 'PAUSED') await stack.operate('connectors', 'resume', name);
  }
}
