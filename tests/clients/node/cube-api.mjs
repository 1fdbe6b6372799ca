// One Cube API instance: a process with its own pool and queues, led by the test over IPC.
// It asks, executes (a query that says `hold` waits for the test's word), cancels, and reports what happens.

import orchestrator from '@cubejs-backend/query-orchestrator';

const { ContinueWaitError, QueryQueue, RedisPool } = orchestrator;

const say = (event, what) => process.send({ event, ...what });
const held = new Map(); // query name -> resolve and reject of its handler's promise
const queues = new Map();

const pool = new RedisPool();
const getClient = pool.getClient.bind(pool);
// The test must know when an asker really waits, which Cube does not tell: listen for its BRPOP.
pool.getClient = async () => {
  const client = await getClient();
  if (!client.listenedTo) {
    client.listenedTo = true;
    const brpop = client.brpopAsync.bind(client);
    client.brpopAsync = (args) => {
      say('blocking', { key: args[0] });
      return brpop(args);
    };
  }
  return client;
};

function openQueue({ name, ...options }) {
  queues.set(name, new QueryQueue(name, {
    cacheAndQueueDriver: 'redis',
    redisPool: pool,
    continueWaitTimeout: 4,
    logger: (message, { queryKey, error }) => say('log', { message, query: queryKey, error }),
    queryHandlers: {
      query: async (query, setCancelHandle) => {
        await setCancelHandle(`handle of ${query.name}`);
        say('start', { query: query.name });
        if (query.hold) await new Promise((resolve, reject) => held.set(query.name, { resolve, reject }));
        if (query.error) throw new Error(query.error);
        return query.answer;
      },
    },
    cancelHandlers: {
      query: async (def) => say('cancel', { query: def.query.name, handle: def.cancelHandler }),
    },
    ...options,
  }));
}

/** Asks as Cube's HTTP clients do: a "continue wait" is followed by the same question again. */
async function ask({ queue, query, priority, once }) {
  for (;;) {
    try {
      return await queues.get(queue).executeInQueue('query', query.name, query, priority);
    } catch (error) {
      if (once || !(error instanceof ContinueWaitError)) throw error;
    }
  }
}

const commands = {
  open: openQueue,
  ask,
  finish: ({ query }) => held.get(query).resolve(),
  cancel: ({ queue, query }) => queues.get(queue).cancelQuery(query, null),
  reconcile: ({ queue }) => queues.get(queue).reconcileQueue(),
  queries: ({ queue }) => queues.get(queue).getQueries(),
  stage: ({ queue, query }) => queues.get(queue).getQueryStage(query),
  state: ({ queue }) => queues.get(queue).fetchQueryStageState(),
};

process.on('message', async ({ id, command, args }) => {
  try {
    const result = await commands[command](args);
    process.send({ id, result });
  } catch (error) {
    process.send({ id, error: { name: error.constructor.name, message: error.message } });
  }
});
process.on('disconnect', () => process.exit(0));
say('ready');
