#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs that go on from an earlier checkpoint in a new folder, or with another optimizer.

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


def files_of(folder):
    """Every file and link of a run: name -> contents."""
    return {str(p.relative_to(folder)): os.readlink(p) if p.is_symlink() else p.read_bytes()
            for p in folder.rglob("*") if p.is_symlink() or p.is_file()}


class Earlier(Programs):
    def resume(self, path, *flags):
        result = run(TRAIN, "--resume", path, "--progress", "none", "--report", "false", *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def check_rows(self, folder, whole):
        """The log of a run that was never stopped, but for the speed."""
        for got, want in zip(rows_of(folder), rows_of(whole), strict=True):
            for column in ("epoch", "train_loss", "eval_loss", "eval_top1", "lr"):
                self.assertEqual(got[column], want[column])
        self.assertEqual((folder / "coefficients.csv").read_bytes(), (whole / "coefficients.csv").read_bytes())
        losses = [[(row["step"], row["loss"], row["grad_norm"]) for row in map(json.loads, open(f / "metrics.jsonl", encoding="utf-8"))]
                  for f in (folder, whole)]
        self.assertEqual(*losses)

    def test_from_any_checkpoint_a_new_folder_ends_with_the_same_bytes(self):
        whole = self.train("run", "--epochs", "4", "--report", "false", "--checkpoint-hist", "4", "--log-interval", "1", "--model-ema",
                           "--recovery-interval", "4")
        before = files_of(whole)
        new = self.dir / "new"
        for name in ("epoch-0001", "epoch-0003", "epoch-0004"):
            result = self.resume(whole / "checkpoints" / name, "--output", new)
            epoch = int(name[-4:])
            self.assertIn(f"resuming {whole}/checkpoints/{name} at epoch {epoch + 1}, step {6 * epoch}", result.stderr)
            self.assertEqual(weights_of(new), weights_of(whole))
            self.assertEqual(target(new, "best"), target(whole, "best"))
            self.assertEqual(target(new, "last"), "epoch-0004")
            self.check_rows(new, whole)
            self.assertEqual(files_of(whole), before)
            starts = json.loads((new / "environment.json").read_text(encoding="utf-8"))["starts"]
            self.assertEqual([start["step"] for start in starts], [0, 6 * epoch])
            self.assertEqual(run(EVALUATE, new, "--num-samples", "1").returncode, 0)
            shutil.rmtree(new)

    def test_from_inside_an_epoch(self):
        whole = self.train("whole", "--epochs", "3", "--report", "false", "--log-interval", "1")
        stopped = self.train("stopped", "--epochs", "3", "--report", "false", "--log-interval", "1", "--max-steps", "9")
        new = self.dir / "new"
        self.resume(stopped, "--output", new, "--max-steps", "10")
        self.assertEqual(checkpoints(new), ["epoch-0001", "step-00000010"])  # the first one is what a bad loss leads back to
        self.resume(new)
        self.assertEqual(weights_of(new), weights_of(whole))
        self.check_rows(new, whole)
        self.assertEqual(target(stopped, "last"), "step-00000009")

    def test_in_its_own_folder_a_run_goes_on_from_its_last_checkpoint_only(self):
        folder = self.train("run", "--epochs", "3", "--report", "false", "--eval-metric", "loss")
        before = files_of(folder)
        earlier = folder / "checkpoints/epoch-0002"
        result = run(TRAIN, "--resume", earlier, "--epochs", "4", "--progress", "none")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(f"--resume {earlier}: a run goes on from its last checkpoint, epoch-0003; expected that one. Give --output",
                      result.stderr)
        after = files_of(folder)
        for files in (before, after):
            files.pop("log.txt")
        self.assertEqual(after, before)
        self.resume(folder / "checkpoints/epoch-0003", "--epochs", "4")
        self.assertEqual(target(folder, "last"), "epoch-0004")

    def test_best_names_the_weights_with_the_best_score(self):
        folder = self.train("run", "--epochs", "4", "--report", "false", "--checkpoint-hist", "4", "--eval-metric", "loss", "--no-aug",
                            "--lr", "0.004", "--warmup-epochs", "0", "--train-num-samples", "320")
        best = int(target(folder, "best")[-1])
        self.assertGreater(best, 1)  # younger than the checkpoint to go on from: not taken over
        new = self.dir / "new"
        result = self.resume(folder / f"checkpoints/epoch-000{best - 1}", "--no-resume-opt", "--lr", "100", "--output", new)
        score, epoch = re.search(r"best loss: ([0-9.]+) at epoch (\d)\n", result.stdout).groups()
        self.assertLess(int(epoch), best)
        self.assertEqual(target(new, "best"), f"epoch-000{epoch}")
        self.assertEqual(target(new, "last"), "epoch-0004")
        self.assertEqual([row["epoch"] for row in rows_of(new)], ["1", "2", "3", "4"])
        self.assertAlmostEqual(float(rows_of(new)[int(epoch) - 1]["eval_loss"]), float(score), delta=6e-4)
        scored = run(EVALUATE, new / "best", "--num-samples", "60", "--json")
        self.assertAlmostEqual(json.loads(scored.stdout)["loss"], float(score), delta=6e-4)

        shutil.rmtree(new / "checkpoints" / f"epoch-000{epoch}")
        again = self.resume(new, "--epochs", "5")
        self.assertIn(f"the weights of epoch-000{epoch}, the best so far, are gone", again.stderr)
        self.assertFalse((new / "best").is_symlink())

    def test_a_kill_on_the_way_loses_nothing(self):
        flags = ["--train-num-samples", "960", "--epochs", "4", "--report", "false", "--checkpoint-hist", "4"]
        whole = self.train("run", *flags)
        before = files_of(whole)
        new = self.dir / "new"
        command = [TRAIN, "--resume", str(whole / "checkpoints/epoch-0002"), "--output", str(new), "--progress", "none",
                   "--report", "false"]
        reached = set()
        for place in ("checkpoints", "metrics.csv", "last", "config.toml", "checkpoints/epoch-0003"):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not (new / place).exists() and process.poll() is None:
                time.sleep(0.0005)
            process.kill()
            process.wait()
            self.assertEqual(files_of(whole), before)
            if (new / "config.toml").exists():
                reached.add("a run")
                self.assertLessEqual({"epoch-0002"}, set(checkpoints(new)))
                self.resume(new)
            else:  # no run yet: nothing would take it for one
                reached.add("no run")
                self.assertEqual(run(TRAIN, "--resume", new).returncode, 4)
                shutil.rmtree(new)
                self.assertEqual(run(*command).returncode, 0)
            self.assertEqual(weights_of(new), weights_of(whole))
            self.assertEqual([row["train_loss"] for row in rows_of(new)], [row["train_loss"] for row in rows_of(whole)])
            shutil.rmtree(new)
        self.assertEqual(reached, {"a run", "no run"})

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
