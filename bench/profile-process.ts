// Node loads this before the program of a process whose profile is wanted.
import { writeFileSync } from 'node:fs';
import { startProfile } from './cpu-profile.js';

const file = process.env.WALPOST_PROFILE;
if (file === undefined) throw new Error('WALPOST_PROFILE does not say which file the profile goes to');
const stop = startProfile();
process.once('exit', () => writeFileSync(file, JSON.stringify(stop())));
