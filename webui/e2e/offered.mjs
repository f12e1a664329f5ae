// Whether the node has a route: flows for routes that it lacks say so loudly and pass over.
export async function offered({ page, checks, login }, path, what) {
  const paths = await page.evaluate(async (authorization) => {
    const answer = await fetch('/api/v1/openapi.json', { headers: { authorization } });
    return answer.ok ? Object.keys((await answer.json()).paths) : [];
  }, login.bearer);
  if (paths.includes(path)) return true;
  process.stdout.write(`SKIPPED: ${what}: the node has no ${path}\n`);
  checks.skipped = (checks.skipped ?? 0) + 1;
  return false;
}
