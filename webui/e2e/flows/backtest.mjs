// Back-test the best model and read the report.
import { settled } from '../browser.mjs';
import { until } from '../checks.mjs';

const FINISH_MS = 120_000;

export async function backtest({ page, checks, names }) {
  const done = await checks.check('a back-test of the best model runs to its end', async () => {
    await page.getByRole('link', { name: 'Back-test best model' }).click();
    await page.getByRole('heading', { level: 1, name: 'Start back-test' }).waitFor();
    await page.locator('#start-name').fill(names.backtest);
    const start = page.getByRole('button', { name: 'Start' });
    await until('start is possible', () => start.isEnabled());
    await start.click();
    await page.getByRole('heading', { level: 1, name: names.backtest }).waitFor();
    await page.getByRole('link', { name: 'Open report' }).waitFor({ timeout: FINISH_MS });
  });
  if (!done) return false;
  return checks.check('the report shows the agent beside its baselines', async () => {
    await page.getByRole('link', { name: 'Open report' }).click();
    await page.getByRole('heading', { name: 'Results after costs' }).waitFor();
    await settled(page);
    const table = page.getByRole('table', { name: 'Results after costs' });
    for (const name of ['Agent', 'Buy and hold', 'Do nothing']) await table.getByRole('columnheader', { name }).waitFor();
    await page.getByText('Synthetic data').first().waitFor();
    const plots = await page.locator('.uplot canvas').count();
    if (plots < 2) throw new Error(`expected the equity and drawdown charts, found ${plots}`);
    await page.getByRole('button', { name: 'Table: Equity' }).click();
    await page.getByRole('table', { name: 'Equity' }).waitFor();
    await page.getByRole('button', { name: 'Chart: Equity' }).click();
  });
}
