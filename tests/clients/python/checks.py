"""What the Python scripts share; the twin of node/lib/check.mjs. One line per check, `1..N` at the end."""

import os
import re
import signal
import sys
import threading
import time
import traceback

URL = os.environ["REDIS_URL"]
# The memory driver has no Lua; scripts then check for a clean error instead.
HAS_LUA = os.environ.get("HAS_LUA") != "0"
# Keys of a run start with this, so that a script also runs against a Redis that holds something else.
PREFIX = f"clients:{os.getpid()}:"

SCRIPT_LIMIT_S = 30
_results = []


def _report(good, name, detail=""):
    _results.append(good)
    print("ok" if good else "not ok", "-", name, flush=True)
    for line in detail.splitlines():
        print("  #", line, flush=True)


def check(name, seconds=8):
    """Runs the decorated function at once as one check; SIGALRM ends it when it hangs."""

    def run(body):
        def late(_signal, _frame):
            raise TimeoutError(f"nothing within {seconds} s")

        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            body()
            _report(True, name)
        except Exception:
            _report(False, name, traceback.format_exc())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    return run


def until(what, condition, seconds=5):
    """Waits until `condition` gives something true, and gives that."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"got {actual!r:.500}, expected {expected!r:.500}")


def raises(kind, pattern, call):
    """Asserts that `call` raises `kind` with a message in which `pattern` is found."""
    try:
        result = call()
    except kind as error:
        assert re.search(pattern, str(error), re.IGNORECASE), f"got the message {str(error)!r}, expected {pattern!r}"
        return
    raise AssertionError(f"no {kind.__name__}, but {result!r:.200}")


class Later:
    """Runs `call` in a thread; `result()` waits for what it gives or raises."""

    def __init__(self, call):
        self._outcome = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call):
        try:
            self._outcome = (call(), None)
        except Exception as error:
            self._outcome = (None, error)

    def result(self, seconds=6):
        self._thread.join(seconds)
        if self._outcome is None:
            raise TimeoutError(f"nothing within {seconds} s")
        value, error = self._outcome
        if error:
            raise error
        return value


def finish():
    print(f"1..{len(_results)}", flush=True)
    os._exit(0 if all(_results) else 1)  # not sys.exit: a thread that still blocks in Redis is no reason to wait


def _late_script():
    _report(False, f"the script ends within {SCRIPT_LIMIT_S} s")
    os._exit(1)


_watchdog = threading.Timer(SCRIPT_LIMIT_S, _late_script)
_watchdog.daemon = True
_watchdog.start()


def _uncaught(kind, error, trace):
    _report(False, "no uncaught exception", "".join(traceback.format_exception(kind, error, trace)))
    os._exit(1)


sys.excepthook = _uncaught
