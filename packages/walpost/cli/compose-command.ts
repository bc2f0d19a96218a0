import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { COMPOSE_FILE, composeFileIn, isRepository, projectFiles } from '../compose/compose-files.ts';
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
          `${COMPOSE_FILE} is somebody's own and is left alone; move it to compose.override.yaml, or away, and call this again`,
        );
      const written = putFiles(folder, projectFiles(system));
      console.log(
        `${written.map((file) => `wrote ${file}\n`).join('')}next: docker compose up --build --wait`,
      );
    });
}
