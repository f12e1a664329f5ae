// Holds the bundle to its budget (gzip, from Vite's manifest): first load, what each route adds, everything together.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url);
const LIMIT = { initial: 230_000, route: 260_000, total: 750_000, fonts: 0 };

const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', DIST), 'utf8'));
const sizes = new Map();
const gzipSize = (file) => {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(new URL(file, DIST)), { level: 9 }).length);
  return sizes.get(file);
};

/** Every file that loading `key` fetches at once. */
function closure(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const css of chunk.css ?? []) seen.add(css);
  for (const next of chunk.imports ?? []) closure(next, seen);
  return seen;
}
const sum = (files) => [...files].reduce((total, file) => total + gzipSize(file), 0);

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
if (!entry) throw new Error('dist/.vite/manifest.json names no entry: run vite build first');
const initial = closure(entry);
const rows = [['initial', sum(initial), LIMIT.initial]];
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry) continue;
  const added = [...closure(key)].filter((file) => !initial.has(file));
  rows.push([chunk.name ?? key, sum(added), LIMIT.route]);
}
const everything = new Set(Object.values(manifest).flatMap((chunk) => [chunk.file, ...(chunk.css ?? [])]));
rows.push(['total', sum([...everything].filter((file) => /\.(js|css)$/.test(file))), LIMIT.total]);
const fonts = [...everything].filter((file) => /\.(woff2?|ttf|otf)$/.test(file));
rows.push(['fonts', sum(fonts), LIMIT.fonts]);

let failed = 0;
for (const [name, size, limit] of rows) {
  const over = size > limit;
  if (over) failed += 1;
  process.stdout.write(`${over ? 'OVER' : ' ok '}  ${String(name).padEnd(28)} ${(size / 1000).toFixed(1).padStart(7)} kB of ${limit / 1000} kB\n`);
}
if (existsSync(DIST)) writeFileSync(new URL('.vite/budget.json', DIST), JSON.stringify(Object.fromEntries(rows.map(([name, size]) => [name, size])), null, 1));
if (failed > 0) {
  process.stderr.write(`${failed} bundle budget(s) exceeded: split the route or drop a dependency\n`);
  process.exit(1);
}
