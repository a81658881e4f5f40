#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""salutrain under mpirun: the curve of one process, equal bits on every run, signals, dead and silent ranks.

Usage: mpi_test.py SALUTRAIN MPI_BUILT SALUTRAIN_WITH_SHIM [long]. Exit code 77 without mpirun or without MPI in the build.
`long` does the full number of kills; `long N` does N of each kind."""
import csv
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TRAIN, BUILT, SHIM = sys.argv[1:4]
LONG = "long" in sys.argv[4:]
KILLS = int(sys.argv[5]) if len(sys.argv) > 5 else 5  # of each kind
TIMEOUT = 8  # --rank-timeout of the tests with silent ranks
SMALL = {"--dataset": "shapes", "--model": "salunet_c8", "--train-num-samples": "224", "--val-num-samples": "61",
         "--batch-size": "32", "--epochs": "3", "--progress": "none", "--report": "false", "--threads": "1", "--workers": "1",
         "--log-interval": "1"}
# A rank's process: its exit code, and what it said, go to files. The shell must outlive the signals that mpirun sends to
# the process group of the rank. A shell starts what it puts into the background with SIGINT ignored.
WRAPPER = """trap : TERM INT
env --default-signal=INT "$@" > "$DIR/out.$OMPI_COMM_WORLD_RANK" 2> "$DIR/err.$OMPI_COMM_WORLD_RANK" &
child=$!
echo $child > "$DIR/pid.$OMPI_COMM_WORLD_RANK"
code=999
while kill -0 $child 2>/dev/null || [ $code = 999 ]; do wait $child; code=$?; done
echo $code > "$DIR/code.$OMPI_COMM_WORLD_RANK"
exit $code
"""


def mpirun(*options):
    """Several ranks on whatever this machine has."""
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    return ["mpirun", *root, "--oversubscribe", "--bind-to", "none", *options]


# mpirun kills the others a second after the first rank has failed; with this each can be seen to end by itself. mpirun
# then sits out the whole time, so it is for jobs that the test ends.
PATIENT = ["--mca", "odls_base_sigkill_timeout", "30"]


def small(*flags):
    return [word for flag, value in SMALL.items() if flag not in flags for word in (flag, value)] + [str(f) for f in flags]


def digest(run_dir):
    parts = [(run_dir / "last" / name).read_bytes() for name in ("model.safetensors", "state.safetensors")]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def weights(run_dir):
    return hashlib.sha256((run_dir / "last/model.safetensors").read_bytes()).hexdigest()


def steps(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def last_row(run_dir):
    with open(run_dir / "metrics.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))[-1]


class Job:
    """One mpirun whose ranks are watched one by one."""

    def __init__(self, test, ranks, *flags, options=()):
        self.ranks = ranks
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=test.dir))
        (self.dir / "rank.sh").write_text(WRAPPER, encoding="utf-8")
        self.process = subprocess.Popen(
            [*mpirun("-n", str(ranks), *options), "sh", str(self.dir / "rank.sh"), TRAIN, *map(str, flags)],
            start_new_session=True, env={**os.environ, "DIR": str(self.dir)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
        test.addCleanup(self.end)

    def read(self, kind, rank):
        path = self.dir / f"{kind}.{rank}"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def pid(self, rank):
        while not self.read("pid", rank).strip():
            time.sleep(0.01)
        return int(self.read("pid", rank))

    def code(self, rank):
        text = self.read("code", rank).strip()
        return int(text) if text else None

    def wait_for_step(self, run_dir, step):
        """Until rank 0 has logged so many steps, or the job is over."""
        deadline = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < deadline:
            file = run_dir / "metrics.jsonl"
            if file.exists() and file.read_bytes().count(b"\n") >= step:
                return
            time.sleep(0.005)

    def wait(self, seconds=300):
        out, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, out + "".join(self.read("err", r) for r in range(self.ranks))

    def wait_for_codes(self, ranks, seconds):
        """True when all of these ranks have ended."""
        deadline = time.monotonic() + seconds
        while any(self.code(r) is None for r in ranks):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def end(self):
        for rank in range(self.ranks):
            try:
                os.kill(int(self.read("pid", rank) or 0) or 2**22, signal.SIGKILL)
            except OSError:
                pass
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Ranks(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def train(self, name, ranks, *flags, code=0, program=TRAIN):
        start = [] if ranks == 0 else mpirun("-n", str(ranks))
        result = subprocess.run([*start, program, *map(str, flags)], capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, code, result.stderr)
        self.stderr = result.stderr
        return self.dir / name

    def fresh(self, name, ranks, *flags, **more):
        return self.train(name, ranks, *small("--output", self.dir / name, *flags), **more)


class Curve(Ranks):
    def compare(self, one, several, count=20):
        self.assertGreaterEqual(len(one), count)
        for a, b in list(zip(one, several, strict=True))[:count]:
            self.assertEqual((a["step"], a["lr"]), (b["step"], b["lr"]))
            self.assertLessEqual(abs(a["loss"] - b["loss"]), 1e-5 * a["loss"], a["step"])

    def test_the_curve_and_the_accuracy_of_one_process(self):
        # SGD: Adam's first steps divide by the root of a square that may be rounding alone.
        flags = ["--opt", "sgd", "--lr", "0.05", "--clip-grad", "1", "--model-ema", "--mixup", "0.2", "--cutmix", "1",
                 "--mixup-mode", "elem", "--aa", "rand-m9-mstd0.5-inc1", "--smoothing", "0.1"]
        one = self.fresh("one", 0, *flags)
        for ranks in (2, 4):
            several = self.fresh(f"ranks{ranks}", ranks, *flags)
            self.compare(steps(one), steps(several))
            for column in ("eval_top1", "eval_top5", "ema_top1"):
                self.assertEqual(last_row(one)[column], last_row(several)[column])
            self.assertAlmostEqual(float(last_row(one)["eval_loss"]), float(last_row(several)["eval_loss"]), places=4)
        self.assertEqual(self.train("", 1, *small("--output", self.dir / "under", *flags)), self.dir)
        self.assertEqual(digest(self.dir / "under"), digest(one))  # mpirun -n 1 is one process

    def test_a_batch_in_parts(self):
        flags = ["--opt", "sgd", "--lr", "0.05", "--batch-size", "16", "--grad-accum-steps", "2"]
        self.compare(steps(self.fresh("one", 0, *flags)), steps(self.fresh("two", 2, *flags)))

    def test_the_same_bits_on_every_run_also_with_batch_norm_and_in_bf16(self):
        for model, precision in (("salunet_c8", "f32"), ("resnet8", "f32"), ("salunet_c8", "bf16")):
            flags = ["--model", model, "--precision", precision, "--drop-path", "0.1", "--drop", "0.1", "--model-ema", "--epochs", "2"]
            runs = [self.fresh(f"{model}-{precision}{i}", 2, *flags, "--check-ranks-interval", "1") for i in range(2)]
            self.assertEqual(digest(runs[0]), digest(runs[1]))

    def test_the_shim_for_a_gpu(self):
        if not SHIM:
            self.skipTest("no build of the shim")
        flags = ["--img-size", "8", "--batch-size", "4", "--train-num-samples", "24", "--val-num-samples", "8", "--epochs", "1",
                 "--opt", "sgd", "--lr", "0.05"]
        one = self.fresh("cpu", 0, *flags, "--device", "cpu")
        two = self.fresh("shim", 2, *flags, "--device", "cuda-host", program=SHIM)
        for a, b in zip(steps(one), steps(two), strict=True):
            self.assertLessEqual(abs(a["loss"] - b["loss"]), 1e-4 * a["loss"])  # as on one shim


class Resume(Ranks):
    def test_resume_is_bit_equal(self):
        for model in ("salunet_c8", "resnet8"):
            flags = ["--model", model, "--model-ema", "--drop", "0.1"]
            whole = self.fresh(f"{model}-whole", 2, *flags)
            parts = self.fresh(f"{model}-parts", 2, *flags, "--max-steps", "9")
            for stop in (["--max-steps", "14"], []):  # inside an epoch, at its end, inside
                self.train("", 2, "--resume", parts, "--progress", "none", "--report", "false", *stop)
            self.assertEqual(digest(parts), digest(whole))
            self.assertEqual(len(steps(parts)), 21)

    def test_another_number_of_ranks(self):
        run = self.fresh("run", 2, "--max-steps", "3")
        for ranks, word in ((0, "had 2 ranks, this one has 1"), (4, "had 2 ranks, this one has 4")):
            self.train("", ranks, "--resume", run, "--progress", "none", code=4)
            self.assertIn(word, self.stderr)
            self.assertIn("--allow-rank-change", self.stderr)
        self.train("", 0, "--resume", run, "--progress", "none", "--allow-rank-change", "--report", "false")
        self.assertEqual(len(steps(run)), 21)

    def test_a_signal_to_one_rank_stops_all(self):
        whole = self.fresh("whole", 2)
        for victim, number in ((0, signal.SIGTERM), (1, signal.SIGINT)):
            run = self.dir / f"stopped{victim}"
            job = Job(self, 2, *small("--output", run))
            job.wait_for_step(run, 5)
            os.kill(job.pid(victim), number)
            code, text = job.wait()
            self.assertEqual(code, 128 + number, text)
            self.assertEqual([job.code(0), job.code(1)], [128 + number, 0], text)
            self.assertIn("go on with: mpirun -n 2 salutrain --resume", job.read("out", 0))
            self.train("", 2, "--resume", run, "--progress", "none", "--report", "false")
            self.assertEqual(digest(run), digest(whole))


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


class Lost(Ranks):
    """mpirun ends a job whose rank dies, --rank-timeout one whose rank hangs. No process stays, no checkpoint is lost."""

    def lose(self, ranks, victim, how, step, number):
        run = self.dir / f"lost{number}"
        job = Job(self, ranks, *small("--output", run, "--epochs", "60", "--rank-timeout", TIMEOUT))
        if step is None:
            time.sleep(random.uniform(0, 1.5))  # while it starts
        else:
            job.wait_for_step(run, step)
            time.sleep(random.uniform(0, 0.05))
        os.kill(job.pid(victim), how)
        begin = time.monotonic()
        code, text = job.wait(TIMEOUT + 10)  # else it hangs
        seconds = time.monotonic() - begin
        where = f"{how.name} of rank {victim} of {ranks} at step {step}: {code}: {text}"
        pids = [int(job.read("pid", r)) for r in range(ranks) if job.read("pid", r).strip()]
        deadline = time.monotonic() + 2
        while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual([pid for pid in pids if is_alive(pid)], [], where)
        if how == signal.SIGKILL:
            self.assertNotEqual(code, 0, where)
            self.assertLess(seconds, TIMEOUT, where)  # noticed, not waited for
        elif step is None:
            self.assertNotEqual(code, 0, where)
        else:
            self.assertEqual(code, 7, where)
            self.assertRegex(text, r"error: ranks: not all of them came to an exchange within \d+ s .* Stopped at step \d+", where)
            self.assertIn(f"mpirun -n {ranks} salutrain --resume {run}" if (run / "last").exists() else "no complete checkpoint",
                          text, where)
        self.check_checkpoints(run)
        return seconds

    def check_checkpoints(self, run):
        """The newest one loads, and none that was complete is damaged."""
        if not (run / "config.toml").exists() or not (run / "last").exists():
            return
        self.train("", 0, "--resume", run, "--allow-rank-change", "--max-steps", "1", "--progress", "none", "--report", "false")
        self.assertIn("resuming", self.stderr)
        for folder in (run / "checkpoints").iterdir():
            commit = json.loads((folder / "COMMIT.json").read_text(encoding="utf-8"))
            self.assertEqual({n: f["size"] for n, f in commit["files"].items()},
                             {n: (folder / n).stat().st_size for n in commit["files"]})

    def test_a_rank_that_dies_or_stops(self):
        random.seed(7)
        cases = [(2, 1, signal.SIGKILL, 9), (2, 0, signal.SIGSTOP, 3)]
        if LONG:
            cases = [(ranks, victim, how, random.choice([None, 1, 2, 6, 7, 8, 13, 14, 15, 20, 29]))
                     for ranks, victims in ((2, (0, 1)), (4, (0, 1, 3))) for victim in victims
                     for how in (signal.SIGKILL, signal.SIGSTOP) for _ in range(KILLS)]
        for number, (ranks, victim, how, step) in enumerate(cases):
            with self.subTest(ranks=ranks, victim=victim, how=how.name, step=step):
                seconds = self.lose(ranks, victim, how, step, number)
                place = "while it starts" if step is None else f"at step {step}"
                print(f"{how.name} of rank {victim} of {ranks} {place}: the job ended after {seconds:.1f} s", file=sys.stderr)

    def test_a_rank_that_dies_while_mpirun_is_patient(self):
        run = self.dir / "run"
        job = Job(self, 4, *small("--output", run, "--epochs", "60", "--rank-timeout", TIMEOUT), options=PATIENT)
        job.wait_for_step(run, 9)
        os.kill(job.pid(2), signal.SIGKILL)
        survivors = [0, 1, 3]
        self.assertTrue(job.wait_for_codes(survivors, TIMEOUT + 5))
        told = [job.read("err", r) for r in survivors]
        job.end()
        self.assertEqual([job.code(r) for r in survivors], [7, 7, 7], told)
        for text in told:
            self.assertEqual(text.count("salutrain: error:"), 1, text)
            self.assertRegex(text, rf"Stopped at step \d+\. Newest complete checkpoint: epoch-\d+; go on with: mpirun -n 4 salutrain "
                                   rf"--resume {run}")
        self.check_checkpoints(run)

    def test_a_rank_that_never_starts(self):
        job = subprocess.run([*mpirun("-n", "1"), TRAIN, *small("--output", self.dir / "run", "--rank-timeout", "3"), ":", "-n", "1",
                              "sleep", "60"], capture_output=True, text=True, timeout=40)
        self.assertEqual(job.returncode, 7, job.stderr)
        self.assertIn("ranks: not all of them started or ended within --rank-timeout", job.stderr)
        self.assertFalse((self.dir / "run").exists())

    def test_a_job_that_was_suspended_goes_on(self):
        run = self.dir / "run"
        job = Job(self, 2, *small("--output", run, "--rank-timeout", "3"))
        job.wait_for_step(run, 5)
        for how, seconds in ((signal.SIGSTOP, 5), (signal.SIGCONT, 0)):
            for rank in range(2):
                os.kill(job.pid(rank), how)
            time.sleep(seconds)
        code, text = job.wait()
        self.assertEqual(code, 0, text)

    def test_resume_after_a_kill_is_bit_equal(self):
        flags = ["--train-num-samples", "224", "--epochs", "4"]
        whole = self.fresh("whole", 2, *flags)
        run = self.dir / "killed"
        job = Job(self, 2, *small("--output", run, *flags))
        job.wait_for_step(run, 10)
        os.kill(job.pid(1), signal.SIGKILL)
        self.assertNotEqual(job.wait(TIMEOUT)[0], 0)
        self.assertTrue((run / "checkpoints/epoch-0001").exists())
        self.train("", 2, "--resume", run, "--progress", "none", "--report", "false")
        self.assertEqual(digest(run), digest(whole))


class Disagreement(Ranks):
    def refuse(self, code, message, *apps):
        """`apps`: the flags of one rank each."""
        command = []
        for flags in apps:
            command += [":"] * bool(command) + ["-n", "1", TRAIN, *flags]
        result = subprocess.run([*mpirun(), *map(str, command)], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(message, result.stderr)
        self.assertFalse((self.dir / "run").exists())

    def test_ranks_that_were_started_differently(self):
        base = small("--output", self.dir / "run")
        self.refuse(7, "rank 1: --lr=0.2, on rank 0 --lr=0.1", [*base, "--lr", "0.1"], [*base, "--lr", "0.2"])
        self.refuse(7, "rank 2: --seed=2, on rank 0 --seed=1", *[[*base, "--seed", s] for s in ("1", "1", "2")])
        folder = {}
        for name, classes in (("a", "xy"), ("b", "xz")):
            for split in ("train", "val"):
                for label in classes:
                    place = self.dir / name / split / label
                    place.mkdir(parents=True)
                    for i in range(4):
                        (place / f"{i}.ppm").write_bytes(b"P6 32 32 255\n" + bytes([i]) * 3072)
            folder[name] = self.dir / name
        data = small("--output", self.dir / "run", "--dataset", "folder", "--batch-size", "4", "--train-num-samples", "0",
                     "--val-num-samples", "0")
        self.refuse(7, "rank 1: training data=", [*data, "--data-dir", folder["a"]], [*data, "--data-dir", folder["b"]])

    def test_another_program(self):
        copy = self.dir / "salutrain"
        copy.write_bytes(pathlib.Path(TRAIN).read_bytes() + b"x")
        copy.chmod(0o755)
        base = small("--output", self.dir / "run")
        result = subprocess.run([*mpirun("-n", "1"), TRAIN, *base, ":", "-n", "1", str(copy), *base], capture_output=True,
                                text=True, timeout=60)
        self.assertEqual(result.returncode, 7, result.stderr)
        self.assertRegex(result.stderr, "rank 1: program=[0-9a-f]{8}, on rank 0 program=")

    def test_batches_that_do_not_divide(self):
        flags = small("--output", self.dir / "run", "--batch-size", "33")
        self.refuse(2, "--batch-size 33: 2 ranks share every batch; expected a multiple of 2", flags, flags)
        flags = small("--output", self.dir / "run", "--batch-size", "30", "--mixup", "1")
        self.refuse(2, "expected a multiple of 4 with --mixup", flags, flags)
        flags = small("--output", self.dir / "run", "--batch-size", "512")
        self.refuse(2, "dataset has 224 samples, one global batch needs 512", flags, flags)


if __name__ == "__main__":
    if not shutil.which("mpirun"):
        print("mpirun is not installed")
        sys.exit(77)
    if BUILT != "yes":
        print("this build has no MPI")
        sys.exit(77)
    if "Open MPI" not in subprocess.run(["mpirun", "--version"], capture_output=True, text=True).stdout:
        print("mpirun is not Open MPI's: its options and variables differ")
        sys.exit(77)
    if LONG:
        unittest.main(argv=[sys.argv[0], "Lost", "-v"])
    unittest.main(argv=[sys.argv[0]])
