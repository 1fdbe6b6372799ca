// node-redis 5, the whole set once over RESP2 and once over RESP3.

import { MultiErrorReply, RESP_TYPES, WatchError, createClient, createClientPool } from 'redis';
import { assert, check as namedCheck, finish, hasLua, prefix, until, url } from './lib/check.mjs';

for (const RESP of [2, 3]) {
  const check = (name, body, ms) => namedCheck(`RESP${RESP}: ${name}`, body, ms);
  const k = (name) => `${prefix}${RESP}:${name}`;
  const open = async (options = {}) => {
    const client = createClient({ url, RESP, ...options });
    client.on('error', () => {}); // a lost connection is asserted where one is expected
    await client.connect();
    return client;
  };
  let redis;
  let other;

  await check('connects', async () => {
    redis = await open();
    other = await open();
    assert.equal(await redis.ping(), 'PONG');
    const hello = await redis.sendCommand(['HELLO', String(RESP)]);
    const protocol = Array.isArray(hello) ? hello[hello.indexOf('proto') + 1] : hello.proto;
    assert.equal(protocol, RESP);
  });

  await check('strings and hashes', async () => {
    assert.equal(await redis.set(k('s'), 'value', { expiration: { type: 'EX', value: 60 } }), 'OK');
    assert.equal(await redis.get(k('s')), 'value');
    assert.equal(await redis.get(k('nothing')), null);
    assert.equal(await redis.set(k('s'), 'other', { condition: 'NX' }), null);
    assert.equal(await redis.getDel(k('s')), 'value');
    assert.equal(await redis.incrBy(k('n'), 42), 42);
    assert.equal(await redis.hSet(k('h'), { a: '1', b: 'two' }), 2);
    assert.deepEqual({ ...(await redis.hGetAll(k('h'))) }, { a: '1', b: 'two' });
    assert.deepEqual({ ...(await redis.hGetAll(k('nothing'))) }, {});
    assert.deepEqual(await redis.mGet([k('n'), k('nothing')]), ['42', null]);
  });

  await check('scores, sets and booleans have the types of the protocol', async () => {
    await redis.zAdd(k('z'), [{ score: 1.5, value: 'a' }, { score: Infinity, value: 'b' }]);
    assert.equal(await redis.zScore(k('z'), 'a'), 1.5);
    assert.equal(await redis.zScore(k('z'), 'b'), Infinity);
    assert.equal(await redis.zScore(k('z'), 'nobody'), null);
    assert.deepEqual(await redis.zRangeWithScores(k('z'), 0, -1), [
      { score: 1.5, value: 'a' }, { score: Infinity, value: 'b' },
    ]);
    await redis.sAdd(k('set'), ['x', 'y']);
    assert.deepEqual((await redis.sMembers(k('set'))).sort(), ['x', 'y']);
    if (RESP === 3) {
      const asSet = redis.withTypeMapping({ [RESP_TYPES.SET]: Set });
      assert.deepEqual(await asSet.sMembers(k('set')), new Set(['x', 'y']));
    }
    assert.equal(await redis.sIsMember(k('set'), 'x'), 1);
  });

  await check('commands of one turn are pipelined; an error stays in its place', async () => {
    await redis.set(k('text'), 'text');
    const replies = await Promise.allSettled([
      redis.set(k('p'), 1), redis.incr(k('p')), redis.lPush(k('text'), 'x'), redis.get(k('p')),
    ]);
    assert.deepEqual(replies.map((r) => r.value ?? r.reason.message), [
      'OK', 2, 'WRONGTYPE Operation against a key holding the wrong kind of value', '2',
    ]);
    const numbers = await Promise.all([...Array(5000)].map(() => redis.incr(k('count'))));
    assert.deepEqual(numbers, [...Array(5000).keys()].map((n) => n + 1));
  });

  await check('multi/exec, and execAsPipeline', async () => {
    assert.deepEqual(await redis.multi().set(k('m'), 'a').get(k('m')).hGetAll(k('h')).exec()
      .then(([ok, value, hash]) => [ok, value, { ...hash }]), ['OK', 'a', { a: '1', b: 'two' }]);
    assert.deepEqual(await redis.multi().set(k('m'), 'b').get(k('m')).execAsPipeline(), ['OK', 'b']);
    const partly = redis.multi().set(k('m'), 'c').lPush(k('m'), 'x').exec();
    await assert.rejects(partly, (error) => error instanceof MultiErrorReply && error.errorIndexes[0] === 1);
    assert.equal(await redis.get(k('m')), 'c');
    await assert.rejects(redis.multi().addCommand(['GET']).exec());
    assert.equal(await redis.ping(), 'PONG');
  });

  await check('watch: exec fails with WatchError after another connection wrote', async () => {
    await redis.set(k('w'), 1);
    await redis.watch(k('w'));
    await other.set(k('w'), 2);
    await assert.rejects(redis.multi().set(k('w'), 'mine').exec(), WatchError);
    assert.equal(await redis.get(k('w')), '2');
    await redis.watch(k('w'));
    assert.deepEqual(await redis.multi().incr(k('w')).exec(), [3]);
  });

  await check('a pool: blocking pops, transactions and watches do not disturb each other', async () => {
    const pool = createClientPool({ url, RESP }, { minimum: 1, maximum: 10 });
    pool.on('error', () => {});
    await pool.connect();
    const pops = ['q1', 'q2', 'q3'].map((q) => pool.blPop(k(q), 5));
    await pool.execute(async (client) => {
      await client.watch(k('pw'));
      assert.deepEqual(await client.multi().set(k('pw'), 1).exec(), ['OK']);
    });
    for (const q of ['q3', 'q1', 'q2']) await pool.rPush(k(q), `job of ${q}`);
    assert.deepEqual((await Promise.all(pops)).map(({ key, element }) => [key, element]), [
      [k('q1'), 'job of q1'], [k('q2'), 'job of q2'], [k('q3'), 'job of q3'],
    ]);
    assert.deepEqual(await pool.multi().incr(k('pw')).exec(), [2]);
    await pool.close();
  });

  await check('blocking: blMove, bzPopMin, blmPop, and a timeout', async () => {
    const worker = await open();
    const moved = worker.blMove(k('from'), k('to'), 'LEFT', 'RIGHT', 5);
    await other.rPush(k('from'), 'job');
    assert.equal(await moved, 'job');
    const least = worker.bzPopMin(k('bz'), 5);
    await other.zAdd(k('bz'), [{ score: 2, value: 'two' }, { score: 1, value: 'one' }]);
    assert.deepEqual({ ...(await least) }, { key: k('bz'), value: 'one', score: 1 });
    const several = worker.blmPop(5, [k('none'), k('to')], 'LEFT', { COUNT: 5 });
    assert.deepEqual(await several, [k('to'), ['job']]);
    assert.equal(await worker.brPop(k('empty'), 0.1), null);
    worker.destroy();
  });

  await check('scanIterator, hScanIterator, sScanIterator, zScanIterator', async () => {
    const names = [...Array(400).keys()].map((n) => k(`scan:${n}`));
    await redis.mSet(names.map((name) => [name, '1']));
    const found = new Set();
    for await (const keys of redis.scanIterator({ MATCH: k('scan:*'), COUNT: 50 })) {
      keys.forEach((key) => found.add(key));
    }
    assert.deepEqual([...found].sort(), names.sort());

    const members = [...Array(300).keys()].map(String);
    await redis.sAdd(k('members'), members);
    await redis.hSet(k('fields'), Object.fromEntries(members.map((m) => [m, m])));
    await redis.zAdd(k('scores'), members.map((m) => ({ score: Number(m), value: m })));
    const count = async (iterator) => {
      const seen = new Set();
      for await (const part of iterator) part.forEach((x) => seen.add(x.field ?? x.value ?? x));
      return seen.size;
    };
    assert.equal(await count(redis.sScanIterator(k('members'))), 300);
    assert.equal(await count(redis.hScanIterator(k('fields'))), 300);
    assert.equal(await count(redis.zScanIterator(k('scores'))), 300);
  });

  await check('pub/sub: channels and patterns', async () => {
    const sub = await open();
    const heard = [];
    await sub.subscribe([k('news'), k('sport')], (message, channel) => heard.push([channel, message]));
    await sub.pSubscribe(k('n?ws*'), (message, channel) => heard.push(['pattern', channel, message]));
    assert.equal(await other.publish(k('news'), 'one'), 2);
    assert.equal(await other.publish(k('sport'), 'two'), 1);
    assert.equal(await other.publish(k('newspaper'), 'three'), 1);
    await until('all are heard', () => heard.length >= 4);
    assert.deepEqual(heard, [
      [k('news'), 'one'], ['pattern', k('news'), 'one'], [k('sport'), 'two'], ['pattern', k('newspaper'), 'three'],
    ]);
    assert.deepEqual((await other.pubSubChannels(k('*'))).sort(), [k('news'), k('sport')]);
    assert.deepEqual({ ...(await other.pubSubNumSub([k('news'), k('nobody')])) }, { [k('news')]: 1, [k('nobody')]: 0 });
    assert.equal(String(await sub.ping('still here')), 'still here');
    if (RESP === 3) assert.equal(await sub.get(k('w')), '3'); // RESP3: a subscriber may send other commands
    await sub.unsubscribe(k('news'));
    // Named ones: in RESP3 this client waits for ever for the reply to an unsubscription from everything.
    await sub.pUnsubscribe(k('n?ws*'));
    assert.equal(await other.publish(k('news'), 'unheard'), 0);
    await sub.unsubscribe(k('sport'));
    assert.equal(String(await sub.get(k('w'))), '3'); // a former RESP2 subscriber of this client gives Buffers
    sub.destroy();
  });

  await check('pub/sub: binary payloads', async () => {
    const sub = await open();
    const payload = Buffer.from([0, 255, 13, 10]);
    const heard = new Promise((resolve) => { sub.subscribe(k('binary'), resolve, true); });
    await until('it is subscribed', async () => (await other.publish(k('binary'), payload)) === 1);
    assert.deepEqual(await heard, payload);
    sub.destroy();
  });

  await check('sharded pub/sub', async () => {
    const sub = await open();
    const heard = [];
    await sub.sSubscribe(k('shard'), (message, channel) => heard.push([channel, message]));
    assert.equal(await other.sPublish(k('shard'), 'one'), 1);
    assert.equal(await other.publish(k('shard'), 'not for shards'), 0);
    await until('it is heard', () => heard.length >= 1);
    assert.deepEqual(heard, [[k('shard'), 'one']]);
    assert.deepEqual(await other.pubSubShardChannels(k('*')), [k('shard')]);
    assert.deepEqual({ ...(await other.pubSubShardNumSub([k('shard')])) }, { [k('shard')]: 1 });
    await sub.sUnsubscribe(k('shard'));
    assert.equal(await other.sPublish(k('shard'), 'unheard'), 0);
    assert.equal(String(await sub.ping()), 'PONG');
    sub.destroy();
  });

  await check('binary keys and values', async () => {
    const key = Buffer.concat([Buffer.from(k('bin')), Buffer.from([0, 13, 10, 255])]);
    const value = Buffer.from([...Array(256).keys()]);
    const binary = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    await redis.set(key, value);
    assert.deepEqual(await binary.get(key), value);
    assert.deepEqual(await binary.keys(`${k('bin')}*`), [key]);
  });

  await check('error replies are those of Redis', async () => {
    await assert.rejects(redis.sendCommand(['NOSUCHCOMMAND', 'a']), {
      message: "ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'a' ",
    });
    await assert.rejects(redis.sendCommand(['get']), { message: "ERR wrong number of arguments for 'get' command" });
    await assert.rejects(redis.incr(k('text')), { message: 'ERR value is not an integer or out of range' });
    await assert.rejects(redis.sendCommand(['EXEC']), { message: 'ERR EXEC without MULTI' });
    assert.equal(await redis.ping(), 'PONG');
  });

  await check('comes back after CLIENT KILL of its own connection, subscriptions too', async () => {
    const phoenix = await open({ name: 'phoenix', socket: { reconnectStrategy: 20 } });
    assert.equal(await phoenix.clientGetName(), 'phoenix');
    const before = await phoenix.clientId();
    const back = new Promise((resolve) => { phoenix.once('ready', resolve); });
    assert.equal(await phoenix.sendCommand(['CLIENT', 'KILL', 'ID', String(before), 'SKIPME', 'no']), 1);
    await back;
    assert.notEqual(await phoenix.clientId(), before);
    assert.equal(await phoenix.clientGetName(), 'phoenix');

    const heard = [];
    const id = await phoenix.clientId();
    await phoenix.subscribe(k('again'), (message) => heard.push(message));
    const backAgain = new Promise((resolve) => { phoenix.once('ready', resolve); });
    assert.equal(await other.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]), 1);
    await backAgain;
    await until('it is subscribed again', async () => (await other.publish(k('again'), 'hello')) === 1);
    await until('it hears', () => heard.length === 1);
    phoenix.destroy();
  });

  await check('client info and list', async () => {
    const info = await redis.clientInfo();
    assert.equal(info.id, await redis.clientId());
    assert.ok((await redis.clientList()).some((client) => client.id === info.id));
  });

  if (hasLua) {
    await check('eval and evalSha', async () => {
      assert.equal(await redis.eval('return redis.call("set", KEYS[1], ARGV[1]) and 42', {
        keys: [k('lua')], arguments: ['v'],
      }), 42);
      const sha = await redis.scriptLoad('return redis.call("get", KEYS[1])');
      assert.equal(await redis.evalSha(sha, { keys: [k('lua')] }), 'v');
    });
  } else {
    await check('EVAL without Lua: an error that says so, and the connection lives on', async () => {
      await assert.rejects(redis.eval('return 1'), /ERR .*(lua|script)/i);
      assert.equal(await redis.ping(), 'PONG');
    });
  }

  await check('close', async () => {
    await other.close();
    await redis.close();
  });
}

finish();
