#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs that go on from an earlier checkpoint than their last, or with another optimizer.

Usage: resume_test.py SALUTRAIN SALUEVALUATE"""
import array
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

from programs_test import EVALUATE, TRAIN, Programs, rows_of, run, small, weights_of


def tensors_of(file):
    """(name -> numbers, the counters) of a safetensors file of a checkpoint."""
    data = file.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    counters = json.loads(header.pop("__metadata__").get("salu.progress", "null"))
    numbers = {name: array.array("f", data[start + t["data_offsets"][0]:start + t["data_offsets"][1]])
               for name, t in header.items() if t["dtype"] == "F32"}
    return numbers, counters


def target(folder, link):
    return os.readlink(folder / link).removeprefix("checkpoints/")


def checkpoints(folder):
    return sorted(os.listdir(folder / "checkpoints"))


class Earlier(Programs):
    def resume(self, path, *flags):
        result = run(TRAIN, "--resume", path, "--progress", "none", "--report", "false", *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_best_names_the_weights_with_the_best_score(self):
        folder = self.train("run", "--epochs", "4", "--report", "false", "--checkpoint-hist", "4", "--eval-metric", "loss", "--no-aug",
                            "--lr", "0.004", "--warmup-epochs", "0", "--train-num-samples", "320")
        best = int(target(folder, "best")[-1])
        self.assertGreater(best, 1)  # to be given up
        result = self.resume(folder / f"checkpoints/epoch-000{best - 1}", "--no-resume-opt", "--lr", "100")
        score, epoch = re.search(r"best loss: ([0-9.]+) at epoch (\d)\n", result.stdout).groups()
        self.assertLess(int(epoch), best)
        self.assertEqual(target(folder, "best"), f"epoch-000{epoch}")
        self.assertEqual(target(folder, "last"), "epoch-0004")
        self.assertEqual([row["epoch"] for row in rows_of(folder)], ["1", "2", "3", "4"])
        self.assertAlmostEqual(float(rows_of(folder)[int(epoch) - 1]["eval_loss"]), float(score), delta=6e-4)
        scored = run(EVALUATE, folder / "best", "--num-samples", "60", "--json")
        self.assertAlmostEqual(json.loads(scored.stdout)["loss"], float(score), delta=6e-4)

        shutil.rmtree(folder / "checkpoints" / f"epoch-000{epoch}")
        again = self.resume(folder, "--epochs", "5")
        self.assertIn(f"the weights of epoch-000{epoch}, the best so far, are gone", again.stderr)
        self.assertFalse((folder / "best").is_symlink())

    def test_what_was_given_up_does_not_outlive_the_next_save(self):
        folder = self.train("run", "--epochs", "4", "--report", "false", "--checkpoint-hist", "2")
        self.assertIn("epoch-0003", checkpoints(folder))
        first = self.resume(folder / "checkpoints/epoch-0003", "--max-steps", "19")
        self.assertIn("epoch-0004 was saved behind the checkpoint to go on from: removed with the next save", first.stderr)
        self.assertEqual(target(folder, "last"), "step-00000019")
        self.assertNotIn("epoch-0004", checkpoints(folder))

    def test_a_crash_behind_the_way_back_loses_no_rows(self):
        flags = ["--train-num-samples", "960", "--epochs", "4", "--report", "false", "--checkpoint-hist", "4"]
        folder = self.train("run", *flags)
        whole, rows = weights_of(folder), [row["train_loss"] for row in rows_of(folder)]
        process = subprocess.Popen([TRAIN, "--resume", str(folder / "checkpoints/epoch-0002"), "--progress", "none"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(rows_of(folder)) == 4 and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.wait()
        self.assertEqual(len(rows_of(folder)), 2)
        self.assertEqual(target(folder, "last"), "epoch-0002")
        self.assertEqual(len(checkpoints(folder)), 4)  # no checkpoint is deleted before a new one is complete
        self.assertIn("at epoch 3, step 60", self.resume(folder).stderr)
        self.assertEqual([row["train_loss"] for row in rows_of(folder)], rows)
        self.assertEqual(weights_of(folder), whole)

    def test_the_average_keeps_its_memory(self):
        flags = ["--model-ema", "--model-ema-warmup", "--model-ema-decay", "0.999", "--report", "false"]
        folder = self.train("run", *flags, "--max-steps", "8")
        before, _ = tensors_of(folder / "last/state.safetensors")
        self.resume(folder, "--no-resume-opt", "--max-steps", "9")
        weights, _ = tensors_of(folder / "last/model.safetensors")
        state, counters = tensors_of(folder / "last/state.safetensors")
        self.assertEqual((counters["updates"], counters["ema_updates"]), (1, 9))
        keep = 1 - 9 ** (-2 / 3)
        compared = 0
        for name, weight in weights.items():
            for old, now, average in zip(before["ema." + name], weight, state["ema." + name], strict=True):
                self.assertAlmostEqual(average, keep * old + (1 - keep) * now, delta=1e-5 + 1e-5 * abs(now))
                compared += abs(old - now) > 1e-3
        self.assertGreater(compared, 1000)


class Cooldown(Programs):
    def test_learning_rates(self):
        def rates(name, *flags):
            folder = self.train(name, "--epochs", "2", "--cooldown-epochs", "1", "--warmup-epochs", "0", "--lr", "0.01",
                                "--log-interval", "1", *flags)
            with open(folder / "metrics.jsonl", encoding="utf-8") as file:
                return [json.loads(line)["lr"] for line in file], (folder / "report.html").read_text(encoding="utf-8")
        stepped, page = rates("step", "--sched", "step", "--decay-epochs", "1")
        for got, want in zip(stepped, 6 * [0.01] + 12 * [0.001], strict=True):
            self.assertAlmostEqual(got, want, places=12)
        self.assertIn("3 epochs, finished", page)
        cosine, _ = rates("cosine", "--min-lr", "0.002")
        self.assertEqual(cosine[12:], 6 * [0.002])

    def test_a_cooldown_that_would_teach_nothing(self):
        folder = self.dir / "run"
        self.refuse(2, "--cooldown-epochs 1: with --min-lr 0 the schedule cosine ends at a learning rate of 0", TRAIN,
                    *small("--cooldown-epochs", "1", "--output", folder))
        self.assertFalse(folder.exists())
        for flags in (["--sched", "onecycle"], ["--sched", "constant"], ["--min-lr", "1e-5"]):
            result = run(TRAIN, "--cooldown-epochs", "1", *flags, "--print-config")
            self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
