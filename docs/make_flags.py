#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/flags.md: what the programs print for --help-all.

Usage: make_flags.py SALUTRAIN SALUEVALUATE [--check]. With --check nothing is written; exit code 1 when the page is not
what the programs print."""
import os
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).with_name("flags.md")
TRAIN_COMMANDS = ["pack", "verify", "report"]
EVALUATE_COMMANDS = ["predict", "export"]
HEAD = """# Every flag

`docs/make_flags.py build/apps/salutrain build/apps/saluevaluate` writes this page, and a test
compares it with the programs. A command line wins over the file of `-c`, the file over the
environment, the environment over the default.

In a TOML file `--batch-size 64` is `batch-size=64`, in the environment `SALU_BATCH_SIZE=64`.
`salutrain --print-config` prints every setting. A boolean is `--flag` or `--no-flag`, in a file
`true` or `false`. [adding-a-setting.md](adding-a-setting.md) says how to add a flag.

One variable is no setting: `SALU_MAX_CPU_ISA` is the best instruction set that the loops may use,
one of `baseline`, `avx2`, `avx512`, `avx512_bf16` and `amx`. Tests set it.
"""


def help_of(program, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SALU_")}
    text = subprocess.run([program, *arguments], capture_output=True, text=True, check=True, env=environment).stdout
    name = " ".join([pathlib.Path(program).name, *arguments[:-1]])
    return f"\n## {name}\n\n```\n" + "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n```\n"


def main():
    train, evaluate = sys.argv[1:3]
    text = HEAD
    for program, commands in ((train, TRAIN_COMMANDS), (evaluate, EVALUATE_COMMANDS)):
        text += help_of(program, "--help-all")
        for command in commands:
            text += help_of(program, command, "--help-all")
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif text != PAGE.read_text(encoding="utf-8"):
        sys.exit("docs/flags.md: is not what the programs print; write it again with docs/make_flags.py")


main()
