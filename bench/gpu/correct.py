#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is what the GPU computes right? Nothing that is measured counts before this passes.

Usage: correct.py --bin FOLDER [--json FILE] [--device cuda|cuda-host] [--salutrain PROGRAM] [--sanitizer] [--seconds N]

Exit code 77: nothing of it could be run. 75: nothing failed, but not all was finished in --seconds.

Runs salutrain --check, the same training twice (equal bytes), on the CPU and on the device (equal curves), then the tests
built for the device; with --sanitizer instead the four tools of compute-sanitizer over tiny shapes of every kernel."""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

UNFINISHED = "not finished"  # the verdict on a check that time ran out for: neither right nor wrong
CURVE = {"f32": 2e-3, "bf16": 0.08}  # largest relative difference of the loss from the CPU's


class Checks:
    def __init__(self, path, seconds):
        self.file = open(path, "w", encoding="utf-8") if path else None
        self.end = time.monotonic() + seconds
        self.failed = self.run = self.unfinished = 0

    def add(self, name, body):
        """`body(seconds left)` returns (ok, detail); None for ok: not there."""
        start = time.monotonic()
        left = self.end - start
        try:
            ok, detail = body(left) if left > 2 else (UNFINISHED, "no time left")
        except subprocess.TimeoutExpired:
            ok, detail = UNFINISHED, "out of time"
        seconds = time.monotonic() - start
        self.failed += ok is False
        self.unfinished += ok == UNFINISHED
        self.run += ok in (True, False)
        verdict = {None: "skipped", True: "ok", False: "FAILED"}.get(ok, ok)
        print(f"{name:<44} {verdict} ({seconds:.1f} s) {detail}", flush=True)
        if self.file:
            print(json.dumps({"part": "correct", "check": name, "ok": ok, "detail": detail, "seconds": seconds}),
                  file=self.file, flush=True)


def run(command, seconds, **environment):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds,
                          env={**os.environ, **environment})


def last_line(done):
    words = (done.stdout + done.stderr).strip().splitlines()
    return words[-1][:200] if words else f"exit {done.returncode}"


def program(command, **environment):
    def body(seconds):
        if not shutil.which(str(command[0])):
            return None, f"{command[0]} is not there"
        done = run(command, seconds, **environment)
        return (None if done.returncode == 77 else done.returncode == 0), last_line(done)
    return body


class Curves:
    """Short trainings, kept so that each is run once."""

    def __init__(self, o):
        self.o, self.folder, self.known = o, pathlib.Path(tempfile.mkdtemp(prefix="salunet-")), {}

    def train(self, name, seconds, *flags):
        if name not in self.known:
            folder = self.folder / name
            done = run([self.o.salutrain, "--dataset", "shapes", "--model", self.o.model, "--train-num-samples",
                        self.o.steps * self.o.batch, "--val-num-samples", self.o.batch, "--batch-size", self.o.batch, "--epochs", 1,
                        "--log-interval", 1, "--progress", "none", "--quiet", "--output", folder, *flags], seconds)
            if done.returncode:
                raise RuntimeError(f"{name}: {last_line(done)}")
            losses = [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
            weights = hashlib.sha256((folder / "last/model.safetensors").read_bytes()).hexdigest()
            self.known[name] = losses, weights
        return self.known[name]

    def device(self, precision, kernels):
        return ["--device", self.o.device, "--precision", precision, "--kernels", kernels]

    def same_bits(self, precision, kernels):
        def body(seconds):
            flags = self.device(precision, kernels)
            first, again = (self.train(f"{precision} {kernels}{i}", seconds, *flags) for i in ("", " again"))
            stream = self.train(f"{precision} {kernels} stream", seconds, *flags, "--graph", "false")
            return first == again == stream, f"weights {first[1][:12]}, {again[1][:12]}, without graph {stream[1][:12]}"
        return guarded(body)

    def like_cpu(self, precision, kernels):
        def body(seconds):
            want = self.train("cpu", seconds, "--device", "cpu")[0]
            got = self.train(f"{precision} {kernels}", seconds, *self.device(precision, kernels))[0]
            if len(want) != len(got):
                return False, f"{len(got)} steps, expected {len(want)}"
            worst = max(abs(a - b) / abs(a) for a, b in zip(want, got))
            return worst <= CURVE[precision], f"largest difference {worst:.2e}, allowed {CURVE[precision]:.0e}"
        return guarded(body)


def guarded(body):
    def call(seconds):
        try:
            return body(seconds)
        except RuntimeError as error:
            return False, str(error)
    return call


def check_all(o, checks):
    for precision in o.precisions:
        for kernels in o.kernels:
            checks.add(f"self-test, {precision}, {kernels}", program(
                [o.salutrain, "--check", "--device", o.device, "--precision", precision, "--kernels", kernels]))
    curves = Curves(o)
    for precision in o.precisions:
        for kernels in o.kernels:
            checks.add(f"same seed, same bits, {precision}, {kernels}", curves.same_bits(precision, kernels))
            checks.add(f"loss curve of the CPU, {precision}, {kernels}", curves.like_cpu(precision, kernels))
    shutil.rmtree(curves.folder, ignore_errors=True)
    for test in sorted(o.bin.glob("test_cuda_*_gpu")):  # last: they take the longest
        name = test.name[len("test_cuda_"):-len("_gpu")]
        checks.add(f"tests of {name}", program([test]))
        if name == "op":
            checks.add(f"tests of {name}, libraries", program([test], SALU_TEST_KERNELS="library"))


def sanitize(o, checks):
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    for name in ("memcheck", "racecheck", "synccheck", "initcheck"):
        checks.add(f"compute-sanitizer {name}",
                   program([tool, "--tool", name, "--error-exitcode", 9, "--target-processes", "all",
                            o.bin / "bench_kernels", "--smoke", "--handwritten", "salu", "pointwise", "loss", "norm", "pool", "attention",
                            "conv", "product", "optimizer"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of the programs")
    parser.add_argument("--salutrain", type=pathlib.Path, help="by default that of --bin")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json")
    parser.add_argument("--seconds", type=float, default=200)
    parser.add_argument("--sanitizer", action="store_true")
    parser.add_argument("--model", default="salunet_c8", help="of the curves")
    parser.add_argument("--batch", type=int, default=32, help="of the curves")
    parser.add_argument("--steps", type=int, default=24, help="of the curves")
    parser.add_argument("--kernels", nargs="+", default=["library", "handwritten"])
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"], choices=list(CURVE))
    o = parser.parse_args()
    o.salutrain = o.salutrain or o.bin / "salutrain"
    checks = Checks(o.json, o.seconds)
    sanitize(o, checks) if o.sanitizer else check_all(o, checks)
    print(f"{checks.run} run, {checks.failed} failed, {checks.unfinished} {UNFINISHED}")
    if checks.failed:
        return 1
    return 75 if checks.unfinished else 77 if checks.run == 0 else 0


sys.exit(main())
