// What every Node script here shares: named checks with a time limit, and waiting for conditions.
// Output is one line per check, `ok - name` or `not ok - name`, and a last line `1..N`. The runner counts them, and
// takes a missing last line for a script that died on the way.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

export { assert };

export const url = process.env.REDIS_URL;
if (!url) throw new Error('REDIS_URL must name the Redis to test');

// The memory driver has no Lua; scripts then check for a clean error instead.
export const hasLua = process.env.HAS_LUA !== '0';

// Keys of a run start with this, so that a script also runs against a Redis that holds something else.
export const prefix = `clients:${process.pid}:`;

const SCRIPT_LIMIT_MS = 30_000;
let count = 0;
let failed = 0;

function report(good, name, error) {
  count += 1;
  if (!good) failed += 1;
  let text = `${good ? 'ok' : 'not ok'} - ${name}\n`;
  if (error) text += `${String(error.stack || error).replace(/^/gm, '  # ')}\n`;
  process.stdout.write(text);
}

function die(name, error) {
  report(false, name, error);
  process.exit(1);
}

// A client that dies of an error that nobody handles is a finding, not noise.
process.on('uncaughtException', (error) => die('no uncaught exception', error));
process.on('unhandledRejection', (error) => die('no unhandled rejection', error));
setTimeout(() => die(`the script ends within ${SCRIPT_LIMIT_MS} ms`), SCRIPT_LIMIT_MS).unref();

/** Rejects when `promise` has not settled in time, so that a missing reply fails one check and hangs nothing. */
export async function within(ms, what, promise) {
  const stop = new AbortController();
  const late = pause(ms, undefined, { signal: stop.signal }).then(
    () => { throw new Error(`${what}: nothing within ${ms} ms`); },
    () => {},
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

/** Waits until `condition` gives something true, and gives that. */
export async function until(what, condition, ms = 5000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await pause(10);
  }
}

/** One check: `body` asserts; a failure is reported and the script goes on. */
export async function check(name, body, ms = 8000) {
  try {
    await within(ms, name, Promise.resolve().then(body));
    report(true, name);
  } catch (error) {
    report(false, name, error);
  }
}

/** Ends the script. Exits at once: clients that are still connected are no reason to wait. */
export function finish() {
  process.stdout.write(`1..${count}\n`, () => process.exit(failed ? 1 : 0));
}
