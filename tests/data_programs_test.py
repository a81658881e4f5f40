#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Data sets as a user meets them: bad images, packing, verifying.

Usage: data_programs_test.py SALUTRAIN"""
import hashlib
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

TRAIN = sys.argv[1]
SHORT = ["--model", "salunet_c8", "--epochs", "1", "--batch-size", "44", "--progress", "none", "--seed", "3"]


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)


class DataPrograms(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.set = self.dir / "set"
        draw = random.Random(1)
        for split, count in (("train", 110), ("val", 20)):
            for kind in ("cat", "dog"):
                folder = self.set / split / kind
                folder.mkdir(parents=True)
                for i in range(count):
                    (folder / f"{i}.ppm").write_bytes(b"P6 16 18 255\n" + draw.randbytes(16 * 18 * 3))

    def ok(self, *command, code=0):
        result = run(*command)
        self.assertEqual(result.returncode, code, result.stderr + result.stdout)
        return result

    def train(self, name, *flags, code=0):
        return self.ok(TRAIN, *SHORT, "--output", self.dir / name, *flags, code=code)

    def weights(self, name):
        return hashlib.sha256((self.dir / name / "last/model.safetensors").read_bytes()).hexdigest()

    def test_splits_of_other_names(self):
        self.train("whole", "--dataset", "folder", "--data-dir", self.set)
        for old, new in (("train", "training set"), ("val", "holdout")):
            (self.set / old).rename(self.set / new)
        flags = ["--dataset", "folder", "--data-dir", self.set]
        named = flags + ["--train-split", "training set", "--val-split", "holdout"]
        self.assertIn("no folder train; expected train/<class>", self.train("a", *flags, code=3).stderr)
        other = self.train("b", *named[:-1], "other", code=3)
        self.assertIn("no folder other; expected the one of --val-split", other.stderr)
        self.train("c", *named)
        self.assertEqual(self.weights("c"), self.weights("whole"))
        self.ok(TRAIN, "--resume", self.dir / "c", "--epochs", "2", "--progress", "none")
        refused = self.train("d", "--dataset", "shapes", "--val-split", "x", code=2)
        self.assertIn("--val-split: shapes has splits of its own", refused.stderr)

    def test_pack_and_verify_know_splits_of_other_names(self):
        shutil.copy(self.set / "train/cat/1.ppm", self.set / "val/cat/copy.ppm")
        for old, new in (("train", "training set"), ("val", "holdout")):
            (self.set / old).rename(self.set / new)
        (self.set / "training set/cow").mkdir()
        named, pack = ["--train-split", "training set", "--val-split", "holdout"], self.dir / "set.pack"
        self.assertIn("no folder train", self.ok(TRAIN, "verify", self.set, code=3).stderr)
        self.assertIn("no folder other", self.ok(TRAIN, "verify", self.set, *named[:-1], "other", code=3).stderr)
        found = self.ok(TRAIN, "verify", self.set, *named, code=3).stdout
        self.assertIn("220 images in train, 41 in evaluation, 3 classes\n", found)
        for line in ("training set: class cow is empty", "class cow is in training set only", "3 problems"):
            self.assertIn(line + "\n", found)
        self.assertRegex(found, "same content in training and evaluation: .*training set/cat/1.ppm = .*holdout/cat/copy.ppm")
        (self.set / "training set/cow").rmdir()
        self.assertIn("no folder train", self.ok(TRAIN, "pack", self.set, pack, code=3).stderr)
        self.assertIn(": 261 images of 2 classes", self.ok(TRAIN, "pack", self.set, pack, *named).stdout)
        self.assertIn("220 images in train, 41 in evaluation", self.ok(TRAIN, "verify", pack, code=3).stdout)
        refused = self.ok(TRAIN, "verify", pack, *named[:2], code=2).stderr
        self.assertIn("set.pack has splits of its own; expected a folder", refused)
        self.assertIn("is not a plain name", self.ok(TRAIN, "verify", self.set, "--val-split", "a/b", code=2).stderr)

    def test_images_behind_links_count(self):
        for kind in ("cat", "dog"):
            (self.dir / "ext" / kind).mkdir(parents=True)
            for i in range(50, 110):
                (self.set / f"train/{kind}/{i}.ppm").rename(self.dir / "ext" / kind / f"{i}.ppm")
            (self.set / "train" / kind / "more").symlink_to(self.dir / "ext" / kind)
        self.assertIn("220 images in train, 40 in evaluation, 2 classes\n0 problems\n", self.ok(TRAIN, "verify", self.set).stdout)

    def test_bad_images(self):
        (self.set / "train/cat/7.ppm").write_bytes(b"P6 16 18 255\ncut")
        (self.set / "val/dog/0.ppm").write_bytes(b"<html>")
        flags = ["--dataset", "folder", "--data-dir", self.set]
        stopped = self.train("stopped", *flags, code=3)
        self.assertIn("train/cat/7.ppm: truncated at byte", stopped.stderr)
        # One of the 220 and one of the 40 may be bad; a second one is more than 0.1 %.
        self.train("one", *flags, "--bad-images", "skip")
        (self.set / "val/dog/1.ppm").write_bytes(b"")
        scored = self.train("scored", *flags, "--bad-images", "skip", code=3)
        self.assertIn("2 of 40 images of folder:set are unreadable; expected at most 0.1 % (--max-bad), or one. The last: ",
                      scored.stderr)
        self.assertIn("val/dog/1.ppm: is empty", scored.stderr)
        # The log names all of them, with their reasons.
        log = (self.dir / "scored/log.txt").read_text(encoding="utf-8")
        for line in ("train/cat/7.ppm: truncated", "val/dog/0.ppm: is an HTML page", "val/dog/1.ppm: is empty"):
            self.assertEqual(log.count(line), 1, line)
        self.train("patient", *flags, "--bad-images", "skip", "--max-bad", "5")
        for i in range(2):
            (self.set / f"val/dog/{i}.ppm").unlink()
        self.train("skipped", *flags, "--bad-images", "skip", "--workers", "0")
        log = (self.dir / "skipped/log.txt").read_text(encoding="utf-8")
        self.assertEqual(log.count("bad image skipped"), 1)
        self.assertIn("train/cat/7.ppm: truncated at byte", log)
        self.train("again", *flags, "--bad-images", "skip", "--workers", "3")
        self.assertEqual(self.weights("skipped"), self.weights("again"))
        # A run that stopped may go on with the other policy.
        self.train("resumed", *flags, "--bad-images", "skip", "--max-steps", "2")
        self.ok(TRAIN, "--resume", self.dir / "resumed", "--bad-images", "skip", "--progress", "none")

    def test_training_on_a_pack_is_training_on_the_folder(self):
        pack = self.dir / "set.pack"
        packed = self.ok(TRAIN, "pack", self.set, pack, "--size", "32")
        self.assertIn("set.pack: 260 images of 2 classes", packed.stdout)
        self.assertEqual(packed.stderr, "")
        self.train("folder", "--dataset", "folder", "--data-dir", self.set)
        self.train("packed", "--dataset", "packed", "--data-dir", pack)
        self.assertEqual(self.weights("folder"), self.weights("packed"))
        for name, expected in (("", 2), ("--overwrite", 0)):
            again = self.ok(TRAIN, "pack", self.set, pack, *filter(None, [name]), code=expected)
            if expected:
                self.assertIn("is there already", again.stderr)
        pack.write_bytes(pack.read_bytes()[:-5])
        cut = self.train("cut", "--dataset", "packed", "--data-dir", pack, code=3)
        self.assertRegex(cut.stderr, r"^salutrain: error: .*set\.pack: truncated at byte \d+")

    def test_verify(self):
        good = self.ok(TRAIN, "verify", self.set)
        self.assertIn("220 images in train, 40 in evaluation, 2 classes\n0 problems\n", good.stdout)
        for i in range(25):
            shutil.copy(self.set / f"train/cat/{i}.ppm", self.set / f"val/cat/copy{i}.ppm")
        bad = self.ok(TRAIN, "verify", self.set, code=3)
        self.assertEqual(bad.stderr, "")
        self.assertEqual(bad.stdout.count("same content in training and evaluation: "), 21)
        self.assertIn("same content in training and evaluation: 5 more (--all)\n25 problems\n", bad.stdout)
        shown = self.ok(TRAIN, "verify", self.set, "--all", code=3)
        self.assertEqual(shown.stdout.count(" = "), 25)

    def test_command_lines(self):
        for message, *command in (("DIR is required", "pack"), ("OUT is required", "pack", self.set),
                                  ("--sise: unknown option (did you mean --size?)", "pack", "a", "b", "--sise", "3"),
                                  ("'0' is not a whole number in 1..16384", "pack", "a", "b", "--size", "0"),
                                  ("DIR is required", "verify")):
            with self.subTest(command=command):
                result = self.ok(TRAIN, *command, code=2)
                self.assertIn(message, result.stderr)
        self.assertIn("nowhere: cannot be listed", self.ok(TRAIN, "verify", self.dir / "nowhere", code=3).stderr)
        self.assertIn("no folder train", self.ok(TRAIN, "pack", self.dir, self.dir / "x", code=3).stderr)
        self.assertFalse((self.dir / "x").exists())
        for command in ("pack", "verify"):
            self.assertIn("DIR", self.ok(TRAIN, command, "--help").stdout)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
