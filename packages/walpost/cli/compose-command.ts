import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { composeFileIn, isRepository, projectFiles } from '../compose/compose-files.ts';
import type { Config } from '../config.ts';
import { putFiles } from '../generated-file.ts';
import type { Project } from '../project.ts';

/** `walpost compose`: has a project run by docker compose. From then on `walpost generate` keeps the files. */
export function composeCommand(
  _config: () => Config,
  _env: NodeJS.ProcessEnv,
  { folder, system }: Project,
): Command {
  return new Command('compose')
    .description('write compose.yaml and what it needs, so that docker compose runs the project')
    .action(() => {
      if (isRepository(folder) || composeFileIn(folder) === 'own')
        throw new CliError(
          `this project has a compose file of its own, which is left alone; rename it to compose.override.yaml, or move it away`,
        );
      const written = putFiles(folder, projectFiles(system));
      console.log(
        `${written.map((file) => `wrote ${file}\n`).join('')}next: docker compose up --build --wait`,
      );
    });
}
