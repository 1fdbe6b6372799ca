"""redis-py, the whole set once over RESP2 and once over RESP3."""

import time

import redis
from redis.lock import Lock

import checks
from checks import HAS_LUA, PREFIX, URL, Later, equal, finish, raises, until


def run(protocol):
    def check(name, seconds=8):
        return checks.check(f"RESP{protocol}: {name}", seconds)

    def k(name):
        return f"{PREFIX}{protocol}:{name}"

    def connect(**options):
        return redis.Redis.from_url(URL, protocol=protocol, **{"decode_responses": True, **options})

    r = connect()
    other = connect()

    @check("connects")
    def _():
        equal(r.ping(), True)
        hello = r.execute_command("HELLO", protocol)
        proto = hello["proto"] if isinstance(hello, dict) else hello[hello.index("proto") + 1]
        equal(proto, protocol)

    @check("info")
    def _():
        info = r.info()
        assert info["redis_version"] and info["uptime_in_seconds"] >= 0, info
        equal(info["loading"], 0)
        assert "connected_clients" in r.info("clients")

    @check("strings, and bytes without decode_responses")
    def _():
        raw = connect(decode_responses=False)
        equal(r.set(k("s"), "čaj", ex=60, nx=True), True)
        equal(r.set(k("s"), "x", nx=True), None)
        equal(r.get(k("s")), "čaj")
        equal(raw.get(k("s")), "čaj".encode())
        equal(raw.get(k("nothing")), None)
        binary = bytes(range(256))
        raw.set(k("bin").encode() + b"\x00\r\n\xff", binary)
        equal(raw.get(k("bin").encode() + b"\x00\r\n\xff"), binary)
        equal(r.incrbyfloat(k("f"), 0.1), 0.1)
        equal(r.mget(k("s"), k("nothing")), ["čaj", None])
        raw.close()

    @check("the other types")
    def _():
        equal(r.hset(k("h"), mapping={"a": 1, "b": "two"}), 2)
        equal(r.hgetall(k("h")), {"a": "1", "b": "two"})
        equal(r.hgetall(k("nothing")), {})
        equal(r.rpush(k("l"), 1, 2, 3), 3)
        equal(r.lrange(k("l"), 0, -1), ["1", "2", "3"])
        equal(r.sadd(k("set"), "x", "y"), 2)
        equal(r.smembers(k("set")), {"x", "y"})
        equal(r.zadd(k("z"), {"a": 1.5, "b": float("inf")}), 2)
        equal([tuple(pair) for pair in r.zrange(k("z"), 0, -1, withscores=True)], [("a", 1.5), ("b", float("inf"))])
        equal(r.zscore(k("z"), "nobody"), None)
        equal(r.object("encoding", k("h")) in ("listpack", "ziplist"), True)

    @check("a pipeline without a transaction; an error in its place")
    def _():
        r.set(k("text"), "text")
        pipe = r.pipeline(transaction=False)
        pipe.set(k("p"), 1).incr(k("p")).lpush(k("text"), "x").get(k("p"))
        replies = pipe.execute(raise_on_error=False)
        equal([replies[0], replies[1], replies[3]], [True, 2, "2"])
        equal(str(replies[2]), "WRONGTYPE Operation against a key holding the wrong kind of value")

    @check("a pipeline with a transaction")
    def _():
        equal(r.pipeline().set(k("t"), 1).incr(k("t")).get(k("t")).execute(), [True, 2, "2"])
        raises(redis.ResponseError, "WRONGTYPE", lambda: r.pipeline().incr(k("t")).lpush(k("t"), 1).execute())
        equal(r.get(k("t")), "3")
        raises(
            redis.ResponseError,  # of the two errors, EXECABORT and its cause, redis-py raises the cause
            "wrong number of arguments for 'get' command",
            lambda: r.pipeline().set(k("t"), 9).execute_command("GET").execute(),
        )
        equal(r.get(k("t")), "3")

    @check("pipelines of 10,000 commands, with and without a transaction")
    def _():
        for transaction in (False, True):
            key = k(f"big-pipeline-{transaction}")
            pipe = r.pipeline(transaction=transaction)
            for _ in range(10_000):
                pipe.incr(key)
            equal(pipe.execute(), list(range(1, 10_001)))

    @check("watch: WatchError after another connection wrote")
    def _():
        r.set(k("w"), 1)
        with r.pipeline() as pipe:
            pipe.watch(k("w"))
            equal(pipe.get(k("w")), "1")
            other.set(k("w"), 2)
            pipe.multi()
            pipe.set(k("w"), "mine")
            raises(redis.WatchError, "changed", pipe.execute)
        equal(r.get(k("w")), "2")

    @check("transaction(): eight threads count up with watch and lose nothing")
    def _():
        def add(pipe):
            value = int(pipe.get(k("sum")) or 0)
            pipe.multi()
            pipe.set(k("sum"), value + 1)

        def work():
            for _ in range(10):
                r.transaction(add, k("sum"))

        for thread in [Later(work) for _ in range(8)]:
            thread.result()
        equal(r.get(k("sum")), "80")

    @check("blpop, brpop, bzpopmin, blmove, served by another connection")
    def _():
        waiting = Later(lambda: r.blpop([k("q1"), k("q2")], timeout=5))
        other.rpush(k("q2"), "job1", "job2")
        equal(tuple(waiting.result()), (k("q2"), "job1"))
        equal(tuple(r.brpop(k("q2"), timeout=5)), (k("q2"), "job2"))
        waiting = Later(lambda: r.bzpopmin([k("bz1"), k("bz2")], timeout=5))
        other.zadd(k("bz2"), {"two": 2, "one": 1})
        equal(tuple(waiting.result()), (k("bz2"), "one", 1.0))
        waiting = Later(lambda: r.blmove(k("from"), k("to"), 5, "LEFT", "RIGHT"))
        other.rpush(k("from"), "job")
        equal(waiting.result(), "job")
        equal(r.lrange(k("to"), 0, -1), ["job"])

    @check("a blocking pop ends with None after its time")
    def _():
        since = time.monotonic()
        equal(r.blpop(k("empty"), timeout=0.2), None)
        assert time.monotonic() - since >= 0.19

    @check("pub/sub: channels, patterns, unsubscribe")
    def _():
        def heard(sub):
            message = until("a message", lambda: sub.get_message(timeout=1))
            return message["type"], message["pattern"], message["channel"], message["data"]

        with r.pubsub() as sub:
            sub.subscribe(k("news"))
            sub.psubscribe(k("n?ws*"))
            equal(heard(sub), ("subscribe", None, k("news"), 1))
            equal(heard(sub), ("psubscribe", None, k("n?ws*"), 2))
            equal(other.publish(k("news"), "one"), 2)
            equal(heard(sub), ("message", None, k("news"), "one"))
            equal(heard(sub), ("pmessage", k("n?ws*"), k("news"), "one"))
            equal(other.publish(k("newspaper"), "two"), 1)
            equal(heard(sub), ("pmessage", k("n?ws*"), k("newspaper"), "two"))
            equal(other.pubsub_channels(k("*")), [k("news")])
            counts = [tuple(pair) for pair in other.pubsub_numsub(k("news"), k("nobody"))]
            equal(counts, [(k("news"), 1), (k("nobody"), 0)])
            if protocol == 2:  # in RESP3 a subscriber's PING has a plain reply, which this client does not expect here
                sub.ping("hello")
                equal(heard(sub)[0::3], ("pong", "hello"))
            sub.unsubscribe()
            equal(heard(sub), ("unsubscribe", None, k("news"), 1))
            sub.punsubscribe()
            equal(heard(sub), ("punsubscribe", None, k("n?ws*"), 0))
            equal(other.publish(k("news"), "unheard"), 0)

    @check("pub/sub: a thread that listens; sharded channels")
    def _():
        heard = []
        with r.pubsub(ignore_subscribe_messages=True) as sub:
            sub.subscribe(**{k("thread"): lambda message: heard.append(message["data"])})
            listener = sub.run_in_thread(sleep_time=0.05, daemon=True)
            until("it is subscribed", lambda: other.publish(k("thread"), "hello") == 1)
            until("it hears", lambda: heard == ["hello"])
            listener.stop()
            listener.join(3)
        with r.pubsub() as sub:
            sub.ssubscribe(k("shard"))
            equal(until("a message", lambda: sub.get_message(timeout=1))["type"], "ssubscribe")
            equal(other.spublish(k("shard"), "part"), 1)
            equal(until("a message", lambda: sub.get_message(timeout=1))["data"], "part")

    @check("fifty threads over one connection pool")
    def _():
        pool = redis.BlockingConnectionPool.from_url(URL, protocol=protocol, max_connections=20, timeout=5)
        shared = redis.Redis(connection_pool=pool)

        def work(n):
            for i in range(20):
                shared.set(k(f"thread:{n}"), f"{n}-{i}")
                equal(shared.get(k(f"thread:{n}")), f"{n}-{i}".encode())
                shared.incr(k("threads"))

        for thread in [Later(lambda n=n: work(n)) for n in range(50)]:
            thread.result()
        equal(shared.get(k("threads")), b"1000")
        pool.disconnect()

    @check("scan_iter, hscan_iter, sscan_iter, zscan_iter")
    def _():
        names = {k(f"scan:{n}") for n in range(400)}
        r.mset({name: 1 for name in names})
        equal(set(r.scan_iter(match=k("scan:*"), count=50)), names)
        equal(list(r.scan_iter(match=k("scan:*"), count=500, _type="list")), [])
        members = [str(n) for n in range(600)]
        r.sadd(k("members"), *members)
        r.hset(k("fields"), mapping={m: m for m in members})
        r.zadd(k("scores"), {m: int(m) for m in members})
        equal(set(r.sscan_iter(k("members"))), set(members))
        equal(dict(r.hscan_iter(k("fields"))), {m: m for m in members})
        equal(dict(r.zscan_iter(k("scores"))), {m: float(m) for m in members})
        equal({f for f, _ in r.hscan_iter(k("fields"), match="59?")}, {str(n) for n in range(590, 600)})

    @check("client_setname, client_getname, client_id, client_list")
    def _():
        with connect(single_connection_client=True) as named:
            equal(named.client_setname("worker-7"), True)
            equal(named.client_getname(), "worker-7")
            me = [c for c in other.client_list() if c["name"] == "worker-7"]
            equal([int(c["id"]) for c in me], [named.client_id()])
        with connect(client_name="named-at-start") as named:
            equal(named.client_getname(), "named-at-start")

    @check("client_kill_filter on itself: the next command connects again")
    def _():
        with connect(single_connection_client=True, retry_on_timeout=True) as phoenix:
            before = phoenix.client_id()
            equal(phoenix.client_kill_filter(_id=before, skipme=False), 1)
            until("the old connection is gone", lambda: str(before) not in {c["id"] for c in other.client_list()})
            try:
                phoenix.ping()
            except redis.ConnectionError:
                pass  # redis-py may notice the closed connection only with this command
            assert phoenix.client_id() != before

    @check("a value of 5 MB, plain, in a pipeline and in a hash")
    def _():
        raw = connect(decode_responses=False)
        big = bytes(range(256)) * (5 * 4096)
        equal(len(big), 5 * 1024 * 1024)
        equal(raw.set(k("big"), big), True)
        assert raw.get(k("big")) == big
        equal(raw.strlen(k("big")), len(big))
        equal(raw.getrange(k("big"), len(big) - 3, -1), big[-3:])
        replies = raw.pipeline(transaction=False).get(k("big")).set(k("small"), 1).get(k("big")).execute()
        assert replies[0] == big and replies[1] is True and replies[2] == big
        raw.hset(k("big-hash"), "field", big)
        assert raw.hget(k("big-hash"), "field") == big
        raw.delete(k("big"), k("big-hash"))
        raw.close()

    @check("error replies are those of Redis")
    def _():
        raises(redis.ResponseError, "unknown command 'NOSUCHCOMMAND', with args beginning with: 'a'",
               lambda: r.execute_command("NOSUCHCOMMAND", "a"))
        raises(redis.ResponseError, "wrong number of arguments for 'get' command", lambda: r.execute_command("GET"))
        raises(redis.ResponseError, "value is not an integer or out of range", lambda: r.incr(k("text")))
        raises(redis.ResponseError, "EXEC without MULTI", lambda: r.execute_command("EXEC"))
        equal(r.ping(), True)

    @check("select: another database holds other keys")
    def _():
        second = redis.Redis.from_url(URL.rsplit("/", 1)[0] + "/1", protocol=protocol, decode_responses=True)
        r.set(k("db"), "zero")
        equal(second.get(k("db")), None)
        second.set(k("db"), "one")
        equal(r.get(k("db")), "zero")
        second.delete(k("db"))
        second.close()

    if HAS_LUA:

        @check("locks (with Lua): one holder, extended, released, ended by its time")
        def _():
            one = Lock(r, k("lock"), timeout=10)
            two = Lock(other, k("lock"), timeout=10, blocking=False)
            equal(one.acquire(), True)
            equal(two.acquire(), False)
            equal(one.extend(20), True)
            assert r.pttl(k("lock")) > 20_000
            waiting = Later(lambda: Lock(other, k("lock"), timeout=0.3, sleep=0.02).acquire(blocking_timeout=5))
            one.release()
            equal(waiting.result(), True)
            raises(redis.exceptions.LockError, "already unlocked", one.release)
            until("it ends by its time", lambda: two.acquire())
            two.release()

        @check("register_script, and after SCRIPT FLUSH")
        def _():
            script = r.register_script("return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}")
            equal(script(keys=[k("script")], args=["x"]), [k("script"), "x", 1])
            r.script_flush()
            equal(script(keys=[k("script")], args=["x"]), [k("script"), "x", 2])
            pipe = r.pipeline()
            script(keys=[k("script")], args=["y"], client=pipe)
            equal(pipe.execute(), [[k("script"), "y", 3]])

    else:

        @check("without Lua, locks: acquired, and releasing is an error that says why")
        def _():
            lock = Lock(r, k("lock"), timeout=10)
            equal(lock.acquire(), True)
            raises(redis.ResponseError, "lua|script", lock.release)
            equal(r.ping(), True)

    @check("twenty threads: no reply goes to another thread", seconds=12)
    def _():
        def work(n):
            mine = connect()
            for i in range(50):
                equal(mine.echo(f"{n}-{i}"), f"{n}-{i}")
                pipe = mine.pipeline(transaction=i % 2 == 0)
                pipe.set(k(f"own:{n}"), i).get(k(f"own:{n}")).echo(f"p{n}-{i}")
                equal(pipe.execute(), [True, str(i), f"p{n}-{i}"])
            mine.close()

        for thread in [Later(lambda n=n: work(n)) for n in range(20)]:
            thread.result(10)

    r.close()
    other.close()


for protocol in (2, 3):
    run(protocol)
finish()
