// Evaluate a rule and read the verdict.
import { readFile } from 'node:fs/promises';

import { axeFaults, settled, shot } from '../browser.mjs';
import { none, until } from '../checks.mjs';
import { offered } from '../offered.mjs';

const FINISH_MS = 240_000;

/** Returns the address of the evaluation. */
export async function evaluation(world) {
  const { page, checks, names, dataset } = world;
  if (!(await offered(world, '/api/v1/sessions/{id}/evaluation', 'evaluation'))) return null;
  const made = await checks.check('a rule is made a strategy', async () => {
    await page.goto('/strategies/new?algorithm=buy_and_hold');
    await page.locator('#strategy-name').fill(`rule-${names.strategy}`);
    await page.getByText('The configuration is valid').waitFor();
    await page.getByRole('button', { name: 'Create strategy' }).click();
    await page.waitForURL(/\/strategies\/str_/);
  });
  if (!made) return null;
  const strategy = new URL(page.url()).pathname.split('/').at(-1);
  const done = await checks.check('an evaluation of it runs to its end', async () => {
    await page.goto(`/sessions/new?kind=evaluation&strategy=${strategy}&dataset=${dataset.split('/').at(-1)}`);
    await page.getByRole('heading', { level: 1, name: 'Start evaluation' }).waitFor();
    await page.locator('#start-name').fill(`evaluation-${names.dataset}`);
    none(await axeFaults(page), 'serious axe faults');
    const start = page.getByRole('button', { name: 'Start' });
    await until('start is possible', () => start.isEnabled());
    await start.click();
    await page.getByRole('link', { name: 'Open evaluation' }).waitFor({ timeout: FINISH_MS });
  });
  if (!done) return null;
  await checks.check('the verdict comes with its reasons', async () => {
    await page.getByRole('link', { name: 'Open evaluation' }).click();
    await page.getByRole('table', { name: 'Verdict' }).waitFor();
    await settled(page);
    const words = await page.getByRole('region', { name: 'Verdict' }).innerText();
    if (!/Shown|Not shown|Refuted/.test(words)) throw new Error(`no verdict in: ${words}`);
    await page.getByRole('heading', { name: 'Tear sheet' }).waitFor();
    none(await axeFaults(page), 'serious axe faults');
    await shot(page, 'evaluation-1440');
  });
  await checks.check('the policy stands on six axes, and its compass can be taken along', async () => {
    const hexagon = page.getByRole('img', { name: /^Six axes \(PRUDEX\): Profitability/ });
    await hexagon.waitFor();
    const rows = await page.getByRole('table', { name: 'Measures of the six axes' }).getByRole('row').count();
    if (rows !== 17) throw new Error(`a heading and sixteen measures were wanted, found ${rows} rows`);
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download compass' }).click()]);
    if (!file.suggestedFilename().endsWith('-compass.json')) throw new Error(`an odd name: ${file.suggestedFilename()}`);
    const { entries } = JSON.parse(await readFile(await file.path(), 'utf8'));
    if (typeof entries?.[0]?.inner_level?.Proftability !== 'number') throw new Error('the compass is not of the expected form');
  });
  await checks.check('it is a trial of the strategy, with its Sharpe ratio', async () => {
    const found = await page.request.get(`/api/v1/strategies/${strategy}/trials`, { headers: { authorization: world.login.bearer } });
    const trial = (await found.json()).items.find((each) => each.kind === 'evaluation');
    if (typeof trial?.sharpe !== 'number') throw new Error(`a number was wanted: ${JSON.stringify(trial)}`);
  });
  await checks.check('its charts have tables', async () => {
    for (const name of ['Equity', 'Costs', 'Confidence intervals', 'Six axes (PRUDEX)', 'Drawdown']) {
      const button = page.getByRole('button', { name: `Table: ${name}`, exact: true });
      if ((await button.count()) === 0) continue;
      await button.click();
      await page.getByRole('table', { name, exact: true }).waitFor();
    }
    none(await axeFaults(page), 'serious axe faults on the tables');
  });
  return new URL(page.url()).pathname;
}
