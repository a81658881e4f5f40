#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A run of an earlier version still works: it resumes, its settings start a new run, and it is scored as before.

Usage: old_run_test.py SALUTRAIN SALUEVALUATE

tests/data/run_c597403 was made by `make_run.sh` there, with the programs of commit c597403. They stopped it in the
middle of an epoch, and resumed a copy of it to the end: `final.safetensors` holds the weights that they reached. Where the
instruction set and oneDNN are those of the recording, the weights must be equal byte for byte, elsewhere to 1e-4."""
import array
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TRAIN, EVALUATE = sys.argv[1:3]
RECORDED = pathlib.Path(__file__).parent / "data/run_c597403"
EXPECTED = json.loads((RECORDED / "expected.json").read_text(encoding="utf-8"))


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)


def machine_of(folder):
    """The parts of the last start in environment.json on which bits may depend."""
    start = json.loads((folder / "environment.json").read_text(encoding="utf-8"))["starts"][-1]
    loops = "avx512" if start["loops"] in ("avx512_bf16", "amx") else start["loops"]  # f32 has the loops of avx512 there
    return {"loops": loops, "oneDNN": start["libraries"]["oneDNN"]}


def weights_of(file):
    data = file.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    del header["__metadata__"]
    return {name: array.array("f", data[start + t["data_offsets"][0]:start + t["data_offsets"][1]])
            for name, t in header.items()}


class OldRun(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.old = self.dir / "run"
        shutil.copytree(RECORDED / "run", self.old, symlinks=True)

    def assert_final_weights(self, folder):
        got, want = folder / "last/model.safetensors", RECORDED / "final.safetensors"
        ours, theirs = weights_of(got), weights_of(want)
        self.assertEqual(list(ours), list(theirs))
        for name, numbers in theirs.items():
            self.assertEqual(len(ours[name]), len(numbers), name)
            self.assertLessEqual(max(abs(a - b) for a, b in zip(ours[name], numbers)), 1e-4, name)
        machine = machine_of(folder)
        print(f"{folder.name}: {machine}, recorded on {EXPECTED['machine']}")
        if machine == EXPECTED["machine"]:
            self.assertEqual(hashlib.sha256(got.read_bytes()).hexdigest(), EXPECTED["sha256"], "other bytes")

    def test_final_weights_are_those_of_the_digest(self):
        digest = hashlib.sha256((RECORDED / "final.safetensors").read_bytes()).hexdigest()
        self.assertEqual(digest, EXPECTED["sha256"])

    def test_resumes(self):
        result = run(TRAIN, "--resume", self.old, "--progress", "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_final_weights(self.old)

    def test_its_settings_start_a_new_run(self):
        result = run(TRAIN, "-c", self.old / "config.toml", "--output", self.dir / "new", "--progress",
                     "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_final_weights(self.dir / "new")

    def test_is_scored_as_before(self):
        result = run(EVALUATE, self.old, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        scores = json.loads(result.stdout)
        for key, value in EXPECTED["scores"].items():
            if isinstance(value, float):
                self.assertAlmostEqual(scores[key], value, delta=1e-4 * max(1, abs(value)), msg=key)
            else:
                self.assertEqual(scores[key], value, key)

    def test_names_no_path_of_a_machine(self):
        for name in ("config.toml", "environment.json"):
            self.assertNotRegex((RECORDED / "run" / name).read_text(encoding="utf-8"), r"[\"' =]/(work|home|root|tmp|usr)\b")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
