import { loadProject } from '../project.ts';
import { checkMachine } from './check-machine.ts';

// A program of its own: the command line imports nothing of compose/, and has it say what it knows.
process.stdout.write(
  `${JSON.stringify(await checkMachine(await loadProject(process.cwd()), process.env))}\n`,
);
