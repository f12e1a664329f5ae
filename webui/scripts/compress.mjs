// Writes .br and .gz beside each text asset of dist/, so that the node never compresses at run time.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const ROOT = new URL('../dist', import.meta.url).pathname;
const TEXT = new Set(['.js', '.css', '.svg', '.json', '.map', '.txt']);

for (const entry of readdirSync(ROOT, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath ?? entry.path, entry.name);
  if (entry.isDirectory() && entry.name === '.vite') continue;
  if (!entry.isFile() || file.includes('/.vite/') || !TEXT.has(extname(entry.name))) continue;
  const bytes = readFileSync(file);
  for (const [suffix, packed] of [
    ['.br', brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })],
    ['.gz', gzipSync(bytes, { level: 9 })],
  ]) {
    if (packed.length < bytes.length * 0.95) writeFileSync(file + suffix, packed);
    else rmSync(file + suffix, { force: true });
  }
}
