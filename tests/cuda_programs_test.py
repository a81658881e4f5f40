# SPDX-License-Identifier: MIT
"""salutrain on --device cuda-host, the kernels on the host: the CPU's curve, resume to the bit, checkpoints that move.

Usage: cuda_programs_test.py SALUTRAIN SALUTRAIN_WITH_SHIM SALUEVALUATE"""
import csv
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CPU, SHIM, EVALUATE = sys.argv[1:4]
RUN = ["--dataset", "shapes", "--model", "salunet_c8", "--img-size", "8", "--batch-size", "4", "--train-num-samples", "24",
       "--val-num-samples", "8", "--epochs", "1", "--log-interval", "1", "--drop", "0.2", "--drop-path", "0.1",
       "--model-ema", "--progress", "none"]


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=600)


class OnTheShim(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def ok(self, *command):
        result = run(*command)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def steps(self, name):
        return [json.loads(line) for line in (self.dir / name / "metrics.jsonl").read_text().splitlines()]

    def digest(self, name):
        parts = [(self.dir / name / "last" / file).read_bytes() for file in ("model.safetensors", "state.safetensors")]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def test_the_curve_of_the_cpu(self):
        self.ok(CPU, *RUN, "--device", "cpu", "--output", self.dir / "cpu")
        self.ok(SHIM, *RUN, "--device", "cuda-host", "--output", self.dir / "shim")
        cpu, shim = self.steps("cpu"), self.steps("shim")
        self.assertEqual([row["step"] for row in shim], [1, 2, 3, 4, 5, 6])
        for a, b in zip(cpu, shim, strict=True):
            self.assertEqual((a["step"], a["lr"]), (b["step"], b["lr"]))
            for key, tolerance in (("loss", 1e-4), ("grad_norm", 1e-3)):  # rounding, grown over six steps
                self.assertLessEqual(abs(a[key] - b[key]), tolerance * abs(a[key]), (a["step"], key))
        with open(self.dir / "shim" / "metrics.csv", encoding="utf-8") as file:
            on_shim = next(csv.DictReader(file))
        scored = json.loads(self.ok(EVALUATE, self.dir / "shim", "--num-samples", "8", "--json").stdout)
        raw = next(row for row in scored if row["weights"] == "raw")  # the averaged weights have a row too
        self.assertAlmostEqual(raw["top1"], float(on_shim["eval_top1"]), places=3)

    def test_resume_is_bit_equal(self):
        flags = [*RUN, "--device", "cuda-host"]
        self.ok(SHIM, *flags, "--output", self.dir / "whole")
        self.ok(SHIM, *flags, "--output", self.dir / "parts", "--max-steps", "2")
        self.ok(SHIM, "--resume", self.dir / "parts", "--max-steps", "5", "--progress", "none")
        self.ok(SHIM, "--resume", self.dir / "parts", "--progress", "none")
        self.assertEqual(self.digest("parts"), self.digest("whole"))

    def test_bf16(self):
        self.ok(SHIM, *RUN, "--device", "cuda-host", "--output", self.dir / "f32")
        self.ok(SHIM, *RUN, "--device", "cuda-host", "--precision", "bf16", "--output", self.dir / "bf16")
        for a, b in zip(self.steps("f32"), self.steps("bf16"), strict=True):
            self.assertLessEqual(abs(a["loss"] - b["loss"]), 0.03 * a["loss"])  # 8 bits of mantissa
        self.ok(CPU, *RUN, "--device", "cpu", "--precision", "bf16", "--output", self.dir / "cpu")
        for a, b in zip(self.steps("cpu"), self.steps("bf16"), strict=True):
            self.assertLessEqual(abs(a["loss"] - b["loss"]), 0.03 * a["loss"])

    def test_devices_that_are_not_there(self):
        for device, message in (("gpu", "--device 'gpu': no such device"), ("cuda:x", "no device number after the colon"),
                                ("cuda:3", "--device cuda:3")):
            result = run(SHIM, *RUN, "--device", device, "--output", self.dir / "none")
            self.assertIn(message, result.stderr)
            self.assertIn(result.returncode, (2, 5))

    def test_check(self):
        result = self.ok(SHIM, "--check", "--device", "cuda-host")
        self.assertIn("self-test on cuda-host", result.stdout)
        self.assertTrue(result.stdout.rstrip().endswith("ok"), result.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
