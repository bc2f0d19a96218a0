import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The system's Chromium: `CHROMIUM`, or where systems put it. */
export function findChromium(environment: NodeJS.ProcessEnv): string | undefined {
  const given = environment['CHROMIUM'];
  return given ? given : PLACES.find((path) => existsSync(path));
}

export function openBrowser(executablePath: string): Promise<Browser> {
  // Chromium refuses its sandbox to root, who runs tests in a container.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}

const artefacts = fileURLToPath(new URL('../../../tests/artefacts/', import.meta.url));

/** Keeps a picture of the page, or of a part of it, among the test's artefacts. */
export async function shoot(page: Page, name: string, part?: string): Promise<void> {
  mkdirSync(artefacts, { recursive: true });
  const path = `${artefacts}${name}.png`;
  if (part) await page.locator(part).screenshot({ path });
  else {
    // What sticks to the top would be in the middle of the picture.
    await page.evaluate('scrollTo(0, 0)');
    await page.screenshot({ path, fullPage: true });
  }
}

interface Violation {
  id: string;
  impact?: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe-core finds serious about the page as it is now, a line for each. */
export async function seriousViolations(page: Page): Promise<string[]> {
  // As a test would type it: the page's own policy lets no foreign script in.
  await page.evaluate(readFileSync(axe, 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}
