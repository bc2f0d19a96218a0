import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';
import { exec, type OutsideProject, outsideProject, pack, root } from './outside-project.ts';

// What `npm create walpost` of release 0.1.0 made, with the packages of this one.

let project: OutsideProject;
beforeAll(async () => {
  project = await outsideProject('shipment', 'tracking');
});
afterAll(() => project?.close());

test('a project of the previous release compiles and starts with this one', async () => {
  const { folder } = project;
  const fixture = join(root, 'tests/fixtures/parcels-0.1.0.tgz');
  await exec('tar', ['-xzf', fixture, '-C', dirname(folder)]);
  const packages = await pack();
  const { version } = JSON.parse(readFileSync(join(packages, 'kit/package.json'), 'utf8'));
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  manifest.dependencies['@walpost/kit'] = `file:${join(packages, `walpost-kit-${version}.tgz`)}`;
  manifest.devDependencies.walpost = `file:${join(packages, `walpost-${version}.tgz`)}`;
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  await project.run('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error');
  await project.run('npx', 'tsc');
  await project.start();
  for (const customer of ['ada', 'ada', 'bob']) await project.send(customer);
  await project.untilCounted({ ada: 2, bob: 1 });
  const said = await eventually(async () => {
    const now = await project.run('npx', 'walpost', 'doctor');
    return now.includes(' 1 warnings, 0 broken') ? now : undefined;
  });
  expect(said).toContain('another configuration than walpost.config.ts of shipment-outbox');
  // What it was made with has changed since; what doctor says mends that.
  for (const [, command = ''] of said.matchAll(/try: npx (.*)$/gm))
    await project.run('npx', ...command.split(' '));
  expect(await project.run('npx', 'walpost', 'doctor')).toMatch(/, 0 warnings, 0 broken$/m);
  await project.send('bob');
  await project.untilCounted({ ada: 2, bob: 2 });
});
