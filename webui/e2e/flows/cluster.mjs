// A lone node is the whole cluster: closed, a session waits and is told why; opened again, it goes on. Quotas are set,
// changed and removed. What only several nodes can show is shown from answers made by hand.
import { axeFaults, overflow, settled, shot } from '../browser.mjs';
import { none, until } from '../checks.mjs';
import { showMany } from '../fixtures/many.mjs';

async function askNode(page, verb, reason) {
  await page.getByRole('group', { name: /^Actions of/ }).getByRole('button', { name: verb, exact: true }).click();
  const dialog = page.getByRole('dialog');
  const send = dialog.getByRole('button', { name: verb, exact: true });
  if (await send.isEnabled()) throw new Error(`${verb} needs no reason`);
  await dialog.getByLabel('Reason').fill(reason);
  await send.click();
  await dialog.waitFor({ state: 'detached' });
}

export async function alone({ page, checks }) {
  return checks.check('a lone node is shown as the whole cluster, with its actors', async () => {
    await page.goto('/cluster');
    await page.getByText('One node is the whole cluster; nothing to set up.').waitFor();
    await page.getByText('Healthy').waitFor();
    await page.locator('.node-card').getByText('Ready', { exact: true }).waitFor();
    await page.getByRole('region', { name: 'Actors' }).getByText(/^\d+ actors, \d+ restarts$/).waitFor();
    const rows = await page.getByRole('table', { name: 'Actors' }).getByRole('row').count();
    if (rows < 10) throw new Error(`${rows} rows of actors`);
    if ((await page.getByRole('button', { name: 'Decommission' }).count()) > 0) throw new Error('the only node can be decommissioned');
  });
}

export async function queue({ page, checks, names, addresses }) {
  await checks.check('a cordoned node takes no sessions, and the reason is recorded', async () => {
    await page.goto('/cluster');
    await askNode(page, 'Cordon', 'checked by the browser test');
    await page.locator('.node-card').getByText('Cordoned', { exact: true }).waitFor();
    await page.getByText('checked by the browser test').waitFor();
  });
  await checks.check('a session that finds no room waits and says why, in both languages', async () => {
    await page.goto(addresses.version);
    await page.getByRole('link', { name: 'Train', exact: true }).first().click();
    await page.locator('#start-name').fill(names.waiting);
    await page.locator('#start-dataset').selectOption({ label: await page.locator('#start-dataset option', { hasText: names.dataset }).first().innerText() });
    await page.locator('#field-epochs').fill('1');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('heading', { level: 1, name: names.waiting }).waitFor();
    await page.getByText(/1 node could take it, closed at the moment/).waitFor();
    await page.getByRole('link', { name: 'Queue', exact: true }).last().click();
    const row = page.getByRole('row', { name: new RegExp(names.waiting) });
    await row.getByText(/closed at the moment/).waitFor();
    await page.getByRole('region', { name: new RegExp(`^Why: `) }).getByText(/closed at the moment/).waitFor();
    await page.getByRole('button', { name: '中文' }).click();
    await row.getByText(/已封锁、排空中或离线/).waitFor();
    await settled(page);
    none(await axeFaults(page), 'serious axe faults in 中文');
    await shot(page, 'queue-waiting-zh-1440');
    await page.getByRole('button', { name: 'English' }).click();
  });
  await checks.check('once the node is open again, the queue empties and the session runs', async () => {
    await page.goto('/cluster');
    await askNode(page, 'Uncordon', 'the test is over');
    await page.locator('.node-card').getByText('Ready', { exact: true }).waitFor();
    await page.goto('/queue');
    await page.getByText('Nobody waits').waitFor({ timeout: 60_000 });
    await page.goto(`/sessions`);
    await page.getByRole('row', { name: new RegExp(names.waiting) }).getByText(/Running|Completed/).waitFor({ timeout: 120_000 });
  });
}

export async function quotas({ page, checks, user }) {
  await checks.check('a quota is set, changed and removed', async () => {
    await page.goto('/queue');
    const card = page.getByRole('region', { name: 'Quotas' });
    await card.getByRole('button', { name: 'Set quota' }).click();
    await page.getByLabel('Name').fill(user);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: 'at least one limit' }).waitFor();
    await page.getByLabel('Sessions', { exact: true }).fill('3');
    await page.getByRole('button', { name: 'Save' }).click();
    const row = card.getByRole('row', { name: new RegExp(user) });
    await row.getByRole('cell', { name: '3', exact: true }).waitFor();
    await row.getByRole('button', { name: new RegExp('^Change') }).click();
    await page.getByLabel('Sessions', { exact: true }).fill('4');
    await page.getByRole('button', { name: 'Save' }).click();
    await row.getByRole('cell', { name: '4', exact: true }).waitFor();
    await row.getByRole('button', { name: /^Remove/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await row.waitFor({ state: 'detached' });
    await until('no quota left', () => page.getByText('No quotas: everybody may use what is there.').isVisible());
  });
}

/** Last, for it needs a page of its own that never reaches the node's cluster. */
export async function many({ page, checks }) {
  const other = await page.context().newPage();
  await showMany(other);
  for (const width of [1440, 390]) {
    await other.setViewportSize({ width, height: width > 800 ? 900 : 844 });
    for (const [name, address, sign] of [['cluster-many', '/cluster', 'node-e is down'], ['queue-many', '/queue', 'Waits for 2 GPUs on node-a']]) {
      for (const scheme of ['light', 'dark']) {
        await checks.check(`${name} at ${width} px, ${scheme}: axe and width`, async () => {
          await other.emulateMedia({ colorScheme: scheme });
          await other.goto(address);
          await other.getByText(sign).first().waitFor();
          await settled(other);
          await shot(other, `${name}-${scheme}-${width}`);
          none(await axeFaults(other), 'serious axe faults');
          const wider = await overflow(other);
          if (wider > 0) throw new Error(`${wider} px wider than the window`);
        });
      }
    }
  }
  await checks.check('a lost majority is told before anything else', async () => {
    await other.unrouteAll();
    await showMany(other, (path, body) => (path.endsWith('/cluster') ? { ...body, quorum: false, leader: null, voters_up: 1 } : body));
    await other.goto('/cluster');
    await other.getByRole('alert').first().filter({ hasText: '1 of 3 voters are up, 2 are needed' }).waitFor();
  });
  await other.close();
}
