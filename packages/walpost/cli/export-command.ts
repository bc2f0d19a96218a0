import { Command } from 'commander';
import type { Config } from '../config.ts';
import type { Project } from '../project.ts';
import { exportKubernetesCommand } from './export/kubernetes-command.ts';

/** `walpost export …`: what follows from the project, as files for what others run. */
export function exportCommand(_config: () => Config, _env: NodeJS.ProcessEnv, project: Project): Command {
  return new Command('export')
    .description('write what follows from the project as files for what others run')
    .addCommand(exportKubernetesCommand(project));
}
