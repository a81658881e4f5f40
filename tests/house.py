#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house that a machine can check: format, lengths, contracts, twins, layers, paths in the docs.

Usage: house.py SOURCE_DIR. Prints each breach; exit code 1 when there is one."""
import pathlib
import re
import shutil
import subprocess
import sys

MAX_FILE, MAX_FUNCTION = 400, 60
ENGINE = {"core", "autograd", "layers", "models"}
# The folders that a folder may include: itself, and those below.
MAY_INCLUDE = {
    "core": {"core"},
    "autograd": {"core", "autograd"},
    "layers": {"core", "autograd", "layers"},
    "models": ENGINE,
    "data": {"core", "data"},
    "train": ENGINE | {"data", "train"},
    "run": ENGINE | {"data", "train", "run"},
    "score": ENGINE | {"data", "train", "run", "score"},
    "apps": ENGINE | {"data", "train", "run", "score", "apps"},
    "cuda/host": {"core", "cuda/host"},
    "cuda/runtime": {"core", "cuda/host", "cuda/runtime"},
    "cuda/kernels": {"core", "cuda/host", "cuda/runtime", "cuda/kernels"},
    "cuda/ops": {"core", "cuda/runtime", "cuda/kernels"},
    "cuda/library": {"core", "cuda/runtime", "cuda/kernels", "cuda/library"},
    "cuda": {"core", "cuda", "cuda/runtime", "cuda/library"},
}
FLOORS = ["core", "autograd", "layers", "models", "data", "train", "run", "score", "apps", "cuda"]
NO_GRADIENT = {"normalize_images", "targets", "update"}
LABELS = ["Forward:", "Backward:", "Shapes:", "Saved:", "Grad:", "Ref:"]
KNOWN_CIRCLES = [
]
breaches = []


def breach(path, text):
    breaches.append(f"{path}: {text}")


def check_lengths(path, lines):
    if len(lines) > MAX_FILE:
        breach(path, f"{len(lines)} lines, limit {MAX_FILE}")
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[A-Za-z_~].*\)( const| override| noexcept)* \{$|^[^/ ].*\) : .*\{$", line):
            start = number
        if line == "}" and start:
            if number - start + 1 > MAX_FUNCTION:
                breach(path, f"function of {number - start + 1} lines at {start}, limit {MAX_FUNCTION}")
            start = None


def room_of(path):
    """The folder that the table above names: `core/ops/salu.h` stands in core, `cuda/ops/salu.cu` in cuda/ops,
    `cuda/open.cc` in cuda."""
    parts = pathlib.PurePath(path).parts
    return "/".join(parts[:2]) if parts[0] == "cuda" and len(parts) > 2 else parts[0]


def includes_of(lines):
    return [match[1] for line in lines if (match := re.match(r'#include "([\w/.]+)"', line)) and "/" in match[1]]


def check_includes(root, path, lines):
    room = room_of(path.relative_to(root))
    for included in includes_of(lines):
        if room in MAY_INCLUDE and room_of(included) not in MAY_INCLUDE[room]:
            breach(path, f"{room} may not include {room_of(included)}: {included}")


def circles(graph):
    """The groups of two or more nodes that reach each other, each sorted."""
    def reached(start):
        seen, todo = set(), list(graph.get(start, ()))
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += graph.get(node, ())
        return seen

    reach = {node: reached(node) for node in graph}
    found = {tuple(sorted(other for other in reach[node] if node in reach.get(other, ()))) for node in graph}
    return sorted(group for group in found if len(group) > 1)


def check_circles(root, files):
    """A header and its source are one node. No node may include, directly or through others, one that includes it."""
    graph = {}
    for path in files:
        node = str(path.relative_to(root).with_suffix(""))
        others = {str(pathlib.PurePath(i).with_suffix("")) for i in includes_of(path.read_text().splitlines())}
        graph.setdefault(node, set()).update(others - {node})
    for group in circles(graph):
        if group not in KNOWN_CIRCLES:
            breaches.append("include each other: " + ", ".join(group))


def kernel_fields(text, struct):
    """The names of the kernels in a kernel table: `forward`, `backward`, ..."""
    body = re.search(rf"^struct {struct} \{{$(.*?)^\}};$", text, re.M | re.S)
    return re.findall(r"Kernel<void\([^;]*?\)>\s+(\w+);", body[1]) if body else []


def check_ops(root):
    """Every op, `extern TYPE NAME_kernels;` (or NAME_op) in core/ops, has a contract, each of its kernels for CUDA, and
    samples. A build without nvcc and a family of several ops would hide that one is missing."""
    headers = {p: p.read_text() for p in sorted((root / "core/ops").glob("*.h"))}
    all_headers = "".join(headers.values())
    cuda = "".join(p.read_text() for p in (root / "cuda/ops").glob("*.cu"))
    samples = "".join(p.read_text() for p in (root / "tests/samples").glob("*.cc"))
    count = 0
    for path, text in headers.items():
        start = 0
        for match in re.finditer(r"^extern (\w+) ((\w+)_(?:kernels|op));", text, re.M):
            name, op, contract, start = match[2], match[3], text[start : match.start()], match.end()
            count += 1
            for field in kernel_fields(all_headers, match[1]):
                if not re.search(rf"\b{name}\.{field}\.set\(DeviceType::cuda,|register_kernels<[\w:]+>\({name}\)", cuda):
                    breach(path, f"{name}.{field} has no CUDA kernel in cuda/ops")
            if op in NO_GRADIENT:
                continue
            for label in LABELS:
                if f"\n/// {label} " not in contract:
                    breach(path, f"the contract of {op} lacks a line that begins with '/// {label}'")
            if not re.search(rf'"{op}"|\b{name}\b', samples):
                breach(path, f"{op} has no samples in tests/samples")
    if count < 30:
        breach("core/ops", f"only {count} ops found: has the form of their declarations changed?")


def check_docs(root):
    """Every path in backticks and every link to a file exists, words in capitals (`core/ops/FAMILY.h`) excepted. Lines
    have at most 100 columns, except in tables, in indented code, and on the page that docs/make_flags.py writes."""
    folders = "|".join(FLOORS + ["tests", "bench", "examples", "docs", "recipes"])
    for page in [root / "README.md", *sorted(root.glob("docs/*.md")), *sorted(root.glob("recipes/*.md"))]:
        text = page.read_text(encoding="utf-8")
        words = [word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()]
        paths = [w for w in words if re.fullmatch(rf"({folders})/([\w./+-]*\.\w+|([\w.+-]+/)*)", w)]
        links = [page.parent / link for link in re.findall(r"\]\((?!https?:)([^)#]+)", text)]
        for target in [root / path for path in paths] + links:
            if not target.exists() and not re.search("[A-Z]{3}", target.name):
                breach(page, f"there is no {target.relative_to(root)}")
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > 100 and page.name != "flags.md" and not line.startswith(("|", "    ")):
                breach(page, f"line {number} has {len(line)} columns, limit 100")


def check_text(path, lines):
    if "SPDX-License-Identifier: MIT" not in lines[0]:
        breach(path, "the first line must be the SPDX line")
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            breach(path, f"left behind at {number}: {line.strip()}")


def check_format(files):
    tool = shutil.which("clang-format")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
    if "version 14." not in version:
        print("format not checked: it needs clang-format 14")
        return
    run = subprocess.run([tool, "--dry-run", "-Werror", *map(str, files)], capture_output=True, text=True)
    for line in run.stderr.splitlines():
        if "error:" in line:
            breaches.append(line)


def main():
    root = pathlib.Path(sys.argv[1])
    files = [p for floor in FLOORS + ["tests", "bench", "examples"] for p in sorted((root / floor).rglob("*"))
             if p.suffix in {".h", ".cc", ".cu", ".cuh"}]
    for path in files:
        lines = path.read_text().splitlines()
        check_lengths(path, lines)
        check_includes(root, path, lines)
        check_text(path, lines)
    check_ops(root)
    check_docs(root)
    check_circles(root, [p for p in files if p.relative_to(root).parts[0] in FLOORS])
    check_format(files)
    print("\n".join(breaches) or f"{len(files)} files keep the rules")
    return bool(breaches)


sys.exit(main())
