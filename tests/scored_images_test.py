#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""saluevaluate scores the images that training scored, wherever it is started and wherever they lie now.

Usage: scored_images_test.py SALUTRAIN SALUEVALUATE"""
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import unittest

from programs_test import EVALUATE, TRAIN, Programs, rows_of, run

PROGRAM = os.path.abspath(EVALUATE)


def write_images(place, **splits):
    """Class folders x and y of every split, with so many images of noise each."""
    draw = random.Random(len(splits))
    for split, count in splits.items():
        for label in "xy":
            (place / split / label).mkdir(parents=True)
            for i in range(count):
                (place / split / label / f"{i}.ppm").write_bytes(b"P6 16 16 255\n" + draw.randbytes(768))


class ScoredImages(Programs):
    def train_on(self, place, name, *flags):
        folder = self.dir / name
        result = run(TRAIN, "--dataset", "folder", "--data-dir", place, "--model", "salunet_c8", "--batch-size", "4",
                     "--epochs", "1", "--progress", "none", "--output", folder, *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        command = re.search(r"^score it: (.*)$", result.stdout, re.M).group(1)
        self.assertEqual(shlex.split(command), ["saluevaluate", str(folder / "last")])
        return folder

    def score(self, *command, cwd=None, code=0):
        result = subprocess.run([PROGRAM, *map(str, command), "--json"], cwd=cwd, capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, code, result.stderr)
        return json.loads(result.stdout) if code == 0 else result.stderr

    def is_as_trained(self, scored, folder, samples):
        row = rows_of(folder)[-1]
        self.assertEqual(scored["samples"], samples)
        self.assertAlmostEqual(scored["top1"], float(row["eval_top1"]), places=3)
        self.assertAlmostEqual(scored["loss"], float(row["eval_loss"]), places=4)

    def test_the_settings_of_the_run_hold_where_its_images_have_moved(self):
        place, moved = self.dir / "set", self.dir / "moved"
        write_images(place, **{"train": 6, "training set": 8, "val": 6, "holdout": 10})
        runs = [(self.train_on(place, name, *flags), samples) for name, samples, flags in (
            ("holdout", 20, ["--val-split", "holdout"]), ("few", 4, ["--val-num-samples", "4"]),
            ("both", 6, ["--val-split", "holdout", "--val-num-samples", "6"]),
            ("out", 10, ["--train-split", "training set", "--val-from-train", "10"]))]
        for folder, samples in runs:
            self.is_as_trained(self.score(folder / "last"), folder, samples)
            self.is_as_trained(self.score(folder / "last", "--dataset", "folder"), folder, samples)
            self.is_as_trained(self.score(folder / "last", "--data-dir", place), folder, samples)
        place.rename(moved)
        for folder, samples in runs:
            self.is_as_trained(self.score(folder, "--data-dir", moved), folder, samples)
            # With --dataset as well, they are other data: nothing of the run's settings is about them.
            other = self.score(folder, "--dataset", "folder", "--data-dir", moved)
            self.assertEqual((other["split"], other["samples"]), ("val", 12))
        self.assertEqual(self.score(runs[3][0], "--data-dir", moved, "--split", "train")["samples"], 16)
        shutil.rmtree(moved / "holdout")
        self.assertIn("moved: no folder holdout; expected the one of --val-split",
                      self.score(runs[0][0], "--data-dir", moved, code=3))
        shutil.rmtree(moved / "train")
        self.assertIn("moved: no folder holdout, which the run scored; expected it there. Or use --split NAME",
                      self.score(runs[0][0], "--data-dir", moved, code=3))
        self.assertEqual(self.score(runs[0][0], "--data-dir", moved, "--split", "val")["samples"], 12)

    def test_the_score_does_not_depend_on_the_folder_one_stands_in(self):
        write_images(self.dir / "set", train=4, val=5)
        folder, other = (self.train_on(self.dir / "set", name, "--val-num-samples", count)
                         for name, count in (("run", "4"), ("other", "6")))
        (self.dir / "link").symlink_to(folder / "last")
        (other / "foreign").symlink_to("../run/last")  # it is the run of the weights that counts
        epoch = folder / "checkpoints/epoch-0001"
        for cwd, path in ((self.dir, "run"), (self.dir, "run/last/"), (folder, "last"), (folder, "best"), (folder, "."),
                          (folder / "last", "."), (folder / "checkpoints", "epoch-0001"), (epoch, "model.safetensors"),
                          (other, "../run/last"), (self.dir, "link"), (other, "foreign")):
            with self.subTest(cwd=cwd, path=path):
                self.is_as_trained(self.score(path, cwd=cwd), folder, 4)
        # Checkpoints may lie on another disk.
        (folder / "checkpoints").rename(self.dir / "disk")
        (folder / "checkpoints").symlink_to("../disk")
        self.is_as_trained(self.score("last", cwd=folder), folder, 4)

    def test_bad_images_are_what_they_were_in_training(self):
        place = self.dir / "set"
        write_images(place, train=4, val=20)
        bad = [place / "val/x/z.ppm", place / "val/y/z.ppm"]
        bad[0].write_bytes(b"P6 16 16 255\ncut")
        folder = self.train_on(place, "run", "--bad-images", "skip", "--model-ema")
        result = run(EVALUATE, folder / "last", "--json")
        self.assertEqual([row["samples"] for row in json.loads(result.stdout)], [40, 40])
        self.assertEqual(len(re.findall(r"^bad image skipped: .*val/x/z\.ppm: truncated", result.stderr, re.M)), 1)
        self.is_as_trained(json.loads(result.stdout)[0], folder, 40)
        one = [folder / "last", "--use-ema"]
        self.assertIn("val/x/z.ppm: truncated", self.score(*one, "--bad-images", "stop", code=3))
        other = ["--dataset", "folder", "--data-dir", place]
        self.assertIn("val/x/z.ppm: truncated", self.score(*one, *other, code=3))
        self.assertEqual(self.score(*one, *other, "--bad-images", "skip")["samples"], 40)
        bad[1].write_bytes(b"")
        self.assertIn("2 of 42 images of folder:set are unreadable; expected at most 0.1 %", self.score(*one, code=3))
        self.assertEqual(self.score(*one, "--max-bad", "5")["samples"], 40)
        patient = self.train_on(place, "patient", "--bad-images", "skip", "--max-bad", "5")
        self.is_as_trained(self.score(patient), patient, 40)
        self.assertIn("2 of 42 images", self.score(patient, "--max-bad", "4", code=3))
        self.refuse(2, "--bad-images", EVALUATE, patient, "--bad-images", "ignore")
        self.refuse(2, "--max-bad", EVALUATE, patient, "--max-bad", "101")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
