#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs on a disk of 6 MB: read-only, too small, full for a while, full for good.

Usage: disk_test.py SALUTRAIN SALUEVALUATE. Exit code 77 where no file system may be mounted."""
import errno
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TRAIN, EVALUATE = sys.argv[1:3]
EPOCHS = 40
FLAGS = ["--dataset", "shapes", "--model", "salunet_c8", "--img-size", "16", "--train-num-samples", "64", "--val-num-samples",
         "20", "--batch-size", "16", "--epochs", str(EPOCHS), "--checkpoint-hist", "1", "--log-interval", "1", "--threads", "1",
         "--workers", "1", "--report", "false", "--progress", "none"]


def mount(folder, options):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True).returncode == 0


def enter_namespace():
    """Without root: the same test in a mount namespace of its own."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if "SALU_IN_NAMESPACE" in os.environ or not shutil.which("unshare") or subprocess.run(
            [*unshare, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("no file system can be mounted here")
        sys.exit(77)
    os.environ["SALU_IN_NAMESPACE"] = "1"
    os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


def digest_of(run):
    return [hashlib.sha256((run / "last" / name).read_bytes()).hexdigest()
            for name in ("model.safetensors", "state.safetensors")]


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC


class SmallDisk(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def mount(self, options="size=6m"):
        disk = self.dir / "disk"
        disk.mkdir()
        self.assertTrue(mount(disk, options))
        self.addCleanup(subprocess.run, ["umount", str(disk)], stderr=subprocess.DEVNULL)
        return disk

    def run_to_end(self, *flags):
        return subprocess.run([TRAIN, *map(str, flags)], capture_output=True, text=True, timeout=300)

    def whole(self):
        result = self.run_to_end(*FLAGS, "--output", self.dir / "whole")
        self.assertEqual(result.returncode, 0, result.stderr)
        return digest_of(self.dir / "whole")

    def filled(self, run, empty_again):
        """A run whose disk gets full after the third epoch; its whole stderr, and its exit code."""
        process = subprocess.Popen([TRAIN, *FLAGS, "--output", str(run)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
        text = ""
        with process.stderr:
            for line in process.stderr:
                text += line
                if line.startswith(f"epoch 3/{EPOCHS}"):
                    fill(run.parent / "filler")
                if empty_again and "(1 of 3)" in line:
                    (run.parent / "filler").unlink()
        return text, process.wait(timeout=60)

    def check_sound(self, run):
        self.assertEqual([p.name for p in run.rglob(".tmp-*")] + [p.name for p in run.rglob(".probe")], [])
        scored = subprocess.run([EVALUATE, str(run), "--num-samples", "1"], capture_output=True, text=True, timeout=60)
        self.assertEqual(scored.returncode, 0, scored.stderr)

    def test_before_the_first_step(self):
        for options, message in (("size=6m,ro", "Read-only file system"), ("size=1m", "expected room for two checkpoints"),
                                 ("size=64k", "room"), ("size=6m,nr_inodes=2", "No space left on device")):
            with self.subTest(options):
                disk = self.mount(options)
                result = self.run_to_end(*FLAGS, "--output", disk / "run")
                self.assertEqual(result.returncode, 5, result.stderr)
                self.assertIn(message, result.stderr)
                self.assertFalse((disk / "run/metrics.jsonl").exists())
                self.assertFalse((disk / "run/.probe").exists())
                subprocess.run(["umount", str(disk)], check=True)
                disk.rmdir()

    def test_full_for_good(self):
        disk = self.mount()
        run = disk / "run"
        text, code = self.filled(run, empty_again=False)
        self.assertEqual(code, 5, text)
        self.assertIn("(2 of 3)", text)
        last = text.strip().splitlines()[-1]
        self.assertRegex(last, "^salutrain: error: .*No space left on device.*The newest complete checkpoint is epoch-0")
        self.check_sound(run)
        (disk / "filler").unlink()
        result = self.run_to_end("--resume", run, "--progress", "none", "--report", "false")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(digest_of(run), self.whole())
        self.assertEqual((run / "metrics.jsonl").read_text().count("\n"), 4 * EPOCHS)
        self.assertEqual((run / "metrics.csv").read_text().count("\n"), EPOCHS + 1)

    def test_full_for_a_while(self):
        disk = self.mount()
        run = disk / "run"
        text, code = self.filled(run, empty_again=True)
        self.assertEqual(code, 0, text)
        self.assertIn("(1 of 3)", text)
        self.check_sound(run)
        self.assertEqual(digest_of(run), self.whole())
        for name in ("metrics.jsonl", "metrics.csv"):
            rows = (run / name).read_text().splitlines()
            wanted = (self.dir / "whole" / name).read_text().splitlines()
            self.assertEqual(len(rows), len(wanted))


if __name__ == "__main__":
    probe = tempfile.mkdtemp(prefix="salunet-")
    mounted = mount(probe, "size=4m")
    if mounted:
        subprocess.run(["umount", probe], check=True)
    os.rmdir(probe)
    if not mounted:
        enter_namespace()
    unittest.main(argv=[sys.argv[0]], verbosity=1)
