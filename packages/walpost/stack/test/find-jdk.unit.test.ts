import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findJdk } from '../find-jdk.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'walpost-jdk-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A home with a java that says its version, in a release file too if wanted. */
function home(path: string, version: string, release = true): string {
  const made = join(folder, path);
  mkdirSync(join(made, 'bin'), { recursive: true });
  writeFileSync(join(made, 'bin/java'), `#!/bin/sh\necho 'openjdk version "${version}"' >&2\n`, {
    mode: 0o755,
  });
  if (release) writeFileSync(join(made, 'release'), `IMPLEMENTOR="x"\nJAVA_VERSION="${version}"\n`);
  return made;
}

/** A folder on the path whose java links into a home. */
function onPath(target: string): string {
  const bin = `${target}-link`;
  mkdirSync(bin);
  symlinkSync(join(target, 'bin/java'), join(bin, 'java'));
  return bin;
}

const places = (inside = '') => [{ folder: join(folder, 'jvm'), pattern: /./, inside }];

test('JAVA_HOME comes before the path, and the path before the usual places', async () => {
  const named = home('named', '21.0.2');
  const linked = home('linked', '22');
  home('jvm/newest', '25.0.1');
  const PATH = onPath(linked);
  expect(await findJdk({ JAVA_HOME: named, PATH }, places())).toEqual({ home: named, version: 21 });
  expect(await findJdk({ PATH }, places())).toEqual({ home: linked, version: 22 });
  expect(await findJdk({ PATH: '' }, places())).toEqual({ home: join(folder, 'jvm/newest'), version: 25 });
});

test('an older first java does not end the search, and the newest installed one is taken', async () => {
  const old = home('old', '17.0.15');
  const older = home('older', '1.8.0_402');
  home('jvm/a', '21.0.1');
  home('jvm/b', '25');
  home('jvm/c', '17.0.1');
  const found = await findJdk({ JAVA_HOME: older, PATH: onPath(old) }, places());
  expect(found).toEqual({ home: join(folder, 'jvm/b'), version: 25 });
});

test('without a release file java is asked; on macOS the home is inside a bundle', async () => {
  const made = home('jvm/temurin.jdk/Contents/Home', '24.0.1', false);
  expect(await findJdk({ PATH: '' }, places('Contents/Home'))).toEqual({ home: made, version: 24 });
});

test('none new enough: one line that names what was found and how to get one', async () => {
  const old = home('jvm/old', '17.0.15');
  mkdirSync(join(folder, 'jvm/empty'));
  const finding = findJdk({ PATH: '', JAVA_HOME: join(folder, 'nowhere') }, places());
  await expect(finding).rejects.toThrow(`No JDK 21 or newer (found: 17 in ${old}). Install one`);
  await expect(findJdk({ PATH: '' }, [])).rejects.toThrow('(found: none)');
});
