# SPDX-License-Identifier: MIT
"""Every __global__ function of cuda/ is launched by the tests under the host shim, under its own name.

usage: kernel_count.py SOURCE_DIR TEST_PROGRAM...
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

DEFINITION = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(")


def defined(folder):
    """Names of the kernels in the folder's kernel files."""
    names = set()
    for path in sorted(folder.rglob("*.cu")) + sorted(folder.rglob("*.cuh")):
        names |= set(DEFINITION.findall(path.read_text()))
    return names


def launched(programs):
    """Names of the kernels that the programs launch."""
    names = set()
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "kernels")
        for program in programs:
            run = subprocess.run([program], env={**os.environ, "SALU_LAUNCHED_KERNELS": log}, stdout=subprocess.DEVNULL)
            if run.returncode != 0:
                sys.exit(f"{program}: exit status {run.returncode}")
            names |= set(pathlib.Path(log).read_text().split())
    return names


def main():
    want = defined(pathlib.Path(sys.argv[1]) / "cuda")
    got = launched(sys.argv[2:])
    for name in sorted(want - got):
        print(f"{name}: no test launches it")
    for name in sorted(got - want):
        print(f"{name}: launched under a name that is no __global__ function of cuda/")
    print(f"{len(want)} kernels, {len(want & got)} tested")
    sys.exit(0 if want == got and want else 1)


if __name__ == "__main__":
    main()
