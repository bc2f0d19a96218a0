import { Command } from 'commander';
import type { Config } from '../config.ts';
import type { Project } from '../project.ts';
import { exportConnect } from './export/connect.ts';
import { exportKubernetesCommand } from './export/kubernetes-command.ts';

/** `walpost export …`: what follows from the project, for what others run. */
export function exportCommand(config: () => Config, _env: NodeJS.ProcessEnv, project: Project): Command {
  return new Command('export')
    .description("write what runs on somebody else's platform: Kubernetes, or a Kafka Connect worker")
    .addCommand(exportKubernetesCommand(project))
    .addCommand(exportConnect(config));
}
