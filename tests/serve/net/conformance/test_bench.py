"""`banter bench-serve` against the server without tensors."""

import tempfile
import unittest

from program import ChatServer, Echo
from remote import UNBOUNDED, ServedTest, client, url_of


class BenchTest(ServedTest):
    def check_times(self, report):
        for times in report["ms"].values():
            shares = [times[name] for name in ("p50", "p90", "p99", "max")]
            self.assertEqual(shares, sorted(shares))
            self.assertEqual(times["count"] == 0, shares[-1] == 0)

    def counts(self, report):
        return {name: times["count"] for name, times in report["ms"].items()}

    def test_users_one_turn_behind_the_other(self):
        report = self.bench("--users", "3", "--turns", "5", "--text", "hello", "--text", "yes",
                            "--set", "max_new_tokens=4", "--pid", str(self.server.process.pid))
        self.assertEqual(report["turns"], 15)
        self.assertEqual(report["tokens"], 60)
        self.assertEqual(self.counts(report), {"handshake": 3, "ready": 3, "accepted": 15,
                                               "first_delta": 15, "turn": 15, "refused": 0})
        self.assertEqual({depth: times["count"] for depth, times in report["turn_ms_at"].items()},
                         {"1-2": 6, "3-10": 9, "11-24": 0, "25+": 0})
        self.assertEqual((report["finishes"], report["errors"], report["failures"]),
                         ({"length": 15}, {}, []))
        self.assertEqual(report["closes"], {"1000": 3})
        self.assertAlmostEqual(report["per_second"] * report["seconds"], 15)
        self.assertAlmostEqual(report["tokens_per_second"] * report["seconds"], 60)
        self.assertGreater(report["server"]["resident_bytes"], 0)
        self.check_times(report)

    def test_a_time_ends_it(self):
        report = self.bench("--users", "2", "--seconds", "0.2")
        self.assertEqual(report["turns"], report["ms"]["turn"]["count"])
        self.assertEqual(report["finishes"].get("stop", 0), report["turns"])
        self.assertEqual(report["closes"], {"1000": 2})

    def test_a_rate(self):
        report = self.bench("--users", "5", "--rate", "100", "--seconds", "0.5")
        self.assertEqual(report["turns"] + report["unstarted"], 50)
        self.assertEqual(report["ms"]["turn"]["count"], report["turns"])
        self.check_times(report)
        report = self.bench("--users", "2", "--rate", "100", "--turns", "5")
        self.assertEqual((report["turns"], report["unstarted"]), (10, 0))

    def test_refusals_are_counted(self):
        report = self.bench("--turns", "2", "--text", "w" * 60_000)
        self.assertEqual((report["turns"], report["errors"]), (0, {"too_long": 2}))
        self.assertEqual(self.counts(report)["accepted"], 0)
        self.assertEqual(self.counts(report)["refused"], 2)
        self.check_times(report)

    def test_who_never_reads_is_closed_and_the_others_are_served(self):
        other = self.enterContext(tempfile.TemporaryDirectory())
        with ChatServer(other, *UNBOUNDED, "--slow-reader", "100", "--send-buffer-bytes",
                        "4096") as server:
            server.wait_until_ready()
            report = self.bench("--users", "2", "--deaf", "3", "--seconds", "3", "--text",
                                "w" * 900, server=server)
        self.assertEqual(report["deaf"], {"asked": 3, "closed": 3})
        self.assertEqual(report["closes"], {"1000": 2, "1013": 3})
        self.assertGreater(report["turns"], 0)

    def test_idle(self):
        report = self.bench("--idle", "30", "--seconds", "0.1")
        self.assertEqual(report["idle"], {"asked": 30, "open": 30, "lost": 0})
        self.assertEqual(report["closes"], {"1000": 30})
        report = self.bench("--idle", "10", "--users", "1", "--turns", "2")
        self.assertEqual((report["idle"]["open"], report["turns"]), (10, 2))

    def test_storm(self):
        report = self.bench("--storm", "100", "--seconds", "0.3")
        self.assertEqual(self.counts(report)["handshake"], 30)
        self.assertEqual(report["closes"], {"1000": 30})
        self.check_times(report)

    def test_echo(self):
        with Echo() as server:
            report = self.bench("--echo", "--users", "4", "--turns", "50", "--message-bytes", "300",
                                server=server)
            self.assertEqual((report["turns"], report["errors"]), (200, {}))
            self.assertEqual(self.counts(report)["turn"], 200)
            self.assertEqual(report["closes"], {"1000": 4})
            self.assertAlmostEqual(report["per_second"] * report["seconds"], 200)

    def test_a_table_for_people(self):
        result = client("bench-serve", url_of(self.server), "--turns", "3")
        self.assertEqual(result.returncode, 0, result.stderr)
        for word in ("handshake", "first delta", "whole turn", "turns         3,", "p99"):
            self.assertIn(word, result.stdout)

    def test_what_does_not_go_together(self):
        for arguments in (["--storm", "5", "--users", "2"], ["--echo", "--rate", "5"],
                          ["--message-bytes", "5"], ["--set", "x=1"], ["--text", " "],
                          ["--users", "0"], ["--deaf", "2", "--turns", "3"], ["--deaf", "2", "--echo"]):
            result = client("bench-serve", url_of(self.server), *arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertEqual(result.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
