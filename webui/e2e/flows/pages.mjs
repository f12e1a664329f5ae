// Every page in both widths and both languages: accessible, no sideways scrolling, nothing against the policy.
import { axeFaults, overflow, policyFaults, settled, shot } from '../browser.mjs';
import { none } from '../checks.mjs';

const WIDTHS = [1440, 390];

export async function everyPage({ page, checks, faults, addresses }) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width > 800 ? 900 : 844 });
    for (const [name, address] of Object.entries(addresses)) {
      await checks.check(`${name} at ${width} px: axe, policy, width, one heading`, async () => {
        await page.goto(address);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
        await settled(page);
        await shot(page, `${name}-${width}`);
        none(await axeFaults(page), 'serious axe faults');
        none(await policyFaults(page), 'content policy violations');
        none(faults.splice(0), 'console errors');
        const headings = await page.locator('h1').count();
        if (headings !== 1) throw new Error(`${headings} h1`);
        const wider = await overflow(page);
        if (wider > 0) throw new Error(`${wider} px wider than the window`);
      });
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

export async function chinese({ page, checks, addresses }) {
  await checks.check('the language switches to 中文 and back', async () => {
    await page.goto('/');
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('heading', { level: 1, name: '总览' }).waitFor();
    for (const name of ['dashboard', 'editor', 'training', 'report', 'labels', 'evaluation', 'dataset', 'import', 'queue', 'cluster']) {
      if (!addresses[name]) continue;
      await page.goto(addresses[name]);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await settled(page);
      none(await axeFaults(page), `serious axe faults on ${name}`);
      await shot(page, `${name}-zh-1440`);
    }
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByText('Sessions').first().waitFor();
  });
}

export async function dark({ page, checks, addresses }) {
  await checks.check('the dark appearance keeps its contrast', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const name of ['dashboard', 'editor', 'training', 'report', 'labels', 'evaluation', 'sessions', 'dataset', 'queue', 'cluster']) {
      if (!addresses[name]) continue;
      await page.goto(addresses[name]);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await settled(page);
      none(await axeFaults(page), `serious axe faults on ${name}`);
      await shot(page, `${name}-dark-1440`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  });
}

export async function keyboardAndReload({ page, checks }) {
  await checks.check('a reload keeps the login and the stream comes back', async () => {
    await page.goto('/sessions?kind=training');
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor();
    await page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
    if (!page.url().includes('kind=training')) throw new Error('the filter left the address');
  });
  await checks.check('the first Tab leads to the content link', async () => {
    await page.goto('/');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    const words = await page.evaluate(() => document.activeElement?.textContent);
    if (words !== 'Skip to content') throw new Error(`focus is on ${words}`);
  });
  await checks.check('logging out ends the session in the browser', async () => {
    await page.locator('.menu summary').click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor();
  });
}
