// Label a series and read the labels.
import { axeFaults, settled, shot } from '../browser.mjs';
import { none, until } from '../checks.mjs';
import { offered } from '../offered.mjs';

const FINISH_MS = 120_000;

/** Returns the address of the labels. */
export async function labelling(world) {
  const { page, checks, names, dataset } = world;
  if (!(await offered(world, '/api/v1/sessions/{id}/labels', 'labelling'))) return null;
  const started = await checks.check('a labelling needs a data set and no strategy', async () => {
    await page.goto(`/sessions/new?kind=labelling&dataset=${dataset.split('/').at(-1)}`);
    await page.getByRole('heading', { level: 1, name: 'Start labelling' }).waitFor();
    if ((await page.locator('#start-strategy').count()) > 0) throw new Error('a strategy is asked for');
    await page.locator('#labelling-preset').selectOption('five');
    await until('five labels', async () => (await page.locator('#field-label_count').inputValue()) === '5');
    await page.locator('#labelling-preset').selectOption('daily');
    none(await axeFaults(page), 'serious axe faults');
    await page.locator('#start-name').fill(`labels-${names.dataset}`);
    const start = page.getByRole('button', { name: 'Start' });
    await until('start is possible', () => start.isEnabled());
    await start.click();
    await page.getByRole('link', { name: 'Open labels' }).waitFor({ timeout: FINISH_MS });
  });
  if (!started) return null;
  await checks.check('the labels are shown with their warning', async () => {
    await page.getByRole('link', { name: 'Open labels' }).click();
    await page.getByText('These labels use hindsight').waitFor();
    await settled(page);
    await until('the coloured series', () => page.locator('.uplot canvas').first().isVisible());
    const legend = await page.getByRole('list', { name: 'Labels' }).innerText();
    for (const words of ['steepest fall', 'steepest rise']) if (!legend.includes(words)) throw new Error(`the legend lacks ${words}`);
    none(await axeFaults(page), 'serious axe faults');
    await shot(page, 'labels-1440');
  });
  await checks.check('the filtered line and the table are there on demand', async () => {
    await page.getByRole('switch', { name: 'Show the filtered line' }).click();
    await page.getByRole('button', { name: /^Table: Series by regime/ }).click();
    const tables = page.getByRole('table', { name: 'Segments' });
    await until('two tables of segments', async () => (await tables.count()) === 2);
    await page.getByRole('table', { name: 'Figures by label' }).waitFor();
    none(await axeFaults(page), 'serious axe faults on the table');
  });
  await checks.check('the labels can be downloaded', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download JSON' }).click()]);
    if (!download.suggestedFilename().endsWith('-labels.json')) throw new Error(`the file is called ${download.suggestedFilename()}`);
  });
  return new URL(page.url()).pathname;
}
