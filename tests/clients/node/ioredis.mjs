// ioredis, as most queue libraries and applications use it.

import Redis from 'ioredis';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { assert, check, finish, hasLua, prefix, until, url } from './lib/check.mjs';

const k = (name) => prefix + name;
const redis = new Redis(url);
const other = new Redis(url);

// Nothing tells a client that its blocking command has arrived at the server: where that matters, give it its time.
const blocked = () => pause(50);

await check('connects and becomes ready', async () => {
  await until('it is ready', () => redis.status === 'ready');
  assert.equal(await redis.ping(), 'PONG');
  assert.equal(await redis.ping('hello'), 'hello');
});

await check('strings, with every kind of reply', async () => {
  assert.equal(await redis.set(k('s'), 'value'), 'OK');
  assert.equal(await redis.get(k('s')), 'value');
  assert.equal(await redis.get(k('nothing')), null);
  assert.equal(await redis.set(k('s'), 'other', 'NX'), null);
  assert.equal(await redis.set(k('s'), 'next', 'PX', 60_000, 'GET'), 'value');
  assert.ok((await redis.pttl(k('s'))) > 50_000);
  assert.equal(await redis.incrby(k('n'), 41), 41);
  assert.equal(await redis.incrbyfloat(k('n'), 0.5), '41.5');
  assert.deepEqual(await redis.mget(k('s'), k('nothing')), ['next', null]);
  assert.deepEqual(await redis.hgetall(k('nothing')), {});
  await redis.hset(k('h'), { a: 1, b: 'two' });
  assert.deepEqual(await redis.hgetall(k('h')), { a: '1', b: 'two' });
});

await check('a pipeline: replies in order, an error in its place', async () => {
  await redis.set(k('text'), 'not a list');
  const replies = await redis.pipeline()
    .set(k('p'), 1)
    .incr(k('p'))
    .lpush(k('text'), 'x')
    .get(k('p'))
    .exec();
  assert.deepEqual(replies.map(([error]) => error?.message ?? null), [
    null, null, 'WRONGTYPE Operation against a key holding the wrong kind of value', null,
  ]);
  assert.deepEqual([replies[0][1], replies[1][1], replies[3][1]], ['OK', 2, '2']);
});

await check('a pipeline of 5,000 commands', async () => {
  const pipeline = redis.pipeline();
  for (let n = 1; n <= 5000; n += 1) pipeline.incr(k('big-pipeline'));
  const replies = await pipeline.exec();
  assert.deepEqual(replies.map(([, n]) => n), [...Array(5000).keys()].map((n) => n + 1));
});

await check('multi: queued, executed together', async () => {
  const replies = await redis.multi().set(k('m'), 'a').get(k('m')).rpush(k('ml'), 1, 2).lrange(k('ml'), 0, -1).exec();
  assert.deepEqual(replies, [[null, 'OK'], [null, 'a'], [null, 2], [null, ['1', '2']]]);
});

await check('multi without a pipeline: QUEUED is answered to each command', async () => {
  assert.equal(await redis.multi({ pipeline: false }), 'OK');
  assert.equal(await redis.set(k('m'), 'b'), 'QUEUED');
  assert.equal(await redis.get(k('m')), 'QUEUED');
  assert.deepEqual(await redis.exec(), [[null, 'OK'], [null, 'b']]);
});

await check('multi: a command that fails does not stop the others', async () => {
  const replies = await redis.multi().set(k('m'), 'c').lpush(k('m'), 'x').get(k('m')).exec();
  assert.match(replies[1][0].message, /^WRONGTYPE /);
  assert.equal(replies[2][1], 'c');
});

await check('multi: a command that cannot be queued aborts it', async () => {
  await assert.rejects(redis.multi().set(k('aborted'), 1).call('get').exec(), /^ReplyError: EXECABORT /);
  assert.equal(await redis.exists(k('aborted')), 0);
});

await check('multi: discard executes nothing', async () => {
  await redis.multi({ pipeline: false });
  await redis.set(k('discarded'), 1);
  assert.equal(await redis.discard(), 'OK');
  assert.equal(await redis.exists(k('discarded')), 0);
});

await check('watch: exec gives null after another connection wrote, and works when none did', async () => {
  await redis.set(k('w'), 1);
  await redis.watch(k('w'));
  await other.set(k('w'), 2);
  assert.equal(await redis.multi().set(k('w'), 'mine').exec(), null);
  assert.equal(await redis.get(k('w')), '2');
  await redis.watch(k('w'));
  assert.deepEqual(await redis.multi().incr(k('w')).exec(), [[null, 3]]);
  await redis.watch(k('w'));
  await other.set(k('w'), 4);
  await redis.unwatch();
  assert.deepEqual(await redis.multi().incr(k('w')).exec(), [[null, 5]]);
});

await check('watch: an expired key breaks it', async () => {
  await redis.set(k('we'), 1, 'PX', 30);
  await redis.watch(k('we'));
  await until('it is expired', async () => (await other.exists(k('we'))) === 0);
  assert.equal(await redis.multi().set(k('we'), 2).exec(), null);
});

await check('blocking pops are served by another connection', async () => {
  const worker = new Redis(url);
  const popped = worker.blpop(k('q1'), k('q2'), 5);
  await other.rpush(k('q2'), 'job1', 'job2');
  assert.deepEqual(await popped, [k('q2'), 'job1']);
  assert.deepEqual(await worker.brpop(k('q1'), k('q2'), 5), [k('q2'), 'job2']);

  const moved = worker.blmove(k('q1'), k('q3'), 'LEFT', 'RIGHT', 5);
  await other.rpush(k('q1'), 'job3');
  assert.equal(await moved, 'job3');
  assert.deepEqual(await other.lrange(k('q3'), 0, -1), ['job3']);

  const least = worker.bzpopmin(k('z1'), k('z2'), 5);
  await other.zadd(k('z1'), 2, 'two', 1, 'one');
  assert.deepEqual(await least, [k('z1'), 'one', '1']);
  worker.disconnect();
});

await check('a blocking pop ends with null after its time', async () => {
  const since = Date.now();
  assert.equal(await redis.blpop(k('empty'), 0.2), null);
  assert.ok(Date.now() - since >= 190);
});

await check('blocked connections are served in the order in which they came', async () => {
  const workers = [];
  for (let n = 0; n < 5; n += 1) {
    const worker = new Redis(url);
    await once(worker, 'ready');
    workers.push({ worker, popped: worker.blpop(k('fifo'), 5) });
    await blocked();
  }
  for (let n = 0; n < 5; n += 1) await other.rpush(k('fifo'), n);
  assert.deepEqual((await Promise.all(workers.map((w) => w.popped))).map(([, v]) => v), ['0', '1', '2', '3', '4']);
  workers.forEach((w) => w.worker.disconnect());
});

await check('a worker that leaves takes nothing from the queue', async () => {
  const leaver = new Redis(url, { retryStrategy: null, connectionName: 'leaver' });
  const popped = leaver.blpop(k('left'), 5).catch(() => 'gone');
  const stayer = new Redis(url);
  const listed = async () => (await other.client('LIST')).includes(' name=leaver ');
  await until('the leaver is connected', listed);
  await blocked();
  const kept = stayer.blpop(k('left'), 5);
  leaver.disconnect();
  assert.equal(await popped, 'gone');
  await until('the server has noticed', async () => !(await listed()));
  await other.rpush(k('left'), 'kept');
  assert.deepEqual(await kept, [k('left'), 'kept']);
  stayer.disconnect();
});

await check('pub/sub: channels, patterns, unsubscribe', async () => {
  const sub = new Redis(url);
  const heard = [];
  sub.on('message', (channel, message) => heard.push([channel, message]));
  sub.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  assert.equal(await sub.subscribe(k('news'), k('sport')), 2);
  assert.equal(await sub.psubscribe(k('n?ws*')), 3);
  assert.equal(await other.publish(k('news'), 'one'), 2);
  assert.equal(await other.publish(k('sport'), 'two'), 1);
  assert.equal(await other.publish(k('newspaper'), 'three'), 1);
  assert.equal(await other.publish(k('nobody'), 'four'), 0);
  await until('all are heard', () => heard.length >= 4);
  assert.deepEqual(heard, [
    [k('news'), 'one'],
    [k('n?ws*'), k('news'), 'one'],
    [k('sport'), 'two'],
    [k('n?ws*'), k('newspaper'), 'three'],
  ]);
  assert.deepEqual((await other.pubsub('CHANNELS', k('*'))).sort(), [k('news'), k('sport')]);
  assert.deepEqual(await other.pubsub('NUMSUB', k('news'), k('nobody')), [k('news'), 1, k('nobody'), 0]);
  assert.equal(await sub.unsubscribe(k('news')), 2);
  assert.equal(await sub.punsubscribe(k('n?ws*')), 1);
  assert.equal(await other.publish(k('news'), 'unheard'), 0);
  assert.equal(await sub.unsubscribe(), 0);
  assert.equal(await sub.get(k('s')), 'next'); // left subscriber mode
  sub.disconnect();
});

await check('pub/sub: binary payloads arrive as they were', async () => {
  const sub = new Redis(url);
  const payload = Buffer.from([0, 255, 13, 10, 128, 36]);
  await sub.subscribe(k('binary'));
  const message = once(sub, 'messageBuffer');
  await other.publish(k('binary'), payload);
  assert.deepEqual(await message, [Buffer.from(k('binary')), payload]);
  sub.disconnect();
});

await check('pub/sub: a subscriber may not send other commands', async () => {
  const sub = new Redis(url);
  await sub.subscribe(k('mode'));
  await assert.rejects(sub.get(k('s')), /subscriber mode/);
  assert.deepEqual(await sub.ping(), ['pong', '']); // in RESP2, PING of a subscriber is answered with an array
  sub.disconnect();
});

await check('pub/sub: many subscribers get every message, in order', async () => {
  const subs = await Promise.all([...Array(10).keys()].map(async () => {
    const sub = new Redis(url);
    const heard = [];
    sub.on('message', (_, message) => heard.push(Number(message)));
    await sub.subscribe(k('fan'));
    return { sub, heard };
  }));
  const pipeline = other.pipeline();
  for (let n = 0; n < 200; n += 1) pipeline.publish(k('fan'), n);
  const counts = (await pipeline.exec()).map(([, count]) => count);
  assert.deepEqual([...new Set(counts)], [10]);
  await until('all hear all', () => subs.every(({ heard }) => heard.length === 200));
  for (const { heard } of subs) assert.deepEqual(heard, [...Array(200).keys()]);
  subs.forEach(({ sub }) => sub.disconnect());
});

await check('keyPrefix', async () => {
  const prefixed = new Redis(url, { keyPrefix: k('app:') });
  await prefixed.set('name', 'x');
  await prefixed.mset('a', 1, 'b', 2);
  assert.equal(await redis.get(k('app:name')), 'x');
  assert.deepEqual(await prefixed.mget('a', 'b'), ['1', '2']);
  const popped = prefixed.brpop('list', 5);
  await other.lpush(k('app:list'), 'job');
  assert.deepEqual(await popped, [k('app:list'), 'job']);
  assert.equal(await prefixed.del('name', 'a', 'b'), 3);
  prefixed.disconnect();
});

async function all(stream) {
  const found = [];
  for await (const part of stream) found.push(...part);
  return found;
}

await check('scanStream finds every key, hscan, sscan and zscan every member', async () => {
  const names = [...Array(500).keys()].map((n) => k(`scan:${n}`));
  await redis.mset(names.flatMap((name) => [name, 1]));
  const found = await all(redis.scanStream({ match: k('scan:*'), count: 50 }));
  assert.deepEqual([...new Set(found)].sort(), names.sort());
  assert.deepEqual(await all(redis.scanStream({ match: k('scan:*'), type: 'list', count: 1000 })), []);

  const members = [...Array(600).keys()].map(String);
  await redis.sadd(k('set'), members);
  await redis.hset(k('hash'), members.flatMap((m) => [m, m]));
  await redis.zadd(k('zset'), members.flatMap((m) => [m, m]));
  assert.equal(new Set(await all(redis.sscanStream(k('set')))).size, 600);
  assert.equal(new Set(await all(redis.hscanStream(k('hash')))).size, 600);
  assert.equal(new Set(await all(redis.zscanStream(k('zset')))).size, 600);
});

await check('binary keys and values', async () => {
  const key = Buffer.concat([Buffer.from(k('bin')), Buffer.from([0, 13, 10, 255])]);
  const value = Buffer.from([...Array(256).keys()]);
  await redis.set(key, value);
  assert.deepEqual(await redis.getBuffer(key), value);
  assert.deepEqual(await redis.getrangeBuffer(key, 250, -1), value.subarray(250));
  assert.deepEqual(await redis.keysBuffer(`${k('bin')}*`), [key]);
  const [[, inPipeline]] = await redis.pipeline().getBuffer(key).exec();
  assert.deepEqual(inPipeline, value);
});

await check('error replies are those of Redis', async () => {
  await assert.rejects(redis.call('NOSUCHCOMMAND', 'a'), {
    name: 'ReplyError', message: "ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'a' ",
  });
  await assert.rejects(redis.call('get'), { message: "ERR wrong number of arguments for 'get' command" });
  await assert.rejects(redis.incr(k('text')), { message: 'ERR value is not an integer or out of range' });
  await assert.rejects(redis.set(k('x'), 1, 'EX', 0), { message: "ERR invalid expire time in 'set' command" });
  await assert.rejects(redis.set(k('x'), 1, 'XX', 'NX'), { message: 'ERR syntax error' });
  await assert.rejects(redis.exec(), { message: 'ERR EXEC without MULTI' });
  assert.equal(await redis.ping(), 'PONG');
});

await check('names itself: CLIENT SETNAME, GETNAME, ID', async () => {
  const named = new Redis(url, { connectionName: 'worker-7' });
  assert.equal(await named.client('GETNAME'), 'worker-7');
  assert.ok((await named.client('ID')) > 0);
  const list = await other.client('LIST');
  assert.match(list, /(^| )name=worker-7( |$)/m);
  named.disconnect();
});

await check('comes back after CLIENT KILL of its own connection', async () => {
  const phoenix = new Redis(url, { retryStrategy: () => 20 });
  await once(phoenix, 'ready');
  const before = await phoenix.client('ID');
  const closed = once(phoenix, 'close');
  assert.equal(await phoenix.client('KILL', 'ID', before, 'SKIPME', 'no'), 1);
  await closed;
  assert.equal(await phoenix.ping(), 'PONG');
  assert.notEqual(await phoenix.client('ID'), before);
  phoenix.disconnect();
});

await check('killed by another: subscriptions and the blocking pop under way are taken up again', async () => {
  const sub = new Redis(url, { retryStrategy: () => 20, connectionName: 'again-sub' });
  const worker = new Redis(url, { retryStrategy: () => 20 });
  await sub.subscribe(k('again'));
  const id = await worker.client('ID');
  const popped = worker.blpop(k('again-list'), 5);
  const back = once(worker, 'ready');
  assert.equal(await other.client('KILL', 'ID', id), 1);
  await back;
  await other.rpush(k('again-list'), 'job');
  assert.deepEqual(await popped, [k('again-list'), 'job']);

  const line = (await other.client('LIST')).split('\n').find((l) => l.includes(' name=again-sub '));
  const subBack = once(sub, 'ready');
  assert.equal(await other.client('KILL', 'ID', line.match(/\bid=(\d+)/)[1]), 1);
  await subBack;
  const message = once(sub, 'message');
  await until('it is subscribed again', async () => (await other.publish(k('again'), 'hello')) === 1);
  assert.deepEqual(await message, [k('again'), 'hello']);
  sub.disconnect();
  worker.disconnect();
});

await check('auto-pipelining: commands of one turn go together, replies find their callers', async () => {
  const auto = new Redis(url, { enableAutoPipelining: true });
  await Promise.all([...Array(300).keys()].map((n) => auto.set(k(`auto:${n}`), n)));
  const values = await Promise.all([...Array(300).keys()].map((n) => auto.get(k(`auto:${n}`))));
  assert.deepEqual(values, [...Array(300).keys()].map(String));
  const mixed = await Promise.allSettled([auto.get(k('auto:1')), auto.lpush(k('auto:1'), 'x'), auto.get(k('auto:2'))]);
  assert.deepEqual(mixed.map((r) => r.status), ['fulfilled', 'rejected', 'fulfilled']);
  auto.disconnect();
});

await check('fifty connections at once', async () => {
  const clients = [...Array(50).keys()].map(() => new Redis(url));
  await Promise.all(clients.map(async (client, n) => {
    for (let i = 0; i < 20; i += 1) {
      await client.set(k(`many:${n}`), i);
      assert.equal(await client.get(k(`many:${n}`)), String(i));
    }
  }));
  await Promise.all(clients.map((client) => client.quit()));
});

await check('select: another database holds other keys', async () => {
  const second = new Redis(url.replace(/\/\d+$/, '/1'));
  await redis.set(k('db'), 'zero');
  assert.equal(await second.get(k('db')), null);
  await second.set(k('db'), 'one');
  assert.equal(await redis.get(k('db')), 'zero');
  await second.del(k('db'));
  second.disconnect();
});

if (hasLua) {
  await check('defineCommand: a Lua script by its SHA', async () => {
    redis.defineCommand('addUp', {
      numberOfKeys: 2,
      lua: "return redis.call('get', KEYS[1]) + redis.call('get', KEYS[2]) + ARGV[1]",
    });
    await redis.mset(k('one'), 1, k('two'), 2);
    assert.equal(await redis.addUp(k('one'), k('two'), 39), 42);
    assert.equal(await redis.addUp(k('one'), k('two'), 0), 3);
    const [[, inPipeline]] = await redis.pipeline().addUp(k('one'), k('two'), 1).exec();
    assert.equal(inPipeline, 4);
  });
} else {
  await check('EVAL without Lua: an error that says so, and the connection lives on', async () => {
    await assert.rejects(redis.eval('return 1', 0), (error) => {
      assert.equal(error.name, 'ReplyError');
      assert.match(error.message, /^ERR .*(lua|script)/i);
      return true;
    });
    assert.equal(await redis.ping(), 'PONG');
  });
}

await check('quit', async () => {
  assert.equal(await other.quit(), 'OK');
  await redis.quit();
});

finish();
