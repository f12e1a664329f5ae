// Train: the curve grows, pause holds it, resume goes on, it finishes.
import { until } from '../checks.mjs';

const FINISH_MS = 300_000;

async function points(page) {
  const words = await page.getByRole('region', { name: 'Loss' }).locator('.card-aside').innerText();
  const plain = /([\d,]+) points/.exec(words);
  const binned = /1 of ([\d,]+) points/.exec(words);
  return binned ? 1e9 : plain ? Number(plain[1].replaceAll(',', '')) : 0;
}

const badge = (page, words) => page.locator('.page-line .badge', { hasText: words });

export async function training({ page, checks, names, epochs }) {
  const started = await checks.check('a training session is started', async () => {
    await page.getByRole('link', { name: 'Train', exact: true }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Start training' }).waitFor();
    await page.locator('#start-name').fill(names.training);
    await page.locator('#start-dataset').selectOption({ label: await page.locator('#start-dataset option', { hasText: names.dataset }).first().innerText() });
    await page.locator('#field-epochs').fill(String(epochs));
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('heading', { level: 1, name: names.training }).waitFor();
    await badge(page, 'Running').waitFor({ timeout: 60_000 });
  });
  if (!started) return false;
  await checks.check('the loss curve grows while it trains', async () => {
    await page.getByRole('region', { name: 'Loss' }).waitFor({ timeout: 60_000 });
    await until('first points', async () => (await points(page)) > 0);
    const before = await points(page);
    await until('more points', async () => (await points(page)) > before);
  });
  await checks.check('pause holds it', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await badge(page, 'Paused').waitFor({ timeout: 60_000 });
  });
  await checks.check('resume goes on', async () => {
    await page.getByRole('button', { name: 'Resume' }).click();
    await badge(page, /Running|Completed/).waitFor({ timeout: 60_000 });
  });
  await checks.check('the log can be read and searched', async () => {
    await page.getByRole('link', { name: 'Log', exact: true }).click();
    await page.locator('.log-line').first().waitFor();
    await page.locator('#log-search').fill('nothing has this text');
    await page.getByText('No line matches.').waitFor();
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
  });
  return checks.check('it finishes with a model', async () => {
    await badge(page, 'Completed').waitFor({ timeout: FINISH_MS });
    await page.getByRole('link', { name: 'Back-test best model' }).waitFor();
  });
}
