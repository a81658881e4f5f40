#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a run meets outside: output that nobody takes, signals, limits, disks without links, copies, old locks.

Usage: surroundings_test.py SALUTRAIN SALUEVALUATE"""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TRAIN, EVALUATE = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
FLAGS = ["--dataset", "shapes", "--model", "salunet_c8", "--img-size", "16", "--train-num-samples", "64", "--val-num-samples",
         "20", "--batch-size", "16", "--threads", "1", "--workers", "1", "--progress", "plain", "--report", "false"]
LOST = "error: stdout: cannot write the results: "
HAS_TRACE = shutil.which("strace") is not None and subprocess.run(
    ["strace", "-o", os.devnull, "-e", "inject=symlink:error=EPERM", "true"], capture_output=True).returncode == 0


def run(*command, **options):
    return subprocess.run([str(c) for c in command], **{"capture_output": True, "text": True, "timeout": 300, **options})


def without_speed(text):
    """The last column of a table of scores is img/s."""
    return re.sub(r" +[\d,]+$", " img/s", text, flags=re.MULTILINE)


class Surroundings(unittest.TestCase):
    """SHARED holds a finished run of four epochs and an image; every test stands in a folder of its own."""
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        made = run(TRAIN, *FLAGS, "--epochs", 4, "--output", cls.shared / "run")
        assert made.returncode == 0, made.stderr
        (cls.shared / "a.ppm").write_bytes(b"P6 16 16 255\n" + bytes(768))
        for split in ("train", "val"):
            for i, name in enumerate("xy"):
                (cls.shared / "set" / split / name).mkdir(parents=True)
                pixels = bytes([i + 2 * (split == "val")]) * 768
                (cls.shared / "set" / split / name / "1.ppm").write_bytes(b"P6 16 16 255\n" + pixels)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="salunet-")
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def start(self, *flags, **options):
        return subprocess.Popen([TRAIN, *FLAGS, *map(str, flags)],
                                **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options})

    def wait_for(self, path, seconds=60):
        end = time.monotonic() + seconds
        while not os.path.lexists(path):
            self.assertLess(time.monotonic(), end, f"{path} did not appear")
            time.sleep(0.02)


class LostOutput(Surroundings):
    def commands(self):
        folder, image = self.shared / "run", self.shared / "a.ppm"
        return ([TRAIN, "--help-all"], [TRAIN, "--version"], [TRAIN, "--list-models"], [TRAIN, "--print-config"],
                [TRAIN, "--summary", "--model", "salunet_c8"], [TRAIN, "verify", self.shared / "set"],
                [TRAIN, "pack", self.shared / "set", "set.pack", "--overwrite"], [TRAIN, "report", folder, "--no-scores"],
                [TRAIN, *FLAGS, "--benchmark", "1"], [TRAIN, *FLAGS, "--aug-preview", "a.png"],
                [TRAIN, *FLAGS, "--epochs", "1", "--output", "new", "--overwrite"],
                [EVALUATE, "--help"], [EVALUATE, folder], [EVALUATE, folder, "--json", "--per-class"],
                [EVALUATE, "predict", folder, image], [EVALUATE, "predict", folder, image, "--json"])

    def test_a_full_disk_and_a_closed_stdout(self):
        for command in self.commands():
            for kind in ("full", "closed"):
                with self.subTest(kind=kind, command=command[1:]), open("/dev/full", "w", encoding="utf-8") as full:
                    closed = {"preexec_fn": lambda: os.close(1)} if kind == "closed" else {}
                    result = run(*command, capture_output=False, stdout=full, stderr=subprocess.PIPE, **closed)
                    self.assertEqual(result.returncode, 5, result.stderr)
                    reason = "No space left on device" if kind == "full" else "Bad file descriptor"
                    self.assertEqual(result.stderr.count(LOST + reason), 1, result.stderr)

    def test_a_problem_of_the_data_that_nobody_reads_is_lost_output(self):
        shutil.copytree(self.shared / "set", "set")
        shutil.copy("set/train/x/1.ppm", "set/train/y/2.ppm")
        self.assertEqual(run(TRAIN, "verify", "set").returncode, 3)
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = run(TRAIN, "verify", "set", capture_output=False, stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 5)

    def test_a_reader_that_leaves(self):
        for command in (f"'{TRAIN}' --help-all", f"'{EVALUATE}' '{self.shared / 'run'}' --json --per-class"):
            result = run("bash", "-c", f"({command}; echo $? > code) | true; wait")
            self.assertEqual(pathlib.Path("code").read_text(encoding="utf-8"), "5\n", result.stderr)
            self.assertIn(LOST + "Broken pipe", result.stderr)

    def test_messages_that_nobody_takes_change_nothing(self):
        for command in self.commands():
            with self.subTest(command=command[1:]), open("/dev/full", "w", encoding="utf-8") as full:
                wanted = run(*command)
                for options in ({}, {"preexec_fn": lambda: os.close(2)}):
                    result = run(*command, capture_output=False, stdout=subprocess.PIPE, stderr=full, **options)
                    self.assertEqual(result.returncode, 0)
                    if "--benchmark" not in command:
                        self.assertEqual(without_speed(result.stdout), without_speed(wanted.stdout))
        with open("/dev/full", "w", encoding="utf-8") as full:
            for code, *command in ((2, TRAIN, "--lr", "x"), (4, EVALUATE, "none"), (3, TRAIN, "verify", "none")):
                self.assertEqual(run(*command, capture_output=False, stderr=full).returncode, code)

    def test_closed_descriptors_are_not_given_to_files(self):
        def close_all():
            for fd in range(3):
                os.close(fd)
        result = run(TRAIN, *FLAGS, "--epochs", 2, "--output", "new", capture_output=False, preexec_fn=close_all)
        self.assertEqual(result.returncode, 5)  # its results are lost, the run is complete
        log = pathlib.Path("new/log.txt").read_text(encoding="utf-8").splitlines()
        self.assertEqual(len([line for line in log if line.startswith("epoch 2/2")]), 1)
        self.assertEqual(run(EVALUATE, "new").returncode, 0)

    def test_a_failed_write_leaves_no_temporary_file(self):
        limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))}
        folder = self.shared / "run"
        for name, *command in (("s.json", EVALUATE, folder, "--results-file", "s.json"),
                               ("s.csv", EVALUATE, folder, "--results-file", "s.csv"),
                               ("report", EVALUATE, folder, "--report", "report"),
                               ("a.png", TRAIN, *FLAGS, "--aug-preview", "a.png"),
                               ("set.pack", TRAIN, "pack", self.shared / "set", "set.pack"),
                               ("m.onnx", EVALUATE, "export", folder, "--output", "m.onnx")):
            with self.subTest(name):
                result = run(*command, **limit)
                if "ONNX" in result.stderr:
                    continue  # a build without it
                self.assertEqual(result.returncode, 5, result.stderr)
                self.assertIn("cannot write: File too large", result.stderr)
                self.assertNotIn("--threads", result.stderr)
                self.assertEqual([p for p in pathlib.Path().rglob("*") if p.is_file()], [])


class Signals(Surroundings):
    LONG = ["--epochs", "400", "--checkpoint-hist", "1", "--output"]

    def test_hang_up_saves_and_stops(self):
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                folder = f"run{number}"
                # A test in the background of a script would hand down an ignored SIGINT.
                process = self.start(*self.LONG, folder, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
                self.wait_for(f"{folder}/last")
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 128 + number, err)
                self.assertIn("stopped; go on with: ", out)
                result = run(TRAIN, "--resume", folder, "--max-steps", 1)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(f"resuming {folder}/checkpoints/", result.stderr)

    def test_hang_up_of_the_terminal_that_took_the_output(self):
        process = self.start(*self.LONG, "new")
        self.wait_for("new/last")
        process.stdout.close()
        process.stderr.close()
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(timeout=60), 129)

    def test_what_was_ignored_stays_ignored(self):
        def ignore():
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
        process = self.start("--epochs", 30, "--output", "new", preexec_fn=ignore)
        self.wait_for("new/last")
        for number in (signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(os.readlink("new/last"), "checkpoints/epoch-0030")

    def test_training_goes_on_when_the_reader_of_the_log_has_gone(self):
        process = self.start("--epochs", 20, "--output", "new")
        process.stderr.readline()
        process.stderr.close()
        self.assertIn("score it: ", process.stdout.read())
        process.stdout.close()
        self.assertEqual(process.wait(timeout=120), 0)
        result = run("bash", "-c", f"('{TRAIN}' {' '.join(FLAGS)} --epochs 20 --output both; echo $? > code) 2>&1 | head -1")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(pathlib.Path("code").read_text(encoding="utf-8"), "5\n")  # only its results are lost
        for name in ("new", "both"):
            self.assertEqual(os.readlink(f"{name}/last"), "checkpoints/epoch-0020")
            self.assertIn("epoch 20/20", pathlib.Path(name, "log.txt").read_text(encoding="utf-8"))

    def test_a_limit_on_file_sizes(self):
        limits = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))}
        result = run(TRAIN, *FLAGS, "--epochs", 3, "--output", "new", **limits)
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertIn("cannot write: File too large", result.stderr)
        self.assertFalse(os.path.exists("new/metrics.csv"))  # before the first step


class Disks(Surroundings):
    def check_links(self, run_dir, epochs):
        """`last` and `best` can be scored and resumed from, whatever they are."""
        table = run(EVALUATE, run_dir / "last", run_dir / "best", "--json")
        self.assertEqual(table.returncode, 0, table.stderr)
        resumed = run(TRAIN, "--resume", run_dir, "--epochs", epochs, "--progress", "none")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        return json.loads(table.stdout)

    @unittest.skipUnless(HAS_TRACE, "no strace that may trace")
    def test_no_symbolic_links(self):
        trace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=symlink,symlinkat"]
        for errno in ("EPERM", "EOPNOTSUPP", "ENOSYS"):
            with self.subTest(errno):
                inject = [*trace, "-e", f"inject=symlink,symlinkat:error={errno}"]
                folder = pathlib.Path(errno)
                result = run(*inject, TRAIN, *FLAGS, "--epochs", 4, "--output", folder)
                self.assertEqual(result.returncode, 0, result.stderr)
                note = f"{errno}: no symbolic links here: `last` and `best` are files that name their checkpoint\n"
                self.assertIn(note, result.stderr)
                self.assertLess(result.stderr.index(note), result.stderr.index("epoch 1/4"))  # before the first step
                self.assertEqual((folder / "last").read_text(encoding="utf-8"), "checkpoints/epoch-0004\n")
                ours = self.check_links(folder, 4)
                theirs = run(EVALUATE, self.shared / "run/last", self.shared / "run/best", "--json")
                self.assertEqual([s["top1"] for s in ours], [s["top1"] for s in json.loads(theirs.stdout)])
                self.assertEqual(run(*inject, TRAIN, "--resume", folder, "--epochs", 5).returncode, 0)
                self.assertEqual((folder / "last").read_text(encoding="utf-8"), "checkpoints/epoch-0005\n")
                self.assertEqual(run(TRAIN, "report", folder, "--no-scores").returncode, 0)

    def test_a_copy_that_followed_links(self):
        shutil.copytree(self.shared / "run", "copy")
        self.assertTrue(os.path.isdir("copy/last") and not os.path.islink("copy/last"))
        before = os.readlink(self.shared / "run/best")
        self.check_links(pathlib.Path("copy"), 4)
        self.assertEqual(os.readlink("copy/last"), "checkpoints/epoch-0004")
        self.assertEqual(os.readlink("copy/best"), before)
        shutil.copytree("copy", "again")
        self.check_links(pathlib.Path("again"), 6)
        self.assertEqual(os.readlink("again/last"), "checkpoints/epoch-0006")
        self.assertEqual([p for p in pathlib.Path("again").rglob(".tmp*")], [])

    def test_a_copy_without_links_and_one_with_links_as_text(self):
        for kind in ("lost", "text"):
            shutil.copytree(self.shared / "run", kind, symlinks=True)
            for link in ("last", "best"):
                text = os.readlink(f"{kind}/{link}")
                os.unlink(f"{kind}/{link}")
                if kind == "text":
                    pathlib.Path(kind, link).write_text(text, encoding="utf-8")
            resumed = run(TRAIN, "--resume", kind, "--epochs", 5)
            self.assertEqual(resumed.returncode, 0, resumed.stderr)
            self.assertEqual(os.readlink(f"{kind}/last"), "checkpoints/epoch-0005")
            self.assertTrue(os.path.islink(f"{kind}/best"))

    def test_runs_that_start_at_once_get_folders_of_their_own(self):
        for _ in range(2):
            started = [self.start("--epochs", 1) for _ in range(5)]
            folders = []
            for process in started:
                out, err = process.communicate(timeout=120)
                self.assertEqual(process.returncode, 0, err)
                folders.append(re.search("score it: saluevaluate (.*)/last", out)[1])
            self.assertEqual(len(set(folders)), 5)

    def test_one_folder_has_one_run(self):
        started = [self.start("--epochs", 1, "--output", "new") for _ in range(4)]
        codes = []
        for process in started:
            _, err = process.communicate(timeout=120)
            codes.append(process.returncode)
            self.assertIn(process.returncode, (0, 2, 5), err)
            self.assertTrue(process.returncode == 0 or "in use by" in err or "is not empty" in err, err)
        self.assertEqual(codes.count(0), 1)
        self.assertEqual(pathlib.Path("new/metrics.csv").read_text(encoding="utf-8").count("\n"), 2)

    def test_the_lock_of_a_host_that_is_gone(self):
        shutil.copytree(self.shared / "run", "run", symlinks=True)
        pathlib.Path("run/.salunet").write_text("17 container-1f3a\n", encoding="utf-8")
        result = run(TRAIN, "--resume", "run", "--epochs", 5)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("run: the lock of process 17 on container-1f3a was free and is taken over\n", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
