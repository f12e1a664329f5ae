// Wrong password, then the right one.
import { axeFaults, settled, shot } from '../browser.mjs';
import { none } from '../checks.mjs';

export async function login({ page, checks, faults, user, password }) {
  await checks.check('the login page is shown and accessible', async () => {
    await page.goto('/');
    await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor();
    none(await axeFaults(page), 'serious axe faults');
    await shot(page, 'login-1440');
  });
  await checks.check('a wrong password is refused in words', async () => {
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password').fill('not the password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    faults.length = 0; // the browser itself reports the 401 on its console
  });
  return checks.check('the right password opens the dashboard', async () => {
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
    await settled(page);
  });
}
