import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { exec, type OutsideProject, outside, outsideProject, pack } from '../outside-project.ts';
import { type ComposeStack, composeStack } from './compose-stack.ts';

// Somebody else's project, made of the packages as npm would have them, in containers.

let project: OutsideProject;
let stack: ComposeStack;
afterAll(async () => {
  await stack?.close();
  await project?.close();
});

test('npm create walpost, docker compose up, and an event goes all the way', async () => {
  project = await outsideProject('shipment', 'tracking');
  const packages = await pack();
  const create = join(packages, 'create-walpost/index.mjs');
  await exec(process.execPath, [create, project.folder, '--packages', packages], { env: outside });

  stack = await composeStack(['compose.yaml'], ['SHIPMENT', 'TRACKING'], project.folder);
  await stack.explaining(() => stack.compose('up', '--build', '--wait'));
  Object.assign(project.env, stack.env);
  for (const customer of ['ada', 'ada', 'bob']) await project.send(customer);
  await project.untilCounted({ ada: 2, bob: 1 });
  expect(await stack.compose('run', '--rm', 'walpost', 'doctor')).toMatch(/, 0 warnings, 0 broken$/m);
}, 900_000);
