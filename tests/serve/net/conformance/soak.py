"""Mixed traffic with faults against one server for some seconds, and what has to hold of the server
while it lasts and after it.

Those who chat (soak_users.py) are asyncio tasks; HTTP (soak_http.py) and faults (soak_faults.py)
are threads with bare sockets. All choices are drawn from one seed, which is printed;
BANTER_SOAK_SEED sets it. BANTER_SOAK_SECONDS is the length: 10 when it is not set, 600 with
BANTER_LONG=1."""

import asyncio
import collections
import concurrent.futures
import contextlib
import functools
import itertools
import json
import os
import random
import signal
import sqlite3
import statistics
import threading
import time

from program import WAIT
from raw import Peer
from soak_faults import FAULTS
from soak_http import talk_over_http
from soak_users import Canary, Talker, talk_parlai

SECONDS = float(os.environ.get("BANTER_SOAK_SECONDS") or
                (600 if os.environ.get("BANTER_LONG") == "1" else 10))
SEED = os.environ.get("BANTER_SOAK_SEED") or str(random.SystemRandom().randrange(10**9))

# Options of the server: no good user meets a limit, and what waits for a deadline does not wait
# long. Those who guess tokens come from behind a proxy. A turn that is never given back would hold up the end for `drain`, longer than a test waits.
LIMITS = ("--turns-per-minute", "1000000", "--owner-turns-per-minute", "1000000",
          "--sessions-per-owner", "100000", "--max-waiting", "1000", "--proxy", "127.0.0.1",
          "--header-timeout", "5000", "--body-timeout", "5000", "--slow-reader", "2000",
          "--closing", "5000", "--session-rest", "5000", "--drain", "3600000",
          "--metrics-port", "0")

TALKERS, HTTP_USERS, PARLAI_USERS, FAULTY = 6, 3, 1, 6
SAMPLE = 2  # seconds between two looks at the server's memory
WARM = 300  # seconds until memory has to be steady
LEAST = 600  # seconds of a run in which that is looked at
MOST_KB = 1024  # that memory may grow in ten minutes
LISTENERS = 2  # sockets of a server that nobody is connected to
MORE_FILES = 6  # descriptors of the archive's readers, which it opens when it needs them

# What the server counts itself, by one label each.
COUNTED = {"banter_turns_total": "server: turns", "banter_closes_total": "server: closes",
           "banter_handshakes_rejected_total": "server: rejected"}

IDLE = ("banter_queue_depth", "banter_batch_rows", "banter_outbox_bytes")


def status_kb(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise AssertionError(f"process {pid} has no {field}: it has ended")


def descriptors(pid):
    """How many sockets are open, and how many others."""
    kinds = collections.Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds[os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")] += 1
        except FileNotFoundError:
            pass  # closed meanwhile
    return kinds[True], kinds[False]


def growth_kb(samples):
    """Of (seconds, kB): the growth in ten minutes. It is the median of the slopes between any two
    samples: one step up, a new peak of what was needed at once, is no growth; many are."""
    pairs = itertools.combinations(samples, 2)
    return 600 * statistics.median((after - before) / (end - begin)
                                   for (begin, before), (end, after) in pairs)


class Log:
    """Reads the server's standard error all the time: a full pipe would stop the server. Its log
    has a JSON object a line; whatever else is there, a sanitizer's report say, is kept."""

    BAD = ("model_failed", "handler_failed", "session_failed", "archive", "accept_failed")

    def __init__(self, process):
        self.process = process
        self.events = collections.Counter()
        self.others = []
        self.thread = threading.Thread(target=self._read, daemon=True)

    def _read(self):
        for line in self.process.stderr:
            try:
                event = json.loads(line)["event"]
            except (ValueError, TypeError, KeyError):
                event = None
            if event is None or event in self.BAD:
                self.others.append(line.rstrip("\n"))
            self.events[event] += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.thread.join()
        for line in self.others[:200]:
            print("server:", line, flush=True)


class Soak:
    """The traffic against one server. What users need to know of it is here too: `port`, `address`,
    `model`, `texts` (what to say), `reply_to` (what is said to it, where that is known)."""

    def __init__(self, server, model, texts, reply_to=None):
        self.process, self.port, self.address = server.process, server.port, server.address
        self.metrics_port = int(server.next_line().rsplit(":", 1)[1].split("/")[0])
        self.model, self.texts = model, texts
        self.reply_to = reply_to or (lambda text, tokens=None: None)
        self.counts = collections.Counter()
        self.left = []  # sessions that somebody may come back to
        self.samples, self.heap = [], []  # (seconds, kB): resident, asked of malloc
        self.reloads = 0

    # what users ask

    def draws(self, *name):
        return random.Random(" ".join(map(str, (SEED, *name))))

    @property
    def is_over(self):
        return time.monotonic() >= self.end

    def ask(self, method, target, *fields, body=b"", port=None):
        """One request on a connection of its own: status, fields, body."""
        with Peer(port or self.port) as peer:
            return peer.request(method, target, *fields, body=body).answer()

    def post(self, target, value):
        body = json.dumps(value).encode()
        return self.ask("POST", target, "Content-Type: application/json",
                        f"Content-Length: {len(body)}", body=body)

    def metrics(self):
        status, _, body = self.ask("GET", "/metrics", port=self.metrics_port)
        assert status == 200, status
        lines = (line.rsplit(" ", 1) for line in body.decode().split("\n")
                 if line and not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    # the traffic

    def run(self):
        """All of it; raises what anybody found wrong."""
        print(f"soak: {SECONDS:g} s, BANTER_SOAK_SEED={SEED}", flush=True)
        try:
            asyncio.run(self._run())
        except BaseException as error:
            error.add_note(f"the server's exit code was {self.process.poll()}")
            raise

    async def _run(self):
        loop = asyncio.get_running_loop()
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(64))
        await self._warm_up()
        self.before = descriptors(self.process.pid)
        self.begin = time.monotonic()
        self.end = self.begin + SECONDS
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Canary(self).talk())
            tasks.create_task(self._watch())
            tasks.create_task(self._reload())
            for i in range(TALKERS):
                tasks.create_task(self._repeat("lives", i, Talker(self, i).live, 0.1))
            for i in range(PARLAI_USERS):
                draws = self.draws("parlai", i)
                talk = functools.partial(talk_parlai, self, draws)
                tasks.create_task(self._repeat("ParlAI talks", i, talk, 0.5))
            for i in range(HTTP_USERS):
                tasks.create_task(self._threads("http", i, {"http": talk_over_http}, 0.1))
            for i in range(FAULTY):
                tasks.create_task(self._threads("fault", i, FAULTS, 0.2))
        await self._settle()

    async def _warm_up(self):
        """One of everything that leaves something open for good, before descriptors are counted."""
        self.end = time.monotonic()
        await Talker(self, "first").live()
        await asyncio.to_thread(talk_over_http, self, self.draws("first"))
        await self._settle_connections()

    async def _repeat(self, name, number, act, pause):
        draws = self.draws(name, number)
        while not self.is_over:
            await act()
            self.counts[name] += 1
            await asyncio.sleep(draws.uniform(0, pause))

    async def _threads(self, name, number, acts, pause):
        """One of `acts` after another, each in a thread."""
        draws = self.draws(name, number)
        while not self.is_over:
            kind = draws.choice(sorted(acts))
            own = random.Random(draws.random())
            try:
                await asyncio.to_thread(acts[kind], self, own)
            except Exception as error:
                error.add_note(f"in {name} {kind}")
                raise
            self.counts[f"{name} {kind}" if kind != name else name] += 1
            await asyncio.sleep(draws.uniform(0, pause))

    async def _watch(self):
        """Memory, and that the server is there."""
        while not self.is_over:
            assert self.process.poll() is None, f"the server has ended: {self.process.poll()}"
            rss = status_kb(self.process.pid)
            at = time.monotonic() - self.begin
            self.samples.append((at, rss))
            metrics = await asyncio.to_thread(self.metrics)
            self.heap.append((at, metrics["process_heap_bytes"] / 1024))
            await asyncio.sleep(SAMPLE)

    async def _reload(self):
        draws = self.draws("reload")
        while not self.is_over:
            await asyncio.sleep(min(draws.uniform(2, 8), max(0, self.end - time.monotonic())))
            self.process.send_signal(signal.SIGHUP)
            self.reloads += 1

    # the end

    async def _settle(self):
        """Everybody has left: nothing runs, waits or is open any more."""
        await self._settle_connections()
        self.after = descriptors(self.process.pid)
        assert self.after[1] <= self.before[1] + MORE_FILES, (self.before, self.after)
        self.samples.append((time.monotonic() - self.begin, status_kb(self.process.pid)))
        metrics = await asyncio.to_thread(self.metrics)
        assert metrics['banter_reload_total{result="failed"}'] == 0, metrics
        assert metrics["banter_archive_errors_total"] == 0, metrics
        assert metrics["banter_model_failures_total"] == 0, metrics
        assert metrics['banter_turns_total{finish="error"}'] == 0, metrics
        assert metrics['banter_turns_total{finish="timeout"}'] == 0, metrics
        for name, value in metrics.items():
            for family, words in COUNTED.items():
                if name.startswith(family + "{"):
                    self.counts[f"{words} {name.split(chr(34))[1]}"] = int(value)

    async def _settle_connections(self):
        def is_idle():
            last.update(self.metrics())  # over a connection of its own
            return last["banter_connections"] == 1 and not any(last[name] for name in IDLE)

        last = {}
        await self._until(is_idle, lambda: {
            name: last.get(name) for name in ("banter_connections", *IDLE)})
        await self._until(lambda: descriptors(self.process.pid)[0] == LISTENERS,
                          lambda: f"sockets and other descriptors {descriptors(self.process.pid)}")

    async def _until(self, condition, what):
        deadline = time.monotonic() + WAIT
        while not await asyncio.to_thread(condition):
            assert time.monotonic() < deadline, f"it does not settle: {what()}"
            await asyncio.sleep(0.05)

    # the result

    def memory_growth(self):
        """kB in ten minutes; None when the run was too short to tell."""
        return self._growth(self.samples)

    def heap_growth(self):
        """The same of what was asked of malloc and not freed, which it may keep for others."""
        return self._growth(self.heap)

    def _growth(self, samples):
        late = [sample for sample in samples if WARM <= sample[0] <= SECONDS]
        return growth_kb(late) if SECONDS >= LEAST else None

    def summary(self):
        grown = self.memory_growth()
        rss = [kb for _, kb in self.samples]
        warm = [kb for at, kb in self.samples if at >= min(WARM, SECONDS / 4)]
        parts = [f"{count} {name}" for name, count in sorted(self.counts.items())]
        parts.append(f"{self.reloads} reloads")
        for name, samples in (("memory", self.samples), ("heap", self.heap)):
            minutes = [round(kb) for _, kb in samples[::60 // SAMPLE]]
            parts.append(f"{name} by the minute {minutes} kB")
        parts.append(f"{rss[0]} kB first, {warm[0]} warm, {max(rss)} most, {rss[-1]} last"
                     + ("" if grown is None else f", {grown:+.0f} in ten minutes, "
                        f"of the heap {self.heap_growth():+.0f}"))
        parts.append(f"descriptors (sockets, others) {self.before} before, {self.after} after")
        return "soak: " + ", ".join(parts)


def check_end(test, server, soak, log, archive):
    """Ends the server after a soak, and says how it went."""
    code = server.stop()
    log.thread.join()
    print(soak.summary(), flush=True)
    test.assertEqual(log.others, [], "lines that do not belong in the log")
    test.assertEqual(code, 0)
    with contextlib.closing(sqlite3.connect(archive)) as database:
        test.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        owed = "SELECT count(*) FROM turn WHERE role = 'reply' AND finish = ''"
        test.assertEqual(database.execute(owed).fetchone(), (0,), "replies that are owed")
    grown = soak.memory_growth()
    if grown is not None and not os.environ.get("BANTER_SANITIZE"):  # they keep what was freed
        test.assertLessEqual(soak.heap_growth(), MOST_KB, soak.heap)
        test.assertLessEqual(grown, MOST_KB, soak.samples)
