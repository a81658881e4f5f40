#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Image folders with gaps: classes that are missing, empty or named otherwise, files of other kinds, links to nothing.

Usage: folders_test.py SALUTRAIN SALUEVALUATE"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TRAIN, EVALUATE = sys.argv[1:3]
SHORT = ["--model", "salunet_c8", "--batch-size", "6", "--progress", "none", "--report", "false", "--threads",
         "1", "--workers", "1", "--dataset", "folder"]
COLOURS = {"cat": (200, 40, 40), "dog": (40, 200, 40), "emu": (40, 40, 200)}


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)


def write(path, colour, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = bytes(min(255, c + number) for c in colour) * 256
    path.write_bytes(b"P6 16 16 255\n" + pixels)


class Folders(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.set = self.dir / "set"
        for split, count in (("train", 12), ("val", 4)):
            for kind, colour in COLOURS.items():
                for i in range(count):
                    write(self.set / split / kind / f"{i}.ppm", colour, i + 20 * (split == "val"))

    def ok(self, *command, code=0):
        result = run(*command)
        self.assertEqual(result.returncode, code, result.stderr + result.stdout)
        return result

    def train(self, name, *flags, code=0):
        epochs = [] if "--epochs" in flags else ["--epochs", "1"]
        result = self.ok(TRAIN, *SHORT, *epochs, "--data-dir", self.set, "--output", self.dir / name, *flags, code=code)
        self.assertEqual((self.dir / name).exists(), code == 0)
        return result

    def scores(self, *flags):
        result = self.ok(EVALUATE, self.dir / "run", "--json", *flags)
        return json.loads(result.stdout), result.stderr


class Classes(Folders):
    def test_val_may_lack_classes(self):
        self.train("run", "--epochs", "3")
        whole, _ = self.scores()
        right = {c["name"]: c["correct"] for c in whole["per_class"]}
        for kind in ("absent", "empty"):
            with self.subTest(kind):
                shutil.rmtree(self.set / "val/cat", ignore_errors=True)
                if kind == "empty":
                    (self.set / "val/cat").mkdir()
                trained = self.train(kind, "--epochs", "3")
                self.assertIn("warning: no images of 1 of 3 classes in val: cat\n", trained.stderr)
                for flags in ([], ["--data-dir", self.set / "val", "--dataset", "folder"]):
                    scored, messages = self.scores(*flags)
                    self.assertEqual({c["name"]: (c["images"], c["correct"]) for c in scored["per_class"]},
                                     {"cat": (0, 0), "dog": (4, right["dog"]), "emu": (4, right["emu"])})
                    self.assertIn("no images of 1 of 3 classes: cat\n", messages)
                # The training matched them by name as well: its own score is that of saluevaluate.
                again = json.loads(self.ok(EVALUATE, self.dir / kind, "--json").stdout)
                self.assertIn(f"top-1 {again['top1']:.2f} %", (self.dir / kind / "log.txt").read_text(encoding="utf-8"))
        shutil.rmtree(self.set / "val/emu")
        self.assertIn("no images of 2 of 3 classes in val: cat, emu", self.train("one").stderr)
        shutil.rmtree(self.set / "val/dog")
        self.assertIn("val: no images in class folders", self.train("none", code=3).stderr)

    def test_a_map_may_lack_classes(self):
        lines = []
        for kind in COLOURS:
            for i in range(4):
                if kind != "dog":
                    (self.set / f"val/{kind}/{i}.ppm").rename(self.set / f"val/{kind}{i}.ppm")
                    lines.append(f"{kind}{i}.ppm {kind}\n")
            shutil.rmtree(self.set / "val" / kind)
        (self.set / "val_map.txt").write_text("".join(lines), encoding="utf-8")
        self.assertIn("no images of 1 of 3 classes in val: dog", self.train("run").stderr)

    def test_unknown_classes_with_images_are_refused(self):
        for name, shown in (("Cat", "Cat"), ("cat ", "'cat '")):
            (self.set / "val/cat").rename(self.set / "val" / name)
            self.assertIn(f"only in train: cat; only in val: {shown}", self.train("x", code=3).stderr)
            (self.set / "val" / name).rename(self.set / "val/cat")
        (self.set / "val/zebra").mkdir()
        self.train("run")
        self.ok(EVALUATE, self.dir / "run")
        write(self.set / "val/zebra/1.ppm", (1, 2, 3), 0)
        self.assertIn("class 'zebra' of folder:set is not one of the 3 classes", self.ok(EVALUATE, self.dir / "run", code=3).stderr)

    def test_folders_of_another_case(self):
        (self.set / "train").rename(self.set / "Train")
        message = "no folder train (did you mean Train?); expected train/<class>/<image>. Name other folders with --train-split"
        self.assertIn(message, self.train("x", code=3).stderr)

    def test_classes_that_lose_their_images(self):
        for i in range(1, 12):
            (self.set / f"train/emu/{i}.ppm").unlink()
        for flags in (["--val-from-train", "13"], ["--train-num-samples", "6"]):
            result = self.train(flags[0][2:], *flags)
            self.assertIn("warning: no images of 1 of 3 classes in train: emu", result.stderr)

    def test_a_classifier_of_other_names_is_announced(self):
        self.train("run")
        self.assertNotIn("other names", self.train("same", "--initial-checkpoint", self.dir / "run").stderr)
        for split in ("train", "val"):
            for old, new in zip(COLOURS, "xyz"):
                (self.set / split / old).rename(self.set / split / new)
        tuned = self.train("tuned", "--initial-checkpoint", self.dir / "run")
        self.assertIn("its classes have other names: cat, dog, emu there, x, y, z here\n", tuned.stderr)
        shutil.rmtree(self.set / "train/z")
        shutil.rmtree(self.set / "val/z")
        fewer = self.train("fewer", "--initial-checkpoint", self.dir / "run")
        self.assertIn("it starts anew", fewer.stderr)
        self.assertNotIn("other names", fewer.stderr)

    def test_names_that_stand_twice_name_no_class(self):
        self.train("run")
        (self.dir / "map.txt").write_text("cat\ncat\nemu\n", encoding="utf-8")
        refused = self.ok(EVALUATE, self.dir / "run", "--class-map", self.dir / "map.txt", code=3)
        self.assertIn("3 class names, 2 of them different", refused.stderr)

    def test_a_resumed_run_whose_validation_set_changed(self):
        self.train("run", "--epochs", "2", "--max-steps", "6")
        message = "warning: the val images are not those of the run so far"
        same = self.ok(TRAIN, "--resume", self.dir / "run", "--max-steps", "7", "--progress", "none")
        self.assertNotIn(message, same.stderr)
        (self.set / "val/cat/0.ppm").unlink()
        changed = self.ok(TRAIN, "--resume", self.dir / "run", "--progress", "none")
        self.assertIn(message, changed.stderr)


class OtherFiles(Folders):
    def test_files_of_other_kinds_are_counted(self):
        self.train("run")
        for i in range(5):
            (self.set / f"train/cat/{i}.WebP").write_bytes(b"RIFF")
        for name in ("a.gif", "b.gif", "noextension", "notes.txt", "Thumbs.db", "desktop.ini", ".hidden.webp"):
            (self.set / "train/dog" / name).write_bytes(b"x")
        (self.set / "val/emu/deep").mkdir()
        (self.set / "val/emu/deep/x.heic").write_bytes(b"x")
        result = self.train("counted")
        line = "not read: train: 5 .webp, 2 .gif, 1 .txt, 1 without extension; val: 1 .heic; expected .jpg, .jpeg, .jpe, .jfif, "
        self.assertEqual(result.stderr.count(line), 1, result.stderr)
        checked = self.ok(TRAIN, "verify", self.set, code=3)
        self.assertIn("files of other kinds in train: 5 .webp, 2 .gif, 1 .txt, 1 without extension\n"
                      "files of other kinds in val: 1 .heic\n", checked.stdout)
        for finding in ("train: 5 .webp", "train: 2 .gif", "train: 1 without extension", "val: 1 .heic"):
            self.assertEqual(checked.stdout.count(f"not read: {finding}; expected .jpg"), 1, checked.stdout)
        self.assertIn("\n4 problems\n", checked.stdout)
        self.assertIn("5 .webp", self.ok(TRAIN, "pack", self.set, self.dir / "x.pack").stderr)
        digests = [(self.dir / name / "last/model.safetensors").read_bytes() for name in ("run", "counted")]
        self.assertEqual(*digests)

    def test_notes_beside_images_are_no_problem(self):
        (self.set / "train/dog/notes.txt").write_text("x", encoding="utf-8")
        self.assertIn("files of other kinds in train: 1 .txt\n0 problems\n", self.ok(TRAIN, "verify", self.set).stdout)

    def test_a_class_of_other_files_only(self):
        for file in list((self.set / "train/cat").iterdir()):
            file.rename(file.with_suffix(".webp"))
        refused = self.train("x", code=3)
        self.assertIn("1 class without images: cat; expected .jpg, ", refused.stderr)
        self.assertIn("(12 .webp in the class folders are not read)", refused.stderr)

    def test_other_names_of_jpeg(self):
        jpeg = pathlib.Path(__file__).parent / "fuzz/corpus"
        found = sorted(jpeg.rglob("*.jpg"))
        if not found:
            self.skipTest("no JPEG in the corpus")
        for name in ("a.jfif", "b.JPE"):
            shutil.copy(found[0], self.set / "train/cat" / name)
        self.assertIn("38 images in train", run(TRAIN, "verify", self.set).stdout)


class Links(Folders):
    def test_a_link_to_nothing_is_one_finding(self):
        (self.set / "train/cat/0.ppm").unlink()
        (self.set / "train/cat/0.ppm").symlink_to("/gone/0.ppm")
        (self.set / "val/dog/more").symlink_to("/gone/folder")
        os.mkfifo(self.set / "train/emu/pipe.jpg")
        (self.set / "train/emu/loop.png").symlink_to("loop.png")
        checked = self.ok(TRAIN, "verify", self.set, code=3)
        for place, reason in (("train/cat/0.ppm", "a link to nothing"), ("val/dog/more", "a link to nothing"),
                              ("train/emu/pipe.jpg", "not a regular file"), ("train/emu/loop.png", "not a regular file")):
            self.assertEqual(checked.stdout.count(f"unreadable: {self.set / place}: {reason}"), 1, checked.stdout)
        self.assertIn("\n4 problems\n", checked.stdout)

    def test_bad_images_decides_about_them(self):
        for split in ("train", "val"):
            (self.set / split / "cat/0.ppm").unlink()  # the first of all
            (self.set / split / "cat/0.ppm").symlink_to("/gone/0.ppm")
        self.assertIn("train/cat/0.ppm: a link to nothing: No such file", self.train("stopped", code=3).stderr)
        skipped = self.train("run", "--bad-images", "skip")
        for split in ("train", "val"):
            self.assertEqual(skipped.stderr.count(f"bad image skipped: {self.set / split}/cat/0.ppm: a link to nothing"), 1,
                             skipped.stderr)
        scored, _ = self.scores()
        self.assertEqual(scored["samples"], 11)
        self.ok(EVALUATE, self.dir / "run", "--bad-images", "stop", code=3)
        self.assertIn("46 images", self.ok(TRAIN, "pack", self.set, self.dir / "x.pack", "--bad-images",
                                                                     "skip").stdout)
        self.ok(TRAIN, "pack", self.set, self.dir / "y.pack", code=3)
        (self.set / "train/cat/1.ppm").unlink()
        (self.set / "train/cat/1.ppm").symlink_to("/gone/1.ppm")
        many = run(TRAIN, *SHORT, "--data-dir", self.set, "--output", self.dir / "many", "--bad-images", "skip")
        self.assertEqual(many.returncode, 3)
        self.assertIn("2 of 36 images of folder:set are unreadable; expected at most 0.1 %", many.stderr)

    def test_a_class_that_is_a_link_to_nothing(self):
        shutil.rmtree(self.set / "train/emu")
        (self.set / "train/emu").symlink_to("/gone/emu")
        self.assertIn("1 class without images: emu", self.train("x", code=3).stderr)
        self.assertIn("classes: train: class emu is empty", self.ok(TRAIN, "verify", self.set, code=3).stdout)
        (self.set / "train/emu").unlink()
        shutil.copytree(self.set / "val/emu", self.set / "train/emu")
        shutil.rmtree(self.set / "val/emu")
        (self.set / "val/emu").symlink_to("/gone/emu")
        self.assertIn("no images of 1 of 3 classes in val: emu", self.train("run").stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
