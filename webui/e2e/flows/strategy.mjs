// A strategy with an invalid field first: the error stands at the field, the list leads to it, saving is not possible.
import { until } from '../checks.mjs';

export async function strategy({ page, checks, names }) {
  await checks.check('an invalid field is shown at the field and in the list', async () => {
    await page.goto('/strategies/new');
    await page.locator('#strategy-name').fill(names.strategy);
    const gamma = page.locator('#field-agent-gamma');
    await gamma.fill('1.2');
    await page.locator('#field-agent-gamma-error').waitFor();
    await until('aria-invalid', async () => (await gamma.getAttribute('aria-invalid')) === 'true');
    await page.getByRole('alert').getByRole('button', { name: /gamma/i }).click();
    await until('focus on the field', () => gamma.evaluate((input) => input === document.activeElement));
    await page.getByRole('button', { name: 'Create strategy' }).click();
    if (!page.url().includes('/strategies/new')) throw new Error('an invalid strategy was saved');
  });
  await checks.check('a list of features is built and ordered with the keyboard', async () => {
    await page.locator('#field-features-list-kind').selectOption('rsi');
    await page.locator('#field-features-list-add').press('Enter');
    await page.locator('#field-features-list-kind').selectOption('macd');
    await page.locator('#field-features-list-add').press('Enter');
    await page.getByRole('button', { name: 'Move up: 2, MACD' }).press('Enter');
    await page.getByRole('listitem', { name: '1: MACD' }).waitFor();
    for (const name of ['Remove: 1, MACD', 'Remove: 1, Relative strength index (RSI)']) await page.getByRole('button', { name }).press('Enter');
    await page.getByText('None. Add the first one below.').waitFor();
  });
  await checks.check('the corrected strategy is created', async () => {
    await page.locator('#field-agent-gamma').fill('0.95');
    await page.getByText('The configuration is valid').waitFor();
    await page.getByRole('button', { name: 'Create strategy' }).click();
    await page.getByRole('heading', { level: 1, name: names.strategy }).waitFor();
    await page.waitForURL(/\/strategies\/str_/);
  });
  return checks.check('a change is saved as version 2', async () => {
    await page.locator('#field-agent-hidden').fill('32, 16');
    await page.getByText('The configuration is valid').waitFor();
    await page.getByRole('button', { name: 'Save as new version' }).click();
    await page.getByRole('link', { name: 'Version 2' }).waitFor();
    await page.getByText('No changes since this version').waitFor();
  });
}
