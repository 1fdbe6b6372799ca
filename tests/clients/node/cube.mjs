// Cube's query orchestrator, unmodified: two API processes share one queue, and two query caches share one Redis.
// Which of its two Redis clients it uses is Cube's own switch, CUBEJS_REDIS_USE_IOREDIS.

import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { assert, check, finish, prefix, until, url, within } from './lib/check.mjs';

process.env.CUBEJS_REDIS_URL = url;
const require = createRequire(import.meta.url);
const { QueryCache, RedisCacheDriver, RedisPool } = require('@cubejs-backend/query-orchestrator');
const { RedisQueueEventsBus } = require('@cubejs-backend/query-orchestrator/dist/src/orchestrator/RedisQueueEventsBus');

class Api {
  constructor() {
    this.events = [];
    this.open = new Map();
    this.child = fork(new URL('./cube-api.mjs', import.meta.url).pathname);
    this.child.on('message', ({ id, result, error, ...event }) => {
      if (id === undefined) return this.events.push(event);
      const { resolve, reject } = this.open.get(id);
      this.open.delete(id);
      return error ? reject(Object.assign(new Error(error.message), { name: error.name })) : resolve(result);
    });
    this.child.on('exit', (code, signal) => {
      this.died = `API process ended: ${code ?? signal}`;
      for (const { reject } of this.open.values()) reject(new Error(this.died));
    });
  }

  call(command, args) {
    if (this.died) throw new Error(this.died);
    const id = (this.lastId = (this.lastId || 0) + 1);
    this.child.send({ id, command, args });
    const reply = new Promise((resolve, reject) => this.open.set(id, { resolve, reject }));
    reply.catch(() => {}); // whoever awaits it gets the error; a check that gave up before must not end the script
    return reply;
  }

  /** How many events there were of this kind for this query. */
  count(event, query) {
    return this.events.filter((e) => e.event === event && e.query === query).length;
  }

  logged(message, query) {
    return this.events.filter((e) => e.event === 'log' && e.message === message && e.query === query).length;
  }

  /** How many askers wait, or waited, in BRPOP for this query. */
  waiting(queue, query) {
    return this.events.filter((e) => e.event === 'blocking' && e.key === `${queue}_${query}_RESULT`).length;
  }
}

const apis = [new Api(), new Api()];
const [a, b] = apis;
const everyone = (command, args) => Promise.all(apis.map((api) => api.call(command, args)));
const executions = (query) => a.count('start', query) + b.count('start', query);
/** The API process in which the query was started. */
const runner = (query) => apis.find((api) => api.count('start', query));
const started = (query) => until(`${query} starts`, () => runner(query));
const release = async (query) => (await started(query)).call('finish', { query });
const queueOf = (name) => `SQL_QUERY_${prefix}${name}`;

const main = queueOf('main');
const single = queueOf('single');
const hasty = queueOf('hasty'); // gives up waiting after 1 s instead of 4
const hastySingle = queueOf('hasty-single');
const wide = queueOf('wide');
const short = queueOf('short');
const pulse = queueOf('pulse'); // a query without a heartbeat for 1 s is stalled

await check('two API processes connect and open queues', async () => {
  await until('both are ready', () => apis.every((api) => api.events.some((e) => e.event === 'ready')));
  await everyone('open', { name: main, concurrency: 2 });
  await everyone('open', { name: single, concurrency: 1 });
  await everyone('open', { name: hasty, concurrency: 2, continueWaitTimeout: 1 });
  await everyone('open', { name: hastySingle, concurrency: 1, continueWaitTimeout: 1 });
  await everyone('open', { name: wide, concurrency: 10 });
  await everyone('open', { name: short, concurrency: 2, executionTimeout: 0.3 });
  await everyone('open', { name: pulse, concurrency: 2, continueWaitTimeout: 1, heartBeatInterval: 0.25 });
});

await check('a query is executed and answered', async () => {
  assert.deepEqual(
    await a.call('ask', { queue: main, query: { name: 'first', answer: [{ total: 42, name: 'čaj' }] } }),
    [{ total: 42, name: 'čaj' }],
  );
  assert.equal(executions('first'), 1);
});

await check('identical queries of both processes are joined: executed once, all answered', async () => {
  const ask = (api) => api.call('ask', { queue: main, query: { name: 'joined', answer: 'shared', hold: true } });
  const answers = [...Array(10).keys()].map((n) => ask(apis[n % 2]));
  await until('all ten wait', () => a.waiting(main, 'joined') + b.waiting(main, 'joined') >= 10);
  await release('joined');
  assert.deepEqual(await Promise.all(answers), Array(10).fill('shared'));
  assert.equal(executions('joined'), 1);
});

await check('the error of a query reaches every asker', async () => {
  const ask = (api) => api.call('ask', { queue: main, query: { name: 'broken', error: 'no such table', hold: true } });
  const answers = [ask(a), ask(b)];
  const all = Promise.allSettled(answers);
  await until('both wait', () => a.waiting(main, 'broken') + b.waiting(main, 'broken') >= 2);
  await release('broken');
  assert.deepEqual((await all).map((r) => r.reason?.message), ['no such table', 'no such table']);
});

// Cube itself may start a third one: a start with an older number pushes a running query out of ACTIVE. What Redis owes
// is that ACTIVE (added to and cut in one MULTI) is never longer, and that the lock lets each query run once.
await check('never more than `concurrency` are active over both processes, each runs once', async () => {
  const names = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'];
  const answers = names.map((name, n) => (
    apis[n % 2].call('ask', { queue: main, query: { name, answer: name, hold: true } })
  ));
  const done = new Set();
  const running = () => names.filter((name) => runner(name) && !done.has(name));
  while (done.size < names.length) {
    await until('some run', async () => {
      const [active] = await a.call('state', { queue: main });
      assert.ok(active.length <= 2, `active: ${active}`);
      return running().length >= Math.min(2, names.length - done.size);
    });
    const [next] = running();
    done.add(next);
    await release(next);
  }
  assert.deepEqual(await Promise.all(answers), names);
  assert.deepEqual(names.map(executions), names.map(() => 1));
}, 12_000);

await check('a higher priority runs first, whoever asked', async () => {
  const order = () => apis.flatMap((api) => api.events).filter((e) => e.event === 'start' && /^p-?\d/.test(e.query));
  const holder = a.call('ask', { queue: single, query: { name: 'holder', hold: true, answer: 1 } });
  await started('holder');
  const priorities = [0, 10, -5, 100, 1];
  const answers = priorities.map((priority, n) => (
    apis[n % 2].call('ask', { queue: single, priority, query: { name: `p${priority}`, answer: priority, hold: true } })
  ));
  await until('all are in the queue', async () => (await b.call('state', { queue: single }))[1].length === 6);
  await release('holder');
  await holder;
  for (const priority of [100, 10, 1, 0, -5]) {
    const before = order().length;
    await release(`p${priority}`); // waits for its start; another one started instead would never let it
    assert.ok(order().length <= before + 1);
  }
  assert.deepEqual(await Promise.all(answers), priorities);
}, 12_000);

await check('the stage tells "executing" and the place in the queue', async () => {
  const answers = ['s0', 's1', 's2'].map((name, n) => (
    () => a.call('ask', { queue: single, priority: -n, query: { name, answer: name, hold: true } })
  ));
  // getQueryStage looks for the stage key that the asker gave; executeInQueue here gives none, so read the state.
  const running = [answers[0]()];
  await started('s0');
  running.push(answers[1](), answers[2]());
  await until('all are in the queue', async () => (await b.call('state', { queue: single }))[1].length === 3);
  const [active, toProcess, defs] = await b.call('state', { queue: single });
  assert.deepEqual(active, ['s0']);
  assert.deepEqual(toProcess, ['s0', 's1', 's2']);
  assert.deepEqual(Object.keys(defs).sort(), ['s0', 's1', 's2']);
  assert.equal(defs.s0.queryHandler, 'query');
  for (const name of ['s0', 's1', 's2']) await release(name);
  assert.deepEqual(await Promise.all(running), ['s0', 's1', 's2']);
}, 12_000);

await check('a slow query answers "continue wait", then its result, executed once', async () => {
  const question = { queue: hasty, once: true, query: { name: 'slow', answer: 'late', hold: true } };
  await Promise.all(apis.map((api) => assert.rejects(api.call('ask', question), { name: 'ContinueWaitError' })));
  await release('slow');
  // Nobody waits now: the result lies in its list for the next asker. One that asks while it is being stored would have
  // the query executed again.
  await until('the result is stored', async () => (await b.call('state', { queue: hasty }))[1].length === 0);
  assert.equal(await b.call('ask', { ...question, once: false }), 'late');
  assert.equal(executions('slow'), 1);
});

await check('an orphaned query is removed by the other process and never executed', async () => {
  // Asked once: an asker that asks again reconciles, and might remove the orphan before b does.
  const holder = a.call('ask', { queue: hastySingle, once: true, query: { name: 'orphan-holder', hold: true } });
  await started('orphan-holder');
  await assert.rejects(holder, { name: 'ContinueWaitError' });
  const orphan = { name: 'orphan', orphanedTimeout: 0.3, answer: 'nobody wants it' };
  await assert.rejects(a.call('ask', { queue: hastySingle, once: true, query: orphan }), { name: 'ContinueWaitError' });
  const orphaned = (await b.call('queries', { queue: hastySingle })).find((q) => q.queryKey === 'orphan');
  assert.deepEqual(orphaned.status.sort(), ['orphaned', 'toProcess']);
  await b.call('reconcile', { queue: hastySingle });
  await until('b cancels it', () => b.count('cancel', 'orphan') === 1);
  assert.equal(b.logged('Removing orphaned query', 'orphan'), 1);
  await release('orphan-holder');
  await until('the queue is empty', async () => (await b.call('state', { queue: hastySingle }))[1].length === 0);
  assert.equal(executions('orphan'), 0);
});

await check('a query is cancelled from the other process; its late result is dropped', async () => {
  const unwanted = { name: 'unwanted', answer: 'too late', hold: true };
  const asked = a.call('ask', { queue: hasty, once: true, query: unwanted });
  const gaveUp = assert.rejects(asked, { name: 'ContinueWaitError' });
  const owner = await started('unwanted');
  const other = apis.find((api) => api !== owner);
  assert.equal(await other.call('cancel', { queue: hasty, query: 'unwanted' }), true);
  await until('the cancel handler is called', () => other.count('cancel', 'unwanted') === 1);
  assert.equal(other.events.find((e) => e.event === 'cancel' && e.query === 'unwanted').handle, 'handle of unwanted');
  await release('unwanted');
  await until('the result is dropped', () => owner.logged('Orphaned execution result', 'unwanted') === 1);
  await gaveUp;
});

await check('a query over the execution timeout is cancelled with its handle and answers an error', async () => {
  const asked = a.call('ask', { queue: short, query: { name: 'endless', hold: true } });
  await assert.rejects(asked, /Query execution timeout/);
  const owner = runner('endless');
  await until('the cancel handler is called', () => owner.count('cancel', 'endless') === 1);
  assert.equal(owner.events.find((e) => e.event === 'cancel' && e.query === 'endless').handle, 'handle of endless');
});

await check('sixty different queries: each is executed and answered to its asker', async () => {
  const names = [...Array(60).keys()].map((n) => `many${n}`);
  const answers = await Promise.all(names.map((name, n) => (
    apis[n % 2].call('ask', { queue: wide, query: { name, answer: `answer of ${name}` } })
  )));
  assert.deepEqual(answers, names.map((name) => `answer of ${name}`));
  // Not exactly once: who asks in the moment in which Cube stores the result has it executed again, over Redis as well.
  assert.deepEqual(names.filter((name) => executions(name) < 1), []);
  const [active, toProcess, defs] = await a.call('state', { queue: wide });
  assert.deepEqual([active, toProcess, defs], [[], [], {}]);
}, 12_000);

// Last of the queue checks, since it ends a process.
await check('a killed process: its query stalls, is removed, and executed by the other one', async () => {
  const question = { queue: pulse, query: { name: 'stalled', answer: 'rescued', hold: true } };
  b.call('ask', question).catch(() => {}); // b also waits for the result in BRPOP: its end must cost nobody the result
  await until('b executes it and waits', () => b.count('start', 'stalled') && b.waiting(pulse, 'stalled'));
  const since = Date.now();
  const asked = a.call('ask', question);
  await until('its heartbeats kept it for longer than the stall time', async () => {
    await a.call('reconcile', { queue: pulse });
    return Date.now() - since > 1300;
  });
  assert.equal(a.count('cancel', 'stalled'), 0);
  b.child.kill('SIGKILL');
  await until('a removes it as stalled', async () => {
    await a.call('reconcile', { queue: pulse });
    return a.count('cancel', 'stalled');
  });
  await until('a executes it', () => a.count('start', 'stalled') === 1);
  const waits = a.waiting(pulse, 'stalled');
  await until('a has just begun to wait', () => a.waiting(pulse, 'stalled') > waits); // and not about to ask again
  await a.call('finish', { query: 'stalled' });
  assert.equal(await asked, 'rescued');
}, 12_000);

// The caches: two QueryCache objects with a pool each, as in two processes.

const pools = [new RedisPool(), new RedisPool()];
let answer = 'v1';
let refreshKey = 'r1';
const executed = [];
const logs = [];
const database = {
  query: async (sql) => {
    executed.push(sql);
    if (sql === 'FAIL') throw new Error('bad SQL');
    if (sql === 'SELECT joined') await pause(300); // long enough that all who ask at once find it in the queue
    return [{ value: sql.startsWith('REFRESH') ? refreshKey : answer }];
  },
};
const caches = pools.map((redisPool) => new QueryCache(`${prefix}cache`, async () => database, (m) => logs.push(m), {
  cacheAndQueueDriver: 'redis',
  redisPool,
  continueWaitTimeout: 1,
  refreshKeyRenewalThreshold: 1,
  queueOptions: async () => ({ concurrency: 2, continueWaitTimeout: 1 }),
}));
const timesExecuted = (sql) => executed.filter((s) => s === sql).length;
const value = (rows) => rows[0].value;

await check('cacheQueryResult: stored once, read by the other instance', async () => {
  const get = (cache) => cache.cacheQueryResult('SELECT 1', [], ['SELECT 1', []], 60, {
    renewalThreshold: 60, renewalKey: 'key1', waitForRenew: true,
  });
  assert.equal(value(await get(caches[0])), 'v1');
  answer = 'v2';
  assert.equal(value(await get(caches[0])), 'v1');
  assert.equal(value(await get(caches[1])), 'v1');
  assert.equal(timesExecuted('SELECT 1'), 1);
});

await check('cacheQueryResult: another renewal key renews, waited for or in the background', async () => {
  const get = (renewalKey, waitForRenew) => caches[1].cacheQueryResult('SELECT 1', [], ['SELECT 1', []], 60, {
    renewalThreshold: 60, renewalKey, waitForRenew,
  });
  assert.equal(value(await get('key2', true)), 'v2');
  answer = 'v3';
  assert.equal(value(await get('key3', false)), 'v2');
  const stored = () => caches[0].getCacheDriver().get(caches[0].queryRedisKey(['SELECT 1', []]));
  await until('the background renewal is stored', async () => value((await stored()).result) === 'v3');
  assert.equal(timesExecuted('SELECT 1'), 3);
});

await check('cacheQueryResult: a passed renewal threshold renews', async () => {
  const get = () => caches[0].cacheQueryResult('SELECT 2', [], ['SELECT 2', []], 60, {
    renewalThreshold: 1, renewalKey: 'same', waitForRenew: true,
  });
  answer = 'old';
  assert.equal(value(await get()), 'old');
  answer = 'new';
  await until('it is renewed', async () => value(await get()) === 'new');
  assert.equal(timesExecuted('SELECT 2'), 2);
});

await check('cacheQueryResult: an entry ends with its expiration', async () => {
  await caches[0].cacheQueryResult('SELECT 3', [], ['SELECT 3', []], 1, {});
  const key = caches[0].queryRedisKey(['SELECT 3', []]);
  assert.ok(await caches[1].getCacheDriver().get(key));
  await until('it is gone', async () => (await caches[1].getCacheDriver().get(key)) === null);
});

await check('cacheQueryResult: an error drops the entry', async () => {
  const driver = caches[0].getCacheDriver();
  const key = caches[0].queryRedisKey(['FAIL', []]);
  await driver.set(key, { time: 1, result: 'stale', renewalKey: 'other' }, 60);
  await assert.rejects(caches[0].cacheQueryResult('FAIL', [], ['FAIL', []], 60, {
    renewalKey: 'now', renewalThreshold: 60, waitForRenew: true,
  }), /bad SQL/);
  await until('it is gone', async () => (await driver.get(key)) === null);
});

await check('cachedQueryResult: both instances ask at once, the database is asked once', async () => {
  const body = { query: 'SELECT joined', values: [], cacheKeyQueries: { queries: [] }, requestId: 'r' };
  answer = 'j1';
  const results = await Promise.all([0, 1, 0, 1].map((n) => caches[n].cachedQueryResult(body, [])));
  assert.deepEqual(results.map((r) => value(r.data)), Array(4).fill('j1'));
  assert.ok(results[0].lastRefreshTime instanceof Date);
  assert.equal(timesExecuted('SELECT joined'), 1);
});

await check('cachedQueryResult: a changed refresh key brings new data', async () => {
  const body = {
    query: 'SELECT renewed', values: [], requestId: 'r', renewQuery: true,
    cacheKeyQueries: { queries: [['REFRESH max(id)', []]] },
  };
  answer = 'd1';
  assert.equal(value((await caches[0].cachedQueryResult(body, [])).data), 'd1');
  answer = 'd2';
  assert.equal(value((await caches[1].cachedQueryResult(body, [])).data), 'd1');
  refreshKey = 'r2';
  await until('new data come', async () => value((await caches[1].cachedQueryResult(body, [])).data) === 'd2');
  assert.equal(value((await caches[0].resultFromCacheIfExists(body)).data), 'd2');
});

await check('cache driver: get, set, remove', async () => {
  const [one, two] = caches.map((cache) => cache.getCacheDriver());
  const key = `${prefix}driver`;
  await one.set(key, { text: 'žluť', list: [1, null] }, 60);
  assert.deepEqual(await two.get(key), { text: 'žluť', list: [1, null] });
  assert.equal(await two.remove(key), 1);
  assert.equal(await one.get(key), null);
});

await check('cache driver: keysStartingWith gives the names that were used', async () => {
  const [one, two] = caches.map((cache) => cache.getCacheDriver());
  const names = [...Array(30).keys()].map((n) => `${prefix}starts:${n}`);
  await Promise.all(names.map((name) => one.set(name, name, 60)));
  await one.set(`${prefix}starter`, 1, 60);
  assert.deepEqual((await two.keysStartingWith(`${prefix}starts:`)).sort(), names.sort());
  assert.deepEqual(await two.keysStartingWith(`${prefix}nothing`), []);
});

await check('withLock: one holder at a time over two pools, released after', async () => {
  const [one, two] = caches;
  let freed;
  const isHeld = new Promise((resolve) => { freed = resolve; });
  let entered = false;
  const first = one.withLock('tables', 60, async () => { entered = true; await isHeld; });
  await until('the first has it', () => entered);
  assert.equal(await two.withLock('tables', 60, async () => assert.fail('two holders')), false);
  freed();
  assert.equal(await first, true);
  assert.equal(await two.withLock('tables', 60, async () => {}), true);
  await assert.rejects(two.withLock('tables', 60, async () => { throw new Error('inside'); }), /inside/);
  assert.equal(await one.withLock('tables', 60, async () => {}), true);
});

await check('withLock: a lock that is not freed ends with its expiration', async () => {
  const [one, two] = caches.map((cache) => cache.getCacheDriver());
  const key = `${prefix}lock`;
  assert.equal(await one.withLock(key, async () => {}, 1, false), true);
  assert.equal(await two.withLock(key, async () => {}, 1, true), false);
  await until('it is free again', () => two.withLock(key, async () => {}, 1, true), 3000);
});

await check('the event bus hears of a query through pub/sub', async () => {
  const bus = new RedisQueueEventsBus({ redisPool: pools[1] });
  const heard = [];
  bus.subscribe('test', (message) => { if (message.redisQueuePrefix === queueOf('bus')) heard.push(message.event); });
  const queue = QueryCache.createQueue(queueOf('bus'), async () => database, (client, q) => client.query(q.query), {
    cacheAndQueueDriver: 'redis', redisPool: pools[0], logger: () => {}, getQueueEventsBus: () => bus,
  });
  // The bus does not tell when it is subscribed: publish until it hears.
  const probe = await pools[0].getClient();
  await until('the bus is subscribed', async () => {
    probe.publish('QUERY_QUEUES:EVENTS', JSON.stringify({ redisQueuePrefix: queueOf('bus'), event: 'probe' }));
    return heard.length > 0;
  });
  pools[0].release(probe);
  answer = 'heard';
  assert.equal(value(await queue.executeInQueue('query', 'on-air', { query: 'SELECT air' })), 'heard');
  await until('all events arrive', () => heard.includes('setResultAndRemoveQuery'));
  assert.deepEqual(
    heard.filter((event) => event !== 'probe'),
    ['addedToQueue', 'retrievedForProcessing', 'setResultAndRemoveQuery'],
  );
});

await check('a pool of size 0: a connection per operation, ended with QUIT', async () => {
  const driver = new RedisCacheDriver({ pool: new RedisPool({ poolMin: 0, poolMax: 0 }) });
  const names = [...Array(20).keys()].map((n) => `${prefix}unpooled${n}`);
  await Promise.all(names.map((name) => driver.set(name, name, 60)));
  assert.deepEqual(await Promise.all(names.map((name) => driver.get(name))), names);
  await driver.testConnection();
});

await check('a pool is drained and its connections closed', async () => {
  const pool = new RedisPool({ poolMin: 2, poolMax: 4 });
  const clients = await Promise.all([1, 2, 3, 4].map(() => pool.getClient()));
  clients.forEach((client) => pool.release(client));
  await pool.testConnection();
  await within(3000, 'cleanup', pool.cleanup());
});

for (const api of apis) api.child.kill('SIGKILL');
finish();
