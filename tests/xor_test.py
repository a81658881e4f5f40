#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/xor.cc learns XOR, in at most 25 lines.

Usage: xor_test.py PROGRAM SOURCE"""
import pathlib
import subprocess
import sys
import unittest

PROGRAM, SOURCE = sys.argv[1:]


class Xor(unittest.TestCase):
    def test_answers(self):
        result = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = [float(line) for line in result.stdout.splitlines()]
        self.assertEqual(len(answers), 4)
        for answer, expected in zip(answers, (0, 1, 1, 0)):
            self.assertAlmostEqual(answer, expected, delta=0.05)

    def test_length(self):
        self.assertLessEqual(len(pathlib.Path(SOURCE).read_text(encoding="utf-8").splitlines()), 25)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
