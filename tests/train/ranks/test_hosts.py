"""Data-parallel training over network namespaces that stand for machines of their own."""

import glob
import os
import select
import shutil
import signal
import subprocess
import unittest

from processes import ProcessesTest

# In the place of ssh: AGENT HOST COMMAND...
AGENT = """#!/bin/sh
shift
exec nsenter --target {pid} --net --uts sh -c "$*"
"""
CARD = "eth0"
SETTINGS = {"btl": "tcp,self", "btl_tcp_if_include": CARD, "oob_tcp_if_include": CARD,
            # A machine that says nothing is given up after 1 + 3 x 1 seconds.
            "oob_tcp_keepalive_time": "1", "oob_tcp_keepalive_intvl": "1",
            "oob_tcp_keepalive_probes": "3"}


def run(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)


class Host:
    """A network and a host name of their own, as long as this process holds them."""

    def __init__(self, name, address):
        self.address = address
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-c", f"hostname {name} && echo there; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "there\n":
            self.holder.stdin.close()
            raise OSError(self.holder.stderr.read().strip())

    def close(self):
        for pid in self.processes():  # left by a test that failed
            os.kill(pid, signal.SIGKILL)
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def inside(self, *command):
        return ["nsenter", "--target", str(self.holder.pid), "--net", "--uts", *command]

    def ip(self, *command):
        run(*self.inside("ip", *command))

    def received(self):
        """Bytes that came over the card."""
        with open(f"/proc/{self.holder.pid}/net/dev", encoding="ascii") as cards:
            (line,) = [line for line in cards if line.strip().startswith(CARD + ":")]
        return int(line.split(":")[1].split()[0])

    def processes(self):
        """Those that run in it, but for the one that holds it."""
        own = os.readlink(f"/proc/{self.holder.pid}/ns/net")
        found = []
        for folder in glob.glob("/proc/[0-9]*"):
            try:
                if os.readlink(folder + "/ns/net") == own:
                    found.append(int(os.path.basename(folder)))
            except OSError:  # it has ended
                pass
        return [pid for pid in found if pid != self.holder.pid]


@unittest.skipUnless(shutil.which("ip"), "no ip (iproute2)")
class HostsTest(ProcessesTest):
    @classmethod
    def setUpClass(cls):
        try:
            cls.first = cls.enterClassContext(Host("first", "10.77.0.1"))
            cls.second = cls.enterClassContext(Host("second", "10.77.0.2"))
            run("ip", "link", "add", CARD, "netns", cls.first.holder.pid, "type", "veth", "peer",
                "name", CARD, "netns", cls.second.holder.pid)
        except (OSError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest("network namespaces are not permitted here: "
                                    f"{getattr(error, 'stderr', None) or error}") from error
        for host in (cls.first, cls.second):
            host.ip("link", "set", "lo", "up")
            host.ip("address", "add", host.address + "/24", "dev", CARD)
            host.ip("link", "set", CARD, "up")
        super().setUpClass()
        cls.agent = os.path.join(cls.folder, "agent")
        with open(cls.agent, "w", encoding="utf-8") as script:
            script.write(AGENT.format(pid=cls.second.holder.pid))
        os.chmod(cls.agent, 0o755)

    def mpirun(self, processes):
        if self.on_one_host:
            return super().mpirun(processes)
        settings = [word for name, value in {**SETTINGS, "plm_rsh_agent": self.agent}.items()
                    for word in ("--mca", name, value)]
        each = processes // 2
        hosts = f"{self.first.address}:{each},{self.second.address}:{each}"
        return self.first.inside("mpirun", "--host", hosts, *settings)

    def setUp(self):
        self.on_one_host = False

    def unbroken(self):
        self.on_one_host = True
        run_folder = self.train("one-host", 2)
        self.on_one_host = False
        return run_folder

    def expect_end(self, pid):
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        self.addCleanup(os.close, handle)
        self.assertEqual(select.select([handle], [], [], 30)[0], [handle], "it still runs")

    def test_two_hosts_make_the_bytes_of_one_and_a_cut_link_ends_the_job_which_goes_on(self):
        unbroken = self.unbroken()
        two = self.train("two-hosts", 2)
        self.expect_same_files(unbroken, two, 8)
        (stop,) = self.lines(two, "stop")
        self.assertGreater(self.second.received(), stop["sums"]["bytes"] / 2)

        process = self.start("cut", 2, "train.steps=100000", "train.keep_last=1000000")
        self.wait_for_step(process, 6)
        self.second.ip("link", "set", CARD, "down")
        _, error = process.communicate(timeout=30)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("lost communication with a remote daemon", error)
        self.assertIn(self.second.address, error)
        for process_there in self.second.processes():
            self.expect_end(process_there)  # its daemon notices by itself
        self.second.ip("link", "set", CARD, "up")
        for checkpoint in glob.glob(os.path.join(self.run_folder, "step-*")):
            if int(checkpoint.rsplit("-", 1)[1]) > 4:  # as if it had died behind the fifth step
                shutil.rmtree(checkpoint)
        self.expect_same_files(unbroken, self.train("cut", 2), 8)


if __name__ == "__main__":
    unittest.main()
