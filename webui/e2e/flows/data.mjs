// A synthetic market; a file that is refused with its line; a data set made of another one.
import { until } from '../checks.mjs';

const BAD = 'time,open,high,low,close,volume\n2024-01-01,1,2,0.5,1.5,10\n2024-01-02,1.5,2,1,abc,10\n2024-01-03,1.5,2,1,1.6,10\n';

export async function data({ page, checks, faults, names }) {
  await checks.check('a broken file is refused with line and column', async () => {
    await page.goto('/data/import');
    await page.locator('input[type=file]').setInputFiles({ name: 'broken.csv', mimeType: 'text/csv', buffer: Buffer.from(BAD) });
    await page.getByLabel('Close', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Import' }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    const words = await alert.innerText();
    if (!/line 3/.test(words)) throw new Error(`no line in: ${words}`);
    faults.length = 0; // the browser itself reports the 422 on its console
  });
  return checks.check('a synthetic market is created and shown', async () => {
    await page.goto('/data/import');
    await page.locator('#synthetic-name').fill(names.dataset);
    await page.locator('#synthetic-rows').fill('1500');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { level: 1, name: names.dataset }).waitFor();
    await until('candles', () => page.locator('.price-chart canvas').first().isVisible());
  });
}

/** From a data set's page to one that is made of it, with the keyboard alone; then back by its lineage. */
export async function derived({ page, checks, faults, names, dataset }) {
  await checks.check('a data set is derived with the keyboard, and its preview comes first', async () => {
    await page.goto(dataset);
    await page.getByRole('link', { name: 'Derive' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Resample to').focus();
    await page.keyboard.type('1w');
    await page.getByText('This data set can be made.').waitFor();
    await page.getByLabel('Name', { exact: true }).focus();
    await page.keyboard.type(`${names.dataset}-weeks`);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: `${names.dataset}-weeks` }).waitFor();
    await page.getByText(/Resampled:/).waitFor();
    await page.getByRole('link', { name: names.dataset, exact: true }).click();
    await page.getByRole('heading', { level: 1, name: names.dataset, exact: true }).waitFor();
  });
  await checks.check('a step that cannot be done is told before anything is made', async () => {
    await page.goto(`${dataset}/derive`);
    await page.getByLabel('From day').fill('2199-01-01');
    await page.getByText('This data set cannot be made like this').waitFor();
    faults.length = 0;
  });
  await checks.check('a snapshot is verified', async () => {
    await page.goto(`${dataset}?tab=quality`);
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('The snapshot is what was imported.').waitFor();
  });
}
