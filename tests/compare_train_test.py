# SPDX-License-Identifier: MIT
"""bench/compare_train.py, with programs that print known times in place of ours and of PyTorch.

Usage: compare_train_test.py COMPARE_TRAIN"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMPARE = sys.argv[1]
OURS = """
if "bf16" in sys.argv:
    sys.exit("no bf16")
print(json.dumps({"ms": [10.0, 11.0, 30.0], "peak_rss_mib": 100, "first_s": 0.01}))
"""
# Compiled in bf16 is the fastest mode, 2.0 times as slow as ours; eager bf16 fails in one layout and hangs in the other.
THEIRS = """
words = " ".join(sys.argv)
if "none --precision bf16 --layout contiguous" in words:
    sys.exit("first line\\nlast line")
if "none --precision bf16 --layout channels_last" in words:
    time.sleep(60)
ms = 22.0 if "default --precision bf16 --layout channels_last" in words else 44.0
print(json.dumps({"ms": [ms, ms, ms], "peak_rss_mib": 1000, "first_s": 40, "torch": "9.9"}))
"""


class CompareTrainTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        for name, body in ("ours", OURS), ("theirs", THEIRS):
            (self.folder / name).write_text(f"#!{sys.executable}\nimport json, sys, time\n{body}", encoding="utf-8")
            (self.folder / name).chmod(0o755)

    def compare(self, *words):
        command = [sys.executable, COMPARE, self.folder / "ours", *words]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=100)

    def test_table(self):
        result = self.compare("--python", self.folder / "theirs", "--rounds", 2, "--limit", 15)
        self.assertEqual(result.returncode, 0, result.stderr)
        for line in ("| ours f32 | 11.0 (10.0..30.0) | 100 | 0.0 |  |", "| ours bf16 | not measured: no bf16 |",
                     "| eager bf16 contiguous | not measured: last line |",
                     "| eager bf16 channels_last | not measured: more than 15.0 s |",
                     "| compile f32 contiguous | 44.0 (44.0..44.0) | 1000 | 40.0 | 4.00 (4.00..4.00) |", "PyTorch 9.9",
                     "ours f32 against PyTorch's best, compile bf16 channels_last: 2.00 (2.00..2.00)"):
            self.assertIn(line, result.stdout)
        self.assertEqual(result.stderr.count("round 2: "), 7)  # the three that failed are not tried again

    def test_only(self):
        result = self.compare("--python", self.folder / "theirs", "--only", "f32", "--rounds", 1)
        self.assertIn("against PyTorch's best, eager f32 contiguous: 4.00", result.stdout)
        self.assertNotIn("bf16", result.stdout)

    def test_python_without_torch(self):
        result = self.compare("--python", self.folder / "absent")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, f"compare_train: {self.folder}/absent: not found; expected a Python with torch. "
                                        ".ci/install --newest installs it\n")
        result = self.compare("--python", "/bin/false", "--rounds", 1)
        self.assertEqual(result.returncode, 1)
        self.assertIn("compare_train: nothing to compare", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
