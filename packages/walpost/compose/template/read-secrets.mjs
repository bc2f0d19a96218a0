// Loaded before a program of ours in a container: the files of /run/secrets are its variables. One that is set wins.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const folder = '/run/secrets';
const names = existsSync(folder) ? readdirSync(folder) : [];
for (const name of names.filter((each) => !each.startsWith('.'))) {
  process.env[name] ||= readFileSync(`${folder}/${name}`, 'utf8');
}
