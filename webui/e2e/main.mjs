// The main flow in a real browser against a real node.
//   TM_URL=http://127.0.0.1:8080 TM_USER=admin TM_PASSWORD=… node e2e/main.mjs
import { openBrowser, shot } from './browser.mjs';
import { Checks, none } from './checks.mjs';
import { backtest } from './flows/backtest.mjs';
import { alone, many, queue, quotas } from './flows/cluster.mjs';
import { data, derived } from './flows/data.mjs';
import { evaluation } from './flows/evaluation.mjs';
import { labelling } from './flows/labelling.mjs';
import { login } from './flows/login.mjs';
import { chinese, dark, everyPage, keyboardAndReload } from './flows/pages.mjs';
import { quality } from './flows/quality.mjs';
import { strategy } from './flows/strategy.mjs';
import { training } from './flows/training.mjs';

const { TM_URL, TM_USER, TM_PASSWORD } = process.env;
if (!TM_URL || !TM_USER || !TM_PASSWORD) {
  process.stderr.write('set TM_URL, TM_USER and TM_PASSWORD (webui/e2e/run.sh starts a node and sets them)\n');
  process.exit(2);
}

const mark = Date.now().toString(36);
const names = { dataset: `market-${mark}`, strategy: `strategy-${mark}`, training: `training-${mark}`, backtest: `backtest-${mark}`, waiting: `waiting-${mark}` };
const checks = new Checks();
const { browser, page, faults } = await openBrowser(TM_URL);
const held = { bearer: '' };
page.on('request', (request) => {
  const bearer = request.headers()['authorization'];
  if (bearer) held.bearer = bearer;
});
const world = { page, login: held, checks, faults, names, user: TM_USER, password: TM_PASSWORD, epochs: Number(process.env.TM_E2E_EPOCHS ?? 12), addresses: {} };

const path = () => new URL(page.url()).pathname;

async function mainFlow() {
  if (!(await login(world))) return;
  if (!(await data(world))) return;
  const dataset = path();
  if (!(await strategy(world))) return;
  const editor = path();
  if (!(await training(world))) return;
  const trained = path();
  const reported = await backtest(world);
  const report = path();
  world.dataset = dataset;
  await derived(world);
  await quality(world);
  const labelled = await labelling(world);
  const evaluated = await evaluation(world);
  world.addresses = {
    dashboard: '/', strategies: '/strategies', editor: '/strategies/new', version: editor, sessions: '/sessions',
    start: '/sessions/new?kind=training', training: trained, metrics: `${trained}?tab=metrics`, log: `${trained}?tab=log`,
    timeline: `${trained}?tab=timeline`, checkpoints: `${trained}?tab=checkpoints`, config: `${trained}?tab=config`,
    ...(reported ? { report } : {}), ...(labelled ? { labels: labelled } : {}), ...(evaluated ? { evaluation: evaluated } : {}), data: '/data', dataset, derive: `${dataset}/derive`, import: '/data/import', queue: '/queue', cluster: '/cluster', account: '/account', about: '/about',
  };
  await alone(world);
  await queue(world);
  await quotas(world);
  await checks.check('no console error on the way', async () => none(faults.splice(0), 'console errors'));
  await everyPage(world);
  await many(world);
  await chinese(world);
  await dark(world);
  await keyboardAndReload(world);
}

try {
  await mainFlow();
} catch (error) {
  checks.failed += 1;
  process.stdout.write(`FAIL  the flow broke off: ${error.stack}\n`);
} finally {
  if (checks.failed > 0) await shot(page, 'last-state').catch(() => undefined);
  await browser.close();
}
process.stdout.write(`${checks.passed} passed, ${checks.failed} failed\n`);
process.exit(checks.failed > 0 ? 1 : 0);
