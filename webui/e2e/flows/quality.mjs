// A data set's quality, rows and users; a file looked into before it is imported.
import { axeFaults, settled } from '../browser.mjs';
import { none, until } from '../checks.mjs';
import { offered } from '../offered.mjs';

const DAYS = 300;

/** A file of daily bars in which one close is ten times the others. */
function bars() {
  const rows = Array.from({ length: DAYS }, (_, day) => {
    const at = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().slice(0, 10);
    const close = 100 + Math.sin(day / 9) * 5 + (day === 150 ? 900 : 0);
    return `${at},${close - 0.5},${close + 1},${close - 1},${close},${1000 + day}`;
  });
  return `Date,Open,High,Low,Close,Volume\n${rows.join('\n')}\n`;
}

export async function quality(world) {
  const { page, checks, names, dataset } = world;
  if (!(await offered(world, '/api/v1/datasets/{id}/quality', 'quality of data sets'))) return;
  await checks.check('the quality of a data set is told in words', async () => {
    await page.goto(`${dataset}?tab=quality`);
    await page.getByRole('heading', { level: 2, name: 'Quality report' }).waitFor();
    await settled(page);
    const clean = await page.getByText('Nothing was found').count();
    const table = await page.getByRole('table', { name: 'Quality report' }).count();
    if (clean + table !== 1) throw new Error(`expected a clean report or a table, found ${clean} and ${table}`);
    none(await axeFaults(page), 'serious axe faults');
  });
  await checks.check('a split is checked', async () => {
    await page.getByLabel('Check a split').fill('0.7,0.15');
    await page.keyboard.press('Enter');
    await page.getByRole('table', { name: 'Segments of the split' }).waitFor();
    if (!page.url().includes('split=')) throw new Error('the split is not in the address');
  });
  await checks.check('its rows and its users are shown', async () => {
    await page.getByRole('link', { name: 'Rows', exact: true }).click();
    await page.getByRole('region', { name: 'First rows' }).last().waitFor();
    none(await axeFaults(page), 'serious axe faults on the rows');
    await page.getByRole('link', { name: 'Used by', exact: true }).click();
    await page.getByRole('link', { name: names.training }).waitFor();
    none(await axeFaults(page), 'serious axe faults on the users');
  });
  await checks.check('a file is looked into before it is imported', async () => {
    await page.goto('/data/import');
    await page.locator('input[type=file]').setInputFiles({ name: `spiked-${names.dataset}.csv`, mimeType: 'text/csv', buffer: Buffer.from(bars()) });
    await page.getByText('The file can be imported as it is.').waitFor();
    await page.getByRole('region', { name: 'First rows as they would be stored' }).waitFor();
    none(await axeFaults(page), 'serious axe faults');
    await page.getByText('What is done to it').click();
    await page.locator('#read-resample').fill('1w');
    await until('the weeks', async () => /Interval\s*7d/.test(await page.getByRole('region', { name: 'What would be imported' }).innerText()));
    await page.locator('#read-resample').fill('');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: `spiked-${names.dataset}` }).waitFor();
  });
  await checks.check('what is wrong with it is found, by word and not by colour alone', async () => {
    await page.getByRole('link', { name: 'Quality', exact: true }).click();
    const table = page.getByRole('table', { name: 'Quality report' });
    await table.waitFor();
    const words = await table.innerText();
    if (!/Warning|Danger/.test(words)) throw new Error(`no grave finding in: ${words}`);
    none(await axeFaults(page), 'serious axe faults');
  });
}
