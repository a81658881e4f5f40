#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The files in which a run can be seen: TensorBoard events, environment.json, coefficients.csv, report.html.

Usage: report_programs_test.py SALUTRAIN"""
import csv
import html.parser
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import packages

NO_TENSORBOARD = packages.missing("tensorboard")
TRAIN = sys.argv[1]
SMALL = ["--dataset", "shapes", "--model", "salunet_c8", "--train-num-samples", "160", "--val-num-samples", "40",
         "--batch-size", "32", "--epochs", "2", "--log-interval", "2", "--progress", "none"]
STEPS_PER_EPOCH = 5


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def fields_of(data):
    """(number, value) of each field of a protocol buffer: bytes, or int for varints."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}[key & 7] if key & 7 != 2 else varint()
        assert at + length <= len(data)
        yield key >> 3, data[at:at + length]
        at += length


def scalars_of(folder):
    """(step, tag, value) of all event files of a run, in the order in which TensorBoard reads them."""
    out = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at, first = path.read_bytes(), 0, True
        while at < len(data):
            head = data[at:at + 8]
            length, head_crc = struct.unpack("<QI", data[at:at + 12])
            event = data[at + 12:at + 12 + length]
            event_crc, = struct.unpack("<I", data[at + 12 + length:at + 16 + length])
            assert head_crc == masked(head) and event_crc == masked(event), f"{path}: bad checksum at {at}"
            at += 16 + length
            fields = dict(fields_of(event))
            assert struct.unpack("<d", fields[1])[0] > 1.6e9
            if first:
                assert fields[3] == b"brain.Event:2"
                first = False
                continue
            for number, value in fields_of(fields[5]):
                assert number == 1
                scalar = dict(fields_of(value))
                out.append((fields.get(2, 0), scalar[1].decode(), struct.unpack("<f", scalar[2])[0]))
    return out


class Page(html.parser.HTMLParser):
    """Checks that every element is closed in order, and keeps what a browser would load."""
    VOID = {"meta", "link", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.tags, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("src", "href", "data", "action"):
                self.loads.append(value)
        if tag in self.VOID:
            self.open.pop()

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        self.text += data


def png(side, colour):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = (b"\0" + bytes(colour) * side) * side
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Report(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def run_it(self, *flags, code=0, env=None):
        result = subprocess.run([TRAIN, *map(str, flags)], capture_output=True, text=True, timeout=250,
                                env={**os.environ, **(env or {})})
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def train(self, name, *flags, **options):
        self.run_it(*SMALL, "--output", self.dir / name, *flags, **options)
        return self.dir / name

    def page_of(self, folder):
        text = (folder / "report.html").read_text(encoding="utf-8")
        page = Page(text)
        for target in page.loads:
            self.assertTrue(target.startswith("data:"), target)
        self.assertNotIn("script", page.tags)
        self.assertIsNone(re.search(r"url\(|@import", text))
        return page


class Events(Report):
    def expected(self, folder):
        """The same numbers from the text files of the run."""
        want = {}
        for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for name in set(row) - {"step", "epoch"}:
                want[row["step"], f"train/{name}"] = row[name]
        with open(folder / "metrics.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("epoch")) * STEPS_PER_EPOCH
                for name, value in row.items():
                    group, _, rest = name.partition("_")
                    tag = f"{group}/{rest}" if group in ("eval", "ema") else f"epoch/{name}"
                    want[step, tag] = float(value)
        with open(folder / "coefficients.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("epoch")) * STEPS_PER_EPOCH
                for name, value in row.items():
                    layer, _, quantity = name.rpartition(".")
                    want[step, f"salu_{quantity}/{layer}"] = float(value)
        return want

    def check(self, folder):
        scalars = scalars_of(folder)
        got = {(step, tag): value for step, tag, value in scalars}
        self.assertEqual(len(got), len(scalars), "a scalar is there twice")
        want = self.expected(folder)
        self.assertEqual(set(got), set(want))
        for key, value in want.items():
            self.assertTrue(math.isclose(got[key], value, rel_tol=1e-6), (key, got[key], value))
        steps = [step for step, _, _ in scalars]
        self.assertEqual(steps, sorted(steps))
        return got

    def test_same_numbers_as_the_text_files(self):
        got = self.check(self.train("run", "--model-ema"))
        for tag in ("train/loss", "train/lr", "train/grad_norm", "train/img_per_s"):
            self.assertIn((10, tag), got)
        for tag in ("eval/loss", "eval/top1", "eval/top5", "ema/top1", "epoch/train_loss", "salu_S/layer1.0.norm1",
                    "salu_W/layer1.0.act2"):
            self.assertIn((10, tag), got)
        self.assertIn((0, "salu_S/norm1"), got)

    def test_resume(self):
        whole = self.check(self.train("whole"))
        for stop in (2, 5, 7):
            folder = self.train(f"stop{stop}", "--max-steps", stop)
            if stop == 7:
                # As after a crash: events beyond the checkpoint, and half a record.
                path = next(folder.glob("events.out.tfevents.*"))
                data = path.read_bytes()
                lines = (folder / "metrics.jsonl").read_bytes()
                shutil.rmtree(folder / "checkpoints/step-00000007")
                (folder / "last").unlink()
                (folder / "last").symlink_to("checkpoints/epoch-0001")
                path.write_bytes(data + data[-40:-7])
                (folder / "metrics.jsonl").write_bytes(lines + b'{"step":')
            self.run_it("--resume", folder, "--progress", "none")
            got = self.check(folder)
            self.assertEqual(set(got), set(whole))
            for key, value in whole.items():
                if not key[1].endswith(("img_per_s", "data_wait")):
                    self.assertEqual(got[key], value, key)
            starts = json.loads((folder / "environment.json").read_text(encoding="utf-8"))["starts"]
            self.assertEqual([start["step"] for start in starts], [0, 5 if stop == 7 else stop])
            self.assertIn("started 2 times", self.page_of(folder).text)
            self.run_it("--resume", folder, "--progress", "none")  # at its end already
            self.assertEqual(self.check(folder), got)

    def test_tensorboard_reads_them(self):
        if NO_TENSORBOARD:
            self.skipTest(NO_TENSORBOARD)
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        folder = self.train("run", "--max-steps", "7")
        self.run_it("--resume", folder, "--progress", "none")
        want = self.expected(folder)
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()
        got = {(event.step, tag): event.value for tag in events.Tags()["scalars"] for event in events.Scalars(tag)}
        self.assertEqual(set(got), set(want))
        for key, value in want.items():
            self.assertTrue(math.isclose(got[key], value, rel_tol=1e-6), (key, got[key], value))


class Files(Report):
    def test_environment_tells_the_run_and_no_secrets(self):
        folder = self.train("run", env={"API_TOKEN": "sesame-4711", "SALU_SEED": "7"})
        text = (folder / "environment.json").read_text(encoding="utf-8")
        self.assertNotIn("sesame", text)
        start, = json.loads(text)["starts"]
        self.assertIn("--output " + str(folder), start["command"])
        self.assertEqual(start["step"], 0)
        self.assertRegex(start["started"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        for name in ("salunet", "revision", "compiler", "cpu", "threads", "device", "libraries", "system"):
            self.assertTrue(start[name], name)

    def test_page(self):
        folder = self.train("run")
        page = self.page_of(folder)
        for heading in ("salunet_c8 on shapes", "Curves", "SALU geometry", "Confusion matrix", "Where it is most wrong",
                        "Classes", "Checkpoints", "Environment", "Configuration", "2 epochs, finished"):
            self.assertIn(heading, page.text)
        with open(folder / "metrics.csv", encoding="utf-8") as file:
            top1 = float(list(csv.DictReader(file))[-1]["eval_top1"])
        self.assertIn(f"40 images of shapes (val), scored with the weights of the last epoch: top-1 {top1:.2f} %",
                      page.text)
        self.assertEqual(page.tags.count("img"), 24)
        svg = Page((folder / "curves.svg").read_text(encoding="utf-8"))
        self.assertEqual(svg.tags.count("svg"), 7)
        first = (folder / "report.html").read_text(encoding="utf-8")
        self.assertEqual(self.run_it("report", folder).stdout.strip(), str(folder / "report.html"))
        second = (folder / "report.html").read_text(encoding="utf-8")
        part = slice(first.index("<h2>Confusion"), first.index("<p class=\"soft\">40 images"))
        self.assertEqual(first[part], second[part])

    def test_figures_of_a_run_with_its_own_normalisation(self):
        colours = ["--mean", "0.1", "0.2", "0.3", "--std", "0.05", "0.06", "0.07"]
        self.train("weights", *colours, "--report", "false")
        for flags in (colours, ["--initial-checkpoint", self.dir / "weights/last"]):
            folder = self.train("run", "--overwrite", *flags)
            with open(folder / "metrics.csv", encoding="utf-8") as file:
                last = list(csv.DictReader(file))[-1]
            figures = [f"top-1 {float(last['eval_top1']):.2f} %, loss {float(last['eval_loss']):.4f}."]
            self.assertEqual(re.findall(r"top-1 [0-9.]+ %, loss [0-9.]+", self.page_of(folder).text), figures)
            self.run_it("report", folder)
            self.assertEqual(re.findall(r"top-1 [0-9.]+ %, loss [0-9.]+", self.page_of(folder).text), figures)

    def test_without_salu_there_is_no_geometry(self):
        folder = self.train("run", "--norm", "batchnorm", "--act", "relu")
        self.assertNotIn("SALU geometry", self.page_of(folder).text)
        self.assertFalse((folder / "coefficients.csv").exists())

    def test_report_may_be_left_out(self):
        folder = self.train("run", "--report", "false")
        self.assertFalse((folder / "report.html").exists())
        self.run_it("report", folder, "--scores", "false")
        page = self.page_of(folder)
        self.assertNotIn("Confusion matrix", page.text)
        self.assertIn("Not scored", page.text)

    def test_stopped_and_going_on(self):
        folder = self.train("run", "--max-steps", "7")
        page = self.page_of(folder)
        self.assertIn("1 of 2 epochs", page.text)
        self.assertIn("salutrain report", page.text)
        self.assertNotIn("Confusion matrix", page.text)
        self.run_it("report", folder)
        self.assertIn("Confusion matrix", self.page_of(folder).text)

    def test_refused(self):
        result = self.run_it("report", self.dir / "nowhere", code=4)
        self.assertIn("no run is there", result.stderr)
        self.assertIn("RUN is required", self.run_it("report", code=2).stderr)

    def test_overwrite_removes_what_a_run_writes(self):
        folder = self.train("run")
        names = {path.name.split(".0")[0].split("tfevents")[0] for path in folder.iterdir()}
        self.train("run", "--overwrite", "--report", "false", "--norm", "batchnorm")
        left = {path.name.split("tfevents")[0] for path in folder.iterdir()}
        self.assertEqual(names - left, {"report.html", "curves.svg", "coefficients.csv"} - left)


class Images(Report):
    NAMES = ["<img src=x onerror=alert(1)>", "a\"b'c&amp;", "日本", "-->"]

    def data(self):
        for split, count in (("train", 10), ("val", 4)):
            for k, name in enumerate(self.NAMES):
                folder = self.dir / "data" / split / name
                folder.mkdir(parents=True)
                for i in range(count):
                    (folder / f"{i}.png").write_bytes(png(32, [60 * k, 255 - 60 * k, 20 * i]))
        return self.dir / "data"

    def test_hostile_class_names(self):
        data = self.data()
        folder = self.dir / "run"
        self.run_it("--dataset", "folder", "--data-dir", data, "--model", "salunet_c8", "--epochs", "1", "--batch-size",
                    "8", "--output", folder, "--progress", "none")
        page = self.page_of(folder)
        for name in self.NAMES:
            self.assertIn(name, page.text)
        self.assertEqual(page.tags.count("img"), 16)
        # The data set is gone: the curves need none.
        data.rename(self.dir / "moved")
        result = self.run_it("report", folder)
        self.assertIn("warning", result.stderr)
        self.assertIn("Not scored", self.page_of(folder).text)
        self.assertIn("elsewhere", self.run_it("report", folder, "--data-dir", self.dir / "elsewhere", code=3).stderr)
        self.run_it("report", folder, "--data-dir", self.dir / "moved", "--num-samples", "9")
        page = self.page_of(folder)
        self.assertIn("9 images of", page.text)
        self.assertEqual(page.tags.count("img"), 9)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
