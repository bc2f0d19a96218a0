import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** This package's folder: in node_modules, or in a clone of the repository. */
export const packageDir = fileURLToPath(new URL('.', import.meta.url));

/** The console's page, built. */
export const pageDir = existsSync(join(packageDir, 'page'))
  ? join(packageDir, 'page')
  : join(packageDir, '../../dist/page');

/**
 * A compiled program of this package: beside its source when the package was packed, in a clone in its dist/.
 *
 * @param name its folder and its own, e.g. `cli/walpost`
 */
export function programOf(name: string): string {
  const packed = join(packageDir, `${name}.js`);
  return existsSync(packed) ? packed : join(packageDir, '../../dist', `${name}.js`);
}
