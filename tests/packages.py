# SPDX-License-Identifier: MIT
"""Finds the Python packages of a test.

`.ci/install --tests` installs them for one interpreter, build/python/bin/python3, which need not be the python3 that Meson
found. Meson names that interpreter in SALU_TEST_PYTHON, and a test that needs packages starts itself again with it. Under
./test (SALU_TEST_PACKAGES=installed) a package that is missing is a failure, unless the installation wrote down why it
could not be had."""
import importlib
import os
import pathlib
import sys

PYTHON = pathlib.Path(os.environ.get("SALU_TEST_PYTHON", "build/python/bin/python3")).absolute()
NOT_HAD = PYTHON.parents[2] / "python.missing"


def missing(*names):
    """Why one of these packages cannot be imported; "" when all can."""
    if PYTHON.exists() and pathlib.Path(sys.executable).absolute() != PYTHON:
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            if NOT_HAD.exists():
                return f"{error}; {' '.join(NOT_HAD.read_text(encoding='utf-8').splitlines())}"
            reason = f"{error}; .ci/install --tests installs it"
            if os.environ.get("SALU_TEST_PACKAGES") == "installed":
                sys.exit(f"failed: {reason}")
            return reason
    return ""


def need(*names):
    """Ends a test as skipped (77 is Meson's code for that) when it lacks a package."""
    if reason := missing(*names):
        print(f"skipped: {reason}")
        sys.exit(77)
