"""Measures a server by `banter bench-serve` and prints a Markdown table: what, measured, wanted.

    python3 tests/bench/serve_targets.py RUN [--long-run RUN] [--build build/release] [--seconds 10]

RUN: a trained run. --long-run: one with batch.max_context_turns 64, for conversations of 50 turns.
Server and client share the machine. Takes some minutes; --idle-seconds 600 adds ten.
"""

import argparse
import json
import os
import re
import signal
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from itertools import cycle, islice

UNBOUNDED = ["--turns-per-minute", "1000000", "--owner-turns-per-minute", "1000000",
             "--sessions-per-owner", "100000", "--max-connections-per-address", "20000"]
REPLY = ["--set", "max_new_tokens=20", "--set", "min_new_tokens=20"]


class Server:
    """A server on a free port, and what is asked of it."""

    def __init__(self, command, is_secure=False):
        self.folder = tempfile.TemporaryDirectory()
        self.tls, self.trust = None, []
        if is_secure:
            key, certificate = (os.path.join(self.folder.name, name) for name in ("key", "cert"))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                            "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                            "-out", certificate], check=True, capture_output=True)
            command = [*command, "--tls-certificate", certificate, "--tls-key", key]
            self.tls = ssl.create_default_context(cafile=certificate)
            self.trust = ["--ca-file", certificate]
        self.begin = time.monotonic()
        archive = [] if "--echo" in command else [
            "--archive", os.path.join(self.folder.name, "a.sqlite"), "--metrics-port", "0"]
        self.process = subprocess.Popen([*command, "--port", "0", *archive],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        self.url = self.process.stdout.readline().strip()
        self.open_after = time.monotonic() - self.begin
        self.metrics = self.process.stdout.readline().split()[-1] if archive else None
        while archive and not self.is_ready():
            time.sleep(0.005)
        self.ready_after = time.monotonic() - self.begin

    def is_ready(self):
        try:
            ready = urllib.request.urlopen(self.url + "/readyz", context=self.tls)
            return ready.status == 200
        except OSError:
            return False

    def metric(self, name):
        text = urllib.request.urlopen(self.metrics).read().decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M).group(1))

    def commit_p99(self):
        """An upper bound in ms, of the archive's histogram."""
        text = urllib.request.urlopen(self.metrics).read().decode()
        buckets = re.findall(r'banter_archive_commit_seconds_bucket\{le="(.*?)"\} (\S+)', text)
        most = float(buckets[-1][1])
        return next(float(bound) * 1000 for bound, count in buckets if float(count) >= 0.99 * most)

    def bench(self, *arguments):
        told = subprocess.run([BANTER, "bench-serve", self.url.replace("http", "ws"), "--quiet",
                               "--json", "--pid", str(self.process.pid), *self.trust,
                               *arguments],
                              check=True, capture_output=True, text=True)
        return json.loads(told.stdout)

    def resident(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) / 1024

    def end(self, number=signal.SIGKILL):
        begin = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()
        return time.monotonic() - begin, code

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.end()


class Watch:
    """The largest of what a function gives while a block runs."""

    def __init__(self, function):
        self.function, self.most, self.is_over = function, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.is_over.wait(0.2):
            self.most = max(self.most, self.function())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.is_over.set()
        self.thread.join()


def row(number, what, measured, wanted):
    print(f"| {number} | {what} | {measured} | {wanted} |", flush=True)


def ms(report, name, share="p99"):
    return report["ms"][name][share]


def null_server(seconds, idle_seconds):
    with Server([NULL, "null", *UNBOUNDED, "--max-waiting", "1000"]) as server:
        report = server.bench("--idle", "10000", "--seconds", str(idle_seconds))
        used = report["server"]
        each = (used["resident_bytes"] - used["resident_bytes_before"]) / 10000 / 1024
        row("T1", f"10,000 idle connections, {idle_seconds} s",
            f"{report['idle']['lost']} lost, {each:.1f} KiB each, "
            f"{100 * used['cpu_seconds'] / idle_seconds:.1f} % of a core", "0, 32 KiB, 5 %")
    with Server([NULL, "null", *UNBOUNDED, "--max-waiting", "1000"]) as server:
        report = server.bench("--storm", "2000", "--seconds", "5")
        row("T3", "2,000 handshakes a second for 5 s",
            f"{sum(f['count'] for f in report['failures'])} failed, "
            f"p99 {ms(report, 'handshake'):.2f} ms", "0, 100 ms")
        report = server.bench("--users", "100", "--rate", "500", "--seconds", str(seconds))
        row("T5", "500 turns of 20 tokens a second", f"whole turn p99 {ms(report, 'turn'):.1f} ms "
            f"(a commit's p99 at most {server.commit_p99():.1f} ms), errors {report['errors']}",
            "3 ms and two commits")
    deaf_clients()
    with Server([NULL, "null", *UNBOUNDED, "--max-waiting", "1000"], is_secure=True) as server:
        report = server.bench("--storm", "200", "--seconds", "5")
        row("TLS", "200 handshakes a second for 5 s, encrypted",
            f"{sum(f['count'] for f in report['failures'])} failed, "
            f"p99 {ms(report, 'handshake'):.1f} ms; server {report['server']['cpu_seconds'] / 5:.2f}"
            " of a core", "")
        report = server.bench("--users", "100", "--rate", "500", "--seconds", str(seconds))
        row("TLS", "500 turns of 20 tokens a second, encrypted",
            f"whole turn p99 {ms(report, 'turn'):.1f} ms, errors {report['errors']}", "")
    with Server([NULL, "--echo"]) as server:
        report = server.bench("--echo", "--users", "64", "--seconds", str(seconds))
        row("T4", "echo of 128 bytes, 64 connections",
            f"{report['per_second']:,.0f} a second, p99 {ms(report, 'turn'):.1f} ms; "
            f"processor: server {report['server']['cpu_seconds']:.1f} s, "
            f"client {report['client']['cpu_seconds']:.1f} s", "50,000, 5 ms")


def deaf_clients():
    """Those who chat beside clients that do not read, and beside as many turns that are read."""
    closed, waiting, alone, beside = [], [], [], []
    for _ in range(5):
        with Server([NULL, "null", *UNBOUNDED, "--max-waiting", "1000"]) as server:
            alone.append(ms(server.bench("--users", "58", "--rate", "2200", "--seconds", "25"),
                            "turn"))
            with Watch(lambda: server.metric("banter_outbox_bytes")) as outbox:
                report = server.bench("--users", "8", "--rate", "200", "--seconds", "25", "--deaf",
                                      "50")
            beside.append(ms(report, "turn"))
            closed.append(report["deaf"]["closed"])
            waiting.append(outbox.most / 50 / 1024)
    ratios = sorted(b / a for a, b in zip(alone, beside))
    row("T14", "50 clients that stop reading, 25 s, five times",
        f"{min(closed)} to {max(closed)} closed; the others' turn p99 {ratios[2]:.2f} times what it "
        f"is where as many turns are read (median; {ratios[0]:.2f} to {ratios[-1]:.2f}), "
        f"{sorted(beside)[2]:.1f} ms; at most {max(waiting):.0f} KiB wait for each",
        "50, 1.2, 256 KiB")


def contexts_of(archive):
    """What `banter generate` reads for the replies of a conversation: the turns before each."""
    with sqlite3.connect(archive) as database:
        turns = [text for (text,) in database.execute("SELECT text FROM turn ORDER BY turn")]
    return [json.dumps({"turns": turns[:at]}) + "\n" for at in range(1, len(turns), 2)]


def generate_speed(run, contexts, threads):
    """Tokens a second of `banter generate --batch 1`, the start left out."""

    def seconds(count):
        begin = time.monotonic()
        subprocess.run([BANTER, "generate", run, "--method", "greedy", "--min-new-tokens", "20",
                        "--max-new-tokens", "20", "--batch", "1", "--quiet", *threads],
                       input="".join(islice(cycle(contexts), count)), check=True,
                       capture_output=True, text=True)
        return time.monotonic() - begin

    return 20 * 600 / (seconds(700) - seconds(100))


def one_user_speeds(run, seconds, threads):
    """One user's report, and his tokens a second over those of `generate` for the same replies."""
    with served(run, *threads) as server:
        report = server.bench("--users", "1", "--seconds", str(seconds), *REPLY)
        contexts = contexts_of(os.path.join(server.folder.name, "a.sqlite"))
    return report, report["tokens_per_second"] / generate_speed(run, contexts, threads)


def served(run, *arguments):
    return Server([BANTER, "serve", run, "--set", "decoding.method=greedy", *UNBOUNDED, *arguments])


def real_model(run, seconds, threads):
    speeds = [one_user_speeds(run, seconds, threads) for _ in range(3)]
    one, ratios = speeds[-1][0], [ratio for _, ratio in speeds]
    with served(run, *threads) as server:
        row("T11", "a start", f"port after {server.open_after:.2f} s, ready after "
            f"{server.ready_after:.2f} s", "0.7 s, 3 s")
        steps, rows = (server.metric(f"banter_model_{name}_total") for name in ("steps", "rows"))
        many = server.bench("--users", "16", "--seconds", str(seconds), *REPLY)
        steps, rows = (server.metric("banter_model_steps_total") - steps,
                       server.metric("banter_model_rows_total") - rows)
    row("T6", "one user", f"turn p50 {ms(one, 'turn', 'p50'):.0f} ms", "150 ms")
    row("T6", "16 users", f"first token p99 {ms(many, 'first_delta'):.0f} ms, "
        f"errors {many['errors']}", "400 ms, none")
    row("T7", "one user beside `banter generate --batch 1` of the same replies, three times",
        ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios)) + " of its tokens a second", "0.9")
    row("T7", "16 users", f"{many['tokens_per_second'] / one['tokens_per_second']:.1f} times the "
        f"tokens of one, {rows / steps:.1f} rows a step", "2, 6")
    overload(run, many, seconds, threads)
    drain(run, threads)


def overload(run, many, seconds, threads):
    with served(run, *threads, "--max-waiting", "64") as server:
        rate = 4 * many["per_second"]
        memory = server.resident()
        report = server.bench("--users", "1000", "--rate", f"{rate:.0f}", "--seconds", str(seconds),
                              *REPLY)
        row("T10", f"{rate:,.0f} turns a second, 4 times what 16 users get, 64 places",
            f"{report['turns']} done, whole p99 {ms(report, 'turn'):.0f} ms; "
            f"{report['ms']['refused']['count']} refused, p50 {ms(report, 'refused', 'p50'):.1f}, "
            f"p99 {ms(report, 'refused'):.1f} ms; {server.resident() - memory:.0f} MiB more memory",
            f"{2 * 400} ms, 50 ms, flat")


def drain(run, threads):
    with served(run, *threads) as server:
        long = ["--set", "max_new_tokens=200", "--set", "min_new_tokens=200"]
        reports = []
        load = threading.Thread(target=lambda: reports.append(
            server.bench("--users", "100", "--turns", "1", *long)))
        load.start()
        while server.metric("banter_batch_rows") < 32:
            pass
        seconds, code = server.end(signal.SIGTERM)
        load.join()
        row("T12", "SIGTERM with 100 running turns of 200 tokens",
            f"exit {code} after {seconds:.1f} s; ends {reports[0]['finishes']}",
            "0, 31 s, every one")


def long_conversations(run, threads):
    texts = [f"say {i} of {i * 7 % 50} words , please" for i in range(200)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file, served(run, *threads) as server:
        file.write("\n".join(texts))
        file.flush()
        first, late = [], []
        for seed in range(12):
            report = server.bench("--users", "1", "--turns", "32", "--texts", file.name, "--set",
                                  "strategy=sample", "--set", f"seed={seed}", "--set",
                                  "max_new_tokens=12", "--set", "min_new_tokens=12")
            first.append(report["turn_ms_at"]["1-2"]["p50"])
            late.append(report["turn_ms_at"]["25+"]["p50"])
        ratio = sorted(b / a for a, b in zip(first, late))
        row("T9", "a turn behind 48 to 62 turns beside one behind 0 to 2, 12 conversations",
            f"{ratio[len(ratio) // 2]:.2f} times its time (median; {ratio[2]:.2f} to "
            f"{ratio[-3]:.2f} without the outer four)", "1.2")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--long-run")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--idle-seconds", type=int, default=30)
    parser.add_argument("--threads", default="0")
    options = parser.parse_args()
    global BANTER, NULL
    BANTER = os.path.join(options.build, "banter")
    NULL = os.path.join(options.build, "tests/serve/net/serve_program")
    threads = ["--threads", options.threads]
    print("| | what | measured | wanted |\n|---|---|---|---|")
    null_server(options.seconds, options.idle_seconds)
    real_model(options.run, options.seconds, threads)
    if options.long_run:
        long_conversations(options.long_run, threads)


if __name__ == "__main__":
    main()
