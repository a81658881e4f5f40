#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The built programs as a user runs them: results, exit codes, messages, resume, determinism.

Usage: programs_test.py SALUTRAIN SALUEVALUATE"""
import array
import csv
import hashlib
import json
import math
import os
import pathlib
import pickle
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

TRAIN, EVALUATE = sys.argv[1:3]
SMALL = {"--dataset": "shapes", "--model": "salunet_c8", "--train-num-samples": "200", "--val-num-samples": "60",
         "--batch-size": "32", "--epochs": "2", "--progress": "none"}
STEPS = 2 * (200 // 32)
FEATURES = ["--model-ema", "--model-ema-decay", "0.9", "--drop-path", "0.2", "--drop", "0.1", "--smoothing", "0.1",
            "--aa", "rand-m9-mstd0.5-inc1", "--vflip", "0.5", "--reprob", "0.3", "--cutout", "5", "--aug-repeats", "3",
            "--mixup", "0.4", "--cutmix", "1", "--mixup-mode", "elem"]


def run(*command, env=None):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **(env or {})})


def small(*flags):
    """The flags of a run of seconds; `flags` replace them."""
    return [word for flag, value in SMALL.items() if flag not in flags for word in (flag, value)] + list(flags)


def rows_of(run_dir):
    with open(run_dir / "metrics.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def weights_of(run_dir):
    digest = hashlib.sha256()
    for name in ("model.safetensors", "state.safetensors"):
        digest.update((run_dir / "last" / name).read_bytes())
    return digest.hexdigest()


class Programs(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def train(self, name, *flags, code=0):
        result = run(TRAIN, *small("--output", self.dir / name, *flags))
        self.assertEqual(result.returncode, code, result.stderr)
        return self.dir / name

    def refuse(self, code, message, *command):
        result = run(*command)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(message, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assertRegex(result.stderr, r"^salu(train|evaluate): error: ")


class TrainAndScore(Programs):
    def test_run_folder_and_scores(self):
        folder = self.train("run")
        rows = rows_of(folder)
        self.assertEqual([row["epoch"] for row in rows], ["1", "2"])
        scores = set()
        for batch in (1, 7, 256):
            result = run(EVALUATE, folder, "--batch-size", batch, "--num-samples", 60, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            scored = json.loads(result.stdout)
            self.assertEqual(scored["samples"], 60)
            self.assertEqual(sum(c["images"] for c in scored["per_class"]), 60)
            scores.add(scored["top1"])
        self.assertEqual(len(scores), 1)
        self.assertAlmostEqual(scores.pop(), float(rows[1]["eval_top1"]), places=6)
        both = run(EVALUATE, folder / "last", folder / "best", "--num-samples", 60, "--per-class")
        self.assertEqual(both.returncode, 0, both.stderr)
        self.assertEqual(both.stdout.count("salunet_c8"), 2)

    def test_config_reproduces_the_run(self):
        first = self.train("first", "--lr", "0.03", "--seed", "7")
        again = run(TRAIN, "-c", first / "config.toml", "--output", self.dir / "again", "--progress", "none")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(weights_of(first), weights_of(self.dir / "again"))

    def test_flags_win_over_file_over_environment(self):
        config = self.dir / "c.toml"
        config.write_text("lr=0.5\nmomentum=0.25\n", encoding="utf-8")
        shown = run(TRAIN, "-c", config, "--lr", "0.125", "--print-config",
                    env={"SALU_LR": "7", "SALU_MOMENTUM": "0.75", "SALU_EPOCHS": "3"})
        self.assertEqual(shown.returncode, 0, shown.stderr)
        lines = shown.stdout.splitlines()
        self.assertIn("lr=0.125", lines)
        self.assertIn("momentum=0.25", lines)
        self.assertIn("epochs=3", lines)

    def test_weights_are_safetensors_in_pytorch_layout(self):
        data = (self.train("run") / "last/model.safetensors").read_bytes()
        header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
        self.assertEqual(header["__metadata__"]["format"], "pt")
        self.assertEqual(header["conv1.weight"]["shape"], [16, 3, 3, 3])
        self.assertEqual(header["layer2.0.downsample.0.weight"]["shape"], [32, 16, 1, 1])
        self.assertEqual(header["layer1.0.norm1.alpha"]["shape"], [1])

    def test_augmentation_preview(self):
        sheets = []
        for name, flags in (("a", ()), ("b", ()), ("c", ("--aa", "cifar10")), ("d", ("--seed", "1"))):
            file = self.dir / f"{name}.png"
            result = run(TRAIN, "--dataset", "shapes", "--aug-preview", file, *flags)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout.strip(), str(file))
            sheets.append(file.read_bytes())
            self.assertEqual(struct.unpack(">II", sheets[-1][16:24]), (9 * 66 + 2, 8 * 66 + 2))
        self.assertEqual(sheets[0], sheets[1])
        self.assertEqual(len(set(sheets)), 3)
        self.refuse(5, "nowhere", TRAIN, "--dataset", "shapes", "--aug-preview", self.dir / "nowhere/a.png")

    def test_pairs_keep_every_digit_in_the_config(self):
        first = run(TRAIN, "--print-config")
        self.assertIn("ratio=[0.75, 1.3333333333333333]", first.stdout.splitlines())
        config = self.dir / "c.toml"
        config.write_text(first.stdout, encoding="utf-8")
        self.assertEqual(run(TRAIN, "-c", config, "--print-config").stdout, first.stdout)
        config.write_text("scale=[0.25, 0.5]\naa=\"ta_wide\"\n", encoding="utf-8")
        lines = run(TRAIN, "-c", config, "--ratio", "1", "2", "--print-config").stdout.splitlines()
        for line in ("scale=[0.25, 0.5]", "ratio=[1, 2]", "aa=\"ta_wide\""):
            self.assertIn(line, lines)

    def test_help(self):
        short, long = run(TRAIN, "--help"), run(TRAIN, "--help-all")
        self.assertEqual((short.returncode, long.returncode), (0, 0))
        self.assertIn("--batch-size", short.stdout)
        self.assertNotIn("--nesterov", short.stdout)
        self.assertIn("--nesterov", long.stdout)
        self.assertIn("Examples:", short.stdout)
        self.assertEqual(run(EVALUATE, "--version").returncode, 0)


class SameBytes(Programs):
    def test_threads_and_workers(self):
        digests = {weights_of(self.train(f"t{t}", "--threads", t, "--workers", w, *FEATURES))
                   for t, w in ((1, 0), (2, 1), (3, 4))}
        self.assertEqual(len(digests), 1)

    def resumed_everywhere(self, *flags):
        whole = weights_of(self.train("whole", *flags))
        for stop in range(1, STEPS):
            folder = self.train(f"stop{stop}", "--max-steps", stop, *flags)
            result = run(TRAIN, "--resume", folder, "--progress", "none", "--threads", 1 + stop % 3)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(weights_of(folder), whole, f"stopped after step {stop}")
            rows = rows_of(folder)
            self.assertEqual([row["epoch"] for row in rows], ["1", "2"])

    def test_resume_after_every_step_sgd(self):
        self.resumed_everywhere(*FEATURES)

    def test_resume_after_every_step_adamw(self):
        self.resumed_everywhere("--opt", "adamw", "--clip-grad", "1", "--norm", "batchnorm", "--act", "relu")

    def test_resume_after_every_step_of_everything(self):
        # Two batches of 16 make a step, so that there are as many steps; the second epoch is the cooldown.
        self.resumed_everywhere("--opt", "lamb", "--batch-size", "16", "--grad-accum-steps", "2", "--clip-mode", "agc",
                                "--layer-decay", "0.8", "--sched", "onecycle", "--epochs", "1", "--cooldown-epochs", "1",
                                "--bce-loss", "--bce-target-thresh", "0.2", "--mixup", "0.8", "--cutmix-minmax", "0.2",
                                "0.8", "--mixup-off-epoch", "1", "--model-ema", "--model-ema-decay", "0.9",
                                "--model-ema-warmup", "--drop", "0.1")

    def test_binary_losses_start_at_the_share_of_a_class(self):
        folder = self.train("run", "--bce-loss", "--max-steps", "1", "--log-interval", "1", "--head-init", "small_normal")
        with open(folder / "metrics.jsonl") as file:
            first = json.loads(file.readline())
        # The loss of answering 1/10 for each of ten classes: their entropy.
        entropy = -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))
        self.assertAlmostEqual(first["loss"], entropy, delta=0.03)

    def test_base_learning_rate_grows_with_the_step(self):
        for opt, scale, expected in (("sgd", None, 0.1 * 64 / 256), ("adamw", None, 0.1 * math.sqrt(64 / 256)),
                                     ("adamw", "linear", 0.1 * 64 / 256)):
            flags = ["--opt", opt, "--lr-base", "0.1", "--batch-size", "32", "--grad-accum-steps", "2", "--max-steps", "1",
                     "--log-interval", "1", "--sched", "constant", "--warmup-epochs", "0"]
            folder = self.train(f"{opt}-{scale}", *flags, *(["--lr-base-scale", scale] if scale else []))
            with open(folder / "metrics.jsonl") as file:
                self.assertAlmostEqual(json.loads(file.readline())["lr"], expected, places=12)
            again = run(TRAIN, "--resume", folder, "--progress", "none", "--max-steps", "2")
            self.assertEqual(again.returncode, 0, again.stderr)

    def test_patience(self):
        flags = ["--epochs", "9", "--lr", "1e-12", "--coef-lr-scale", "0", "--patience", "2", "--min-delta", "5"]
        folder = self.train("run", *flags)  # nothing is learned: epoch 1 is the only gain
        self.assertEqual([row["epoch"] for row in rows_of(folder)], ["1", "2", "3"])
        again = run(TRAIN, "--resume", folder, "--progress", "none")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("no gain in 2 epochs: finished early", again.stdout)
        stopped = self.train("stopped", *flags, "--max-steps", "13")
        self.assertEqual(run(TRAIN, "--resume", stopped, "--progress", "none").returncode, 0)
        self.assertEqual(weights_of(stopped), weights_of(folder))
        more = run(TRAIN, "--resume", folder, "--patience", "4", "--progress", "none")
        self.assertEqual(more.returncode, 0, more.stderr)
        self.assertEqual(len(rows_of(folder)), 5)

    def test_best_goes_by_the_metric(self):
        by = {metric: self.train(metric, "--epochs", "4", "--eval-metric", metric) for metric in ("top1", "loss")}
        rows = rows_of(by["loss"])
        self.assertEqual([r["eval_loss"] for r in rows], [r["eval_loss"] for r in rows_of(by["top1"])])
        lowest = min(range(4), key=lambda i: float(rows[i]["eval_loss"]))
        self.assertEqual((by["loss"] / "best").resolve().name, f"epoch-{lowest + 1:04}")

    def test_signal_saves_and_stops(self):
        whole = weights_of(self.train("whole", "--epochs", "12"))
        folder = self.dir / "killed"
        process = subprocess.Popen([TRAIN, *small("--epochs", "12", "--output", folder)], stderr=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        for _ in range(600):
            if (folder / "last").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 143, err)
        self.assertIn(f"salutrain --resume {folder}", out)
        self.assertEqual(run(TRAIN, "--resume", folder, "--progress", "none").returncode, 0)
        self.assertEqual(weights_of(folder), whole)

    def test_more_epochs(self):
        folder = self.train("run")
        result = run(TRAIN, "--resume", folder, "--epochs", "3", "--progress", "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((folder / "checkpoints/epoch-0003").is_dir())


class BadCommandLine(Programs):
    def test_usage(self):
        for message, *flags in (
                ("--batchsize: unknown option (did you mean --batch-size?)", "--batchsize", "3"),
                ("'0' is not a whole number in 1..1048576", "--batch-size", "0"),
                ("'-5' is not a whole number in 1..1048576", "--batch-size=-5"),
                ("'1e3' is not a whole number in 1..1048576", "--batch-size", "1e3"),
                ("'12abc' is not a whole number in 1..1048576", "--batch-size", "12abc"),
                ("'99999999999999999999' is not a whole number", "--batch-size", "99999999999999999999"),
                ("nan is not a finite number > 0", "--lr", "nan"),
                ("inf is not a finite number > 0", "--lr", "inf"),
                ("-1 is not a finite number > 0", "--lr=-1"),
                ("--lr given twice", "--lr", "1", "--lr", "2"),
                ("did you mean salunet_c8", "--model", "salunet_c9"),
                ("--opt: unknown name 'sdg'", "--opt", "sdg"),
                ("--norm: unknown name 'bn'; expected one of salu, batchnorm", "--norm", "bn"),
                ("did you mean shapes", "--dataset", "shape"),
                ("--aa: unknown policy 'tawide' (did you mean ta_wide?)", "--aa", "tawide"),
                ("--aa: section 'q3' is not known here", "--aa", "rand-m9-q3"),
                ("--remode: unknown name 'pixels'", "--remode", "pixels"),
                ("--train-crop-mode: unknown name 'rcc'", "--train-crop-mode", "rcc"),
                ("--train-interpolation: unknown name 'cubic'", "--train-interpolation", "cubic"),
                ("--mixup-mode: unknown name 'batches'", "--mixup-mode", "batches"),
                ("--cutmix-minmax: 0.7 0.2; expected the smaller number first", "--cutmix-minmax", "0.7", "0.2"),
                ("--opt: unknown name 'lambs'; expected one of sgd, adam, adamw, lamb, lars (did you mean lamb?)", "--opt", "lambs"),
                ("--clip-mode: unknown name 'acg'", "--clip-mode", "acg"),
                ("--clip-mode value: no limit is given; expected --clip-grad", "--clip-mode", "value"),
                ("--eval-metric: unknown name 'top2'", "--eval-metric", "top2"),
                ("--lr with --lr-base: both say the learning rate", "--lr", "1", "--lr-base", "1"),
                ("--bce-target-thresh: the loss has no use for it", "--bce-target-thresh", "0.2"),
                ("one global batch needs 10016", "--batch-size", "5008", "--grad-accum-steps", "2"),
                ("a batch of 1 has nothing to mix", "--mixup", "0.2", "--batch-size", "1"),
                ("--scale: 1 0.5; expected the smaller number first", "--scale", "1", "0.5"),
                ("--ratio: 2 1; expected the smaller number first", "--ratio", "2", "1"),
                ("0 is not a finite number > 0 and <= 1", "--scale", "0", "1"),
                ("dataset has 10 samples", "--train-num-samples", "10")):
            with self.subTest(flags=flags):
                self.refuse(2, message, TRAIN, "--output", self.dir / "x", "--progress", "none", "--quiet", *flags)
                self.assertFalse((self.dir / "x").exists())  # nothing half-made is left

    def test_unknown_key_in_a_config_file(self):
        config = self.dir / "c.toml"
        config.write_text("lr=0.1\nbatchsize=3\n", encoding="utf-8")
        self.refuse(2, "batchsize", TRAIN, "-c", config)
        self.refuse(2, f"{config}:2:1: unknown key 'batchsize' (did you mean --batch-size?)", TRAIN, "-c", config)
        self.refuse(2, "missing.toml", TRAIN, "-c", self.dir / "missing.toml")

    def test_output_in_use(self):
        folder = self.train("run")
        self.refuse(2, "epoch-0002", TRAIN, *small("--output", folder))
        self.train("run", "--overwrite")

    def test_missing_data(self):
        self.refuse(3, "nowhere", TRAIN, "--dataset", "cifar10", "--data-dir", self.dir / "nowhere", "--output",
                    self.dir / "x", "--quiet")


class PythonCifar(Programs):
    """The conversion that the error prints is run as it stands."""
    def converted(self, dataset, folder, files, meta):
        for name, content in {**files, "meta": meta}.items():
            (folder / name).write_bytes(pickle.dumps(content))
        flags = ["--dataset", dataset, "--data-dir", folder.parent, "--model", "salunet_c8"]
        result = run(TRAIN, *flags, "--summary")
        self.assertEqual(result.returncode, 3, result.stderr)
        command = re.search(r"python3 -c \".*\"", result.stderr)[0]
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = run(TRAIN, *flags, "--summary")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_ten(self):
        row = array.array("B", [(i * 7) % 256 for i in range(3072)])  # one object: the pickles stay small
        labels = [i % 10 for i in range(10000)]
        folder = self.dir / "cifar-10-batches-py"
        folder.mkdir()
        names = [f"data_batch_{b}" for b in range(1, 6)] + ["test_batch"]
        self.converted("cifar10", folder, {n: {b"labels": labels, b"data": [row] * 10000} for n in names}, {})
        data = (folder / "data_batch_3.bin").read_bytes()
        self.assertEqual(data[12 * 3073:13 * 3073], bytes([2]) + row.tobytes())

    def test_hundred(self):
        row = array.array("B", [(i * 5) % 256 for i in range(3072)])
        folder = self.dir / "cifar-100-python"
        folder.mkdir()
        files = {name: {b"fine_labels": [i % 100 for i in range(n)], b"coarse_labels": [i % 20 for i in range(n)],
                        b"data": [row] * n} for name, n in (("train", 50000), ("test", 10000))}
        class_names = [f"name{i}" for i in range(100)]
        self.converted("cifar100", folder, files, {"fine_label_names": class_names})
        data = (folder / "test.bin").read_bytes()
        self.assertEqual(data[77 * 3074:78 * 3074], bytes([17, 77]) + row.tobytes())
        self.assertEqual((folder / "fine_label_names.txt").read_text(encoding="utf-8").split(), class_names)


class NotFinite(Programs):
    def test_first_step(self):
        result = run(TRAIN, *small("--output", self.dir / "x", "--stabilizer-a", "1e300", "--stabilizer-b", "1e300"))
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertIn("at step 1", result.stderr)
        self.assertIn("check --lr and input normalisation", result.stderr)

    def test_later(self):
        folder = self.dir / "x"
        result = run(TRAIN, *small("--output", folder, "--opt", "sgd", "--lr", "1e30", "--warmup-epochs", "0"))
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertRegex(result.stderr, "was not finite in 5 of the steps|holds NaN or Inf at step")
        for file in folder.glob("checkpoints/*/model.safetensors"):
            data = file.read_bytes()[8:]
            header = struct.unpack("<Q", file.read_bytes()[:8])[0]
            values = array.array("f", data[header:])
            self.assertTrue(all(math.isfinite(v) for v in values), file)


class BadCheckpoint(Programs):
    def test_refused(self):
        folder = self.train("run")
        self.refuse(4, "no run is there", TRAIN, "--resume", self.dir / "nowhere")
        self.refuse(4, "--lr is", TRAIN, "--resume", folder, "--lr", "0.7", "--quiet")
        self.refuse(4, "--seed is 42 in that run, 1 is asked for", TRAIN, "--resume", folder, "--seed", "1")
        self.refuse(4, "epoch-0009", TRAIN, "--resume", folder / "checkpoints/epoch-0009", "--quiet")
        self.refuse(4, "nowhere", EVALUATE, self.dir / "nowhere")
        damaged = folder / "last/model.safetensors"
        data = bytearray(damaged.read_bytes())
        data[-1] ^= 1
        damaged.write_bytes(data)
        self.refuse(4, "epoch-0001", TRAIN, "--resume", folder, "--quiet")
        damaged.write_bytes(data[:1000])
        self.refuse(4, "epoch-0001", TRAIN, "--resume", folder, "--quiet")
        self.refuse(4, "model.safetensors", EVALUATE, damaged)

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_read_only_folder(self):
        self.dir.chmod(0o500)
        self.refuse(5, "Permission denied", TRAIN, *small("--output", self.dir / "x"))

    def test_folder_in_use(self):
        folder = self.dir / "run"
        process = subprocess.Popen([TRAIN, *small("--epochs", "1000", "--output", folder)], stderr=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        for _ in range(600):
            if (folder / "last").exists():
                break
            time.sleep(0.05)
        self.refuse(5, str(process.pid), TRAIN, "--resume", folder, "--quiet")
        process.kill()
        process.communicate()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
