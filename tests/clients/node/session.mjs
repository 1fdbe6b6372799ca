// Sessions of an express application in Redis, through connect-redis.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import { assert, check, finish, prefix, until, url, within } from './lib/check.mjs';

const sessionPrefix = `${prefix}sess:`;
const redis = createClient({ url });
await redis.connect();
const store = new RedisStore({ client: redis, prefix: sessionPrefix });

async function startApp() {
  const child = fork(new URL('./session-app.mjs', import.meta.url).pathname, {
    env: { ...process.env, SESSION_PREFIX: sessionPrefix },
  });
  const [{ port }] = await within(5000, 'the application listens', once(child, 'message'));
  return { child, port };
}

let app;

/** A browser: one cookie, kept from reply to reply. */
class Browser {
  async send(method, path, body) {
    const response = await fetch(`http://127.0.0.1:${app.port}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(this.cookie && { cookie: this.cookie }) },
      body: body && JSON.stringify(body),
    });
    const cookie = response.headers.get('set-cookie');
    if (cookie) [this.cookie] = cookie.split(';');
    return { status: response.status, body: await response.json() };
  }

  /** The session's key: the cookie is `connect.sid=s:<id>.<signature>`. */
  get key() {
    return sessionPrefix + decodeURIComponent(this.cookie).match(/s:([^.]+)\./)[1];
  }
}

const ann = new Browser();
const bob = new Browser();

await check('log in and read back', async () => {
  app = await startApp();
  assert.equal((await ann.send('GET', '/me')).status, 401);
  assert.deepEqual(await ann.send('POST', '/login', { user: 'ann' }), { status: 200, body: { user: 'ann' } });
  assert.deepEqual((await ann.send('GET', '/me')).body, { user: 'ann' });
  assert.equal(JSON.parse(await redis.get(ann.key)).user, 'ann');
});

await check('sessions do not mix', async () => {
  await bob.send('POST', '/login', { user: 'bob' });
  assert.deepEqual((await bob.send('GET', '/me')).body, { user: 'bob' });
  assert.deepEqual((await ann.send('GET', '/me')).body, { user: 'ann' });
});

await check('changes are kept from request to request', async () => {
  for (let visits = 1; visits <= 10; visits += 1) {
    assert.deepEqual((await ann.send('POST', '/visit')).body, { visits });
  }
});

await check('a session outlives a restart of the application', async () => {
  app.child.kill('SIGKILL');
  await once(app.child, 'exit');
  app = await startApp();
  assert.deepEqual((await ann.send('GET', '/me')).body, { user: 'ann' });
  assert.deepEqual((await ann.send('POST', '/visit')).body, { visits: 11 });
});

await check('a session has the time to live of its cookie; a request touches it', async () => {
  const ttl = await redis.ttl(ann.key);
  assert.ok(ttl > 50 && ttl <= 60, `ttl ${ttl}`);
  await redis.expire(ann.key, 20);
  await ann.send('GET', '/me'); // changes nothing in the session: express-session only touches it
  await until('the time is renewed', async () => (await redis.ttl(ann.key)) > 50);
});

await check('an ended session is a logged-out user', async () => {
  await redis.pExpire(bob.key, 20);
  await until('it is gone', async () => (await redis.exists(bob.key)) === 0);
  assert.equal((await bob.send('GET', '/me')).status, 401);
});

await check('regenerate: a new id, the old one is gone', async () => {
  const old = ann.key;
  await ann.send('POST', '/renew');
  assert.notEqual(ann.key, old);
  assert.equal(await redis.exists(old), 0);
  assert.deepEqual((await ann.send('GET', '/me')).body, { user: 'ann' });
});

await check('destroy: logged out, nothing left in Redis', async () => {
  const { key } = ann;
  await ann.send('POST', '/logout');
  assert.equal(await redis.exists(key), 0);
  assert.equal((await ann.send('GET', '/me')).status, 401);
});

await check('the store lists, counts and clears sessions', async () => {
  const users = [...Array(120).keys()].map((n) => `user${n}`);
  await Promise.all(users.map(async (user) => {
    const browser = new Browser();
    await browser.send('POST', '/login', { user });
  }));
  assert.equal(await store.length(), 120);
  assert.deepEqual((await store.all()).map((s) => s.user).sort(), users.sort());
  assert.equal((await store.ids()).length, 120);
  await store.clear();
  assert.equal(await store.length(), 0);
});

app.child.kill('SIGKILL');
finish();
