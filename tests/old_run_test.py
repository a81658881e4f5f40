#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A run of an earlier version still works: it resumes, its settings start a new run, and it is scored as before.

Usage: old_run_test.py SALUTRAIN SALUEVALUATE

tests/data/run_c597403 was made by `make_run.sh` there, with the program of commit c597403. The program stopped it in the
middle of an epoch, and on a copy went on to the end: `final.safetensors` are the weights that it reached."""
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
    return {"loops": start["loops"], "oneDNN": start["libraries"]["oneDNN"]}


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
        self.run = self.dir / "run"
        shutil.copytree(RECORDED / "run", self.run, symlinks=True)

    def assert_final_weights(self, folder):
        got, want = folder / "last/model.safetensors", RECORDED / "final.safetensors"
        machine = machine_of(folder)
        if machine == EXPECTED["machine"]:
            digest = hashlib.sha256(got.read_bytes()).hexdigest()
            self.assertEqual(digest, EXPECTED["sha256"], "the same machine type must give the same bytes")
        print(f"{folder.name}: {machine}, recorded on {EXPECTED['machine']}")
        got, want = weights_of(got), weights_of(want)
        self.assertEqual(list(got), list(want))
        for name, numbers in want.items():
            self.assertEqual(len(got[name]), len(numbers), name)
            self.assertLessEqual(max(abs(a - b) for a, b in zip(got[name], numbers)), 1e-4, name)

    def test_final_weights_are_those_of_the_digest(self):
        digest = hashlib.sha256((RECORDED / "final.safetensors").read_bytes()).hexdigest()
        self.assertEqual(digest, EXPECTED["sha256"])

    def test_resumes(self):
        result = run(TRAIN, "--resume", self.run, "--progress", "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_final_weights(self.run)

    def test_its_settings_start_a_new_run(self):
        result = run(TRAIN, "-c", self.run / "config.toml", "--output", self.dir / "new", "--max-steps", 0, "--progress",
                     "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_final_weights(self.dir / "new")

    def test_is_scored_as_before(self):
        result = run(EVALUATE, self.run, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = json.loads(result.stdout)
        self.assertEqual(len(rows), len(EXPECTED["scores"]))
        for row, expected in zip(rows, EXPECTED["scores"]):
            for key, value in expected.items():
                if isinstance(value, float):
                    self.assertAlmostEqual(row[key], value, delta=1e-4 * max(1, abs(value)), msg=key)
                else:
                    self.assertEqual(row[key], value, key)

    def test_names_no_path_of_a_machine(self):
        for name in ("config.toml", "environment.json"):
            self.assertNotRegex((RECORDED / "run" / name).read_text(encoding="utf-8"), r"[\"' =]/(work|home|root|tmp|usr)\b")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
