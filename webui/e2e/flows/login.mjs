// Wrong password, then the generated one, which opens nothing but the page where one's own is chosen.
import { axeFaults, overflow, settled, shot } from '../browser.mjs';
import { none } from '../checks.mjs';

const OWN = 'violet-umbrella-92';

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
  await checks.check('the generated password leads to the choice of an own one, accessible in both languages', async () => {
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
    const heading = page.getByRole('heading', { level: 1, name: 'Choose your password' });
    await heading.waitFor();
    none(await axeFaults(page), 'serious axe faults');
    await page.goto('/sessions');
    await heading.waitFor();
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('heading', { level: 1, name: '设置您的密码' }).waitFor();
    none(await axeFaults(page), 'serious axe faults in 中文');
    await shot(page, 'first-password-zh-1440');
    await page.getByRole('button', { name: 'English' }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    await heading.waitFor();
    const wider = await overflow(page);
    if (wider > 0) throw new Error(`${wider} px wider than the window`);
    await shot(page, 'first-password-390');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto('/');
    await heading.waitFor();
    none(faults.splice(0), 'console errors');
  });
  await checks.check('two new passwords that differ are told before anything is sent', async () => {
    await page.getByLabel('Current password').fill(password);
    await page.getByLabel('New password', { exact: true }).fill(OWN);
    await page.getByLabel('New password again').fill(`${OWN}x`);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'differ' }).waitFor();
  });
  return checks.check('an own password, chosen with the keyboard alone, opens the dashboard', async () => {
    await page.getByLabel('Current password').focus();
    for (const words of [password, OWN, OWN]) {
      await page.keyboard.press('ControlOrMeta+A');
      await page.keyboard.type(words);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
    await settled(page);
  });
}
