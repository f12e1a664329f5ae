// A browser that remembers what must not happen: console errors, page errors, violations of the content policy.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ARTIFACTS = new URL('./artifacts/', import.meta.url).pathname;
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const SERIOUS = new Set(['serious', 'critical']);

function executable() {
  const found = [process.env.TM_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
  if (!found) throw new Error('no Chromium found: install it (apt-get install -y chromium fonts-wqy-microhei) or set TM_CHROMIUM');
  return found;
}

export async function openBrowser(url) {
  mkdirSync(ARTIFACTS, { recursive: true });
  const browser = await chromium.launch({ executablePath: executable(), headless: true, args: FLAGS });
  // A colour caught in the middle of a transition is not the page's colour; the pages honour this wish.
  const context = await browser.newContext({ baseURL: url, locale: 'en-US', colorScheme: 'light', reducedMotion: 'reduce', viewport: { width: 1440, height: 900 } });
  await context.addInitScript(() => {
    window.__policy = [];
    document.addEventListener('securitypolicyviolation', (event) => window.__policy.push(`${event.violatedDirective}: ${event.blockedURI || event.sourceFile}`));
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
  return { browser, context, page, faults };
}

/** Waits until the page stands still: no grey lines, charts drawn. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('.loading'), null, { timeout: 20_000 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Serious accessibility faults of the page as it stands. */
export async function axeFaults(page) {
  await page.evaluate(AXE);
  const results = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return results.violations
    .filter((violation) => SERIOUS.has(violation.impact))
    .map((violation) => `${violation.id}: ${violation.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
}

export async function policyFaults(page) {
  return page.evaluate(() => window.__policy ?? []);
}

/** How far the page is wider than its window. */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

export async function shot(page, name) {
  await page.screenshot({ path: `${ARTIFACTS}${name}.png`, fullPage: true });
}
