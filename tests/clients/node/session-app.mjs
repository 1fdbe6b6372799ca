// A small application with a login, its sessions in Redis. A process of its own, so that the test can restart it.

import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';

const client = createClient({ url: process.env.REDIS_URL });
client.on('error', (error) => console.error(error));
await client.connect();

const app = express();
app.use(session({
  store: new RedisStore({ client, prefix: process.env.SESSION_PREFIX }),
  secret: 'only for tests',
  resave: false,
  saveUninitialized: false,
  cookie: { maxAge: 60_000 },
}));
app.use(express.json());
app.post('/login', (request, response) => {
  request.session.user = request.body.user;
  request.session.visits = 0;
  response.json({ user: request.session.user });
});
app.get('/me', (request, response) => {
  if (!request.session.user) return response.status(401).json({});
  return response.json({ user: request.session.user });
});
app.post('/visit', (request, response) => {
  request.session.visits += 1;
  response.json({ visits: request.session.visits });
});
app.post('/renew', (request, response, next) => {
  const { user } = request.session;
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = user;
    return response.json({ user });
  });
});
app.post('/logout', (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.json({})));
});

const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit(0));
