// Counts what passed and what failed, and goes on after a failure where that makes sense.
export class Checks {
  passed = 0;
  failed = 0;

  /** Runs one named check; returns whether it held. */
  async check(name, body) {
    try {
      await body();
      this.passed += 1;
      process.stdout.write(`ok    ${name}\n`);
      return true;
    } catch (error) {
      this.failed += 1;
      process.stdout.write(`FAIL  ${name}\n      ${String(error.message ?? error).split('\n').slice(0, 12).join('\n      ')}\n`);
      return false;
    }
  }
}

/** Throws unless the list is empty. */
export function none(list, what) {
  if (list.length > 0) throw new Error(`${list.length} ${what}:\n${list.join('\n')}`);
}

/** Asks again until the answer is true. */
export async function until(what, ask, deadlineMs = 60_000) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    if (await ask()) return;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs / 1000} s for: ${what}`);
    await new Promise((done) => setTimeout(done, 150));
  }
}
