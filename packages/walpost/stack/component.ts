import type { System } from '@walpost/kit/config';
import type { Launch } from './child.ts';
import { escapeProperty } from './escape-property.ts';
import type { Components } from './fetch-components.ts';
import type { Jdk } from './find-jdk.ts';
import type { Settings } from './settings.ts';
import type { Program } from './supervise.ts';

export const groups = [
  'postgres',
  'kafka',
  'registry',
  'connect',
  'mail',
  'setup',
  'services',
  'console',
] as const;
export type Group = (typeof groups)[number];

interface Part {
  name: string;
  group: Group;
  /** Parts that must be ready before this one, and are stopped after it. */
  needs: readonly string[];
}
/** A part that keeps running. */
export interface ProcessPart extends Part, Program {
  kind: 'process';
  /** The others start and run without it. */
  optional?: true;
}
/** A part that runs once, as a one-shot service of compose would. */
export interface StepPart extends Part {
  kind: 'step';
  launch: () => Launch;
}
export type Component = ProcessPart | StepPart;

/** Where a stack lives and what it is made of. */
export interface Site {
  /** Whose programs run, and its folder. */
  system: System;
  folder: string;
  settings: Settings;
  dataDir: string;
  /** Absent when nothing that needs Java was asked for. */
  java?: { jdk: Jdk; components: Components };
}

/** Fills in the `{{name}}` of a Java property file; throws for a name without a value. */
export function fillTemplate(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The template has {{${name}}}, which has no value`);
    return escapeProperty(String(value));
  });
}
