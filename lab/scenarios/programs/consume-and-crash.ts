// A member of a group that dies by kill -9 right after a database commit, before the offset's commit.
import { type MemberConfig, startMember } from '../member.ts';

const config = JSON.parse(process.argv[2] ?? '') as MemberConfig;
startMember(config, () => process.kill(process.pid, 'SIGKILL'));
