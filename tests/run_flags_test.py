#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Flags about runs as a whole: trying one out, naming it, scoring seldom, another optimizer, odd paths.

Usage: run_flags_test.py SALUTRAIN SALUEVALUATE"""
import json
import math
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import unittest

from programs_test import EVALUATE, TRAIN, Programs, rows_of, run, small, weights_of


signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background hands down an ignored one
def write_images(place, **splits):
    """Class folders x and y of every split, with so many grey images each."""
    for number, (split, count) in enumerate(splits.items()):
        for label in "xy":
            (place / split / label).mkdir(parents=True)
            for i in range(count):
                (place / split / label / f"{i}.ppm").write_bytes(b"P6 32 32 255\n" + bytes([40 * number + i]) * 3072)


class TryingOut(Programs):
    def test_dry_run_leaves_nothing(self):
        output = self.dir / "runs" / "later"
        for flags in ([], ["--model-ema", "--recovery-interval", "1", "--patience", "1", "--epochs", "300", "--max-steps", "2"]):
            result = run(TRAIN, *small("--dry-run", "--output", output, *flags))
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("salunet_c8 (77402 parameters) on shapes", result.stdout)
            self.assertIn("an epoch: 6 steps of 32 images, about 0:0", result.stdout)
            self.assertIn("an evaluation of 60 images, about 0:00", result.stdout)
            self.assertRegex(result.stdout, r"the run: (2|300) epochs, about \d+:\d\d\n")
            self.assertRegex(result.stdout, r"memory of tensors: \d+\.\d MiB; a checkpoint: [0-9.]+ MiB\n")
            self.assertEqual(os.listdir(self.dir), [])

    def test_dry_run_removes_every_folder_it_made(self):
        for output in ("x/y/z/run", "x/y/z/run/", "x/../y/run"):
            result = run(TRAIN, *small("--dry-run", "--output", f"{self.dir}/{output}"))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(os.listdir(self.dir), [], output)
        (self.dir / "x").mkdir()
        self.assertEqual(run(TRAIN, *small("--dry-run", "--output", self.dir / "x/y/z/run")).returncode, 0)
        self.assertEqual([list(self.dir.iterdir()), os.listdir(self.dir / "x")], [[self.dir / "x"], []])

    def test_dry_run_of_two_steps_has_no_forecast(self):
        for batch, known in ((100, False), (66, True)):
            result = run(TRAIN, *small("--dry-run", "--output", self.dir / "run", "--batch-size", batch))
            self.assertEqual(result.returncode, 0, result.stderr)
            time_text = r"about \d+:\d\d" if known else "too few steps to say how long"
            self.assertRegex(result.stdout, f"an epoch: {200 // batch} steps of {batch} images, {time_text}; "
                                            r"an evaluation of 60 images, about \d+:\d\d\n"
                                            f"the run: 2 epochs, {time_text}\n")

    def test_dry_run_meets_what_the_run_would(self):
        self.refuse(2, "one global batch needs 512", TRAIN, *small("--dry-run", "--batch-size", "512"))
        self.refuse(3, "nowhere", TRAIN, *small("--dry-run", "--dataset", "folder", "--data-dir", self.dir / "nowhere"))
        (self.dir / "file").write_text("")
        self.refuse(5, "/file: cannot create the folder", TRAIN, *small("--dry-run", "--output", self.dir / "file/run"))
        self.refuse(6, "at step 1", TRAIN, *small("--dry-run", "--model", "resnet8", "--std", "1e-38", "1e-38", "1e-38"))

    def test_dry_run_stops_at_a_signal(self):
        process = subprocess.Popen([TRAIN, *small("--dry-run", "--output", self.dir / "run", "--batch-size", "512",
                                                  "--train-num-samples", "5000", "--model", "resnet20")],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(600):
            if list(self.dir.glob(".dry-run-*/metrics.csv")):
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(os.listdir(self.dir), [])

    def test_a_batch_is_learned_by_heart(self):
        # With every noise on: the check turns it off.
        flags = ["--overfit-batch", "60", "--aa", "ta_wide", "--mixup", "1", "--smoothing", "0.1", "--drop", "0.5"]
        result = run(TRAIN, *small(*flags))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(re.findall(r"^step \d+  loss [0-9.]+$", result.stdout, re.M)), 11)
        self.assertRegex(result.stdout, r"learned: 32 images, loss 2\.\d+ -> 0\.\d+ in 60 steps\n$")
        self.assertEqual(result.stdout, run(TRAIN, *small(*flags)).stdout)

    def test_a_batch_that_is_not_learned(self):
        result = run(TRAIN, *small("--overfit-batch", "20", "--lr", "1e-9"))
        self.assertEqual(result.returncode, 6, result.stdout)
        self.assertRegex(result.stderr, r"error: the loss on 32 images went from 2\.\d+ to 2\.\d+ in 20 steps; "
                                        r"expected below 0\.2\d+\. Try more steps, another --lr \(now 1e-09\)")
        result = run(TRAIN, *small("--overfit-batch", "20", "--lr", "1e30", "--opt", "sgd"))
        self.assertEqual(result.returncode, 6, result.stdout)
        self.assertRegex(result.stderr, r"error: (loss|the loss).*Lower --lr \(now 1e\+30\)")


    def test_the_network_tried_out_is_the_one_that_is_trained(self):
        weights = self.train("weights", "--epochs", "1")
        # Weights that stay where they are, so that the steps of --benchmark can be compared as well.
        still = ["--no-aug", "--lr", "1e-30", "--epochs", "1", "--log-interval", "1"]
        for flags in (["--mean", "0.1", "0.2", "0.3", "--std", "0.05", "0.06", "0.07"], ["--bce-loss"],
                      ["--initial-checkpoint", weights / "last"]):
            run_dir = self.train("run", "--overwrite", *still, *flags)
            losses = [json.loads(row)["loss"] for row in (run_dir / "metrics.jsonl").read_text().splitlines()]
            result = run(TRAIN, *small(*still, "--overfit-batch", "2", *flags))
            self.assertIn(f"step 1  loss {losses[0]:.4f}\n", result.stdout, flags)
            result = run(TRAIN, *small(*still, "--benchmark", "3", *flags))
            self.assertIn(f"loss {losses[0]:.4f}\n", result.stdout, flags)  # 13 steps, three batches in turn


class Names(Programs):
    def test_experiment(self):
        command = [TRAIN, *small("--experiment", "first", "--epochs", "1")]
        result = subprocess.run([os.path.abspath(command[0]), *command[1:]], cwd=self.dir, capture_output=True, text=True,
                                timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.dir / "runs/first/last/model.safetensors").exists())
        for name in (".", "..", "a/b", "/tmp/x"):
            self.refuse(2, f"'{name}' is not a plain name", TRAIN, f"--experiment={name}")
        self.refuse(2, "--experiment", TRAIN, "--experiment", "a", "--output", "b")

    def test_paths_come_back_from_the_configuration(self):
        for name in ("a#b", "it's", 'say "x"', "a,b [c]", "a;b", " c ", "a\nb\t", "it's \"x\", y", "a\\b", "a\\b'", "\x01\x7f", "猫"):
            folder = self.dir / name / "run"
            place = self.dir / name / "set"
            write_images(place, train=4, val=4)
            result = run(TRAIN, "--dataset", "folder", "--data-dir", place, "--model", "salunet_c8", "--batch-size", "4",
                         "--epochs", "1", "--progress", "none", "--output", folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            result = run(TRAIN, "--resume", folder, "--epochs", "2", "--progress", "none")
            self.assertEqual(result.returncode, 0, result.stderr)
        for path, shown in ((b"\xff", "\\xff"), (b"a\xc3", "a\\xc3")):
            self.refuse(2, f"--data-dir: {pathlib.Path.cwd()}/{shown} cannot stand in config.toml; expected UTF-8", TRAIN, "--data-dir", os.fsdecode(path))


class Seldom(Programs):
    def test_val_interval(self):
        flags = ["--epochs", "5", "--val-interval", "2", "--model-ema", "--model-ema-decay", "0.9"]
        folder, every = self.train("seldom", *flags), self.train("every", *flags[:2], *flags[4:])
        columns = ("eval_loss", "eval_top1", "eval_top5", "ema_loss", "ema_top1", "ema_top5")
        for row, full in zip(rows_of(folder), rows_of(every), strict=True):
            self.assertEqual(row["train_loss"], full["train_loss"])
            for column in columns:
                self.assertEqual(row[column], full[column] if row["epoch"] in ("2", "4", "5") else "")
        self.assertIn("epoch 3/5  train loss", (folder / "log.txt").read_text())
        self.assertEqual((folder / "log.txt").read_text().count("not scored"), 2)
        self.assertIn((folder / "best").resolve().name, ("epoch-0002", "epoch-0004", "epoch-0005"))
        self.assertIn('class="curve"', (folder / "report.html").read_text())
        # The weights do not depend on it; a resumed run may change it.
        self.assertEqual((folder / "last/model.safetensors").read_bytes(), (every / "last/model.safetensors").read_bytes())
        result = run(TRAIN, "--resume", folder, "--epochs", "7", "--val-interval", "3", "--progress", "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([row["epoch"] for row in rows_of(folder) if row["eval_top1"]], ["2", "4", "5", "6", "7"])

    def test_patience_ends_behind_a_scored_epoch(self):
        folder = self.train("run", "--epochs", "20", "--lr", "1e-12", "--coef-lr-scale", "0", "--patience", "3", "--min-delta", "50",
                            "--val-interval", "4")
        # The first gain is that of epoch 4; three more have passed at 7; 8 is scored.
        self.assertEqual([bool(row["eval_top1"]) for row in rows_of(folder)], 2 * [False, False, False, True])


class Splits(Programs):
    def score(self, *command):
        result = run(EVALUATE, *command, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        scored = json.loads(result.stdout)
        return scored["split"], scored["samples"], scored["top1"]

    def test_splits_of_a_run_that_held_images_out(self):
        place = self.dir / "set"
        write_images(place, train=12, test=7, extra=3)
        folder = self.dir / "run"
        result = run(TRAIN, "--dataset", "folder", "--data-dir", place, "--val-from-train", "6", "--model", "salunet_c8",
                     "--batch-size", "6", "--epochs", "1", "--quiet", "--output", folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        trained = float(rows_of(folder)[-1]["eval_top1"])
        for path in (folder, folder / "best", folder / "checkpoints/epoch-0001"):
            split, samples, top1 = self.score(path)  # the run knows where its images lie
            self.assertEqual((split, samples), ("val", 6))
            self.assertAlmostEqual(top1, trained, places=6)
        self.assertEqual(self.score(folder, "--split", "val")[1], 6)
        for split, samples in (("train", 24), ("test", 14), ("extra", 6)):
            self.assertEqual(self.score(folder, "--split", split)[:2], (split, samples))
            self.assertEqual(self.score(folder, "--split", split, "--num-samples", "4")[1], 4)
            moved = self.dir / "elsewhere"
            shutil.copytree(folder / "last", moved, dirs_exist_ok=True)
            self.assertEqual(self.score(moved, "--data-dir", place, "--split", split)[:2], (split, samples))
        self.refuse(2, "--split nix: folder:set has no such images; expected train or test", EVALUATE, folder, "--split", "nix")
        self.refuse(2, "--data-dir: not given", EVALUATE, moved)
        shapes = self.train("shapes", "--val-from-train", "40", "--val-num-samples", "40")
        self.assertEqual(self.score(shapes)[:2], ("val", 40))
        self.assertEqual(self.score(shapes, "--split", "train", "--num-samples", "30")[:2], ("train", 30))
        self.refuse(2, "--split test: shapes has no such images", EVALUATE, shapes, "--split", "test")

    def test_scored_is_what_training_scored(self):
        shapes = {"--train-num-samples": "300", "--val-from-train": "100", "--val-num-samples": "70"}
        for flags in ({k: v for k, v in shapes.items() if k in chosen} for chosen in
                      (["--train-num-samples", "--val-from-train"], ["--val-num-samples"], shapes)):
            folder = self.train("-".join(flags), *(word for pair in flags.items() for word in pair), "--epochs", "1")
            row = rows_of(folder)[-1]
            result = run(EVALUATE, folder, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            scored = json.loads(result.stdout)
            self.assertEqual(scored["samples"], int(flags.get("--val-num-samples", 60)))
            self.assertAlmostEqual(scored["top1"], float(row["eval_top1"]), places=3)
            self.assertAlmostEqual(scored["loss"], float(row["eval_loss"]), places=4)
        self.refuse(2, "--num-samples: 101; expected at most 100", EVALUATE, folder, "--num-samples", "101")

    def test_a_bad_checkpoint_does_not_cost_the_others(self):
        folder = self.train("run", "--epochs", "1", "--val-num-samples", "20")
        table, report = self.dir / "table.json", self.dir / "report"
        missing, nothing = self.dir / "absent", self.dir / "nothing"
        nothing.mkdir()
        result = run(EVALUATE, missing, folder, nothing, folder / "last", "--json", "--results-file", table, "--report", report)
        self.assertEqual(result.returncode, 4)  # of the first error
        self.assertEqual(len(re.findall("^saluevaluate: error: ", result.stderr, re.M)), 2, result.stderr)
        self.assertRegex(result.stderr, "error: .*absent: cannot open[^\n]*\n(.*\n)*saluevaluate: error: .*nothing: ")
        rows = json.loads(result.stdout)
        self.assertEqual([row["samples"] for row in rows], [20, 20])
        self.assertEqual(json.loads(table.read_text()), rows)
        self.assertEqual(sorted(os.listdir(report)), ["01-raw", "02-raw"])
        self.assertTrue((report / "02-raw/per_class.csv").exists())
        alone = run(EVALUATE, missing, nothing)
        self.assertEqual((alone.returncode, alone.stdout), (4, ""))
        self.assertEqual(len(alone.stderr.splitlines()), 2)

    def test_best_of_a_run_without_validation_images(self):
        write_images(self.dir / "set", train=4, test=4)
        folder = self.dir / "run"
        result = run(TRAIN, "--dataset", "folder", "--data-dir", self.dir / "set", "--model", "salunet_c8", "--batch-size", "4",
                     "--epochs", "1", "--quiet", "--output", folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.refuse(4, "no epoch was chosen: the run had no validation images, or its best epoch is gone. Give ", EVALUATE, folder / "best")

    def test_names_in_other_alphabets(self):
        for label in ("ünï", "猫", "a b"):
            for split in ("train", "val"):
                place = self.dir / "set" / split / label
                place.mkdir(parents=True)
                for i in range(4):
                    (place / f"{i}.ppm").write_bytes(b"P6 32 32 255\n" + bytes([10 * i + len(label)]) * 3072)
        folder = self.dir / "run"
        result = run(TRAIN, "--dataset", "folder", "--data-dir", self.dir / "set", "--model", "salunet_c8", "--batch-size", "4",
                     "--epochs", "1", "--quiet", "--output", folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        result = run(EVALUATE, folder, "--json", "--report", self.dir / "report")
        names = [entry["name"] for entry in json.loads(result.stdout)["per_class"]]
        self.assertEqual(sorted(names), ["a b", "ünï", "猫"])
        with open(self.dir / "report/per_class.csv", encoding="utf-8") as file:
            self.assertEqual([line.split(",")[0] for line in file.read().splitlines()[1:]], names)
        self.assertIn("ünï ", run(EVALUATE, folder, "--per-class").stdout)
        self.assertIn("猫", run(EVALUATE, "predict", folder, self.dir / "set/val/猫/0.ppm").stdout)

    def test_a_folder_of_another_name(self):
        place = self.dir / "set"
        write_images(place, train=4, holdout=4)
        folder = self.dir / "run"
        result = run(TRAIN, "--dataset", "folder", "--data-dir", place, "--val-split", "holdout", "--model", "salunet_c8",
                     "--batch-size", "4", "--epochs", "1", "--quiet", "--output", folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.score(folder)[:2], ("holdout", 8))

    def test_a_run_outlives_the_weights_it_began_from(self):
        place, before, folder = self.dir / "set", self.dir / "before", self.dir / "run"
        write_images(place, train=6, val=4)
        train = [TRAIN, "--dataset", "folder", "--data-dir", place, "--model", "salunet_c8", "--batch-size", "4", "--quiet"]
        for flags in (["--epochs", "1", "--output", before],
                      ["--epochs", "2", "--output", folder, "--initial-checkpoint", before / "last", "--max-steps", "2"]):
            result = run(*train, *flags)
            self.assertEqual(result.returncode, 0, result.stderr)
        shutil.rmtree(before)
        self.assertEqual(self.score(folder)[:2], ("val", 8))  # config.toml holds the folder of its images
        for command in (["report", folder], ["--resume", folder, "--progress", "none"]):
            result = run(TRAIN, *command)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(rows_of(folder)), 2)


class WithoutEffect(Programs):
    """Settings that nothing would read are refused, and doubtful ones named."""
    def test_settings_of_other_networks(self):
        for model, flag, value in (("cnn4", "--drop-path", "0.9"), ("cnn4", "--drop", "0.5"), ("cnn4", "--stem", "imagenet"),
                                   ("cnn4", "--head-init", "framework"), ("salunet_c8", "--stem", "cifar"),
                                   ("salunet_t", "--stem", "cifar"), ("deit_tiny_patch16_224", "--weight-init", "lecun")):
            self.refuse(2, f"{flag}: {model} has no use for it; expected another --model with it", TRAIN, "--model", model,
                        flag, value, "--print-config")
        for flags in (["cnn4", "--drop-path", "0", "--weight-init", "lecun"], ["resnet18", "--stem", "imagenet"],
                      ["salunet_t", "--drop-path", "0.1", "--drop", "0.1"], ["salunet_c8", "--head-init", "framework"]):
            self.assertEqual(run(TRAIN, "--model", *flags, "--print-config").returncode, 0, flags)

    def test_milestones_of_another_schedule(self):
        flags = ["--decay-milestones", "3,5", "--print-config"]
        self.refuse(2, "--decay-milestones: the schedule cosine has none; expected --sched multistep with it", TRAIN, *flags)
        self.assertEqual(run(TRAIN, "--sched", "multistep", *flags).returncode, 0)

    def test_settings_that_cannot_be_meant(self):
        new = self.dir / "new"
        for message, *flags in (
                ("--mean: 123.675 is not a finite number >= 0 and <= 1", "--mean", "123.675", "116.28", "103.53"),
                ("--mean: -0.5 is not a finite number >= 0 and <= 1", "--mean", "-0.5,0,0"),
                ("--std: 58.395 is not a finite number > 0 and <= 1", "--std", "58.395", "57.12", "57.375"),
                ("--sched multistep: no milestones; expected --decay-milestones", "--sched", "multistep"),
                ("--min-lr 1: above the learning rate 0.1; expected at most that", "--min-lr", "1", "--lr", "0.1"),
                ("--min-lr 1: above the learning rate 0.05", "--min-lr", "1", "--lr-base", "0.1", "--lr-base-size", "64", "--opt", "sgd"),
                ("--warmup-lr 1: above the learning rate 0.1", "--warmup-lr", "1", "--lr", "0.1"),
                ("--opt-betas: 1 is not a finite number", "--opt-betas", "0.9", "1"),
                ("--model-ema-decay: 0 is not a finite number > 0", "--model-ema", "--model-ema-decay", "0"),
                ("--model-ema-decay: 1 is not a finite number", "--model-ema", "--model-ema-decay", "1"),
                ("--batch-size 1: one value per channel in layer4.0.downsample.1 ((1,1,1,512)), and batch norm", "--model", "resnet18",
                 "--stem", "imagenet", "--batch-size", "1"),
                ("--batch-size 1: one value per channel in layer4.0.downsample.1", "--model", "resnet18", "--stem", "imagenet",
                 "--batch-size", "1", "--grad-accum-steps", "4")):
            with self.subTest(flags=flags):
                self.refuse(2, message, TRAIN, *small("--output", new, "--quiet", *flags))
                self.assertFalse(new.exists())
        for flags in (["--dry-run"], ["--overfit-batch", "2"], ["--benchmark", "1"]):
            self.refuse(2, "one value per channel", TRAIN, *small("--output", new, "--model", "resnet18", "--stem", "imagenet",
                                                                  "--batch-size", "1", *flags))
        run_dir = self.train("run", "--epochs", "1")
        for flags in (["--mean", "123.675", "116.28", "103.53"], ["--std", "58.4", "57.1", "57.4"]):
            self.refuse(2, f"{flags[0]}: ", EVALUATE, run_dir, *flags)
        for flags in (["--batch-size", "2", "--model", "resnet18", "--stem", "imagenet"], ["--batch-size", "1"]):
            self.train("few", *flags, "--max-steps", "1", "--train-num-samples", "40", "--val-num-samples", "2", "--overwrite")

    def test_a_schedule_that_never_drops(self):
        for flags in (["--sched", "step"], ["--sched", "multistep", "--decay-milestones", "30,40"]):
            log = (self.train(flags[1], *flags, "--max-steps", "1") / "log.txt").read_text()
            self.assertIn(f"warning: --sched {flags[1]}: the learning rate never drops in 2 epochs\n", log)

    def rates(self, name, *flags):
        with open(self.train(name, "--log-interval", "1", "--report", "false", *flags) / "metrics.jsonl", encoding="utf-8") as file:
            return [json.loads(line)["lr"] for line in file]

    def test_a_warm_up_before_the_schedule_makes_the_run_longer(self):
        flags = ["--epochs", "4", "--lr", "0.1", "--warmup-epochs", "1.5", "--warmup-lr", "0.01", "--min-lr", "0.001", "--batch-size", "100",
                 "--warmup-prefix"]
        # timm's CosineLRScheduler, two steps an epoch: 1.5 epochs of rise, then a cosine of four, then min_lr.
        rise = [0.01 + 0.09 * i / 3 for i in range(3)]
        fall = [0.001 + 0.0495 * (1 + math.cos(math.pi * i / 8)) for i in range(8)]
        whole = self.rates("prefix", *flags)
        for got, want in zip(whole, rise + fall + [0.001], strict=True):
            self.assertAlmostEqual(got, want, places=9)
        cooled = self.rates("cooldown", *flags, "--cooldown-epochs", "2")
        for got, want in zip(cooled, whole + 4 * [0.001], strict=True):
            self.assertAlmostEqual(got, want, places=9)
        self.assertEqual(len(self.rates("onecycle", *flags, "--sched", "onecycle")), 8)

    def test_no_silent_epoch_at_rate_0(self):
        flags = ["--sched-per-epoch", "--epochs", "20", "--max-steps", "2", "--lr", "0.1"]
        self.assertEqual(self.rates("default", *flags), [1e-5, 1e-5])
        self.assertEqual(self.rates("low", *flags[:-1], "1e-6"), [1e-6, 1e-6])
        self.assertEqual(self.rates("asked", *flags, "--warmup-lr", "0"), [0, 0])
        message = "warning: --warmup-lr 0: the first epoch has a learning rate of 0 and teaches nothing\n"
        self.assertIn(message, (self.dir / "asked/log.txt").read_text())
        self.assertNotIn(message, (self.dir / "default/log.txt").read_text())

    def test_lars_has_the_rates_and_the_momentum_of_timm(self):
        text = run(TRAIN, "--opt", "lars", "--lr-base", "1", "--batch-size", "1024", "--print-config").stdout
        self.assertIn("\nnesterov=false\n", text)
        self.assertIn('\nlr-base-scale="linear"\n', text)
        self.assertIn("\nnesterov=true\n", run(TRAIN, "--opt", "lars", "--nesterov", "--print-config").stdout)
        self.assertIn("\nnesterov=true\n", run(TRAIN, "--opt", "sgd", "--print-config").stdout)
        flags = ["--opt", "lars", "--lr-base", "1", "--lr-base-size", "8", "--warmup-epochs", "0", "--max-steps", "1"]
        self.assertEqual(self.rates("lars", *flags), [4])
        self.assertEqual(self.rates("sqrt", *flags, "--lr-base-scale", "sqrt"), [2])

    def test_the_better_of_weights_and_average_is_the_best(self):
        # An average that hardly moves is worse than the weights; one of hot weights is better.
        for name, decay, weights, flags in (("slow", "0.9999", "raw", ["--train-num-samples", "320", "--no-aug", "--lr", "0.004", "--warmup-epochs", "0"]),
                                            ("hot", "0.9", "ema", ["--lr", "0.02"])):
            folder = self.dir / name
            result = run(TRAIN, *small("--output", folder, "--epochs", "4", "--model-ema", "--model-ema-decay", decay, "--eval-metric",
                                       "loss", "--opt", "adamw", *flags))
            self.assertEqual(result.returncode, 0, result.stderr)
            rows = rows_of(folder)
            scores = [min((float(row[f"{kind}_loss"]), label) for kind, label in (("eval", "raw"), ("ema", "ema"))) for row in rows]
            epoch = min(range(4), key=lambda i: scores[i][0])
            self.assertIn(f"best loss ({scores[epoch][1]}): {scores[epoch][0]:.3f} at epoch {epoch + 1}\n", result.stdout)
            self.assertEqual((folder / "best").resolve().name, f"epoch-{epoch + 1:04}")
            marks = [re.search(r"best so far \((raw|ema)\)", line) for line in result.stderr.splitlines() if line.startswith("epoch ")]
            low = math.inf
            for mark, (score, label) in zip(marks, scores, strict=True):
                self.assertEqual(mark and mark[1], label if score < low else None)
                low = min(low, score)
            if name == "slow":
                self.assertEqual(scores[epoch][1], weights)

    def test_a_start_takes_the_averaged_weights_and_the_crop(self):
        first = self.train("first", "--model-ema", "--model-ema-decay", "0.9", "--crop-pct", "0.8", "--epochs", "1")
        result = run(TRAIN, *small("--output", self.dir / "second", "--initial-checkpoint", first, "--lr", "1e-30", "--warmup-epochs", "0",
                                   "--epochs", "1"))
        self.assertIn(f"{first}: the averaged weights (ema) are taken, not the raw ones\n", result.stderr)
        self.assertAlmostEqual(float(rows_of(self.dir / "second")[0]["eval_loss"]), float(rows_of(first)[0]["ema_loss"]), places=6)
        self.assertIn("\ncrop-pct=0.8\n", (self.dir / "second/config.toml").read_text())
        third = self.train("third", "--initial-checkpoint", first, "--crop-pct", "1", "--max-steps", "1")
        self.assertIn("\ncrop-pct=1\n", (third / "config.toml").read_text())

    def test_fine_tuning_of_a_network_without_a_stem(self):
        first = self.train("first", "--model", "cnn4", "--max-steps", "1")
        folder = self.train("second", "--model", "cnn4", "--max-steps", "1", "--initial-checkpoint", first)
        self.assertNotIn("stem=\"c", (folder / "config.toml").read_text())

    def test_a_warm_up_longer_than_the_run(self):
        flags = ["--lr", "0.5", "--epochs", "2", "--warmup-epochs"]
        log = (self.train("run", *flags, "5") / "log.txt").read_text()
        # 12 steps of 30: the last is at 11/30 of the way.
        self.assertIn("warning: --warmup-epochs 5: the run has 2 epochs and ends at a learning rate of 0.1833, 0.5 is never "
                      "reached\n", log)
        self.assertNotIn("warning", (self.train("short", *flags, "1") / "log.txt").read_text())
        onecycle = self.train("onecycle", *flags, "2", "--sched", "onecycle")  # its last step is the peak
        self.assertNotIn("warning", (onecycle / "log.txt").read_text())


class Settings(Programs):
    def test_where_a_bad_setting_stands(self):
        config = self.dir / "c.toml"
        for text, message in (("# first\n[data]\nlr=1\n", "2:2: section [data]; expected keys without sections, such as lr=0.1"),
                              ("data.lr=1\n", "1:1: section [data]; expected keys without sections"),
                              ("lr=1\nepochs=2\n lr = 3\n", "3:"),
                              ("epochs=2\nlr=2\n\"lr\"=2\n", "3:"),
                              ("b=1\nseed=1\nbatch-size=2\n", f"3:1: batch-size: stands in {config}:1:1, too; expected it once"),
                              ("no-aug=true\naug=true\n", f"2:1: aug: stands in {config}:1:1, too; expected it once"),
                              ("seed=1\nepochs='x'\n", "2:1: --epochs: 'x' is not a whole number in 1..1000000"),
                              ("seed=1\nepochs=x\n", "2:8: Error while parsing"),
                              ("seed=1\nlr = 0.1 0.2\n", "2:10: Error while parsing"),
                              ("seed=1\nlr=2026-01-01\n", "2:1: lr: a date or a time; expected a number"),
                              ("seed=1\nscale=[0.1,7]\n", "2:1: --scale: 7 is not a finite number"),
                              ("seed=1\n scale=[0.1]\n", "2:2: --scale: 1 value; expected 2"),
                              ("b=0\n", "1:1: --batch-size: '0' is not a whole number"),
                              ("opt='sdg'\n", "1:1: --opt: unknown name 'sdg'; expected one of sgd, "),
                              ("aa='tawide'\n", "1:1: --aa: unknown policy 'tawide'"),
                              ("seed=1\noutput='x'\n", "2:1: output: is about one call, no setting of a run; expected --output on"),
                              ("lrs=1\nl=2\n", "1:1: unknown key 'lrs' (did you mean --lr?)"),
                              ("lr=1\nl=2\n", "2:1: unknown key 'l'")):
            config.write_text(text)
            self.refuse(2, f"error: {config}:{message}", TRAIN, "-c", config)
        config.write_text("seed=1\nepochs='x'\n")
        self.refuse(2, "error: --epochs: 'y' is not a whole number", TRAIN, "-c", config, "--epochs", "y")
        config.write_text("seed=1\nepochs=2\n")
        bad = {"SALU_EPOCHS": "x", "SALU_BATCH_SIZE": "-1"}
        result = run(TRAIN, "-c", config, env=bad)
        self.assertIn("error: SALU_BATCH_SIZE in the environment: --batch-size: '-1' is not a whole number", result.stderr)
        result = run(TRAIN, "--print-config", env={"SALU_EPOCHS": "x"})
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("error: SALU_EPOCHS in the environment: --epochs: 'x' is not a whole number", result.stderr)
        self.refuse(2, "error: --epochs: 'x' is not", TRAIN, "--epochs", "x")


    def test_configurations_of_version_0_1_0(self):
        """Numbers as they were given, backslashes as they are: no TOML, but runs have them."""
        config = self.dir / "config.toml"
        config.write_text("dataset=\"shapes\"\ndata-dir=\"/a\\b's\"\nmodel=\"salunet_c8\"\nepochs=2\nbatch-size=32\nseed=42\ngraph=1\n"
                          "mean=[.1, .2, .30]\nnorm=\"salu\"\nopt=\"adamw\"\nlr=2E-3\nlr-base=\"\"\nmomentum=.9\nnesterov=1\nopt-betas=[0.9, 0.999]\n"
                          "weight-decay=5.\ndecay-all=false\nsched=\"multistep\"\ndecay-milestones=\"1,2.5\"\nno-aug=true\nratio=[0.75, "
                          "1.3333333333333333]\naa=\"none\"\nrank-timeout=60\n", encoding="utf-8")
        shown = run(TRAIN, "-c", config, "--print-config")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        lines = shown.stdout.splitlines()
        for line in ('dataset="shapes"', "data-dir=\"/a\\\\b's\"", "graph=true", "mean=[0.1, 0.2, 0.3]", "lr=0.002", "# lr-base=", "momentum=0.9",
                     "nesterov=true", "weight-decay=5", "decay-milestones=[1, 2.5]", "aug=false", "ratio=[0.75, 1.3333333333333333]"):
            self.assertIn(line, lines)
        config.write_text(shown.stdout, encoding="utf-8")
        self.assertEqual(run(TRAIN, "-c", config, "--print-config").stdout, shown.stdout)
        folder = self.train("run", "--max-steps", "6")
        old = re.sub(r"(?m)^(#.*)?\n", "", (folder / "config.toml").read_text(encoding="utf-8"))
        for now, then in (("graph=true", "graph=1"), ("nesterov=true", "nesterov=1"), ("aug=true", "no-aug=false"), ("hflip=0.5", "hflip=.5"),
                          ("decay-milestones=[]", 'decay-milestones=""')):
            self.assertIn(f"\n{now}\n", old)
            old = old.replace(f"\n{now}\n", f"\n{then}\n")
        (folder / "config.toml").write_text(old, encoding="utf-8")
        resumed = run(TRAIN, "--resume", folder, "--no-aug=false", "--progress", "none", "--report", "false")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(weights_of(folder), weights_of(self.train("twin")))


class Help(Programs):
    def test_it_is_short_and_whole(self):
        for command in ([TRAIN], [TRAIN, "pack"], [TRAIN, "verify"], [TRAIN, "report"], [EVALUATE], [EVALUATE, "predict"], [EVALUATE, "export"]):
            for flag in ("--help", "-h", "--help-all"):
                result = run(*command, flag)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertNotIn("\n\n\n", result.stdout)
                self.assertFalse(result.stdout.endswith("\n\n"))

    def test_a_choice_stands_in_it_once(self):
        page = run(TRAIN, "--help-all").stdout
        for choices in ("{auto,bar,plain,none}", "{stop,skip}", "{sgd,adam,adamw,lamb,lars}", "{cosine,step,multistep,constant,onecycle}"):
            self.assertEqual(page.count(choices), 1)
            self.assertEqual(page.replace("{", " ").count(choices[1:-1].replace(",", ", ")), 0)

    def test_the_compiler_has_a_name(self):
        for program in (TRAIN, EVALUATE):
            self.assertRegex(run(program, "--version").stdout, r"^salunet \d+\.\d+\.\d+ \(compiled by (gcc|Clang|Debian|Ubuntu)[ \w]* \d[^)]*\)\n$")
        self.assertIn(run(TRAIN, "--version").stdout, run(TRAIN, "--check").stdout)


class Said(Programs):
    """Lines that a user acts on."""
    def test_what_an_epoch_leaves_out(self):
        log = (self.train("a", "--train-num-samples", "300", "--batch-size", "70", "--grad-accum-steps", "3") / "log.txt")
        self.assertIn(": 300 images (210 of them in an epoch), ", log.read_text())
        log = self.train("b", "--train-num-samples", "64", "--max-steps", "1") / "log.txt"
        self.assertIn(": 64 images, ", log.read_text())

    def test_the_rate_of_a_run_that_gets_longer(self):
        folder = self.train("run", "--lr", "0.01", "--warmup-epochs", "0")
        result = run(TRAIN, "--resume", folder, "--epochs", "4", "--progress", "none")
        # Half a cosine: 11 of 12 steps, then 12 of 24.
        was = 0.005 * (1 + math.cos(math.pi * 11 / 12))
        self.assertIn(f"learning rate: {was:.4g} at the end of the run so far, now 0.005 (cosine over 4 epochs)\n", result.stderr)
        stopped = self.train("stopped", "--max-steps", "3")
        again = run(TRAIN, "--resume", stopped, "--progress", "none")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("learning rate:", again.stderr)

    def test_commands_that_can_be_pasted(self):
        folder = self.dir / "it's a run"
        result = run(TRAIN, *small("--output", folder, "--max-steps", "1"))
        command = re.search(r"go on with: (salutrain .*)", result.stdout).group(1)
        self.assertEqual(shlex.split(command), ["salutrain", "--resume", str(folder)])
        result = run(TRAIN, *shlex.split(command)[1:], "--progress", "none")
        command = re.search(r"score it: (saluevaluate .*)", result.stdout).group(1)
        self.assertEqual(run(EVALUATE, *shlex.split(command)[1:]).returncode, 0)
        strange = self.dir / "a\nä\\'"
        result = run(TRAIN, *small("--output", strange, "--max-steps", "1"))
        command = re.search(r"go on with: salutrain --resume (.*)", result.stdout).group(1)
        said = subprocess.run(["bash", "-c", f"printf %s {command}"], capture_output=True, check=True).stdout
        self.assertEqual(said, os.fsencode(strange))

    def test_folders_of_others_are_not_overwritten(self):
        folder = self.dir / "proj"
        (folder / "checkpoints").mkdir(parents=True)
        for name in ("checkpoints/mine.pt", "log.txt", "config.toml"):
            (folder / name).write_text("mine")
        for flags in ([], ["--overwrite"]):
            self.refuse(2, "proj: is not empty (no checkpoint in it); expected a new or an empty folder", TRAIN,
                        *small("--output", folder, "--quiet", *flags))
            self.refuse(2, ". Give --output another name", TRAIN, *small("--output", folder, "--quiet", *flags))
        self.assertEqual({(folder / name).read_text() for name in ("checkpoints/mine.pt", "log.txt", "config.toml")}, {"mine"})

    def test_networks_have_their_aliases(self):
        lines = run(TRAIN, "--list-models").stdout.splitlines()
        self.assertIn("vit_base_patch16_224 (vit_b_16, deit_base_patch16_224)", lines)
        self.assertIn("salunet_c8", lines)

    def test_digits_of_the_configuration(self):
        self.assertIn("warmup-epochs=0.3\n", run(TRAIN, "--epochs", "3", "--print-config").stdout)

    def test_the_optimizer_depends_on_the_norm(self):
        for flags, opt in ((["--model", "resnet20"], "sgd"), (["--model", "resnet20", "--norm", "salu"], "adamw"),
                           (["--model", "salunet_c20"], "adamw"), (["--model", "vit_cifar"], "adamw"),
                           (["--model", "salunet_c20", "--norm", "batchnorm"], "sgd")):
            self.assertIn(f'opt="{opt}"\n', run(TRAIN, *flags, "--print-config").stdout, flags)

    def test_the_log_names_all_that_happens_to_images(self):
        mixed = ["--mixup", "0.2", "--cutmix", "1", "--aug-repeats", "2"]
        for name, flags, line in (("all", mixed, "cropped to 32, mirrored 0.5, each 2 times, mixup 0.2, cutmix 1\n"),
                                  ("none", ["--no-aug", "--aug-repeats", "4"], "short side 32, centre (bilinear)\n")):
            self.assertIn(line, (self.train(name, *flags) / "log.txt").read_text(encoding="utf-8"))
        plain, repeated = self.train("plain", "--no-aug"), self.dir / "none"
        self.assertEqual(weights_of(plain), weights_of(repeated))


class Leftovers(Programs):
    def test_a_kill_behind_the_last_save(self):
        folder = self.train("run", "--report", "false")
        left = folder / "checkpoints/.tmp-step-00000011"  # renamed to be removed, and not removed
        shutil.copytree(folder / "checkpoints/epoch-0001", left)
        before = weights_of(folder)
        self.assertEqual(run(TRAIN, "--resume", folder, "--progress", "none").returncode, 0)
        self.assertEqual(sorted(os.listdir(folder / "checkpoints")), ["epoch-0001", "epoch-0002"])
        self.assertEqual(weights_of(folder), before)


class Resuming(Programs):
    def resume(self, folder, *flags, env=None):
        return run(TRAIN, "--resume", folder, "--progress", "none", "--report", "false", *flags, env=env)

    def test_the_environment_has_no_say(self):
        flags = ["--epochs", "2", "--max-steps", "6"]
        folder, twin = self.train("run", *flags), self.train("twin", *flags)
        before = (folder / "config.toml").read_bytes()
        polluted = {"SALU_ACT": "gelu", "SALU_CROP_PCT": "0.6", "SALU_LR_BASE": "0.1", "SALU_EPOCHS": "many",
                    "SALU_CLIP_MODE": "value"}
        resumed = self.resume(folder, env=polluted)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(self.resume(twin).returncode, 0)
        self.assertEqual((folder / "config.toml").read_bytes(), before)
        self.assertEqual(weights_of(folder), weights_of(twin))

    def test_values_are_compared_not_their_digits(self):
        folder = self.train("run", "--lr", "0.002", "--scale", "0.5", "0.9", "--nesterov", "true", "--max-steps", "6")
        same = ["--lr", "2e-3", "--scale", ".5,0.90", "--nesterov", "--hflip", ".5", "--min-lr", "0.0"]
        self.assertEqual(self.resume(folder, *same, "--max-steps", "7").returncode, 0)
        self.refuse(2, "--seed: '042': expected 42", TRAIN, "--resume", folder, "--seed", "042")
        for flags in (["--lr", "0.0021"], ["--scale", "0.5", "0.8"], ["--nesterov", "false"], ["--warmup-prefix"], ["--seed", "43"]):
            refused = self.resume(folder, *flags)
            self.assertEqual(refused.returncode, 4, flags)
            self.assertIn(f"{flags[0]} is ", refused.stderr)

    def test_settings_that_need_others_of_the_run(self):
        folder = self.train("run", "--bce-loss", "--bce-target-thresh", "0.2", "--sched", "multistep", "--decay-milestones",
                            "1", "--clip-mode", "value", "--clip-grad", "5", "--max-steps", "6")
        resumed = self.resume(folder, "--bce-target-thresh", "0.2", "--decay-milestones", "1", "--clip-mode", "value",
                              "--max-steps", "7")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        refused = self.resume(folder, "--decay-milestones", "1,2")
        self.assertEqual(refused.returncode, 4)
        self.assertIn("--decay-milestones is", refused.stderr)

    def test_large_seeds_are_told_apart(self):
        folder = self.train("run", "--seed", "9007199254740992", "--max-steps", "6")
        refused = self.resume(folder, "--seed", "9007199254740993")
        self.assertEqual(refused.returncode, 4, refused.stderr)
        self.assertIn("--seed is 9007199254740992 in that run", refused.stderr)

    def test_with_the_file_it_was_started_with(self):
        recipe = self.dir / "recipe.toml"
        recipe.write_text("lr = 0.002\nmodel = 'salunet_c8'\nepochs = 2\n", encoding="utf-8")
        folder = self.train("run", "-c", recipe, "--max-steps", "6")
        self.assertEqual(self.resume(folder, "-c", recipe).returncode, 0)
        self.assertEqual(len(rows_of(folder)), 2)
        recipe.write_text("lr = 0.003\n", encoding="utf-8")
        refused = self.resume(folder, "-c", recipe)
        self.assertEqual(refused.returncode, 4)
        self.assertIn("--lr is 0.002 in that run, 0.003 is asked for", refused.stderr)

    def test_epochs_only_grow(self):
        folder = self.train("run", "--epochs", "2")
        refused = self.resume(folder, "--epochs", "1")
        self.assertEqual(refused.returncode, 4)
        self.assertIn("--epochs is 2 in that run, 1 is asked for; expected as many or more", refused.stderr)
        self.assertIn("epochs=2", (folder / "config.toml").read_text())

    def test_a_run_stays_in_its_folder(self):
        folder = self.train("run", "--max-steps", "6")
        refused = self.resume(folder, "--overwrite")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--resume excludes --overwrite", refused.stderr)
        refused = self.resume(folder, "--output", folder)  # its own folder is not a new one
        self.assertEqual(refused.returncode, 2)
        self.assertIn(f"{folder}: is not empty", refused.stderr)
        self.assertEqual(self.resume(folder / "checkpoints").returncode, 0)  # what the shell completes
        self.assertEqual(len(rows_of(folder)), 2)

    def test_from_another_folder(self):
        write_images(self.dir / "set", train=6, val=4)
        train, evaluate = os.path.abspath(TRAIN), os.path.abspath(EVALUATE)
        command = [train, "--dataset", "folder", "--data-dir", "set", "--model", "salunet_c8", "--batch-size", "4", "--epochs", "2",
                   "--max-steps", "3", "--quiet", "--output", "run"]
        subprocess.run(command, cwd=self.dir, check=True, capture_output=True)
        (self.dir / "elsewhere").mkdir()
        for command in ([evaluate, "../run"], [train, "--resume", "../run", "--quiet"], [train, "report", "../run"]):
            result = subprocess.run(command, cwd=self.dir / "elsewhere", capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(rows_of(self.dir / "run")), 2)


class Switches(Programs):
    def setting(self, name, *flags, env=None):
        result = run(TRAIN, "--print-config", *flags, env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        return re.search(rf"^{name}=(.*)$", result.stdout, re.MULTILINE).group(1)

    def test_alone_and_with_a_value(self):
        for flags, value in (([], "true"), (["--nesterov"], "true"), (["--nesterov", "false"], "false"), (["--nesterov=0", "-q"], "false"),
                             (["--no-nesterov"], "false"), (["--no-nesterov=false"], "true"), (["--no-nesterov", "--nesterov"], "true")):
            self.assertEqual(self.setting("nesterov", *flags), value, flags)
        for flags, value in (([], "true"), (["--no-aug"], "false"), (["--no-aug=true", "-q"], "false"), (["--no-aug", "false"], "true")):
            self.assertEqual(self.setting("aug", *flags), value, flags)
        for name, on in (("tf32", False), ("deterministic", True), ("graph", True), ("decay-all", False), ("sched-per-epoch", False),
                         ("bce-loss", False), ("model-ema", False), ("smoothing-wrong-classes", False)):
            for flags, value in (([], on), ([f"--{name}"], True), ([f"--no-{name}"], False), ([f"--{name}", "true"], True),
                                 ([f"--{name}=false"], False), ([f"--{name}", "0", "-q"], False)):
                self.assertEqual(self.setting(name, *flags), str(value).lower(), flags)
        self.assertEqual(self.setting("aug", env={"SALU_NO_AUG": "true"}), "false")
        self.assertEqual(self.setting("tf32", env={"SALU_TF32": "1"}), "true")
        self.refuse(2, "--nesterov: 'flase'; expected true or false", TRAIN, "--nesterov=flase")
        for flags, value in (([], "false"), (["--warmup-prefix"], "true"), (["--warmup-prefix=false"], "false")):
            self.assertEqual(self.setting("warmup-prefix", *flags), value, flags)
        self.assertEqual(self.setting("precision", "--amp"), '"bf16"')
        self.refuse(2, "--precision excludes --amp", TRAIN, "--amp", "--precision", "f32")

    def test_colours_with_commas(self):
        for flags, env in ((["--mean", ".1,.2,.3"], {}), (["--mean", ".1", ".2", ".3"], {}), ([], {"SALU_MEAN": ".1,.2,.3"})):
            self.assertEqual(self.setting("mean", *flags, env=env), "[0.1, 0.2, 0.3]")
        self.assertEqual(self.setting("decay-milestones", "--sched", "multistep", "--decay-milestones", "1,2.5"), "[1, 2.5]")
        self.refuse(2, "--mean: 2 values; expected 3", TRAIN, "--mean", "0.1", "0.2", "--print-config")


class AnotherOptimizer(Programs):
    def resume(self, folder, *flags):
        return run(TRAIN, "--resume", folder, "--progress", "none", "--report", "false", *flags)

    def test_no_resume_opt(self):
        flags = ["--opt", "sgd", "--lr", "0.05"]
        whole = weights_of(self.train("whole", *flags))
        for fresh in ([], ["--no-resume-opt"]):
            folder = self.train(f"run{len(fresh)}", *flags, "--max-steps", "8")
            result = self.resume(folder, *fresh)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("at epoch 2, step 8" + ", with a fresh optimizer" * len(fresh) + "\n", result.stderr)
            self.assertEqual(weights_of(folder) == whole, not fresh)  # without its momentum: another path
            self.assertEqual(len(rows_of(folder)), 2)

    def test_the_optimizer_may_change(self):
        folder = self.train("run", "--opt", "sgd", "--lr", "0.05", "--max-steps", "8")
        change = ["--opt", "adamw", "--lr", "0.001", "--weight-decay", "0.05"]
        refused = self.resume(folder, *change)
        self.assertEqual(refused.returncode, 4)
        self.assertIn("--opt is sgd in that run, adamw is asked for", refused.stderr)
        self.assertIn("--lr is 0.05 in that run, 0.001 is asked for", self.resume(folder, "--lr", "0.001").stderr)
        result = self.resume(folder, "--no-resume-opt", *change)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(folder / "config.toml", encoding="utf-8") as file:
            self.assertIn('opt="adamw"', file.read())
        # From here on it is a run like any other.
        self.assertEqual(self.resume(folder, "--epochs", "3").returncode, 0)
        state = (folder / "last/state.safetensors").read_bytes()
        names = json.loads(state[8:8 + int.from_bytes(state[:8], "little")])
        self.assertTrue(any(name.startswith("optim.exp_avg.") for name in names))
        self.refuse(2, "--no-resume-opt", TRAIN, "--no-resume-opt")
        self.refuse(4, "--batch-size is 32", TRAIN, "--resume", folder, "--no-resume-opt", "--batch-size", "16")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
