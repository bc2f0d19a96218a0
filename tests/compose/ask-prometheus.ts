import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, setting } from 'walpost/testing/support';

const dashboards = fileURLToPath(new URL('../../compose/observability/grafana/dashboards/', import.meta.url));

/** What a stack's Prometheus knows, as far as the tests ask. */
export interface Evaluated {
  /** Addresses and rules whose turn has not come yet. */
  pending: string[];
  /** Addresses that could not be read at the last attempt, with the reason. */
  unreachable: string[];
  /** Rules that could not be evaluated. */
  unevaluated: string[];
  /** Names of alerts that fire. */
  firing: string[];
}

interface Target {
  scrapeUrl: string;
  health: string;
  lastError: string;
}
interface Rule {
  name: string;
  health: string;
  state: string;
}

/** Asks for the state of every target and rule. */
export async function askPrometheus(env: Environment): Promise<Evaluated> {
  const { activeTargets } = await ask<{ activeTargets: Target[] }>(env, 'targets?state=active');
  const { groups } = await ask<{ groups: { rules: Rule[] }[] }>(env, 'rules');
  const rules = groups.flatMap((group) => group.rules);
  return {
    pending: [...activeTargets.map(({ scrapeUrl: name, health }) => ({ name, health })), ...rules]
      .filter(({ health }) => health === 'unknown')
      .map(({ name }) => name),
    unreachable: activeTargets
      .filter(({ health }) => health === 'down')
      .map(({ scrapeUrl, lastError }) => `${scrapeUrl} ${lastError}`),
    unevaluated: rules.filter(({ health }) => health === 'err').map(({ name }) => name),
    firing: rules.filter(({ state }) => state === 'firing').map(({ name }) => name),
  };
}

/** @returns the panels of the dashboards for which it has no value, each with its expression */
export async function emptyPanels(env: Environment): Promise<string[]> {
  const panels = readdirSync(dashboards).flatMap((name) => {
    const text = readFileSync(join(dashboards, name), 'utf8');
    return (JSON.parse(text) as { panels: { title: string; targets: { expr: string }[] }[] }).panels;
  });
  const empty: string[] = [];
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const { result } = await ask<{ result: unknown[] }>(env, `query?query=${encodeURIComponent(expr)}`);
      if (result.length === 0) empty.push(`${title}: ${expr}`);
    }
  }
  return empty;
}

async function ask<T>(env: Environment, what: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${setting(env, 'PROMETHEUS_PORT')}/api/v1/${what}`);
  const answer = (await response.json()) as { status: string; error?: string; data: T };
  if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}`);
  return answer.data;
}
