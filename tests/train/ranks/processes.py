"""What tests of data-parallel training share: a store, and the real program under the real mpirun."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.append(os.path.join(os.path.dirname(__file__), "../../support"))

from small_run import BANTER, prepared, recipe, sets, write_recipe, write_talk  # noqa: E402  the folder is known only now

TRAIN = {"ema_decay": 0.9, "keep_last": 3, "log_every": 1}
MODEL = {"type": "hred", "attention": "both", "embed_dim": 16, "hidden_dim": 24, "dropout": 0.1,
         "dropout_kind": "locked", "embedding_dropout": 0.1}

# Nobody spins, root may, and more processes than cores are no mistake here.
VARIABLES = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
             "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
             "OMPI_MCA_mpi_yield_when_idle": "1"}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def ranks_of(mpirun):
    """The processes that an mpirun has started, by their rank."""
    found = {}
    with open(f"/proc/{mpirun}/task/{mpirun}/children", encoding="ascii") as children:
        for child in children.read().split():
            variables = read(f"/proc/{child}/environ").split(b"\0")
            for variable in variables:
                if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
                    found[int(variable.split(b"=")[1])] = int(child)
    return found


@unittest.skipUnless(shutil.which("mpirun"), "no mpirun (openmpi-bin)")
@unittest.skipUnless(os.path.exists(os.path.join(os.path.dirname(BANTER), "libbanter_mpi.so")),
                     "libbanter_mpi.so is not built (libopenmpi-dev)")
class ProcessesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        write_talk(os.path.join(cls.folder, "talk.jsonl"))
        cls.config = prepared(cls.folder, model=MODEL, train=TRAIN)

    def write(self, name, train=(), **sections):
        """Another recipe, of a run that is refused."""
        sections = {"run": os.path.join(self.folder, "refused"), "model": MODEL, **sections}
        return write_recipe(os.path.join(self.folder, name + ".yaml"),
                            recipe(self.folder, train={**TRAIN, **dict(train)}, **sections))

    def mpirun(self, processes):
        return ["mpirun", "-np", str(processes)]

    def command(self, run, processes, *settings):
        """`banter train` into a run folder by so many processes; one of them without mpirun."""
        self.run_folder = os.path.join(self.folder, run)
        mpirun = self.mpirun(processes) if processes > 1 else []
        return [*mpirun, BANTER, "train", self.config, "--quiet", *sets(f"run={self.run_folder}", *settings)]

    def train(self, run, processes, *settings):
        result = subprocess.run(self.command(run, processes, *settings), capture_output=True,
                                text=True, env=VARIABLES)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.run_folder

    def start(self, run, processes, *settings):
        process = subprocess.Popen(self.command(run, processes, *settings), env=VARIABLES,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def lines(self, run, event="step"):
        with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as log:
            return [line for line in map(json.loads, log) if line["event"] == event]

    def wait_for_step(self, process, step):
        log = os.path.join(self.run_folder, "log.jsonl")
        while not os.path.exists(log) or f'"event":"step","step":{step},'.encode() not in read(log):
            self.assertIsNone(process.poll(), "it ended too early")

    def expect_same_files(self, first, second, step, names=("model", "ema", "optimizer")):
        for name in names:
            file = f"step-{step}/{name}.safetensors"
            self.assertTrue(read(os.path.join(first, file)) == read(os.path.join(second, file)), file)
