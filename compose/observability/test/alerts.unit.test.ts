import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const folder = join(import.meta.dirname, '..');
const found = spawnSync('promtool', ['--version']).error === undefined;
const needed =
  'promtool is not there, and the alert rules are not tested: apt-get install prometheus (Debian, Ubuntu), or brew install prometheus';
if (!found && !process.env['CI']) console.warn(needed);

// In CI it must be there; elsewhere its absence is said, and the other tests run.
(found || process.env['CI'] ? test : test.skip)('each alert fires when it must, and at no other time', () => {
  if (!found) throw new Error(needed);
  for (const args of [
    ['check', 'rules', 'alerts.yaml'],
    ['test', 'rules', 'alerts.test.yaml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
    expect(`${status === 0 ? '' : stdout + stderr}`).toBe('');
  }
});

test('every alert is tested at a state where it fires, and the flow that is well fires none', () => {
  const rules = readFileSync(join(folder, 'alerts.yaml'), 'utf8');
  const tests = readFileSync(join(folder, 'alerts.test.yaml'), 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect(alerts.length).toBeGreaterThan(10);
  for (const name of alerts) expect(tests).toMatch(new RegExp(`alertname: ${name}\n\\s+exp_alerts:\n`));
});

test('rules and dashboards ask for metrics that there are', () => {
  const document = readFileSync(join(folder, '../../docs/metrics.md'), 'utf8');
  const known = new Set([...document.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
  const dashboards = readdirSync(join(folder, 'grafana/dashboards')).map((name) => {
    const text = readFileSync(join(folder, 'grafana/dashboards', name), 'utf8');
    const { panels } = JSON.parse(text) as { panels: { title: string; targets: { expr: string }[] }[] };
    expect(panels.length).toBeGreaterThan(5);
    return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
  });
  expect(dashboards).toHaveLength(2);
  const text = [readFileSync(join(folder, 'alerts.yaml'), 'utf8'), ...dashboards].join('\n');
  const asked = [...text.matchAll(/\b(?:walpost|http_server)_\w+/g)].map(([name]) =>
    name.replace(/_(?:bucket|count|sum)$/, ''),
  );
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});
