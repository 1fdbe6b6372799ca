// Two socket.io servers that know of each other only through Redis, with clients on both. Once with node-redis (binary
// payloads over pSubscribe in buffer mode), once with ioredis (psubscribe, PUBSUB through send_command).

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import Redis from 'ioredis';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';
import { assert, check as namedCheck, finish, prefix, until, url } from './lib/check.mjs';

const nodeRedis = async () => {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  return client;
};
const ioredis = async () => new Redis(url);

const plain = (pub, sub, key) => createAdapter(pub, sub, { key, requestsTimeout: 2000 });
const variants = [
  { name: 'node-redis', open: nodeRedis, adapter: plain },
  { name: 'ioredis', open: ioredis, adapter: plain },
  {
    name: 'sharded, node-redis',
    open: nodeRedis,
    adapter: (pub, sub, key) => createShardedAdapter(pub, sub, { channelPrefix: key }),
  },
];

for (const { name: variant, open, adapter } of variants) {
  const check = (name, body) => namedCheck(`${variant}: ${name}`, body);
  const key = `${prefix}${variant}`;

  const startServer = async (name) => {
    const http = createServer();
    const server = new Server(http, { adapter: adapter(await open(), await open(), key) });
    server.on('connection', (socket) => {
      socket.data.server = name;
      socket.on('join', (room, done) => { socket.join(room); done(); });
      socket.on('tell', (room, ...what) => server.to(room).emit('told', ...what));
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return { server, port: http.address().port };
  };

  const startClient = async ({ port }) => {
    const socket = connect(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
    const heard = [];
    socket.onAny((...event) => heard.push(event));
    await once(socket, 'connect');
    return { socket, heard };
  };

  let servers;
  let clients; // two on each server: 0 and 1 on the first, 2 and 3 on the second

  await check('two servers, two clients on each; the servers find each other', async () => {
    servers = await Promise.all(['one', 'two'].map(startServer));
    clients = await Promise.all([0, 0, 1, 1].map((n) => startClient(servers[n])));
    // PUBSUB NUMSUB must count both servers, however few connections carry their subscriptions.
    await until('each counts two', async () => (
      (await Promise.all(servers.map(({ server }) => server.of('/').adapter.serverCount()))).every((n) => n === 2)
    ));
  });

  await check('a broadcast from either server reaches the clients of both, once and in order', async () => {
    for (let n = 0; n < 50; n += 1) servers[n % 2].server.emit(`from ${n % 2}`, n);
    await until('all hear all', () => clients.every(({ heard }) => heard.length === 50));
    for (const { heard } of clients) {
      for (const server of [0, 1]) {
        assert.deepEqual(
          heard.filter(([event]) => event === `from ${server}`).map(([, n]) => n),
          [...Array(25).keys()].map((n) => 2 * n + server),
        );
      }
      heard.length = 0;
    }
  });

  await check('a room spans both servers, and only it hears; binary payloads too', async () => {
    const payload = Buffer.from([0, 255, 13, 10]);
    await clients[0].socket.emitWithAck('join', 'r');
    await clients[2].socket.emitWithAck('join', 'r');
    // The sharded adapter subscribes to a room's channel when the first one joins: tell until both hear.
    await until('the room hears', () => {
      clients[3].socket.emit('tell', 'r', 'text', payload);
      return clients[0].heard.length && clients[2].heard.length;
    });
    for (const n of [0, 2]) assert.deepEqual(clients[n].heard[0], ['told', 'text', payload]);
    servers[1].server.emit('last');
    await until('all hear the last one', () => clients.every(({ heard }) => heard.some(([event]) => event === 'last')));
    for (const n of [1, 3]) assert.deepEqual(clients[n].heard, [['last']]);
  });

  await check('fetchSockets sees the sockets of both servers', async () => {
    for (const { server } of servers) {
      const sockets = await server.fetchSockets();
      assert.deepEqual(sockets.map((s) => s.id).sort(), clients.map(({ socket }) => socket.id).sort());
      assert.deepEqual(sockets.map((s) => s.data.server).sort(), ['one', 'one', 'two', 'two']);
      assert.equal((await server.in('r').fetchSockets()).length, 2);
    }
  });

  await check('sockets are made to join from the other server', async () => {
    servers[0].server.in(clients[3].socket.id).socketsJoin('moved');
    await until('it has joined', async () => (await servers[1].server.in('moved').fetchSockets()).length === 1);
    servers[0].server.to('moved').emit('only you');
    await until('it hears', () => clients[3].heard.some(([event]) => event === 'only you'));
  });

  await check('serverSideEmit reaches the other server, and its answer comes back', async () => {
    servers[1].server.on('question', (text, answer) => answer(`two heard ${text}`));
    servers[0].server.on('question', (text, answer) => answer(`one heard ${text}`));
    assert.deepEqual(await servers[0].server.serverSideEmitWithAck('question', 'this'), ['two heard this']);
    assert.deepEqual(await servers[1].server.serverSideEmitWithAck('question', 'that'), ['one heard that']);
  });

  await check('a broadcast with acknowledgements gathers those of both servers', async () => {
    clients.forEach(({ socket }, n) => socket.on('number', (done) => done(n)));
    const numbers = await servers[0].server.timeout(3000).emitWithAck('number');
    assert.deepEqual(numbers.sort(), [0, 1, 2, 3]);
  });

  for (const { socket } of clients) socket.disconnect();
  for (const { server } of servers) server.close();
}

finish();
