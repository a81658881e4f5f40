#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--precision bf16 on the CPU: the curve of f32, resume to the byte, any number of threads, scores, and what is said.

Usage: bf16_test.py SALUTRAIN SALUEVALUATE"""
import json
import unittest

from programs_test import EVALUATE, TRAIN, Programs, rows_of, run, small, weights_of

F32 = ["--device", "cpu", "--report", "false", "--log-interval", "1"]
BF16 = [*F32, "--precision", "bf16"]
LEVELS = ["baseline", "avx2", "avx512", "avx512_bf16"]  # those without a matrix unit
NO_UNIT = {"SALU_MAX_CPU_ISA": "avx512_bf16"}


def losses_of(folder):
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


class Bf16(Programs):
    def ok(self, *command, env=None):
        result = run(*command, env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_the_curve_of_f32_on_any_number_of_threads(self):
        few = ["--train-num-samples", "64", "--batch-size", "16", "--val-num-samples", "16"]
        for model, flags in (("salunet_c8", []), ("resnet8", []), ("vit_cifar", few)):
            f32 = self.train(f"{model}-f32", "--model", model, *flags, *F32)
            first = self.train(f"{model}-bf16-1", "--model", model, *flags, *BF16, "--threads", 1)
            for a, b in zip(losses_of(f32), losses_of(first), strict=True):
                self.assertLessEqual(abs(a - b), 0.02 * a, model)
                self.assertNotEqual(a, b, model)
            for threads in (2, 3):
                again = self.train(f"{model}-bf16-{threads}", "--model", model, *flags, *BF16, "--threads", threads)
                self.assertEqual(weights_of(again), weights_of(first), (model, threads))

    def test_every_level_trains_alike(self):
        losses = []
        for level in LEVELS:
            folder = self.dir / level
            result = self.ok(TRAIN, *small(*BF16, "--output", folder, "--max-steps", "4"), env={"SALU_MAX_CPU_ISA": level})
            self.assertIn("this processor has no matrix unit (AMX); the numbers are right, but f32 is faster", result.stderr)
            losses.append(losses_of(folder))
        for level, got in zip(LEVELS, losses, strict=True):
            for a, b in zip(losses[0], got, strict=True):
                self.assertLessEqual(abs(a - b), 0.005 * a, level)

    def test_resume_and_scores(self):
        flags = [*BF16, "--model-ema", "--model-ema-decay", "0.9", "--drop", "0.1", "--drop-path", "0.1"]
        whole = self.train("whole", *flags)
        parts = self.train("parts", *flags, "--max-steps", "7")
        self.ok(TRAIN, "--resume", parts, "--progress", "none")
        self.assertEqual(weights_of(parts), weights_of(whole))
        self.assertEqual(losses_of(parts), losses_of(whole))
        self.refuse(4, "--precision is bf16 in that run, f32 is asked for", TRAIN, "--resume", parts, "--precision", "f32")
        scores = json.loads(self.ok(EVALUATE, whole, "--num-samples", 60, "--precision", "bf16", "--json").stdout)
        last = rows_of(whole)[-1]
        for weights, column in (("raw", "eval_top1"), ("ema", "ema_top1")):
            row = next(row for row in scores if row["weights"] == weights)
            self.assertAlmostEqual(row["top1"], float(last[column]), places=6)

    def test_measuring(self):
        for precision in ("f32", "bf16"):
            result = self.ok(TRAIN, *small("--device", "cpu", "--precision", precision, "--benchmark", 2, "--profile", "--json"))
            measured = json.loads(result.stdout)
            self.assertEqual(measured["precision"], precision)
            self.assertEqual("bf16" in measured["device"], precision == "bf16")
            self.assertIn("conv2d_forward", result.stdout)
        self.assertIn("bf16", self.ok(TRAIN, *small(*BF16, "--dry-run")).stdout)
        self.assertTrue(self.ok(TRAIN, "--check", "--device", "cpu", "--amp").stdout.rstrip().endswith("ok"))

    def test_auto_is_settled_when_the_run_starts(self):
        flags = small("--device", "cpu", "--precision", "auto", "--print-config")
        self.assertIn('precision="f32"\n', self.ok(TRAIN, *flags, env=NO_UNIT).stdout)
        self.assertRegex(self.ok(TRAIN, *flags).stdout, 'precision="(f32|bf16)"\n')
        unknown = run(TRAIN, *small("--device", "cpu", "--output", self.dir / "none"), env={"SALU_MAX_CPU_ISA": "sse"})
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("SALU_MAX_CPU_ISA in the environment: 'sse'; expected baseline, avx2, ", unknown.stderr)
        self.assertFalse((self.dir / "none").exists())


if __name__ == "__main__":
    unittest.main(argv=["bf16_test.py"])
