#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""saluevaluate as a user runs it: every figure is worked out again from the predictions image by image.

Usage: evaluate_test.py SALUTRAIN SALUEVALUATE"""
import collections
import csv
import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

TRAIN, EVALUATE = sys.argv[1:3]
BINS = 15


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)


def write_ppm(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = bytes(v for row in rows for pixel in row for v in pixel)
    path.write_bytes(b"P6 %d %d 255\n" % (len(rows[0]), len(rows)) + data)


def image(rng, height, width):
    """A few coloured boxes."""
    rows = [[(40, 60, 80)] * width for _ in range(height)]
    for _ in range(4):
        top, left = rng.randrange(height - 4), rng.randrange(width - 4)
        color = tuple(rng.randrange(256) for _ in "rgb")
        for y in range(top, min(height, top + rng.randrange(4, 20))):
            for x in range(left, min(width, left + rng.randrange(4, 20))):
                rows[y][x] = color
    return rows


class Evaluate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.run_dir = cls.dir / "run"
        result = run(TRAIN, "--dataset", "shapes", "--model", "salunet_c8", "--train-num-samples", 400,
                     "--val-num-samples", 50, "--batch-size", 20, "--epochs", 2, "--model-ema", "--model-ema-decay",
                     0.8, "--output", cls.run_dir, "--quiet")
        assert result.returncode == 0, result.stderr
        card = json.loads((cls.run_dir / "last/config.json").read_text(encoding="utf-8"))
        cls.names = card["salu"]["class_names"]
        rng = random.Random(3)
        cls.images = {}
        for name in (cls.names[7], cls.names[2], cls.names[4]):
            for split, count in (("train", 8), ("val", 7)):
                for i in range(count):
                    path = cls.dir / "data" / split / name / f"{i}.ppm"
                    write_ppm(path, image(rng, 40, rng.randrange(36, 60)))
                    if split == "val":
                        cls.images[path] = name

    def evaluate(self, *flags, code=0):
        result = run(EVALUATE, *flags)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def predictions(self, *flags):
        """{image: {class: value}} of all classes."""
        result = self.evaluate("predict", self.run_dir, *self.images, "--topk", 10, "--json", *flags)
        out = {}
        for entry in json.loads(result.stdout):
            kind = "logit" if "logit" in flags else "prob"
            out[pathlib.Path(entry["image"])] = {c["class"]: c[kind] for c in entry["top"]}
            values = [c[kind] for c in entry["top"]]
            self.assertEqual(values, sorted(values, reverse=True))
        return out

    def test_figures_follow_from_the_predictions(self):
        result = self.evaluate(self.run_dir, "--dataset", "folder", "--data-dir", self.dir / "data", "--json",
                               "--batch-size", 4, "--metrics-avg", "macro")
        rows = {row["weights"]: row for row in json.loads(result.stdout)}
        self.assertEqual(set(rows), {"raw", "ema"})
        self.assertNotEqual(rows["raw"]["loss"], rows["ema"]["loss"])
        for kind, flags in (("raw", []), ("ema", ["--use-ema"])):
            row, found = rows[kind], self.predictions("--batch-size", "5", *flags)
            best = {p: max(found[p], key=found[p].get) for p in self.images}
            total = len(self.images)
            self.assertEqual(row["samples"], total)
            right = sum(best[p] == name for p, name in self.images.items())
            self.assertAlmostEqual(row["top1"], 100 * right / total)
            in5 = sum(name in sorted(found[p], key=found[p].get)[-5:] for p, name in self.images.items())
            self.assertAlmostEqual(row["top5"], 100 * in5 / total)
            loss = sum(-math.log(found[p][name]) for p, name in self.images.items()) / total
            self.assertAlmostEqual(row["loss"], loss, places=5)
            bins = collections.defaultdict(list)
            for p, name in self.images.items():
                confidence = found[p][best[p]]
                bins[math.ceil(confidence * BINS)].append((best[p] == name) - confidence)
            self.assertAlmostEqual(row["ece"], sum(abs(sum(b)) for b in bins.values()) / total, places=6)
            f1 = []
            for name in set(best.values()) | set(self.images.values()):
                hits = sum(best[p] == name == t for p, t in self.images.items())
                f1.append(2 * hits / (list(best.values()).count(name) + list(self.images.values()).count(name)))
            self.assertAlmostEqual(row["f1"], sum(f1) / len(f1))

    def test_mirror_images(self):
        flipped = self.dir / "flipped"
        paths = list(self.images)[:3]
        for i, path in enumerate(paths):
            data = path.read_bytes()
            header, _, body = data.partition(b"255\n")
            width = int(header.split()[1])
            pixels = [tuple(body[k:k + 3]) for k in range(0, len(body), 3)]
            write_ppm(flipped / f"{i}.ppm", [pixels[k:k + width][::-1] for k in range(0, len(pixels), width)])
        # A square crop of odd margins is not symmetric: score the same pixels, squeezed to the network's size.
        logits = []
        for files, flags in ((paths, []), ([flipped / f"{i}.ppm" for i in range(3)], []), (paths, ["--tta", "hflip"])):
            result = self.evaluate("predict", self.run_dir, *files, "--topk", 10, "--json", "--output-type", "logit",
                                   *flags)
            logits.append([{c["index"]: c["logit"] for c in e["top"]} for e in json.loads(result.stdout)])
        checked = 0
        for path, plain, mirror, both in zip(paths, *logits):
            width = int(path.read_bytes().split()[1])
            if (int(32 * width / 40) - 32) % 2 == 0:
                checked += 1
                for k in range(10):
                    self.assertAlmostEqual(both[k], (plain[k] + mirror[k]) / 2, delta=1e-4)
        self.assertGreater(checked, 0)

    def test_tables_and_files(self):
        checkpoints = [self.run_dir / "last", self.run_dir / "checkpoints/epoch-0001"]
        table = self.dir / "new/results.csv"
        result = self.evaluate(*checkpoints, "--num-samples", 60, "--results-file", table, "--report",
                               self.dir / "report", "--metrics-avg", "weighted")
        self.assertEqual(result.stdout.count("salunet_c8"), 4)
        self.assertIn("precision", result.stdout)
        top1 = [float(line.split()[4]) for line in result.stdout.splitlines()[1:5]]
        self.assertEqual(top1, sorted(top1, reverse=True))
        with open(table, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0])[:9], ["model", "top1", "top1_err", "top5", "top5_err", "param_count", "img_size",
                                             "crop_pct", "interpolation"])
        self.assertEqual([row["weights"] for row in rows], ["raw", "ema", "raw", "ema"])
        self.assertEqual([row["checkpoint"] for row in rows], [str(c) for c in checkpoints for _ in "ab"])
        for i, row in enumerate(rows):
            folder = self.dir / "report" / f"{i + 1:02}-{row['weights']}"
            with open(folder / "confusion.csv", encoding="utf-8") as file:
                matrix = list(csv.reader(file))
            self.assertEqual(matrix[0][1:], self.names)
            counts = [[int(v) for v in line[1:]] for line in matrix[1:]]
            self.assertEqual(sum(map(sum, counts)), 60)
            self.assertAlmostEqual(100 * sum(counts[k][k] for k in range(10)) / 60, float(row["top1"]), places=3)
            with open(folder / "per_class.csv", encoding="utf-8") as file:
                classes = list(csv.DictReader(file))
            self.assertEqual([int(c["images"]) for c in classes], [sum(line) for line in counts])
            xml.etree.ElementTree.parse(folder / "confusion.svg")
        one = self.dir / "one.json"
        self.evaluate(self.run_dir, "--use-ema", "--num-samples", 60, "--results-file", one)
        self.assertEqual(json.loads(one.read_text(encoding="utf-8"))["weights"], "ema")

    def test_another_size(self):
        result = self.evaluate(self.run_dir, "--img-size", 48, "--crop-pct", 0.75, "--num-samples", 60, "--json",
                               "--use-ema")
        scored = json.loads(result.stdout)
        self.assertEqual((scored["img_size"], scored["crop_pct"]), (48, 0.75))
        self.assertIn("48x48, crop 0.75, bicubic", result.stderr)

    def test_valid_labels(self):
        """Only listed classes are predicted, as if the network knew no others."""
        names = [self.names[k] for k in (7, 2, 0)]  # the images are of 7, 2 and 4
        listed = self.dir / "valid.txt"
        listed.write_text(f"{names[0]}\n2\n{names[2]}\n", encoding="utf-8")
        result = self.evaluate(self.run_dir, "--dataset", "folder", "--data-dir", self.dir / "data", "--json",
                               "--use-ema", "--valid-labels", listed, "--report", self.dir / "valid")
        row, found = json.loads(result.stdout), self.predictions("--use-ema")
        self.assertIn("; 3 of 10 classes compete, 7 images of others count as wrong", result.stderr)
        best = {p: max(names, key=found[p].get) for p in self.images}
        right = sum(best[p] == name for p, name in self.images.items())
        self.assertGreater(right, 0)
        self.assertAlmostEqual(row["top1"], 100 * right / 21)
        self.assertAlmostEqual(row["top5"], 100 * 14 / 21)  # three classes: all of them are among the first five
        self.assertIsNone(row["loss"])  # the network cannot be more wrong than to rule out the answer
        for entry in row["per_class"]:
            mine = [p for p, name in self.images.items() if name == entry["name"]]
            self.assertEqual(entry["correct"], sum(best[p] == entry["name"] for p in mine))
        with open(self.dir / "valid/confusion.csv", encoding="utf-8") as file:
            matrix = [line[1:] for line in csv.reader(file)][1:]
        for t, truth in enumerate(self.names):
            for p, name in enumerate(self.names):
                count = sum(best[q] == name and kind == truth for q, kind in self.images.items())
                self.assertEqual(int(matrix[t][p]), count)
        listed.write_text("".join(f"{k}\n" for k in range(10)), encoding="utf-8")
        both = [self.evaluate(self.run_dir, "--num-samples", 60, "--json", "--use-ema", *flags).stdout
                for flags in ([], ["--valid-labels", listed])]
        self.assertEqual(json.loads(both[0]), json.loads(both[1]))
        listed.write_text("0\n10\n", encoding="utf-8")
        refused = self.evaluate(self.run_dir, "--valid-labels", listed, code=3)
        self.assertIn("valid.txt: entry 2: '10'; expected a class name or an index in 0..9", refused.stderr)

    def test_real_labels(self):
        rng = random.Random(5)
        answers, number = {}, {}
        for i, path in enumerate(self.images):
            name = self.images[path]
            number[path] = 3 * (i + 1)
            copy = self.dir / "real/val" / name / f"ILSVRC2012_val_{number[path]:08}.ppm"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
            answers[path] = rng.sample(range(10), i % 3)
        lists = [[0] for _ in range(3 * len(self.images))]
        for path, n in number.items():
            lists[n - 1] = answers[path]
        real, table = self.dir / "real.json", self.dir / "real.csv"
        real.write_text(json.dumps(lists), encoding="utf-8")
        flags = ["--dataset", "folder", "--data-dir", self.dir / "real", "--use-ema", "--real-labels", real]
        row = json.loads(self.evaluate(self.run_dir, *flags, "--json", "--batch-size", 4, "--results-file",
                                       table).stdout)
        found = self.predictions("--use-ema")
        counted = {p: [self.names[k] for k in a] for p, a in answers.items() if a}
        self.assertEqual(row["real_samples"], len(counted))
        for k in (1, 5):
            right = sum(bool(set(a) & set(sorted(found[p], key=found[p].get)[-k:])) for p, a in counted.items())
            self.assertAlmostEqual(row[f"real_top{k}"], 100 * right / len(counted))
        self.assertNotEqual(row["real_top5"], row["top5"])
        with open(table, encoding="utf-8") as file:
            line = next(csv.DictReader(file))
        self.assertEqual((line["real_top1"], line["real_samples"]), (f"{row['real_top1']:.3f}", str(len(counted))))
        shown = self.evaluate(self.run_dir, *flags).stdout
        self.assertEqual(shown.splitlines()[0].split()[4:8], ["top1", "top5", "real1", "real5"])
        self.assertEqual(shown.splitlines()[1].split()[7], line["real_top5"])
        self.assertIn(f" * ReaL@1 {line['real_top1']} ReaL@5 {line['real_top5']} of {len(counted)} images\n", shown)
        real.write_text("[[1], [2, 11]]", encoding="utf-8")
        refused = self.evaluate(self.run_dir, *flags, code=3)
        self.assertIn("real.json: entry 2 is [2,11]; expected a list of class indices in 0..9", refused.stderr)
        real.write_text("[[1], [2]]", encoding="utf-8")
        refused = self.evaluate(self.run_dir, *flags, code=3)
        self.assertIn("ppm: an image without an entry in ", refused.stderr)

    def test_retry_changes_nothing_where_memory_suffices(self):
        # Where it does not: tests/scoring_options_test.cc.
        plain, retried = (self.evaluate(self.run_dir, "--num-samples", 40, "--json", *flags) for flags in ([], ["--retry"]))
        self.assertEqual(json.loads(plain.stdout), json.loads(retried.stdout))
        self.assertNotIn("out of memory", retried.stderr)

    def test_label_types(self):
        image = list(self.images)[0]
        predict = ["predict", self.run_dir, image, "--topk", 3]
        top = json.loads(self.evaluate(*predict, "--json").stdout)[0]["top"]
        words = self.dir / "words.txt"
        words.write_text("".join(f"{n} the {n}, a shape\n" for n in reversed(self.names)), encoding="utf-8")
        described = ["--label-type", "description", "--class-descriptions", words]
        for flags, labels in (([], [c["class"] for c in top]), (["--label-type", "name"], [c["class"] for c in top]),
                              (["--label-type", "index"], [str(c["index"]) for c in top]),
                              (described, [f"the {c['class']}, a shape" for c in top])):
            lines = self.evaluate(*predict, *flags).stdout.splitlines()[1:]
            self.assertEqual([line.split(None, 1)[1] for line in lines], labels)
        again = json.loads(self.evaluate(*predict, *described, "--json").stdout)[0]["top"]
        self.assertEqual(again, [{**c, "description": f"the {c['class']}, a shape"} for c in top])
        # As timm publishes them, in config.json.
        folder = self.dir / "described"
        folder.mkdir()
        shutil.copy(self.run_dir / "last/model.safetensors", folder)
        config = json.loads((self.run_dir / "last/config.json").read_text(encoding="utf-8"))
        config["label_descriptions"] = {n: f"a {n}" for n in self.names}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        shown = self.evaluate("predict", folder, image, "--topk", 1, "--label-type", "description").stdout
        self.assertEqual(shown.splitlines()[1].split(None, 1)[1], f"a {top[0]['class']}")
        (self.dir / "few.txt").write_text(f"{self.names[0]} one\n", encoding="utf-8")
        for code, message, *flags in (
                (2, "--label-type description: ", "--label-type", "description"),
                (2, "has no label_descriptions in its config.json. Give --class-descriptions FILE", "--label-type",
                 "description"),
                (2, "--class-descriptions: given for --label-type name; expected --label-type description",
                 "--class-descriptions", words),
                (2, "--label-type", "--label-type", "synset"),
                (3, f"few.txt: no description of class '{self.names[1]}'", "--label-type", "description",
                 "--class-descriptions", self.dir / "few.txt")):
            self.assertIn(message, self.evaluate(*predict, *flags, code=code).stderr)

    def test_crop_mode(self):
        """The figures of --crop-mode border are those of images that have the border already."""
        rng = random.Random(11)
        for i in range(6):
            narrow = [[tuple(rng.randrange(256) for _ in "rgb") for _ in range(20)] for _ in range(32)]
            side = [tuple(round(255 * m) for m in self.mean())] * 6
            write_ppm(self.dir / "narrow/val" / self.names[i] / "0.ppm", narrow)
            write_ppm(self.dir / "framed/val" / self.names[i] / "0.ppm", [side + row + side for row in narrow])
        scored = {}
        for folder, *flags in (("narrow", "--crop-mode", "border"), ("framed",), ("narrow",)):
            result = self.evaluate(self.run_dir, "--dataset", "folder", "--data-dir", self.dir / folder, "--json",
                                   "--use-ema", *flags)
            scored[(folder, *flags)] = json.loads(result.stdout)
        border, framed, center = scored.values()
        self.assertEqual(border["loss"], framed["loss"])
        self.assertNotEqual(border["loss"], center["loss"])
        self.assertEqual((border["crop_mode"], center["crop_mode"]), ("border", "center"))

    def mean(self):
        card = json.loads((self.run_dir / "last/config.json").read_text(encoding="utf-8"))
        self.assertEqual(card["pretrained_cfg"]["crop_mode"], "center")
        return card["pretrained_cfg"]["mean"]

    def test_predict_as_text(self):
        result = self.evaluate("predict", self.run_dir, *list(self.images)[:2], "--topk", 3)
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 8)
        self.assertEqual(lines[0], str(list(self.images)[0]))
        self.assertIn(lines[1].split()[1], self.names)
        self.assertLessEqual(sum(float(line.split()[0]) for line in lines[1:4]), 1.00001)

    def test_fine_tuning_of_weights_without_a_classifier(self):
        trunk = self.dir / "trunk"
        trunk.mkdir()
        data = (self.run_dir / "last/model.safetensors").read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        tensors, body = {}, b""
        for name, tensor in json.loads(data[8:start]).items():
            if name == "__metadata__" or name.startswith("fc."):
                continue
            begin, end = tensor["data_offsets"]
            tensors[name] = {**tensor, "data_offsets": [len(body), len(body) + end - begin]}
            body += data[start + begin:start + end]
        header = json.dumps(tensors).encode()
        (trunk / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + body)
        config = {"architecture": "salunet_c8", "num_classes": 0, "pretrained_cfg": {"input_size": [3, 32, 32], "crop_pct": 1}}
        (trunk / "config.json").write_text(json.dumps(config), encoding="utf-8")
        result = run(TRAIN, "--dataset", "folder", "--data-dir", self.dir / "data", "--img-size", 32, "--model", "salunet_c8",
                     "--batch-size", 8, "--epochs", 1, "--initial-checkpoint", trunk, "--output", self.dir / "headed")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"{trunk}: no classifier fc there: it starts anew, the rest is loaded", result.stderr)
        result = run(EVALUATE, "predict", trunk, next(iter(self.images)))
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("no class count in config.json and no fc.weight or head.weight", result.stderr)

    def test_fine_tuning(self):
        source, out = self.dir / "source", self.dir / "tuned"
        shutil.copytree(self.run_dir / "last", source)
        flags = ["--dataset", "folder", "--data-dir", self.dir / "data", "--img-size", 32, "--model", "salunet_c8",
                 "--batch-size", 8, "--epochs", 1]
        result = run(TRAIN, *flags, "--initial-checkpoint", source, "--output", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"{source}: classifier fc is (10,64) there and (3,64) here: it starts anew", result.stderr)
        card = json.loads((source / "config.json").read_text(encoding="utf-8"))["pretrained_cfg"]
        tuned = json.loads((out / "last/config.json").read_text(encoding="utf-8"))["pretrained_cfg"]
        self.assertEqual(tuned["mean"], card["mean"])  # not ImageNet's, which a folder has by default
        shutil.rmtree(source)  # a resumed run does not need it
        result = run(TRAIN, "--resume", out, "--epochs", 2)
        self.assertEqual(result.returncode, 0, result.stderr)
        again = json.loads((out / "last/config.json").read_text(encoding="utf-8"))["pretrained_cfg"]
        self.assertEqual(again, tuned)
        result = run(TRAIN, *flags, "--initial-checkpoint", source, "--output", self.dir / "none")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertFalse((self.dir / "none").exists())

    def test_refused(self):
        data = ["--dataset", "folder", "--data-dir", self.dir / "data"]
        names = self.dir / "names.txt"
        names.write_text("a\nb\n", encoding="utf-8")
        broken = self.dir / "broken.jpg"
        broken.write_bytes(b"\xff\xd8\xff\xe0 no image")
        for code, message, *command in (
                (2, "--results-file: x.txt; expected a name that ends in .json or .csv", self.run_dir,
                 "--results-file", "x.txt"),
                (2, "--metrics-avg", self.run_dir, "--metrics-avg", "mean"),
                (2, "--mean", self.run_dir, "--mean", "1", "2"),
                (2, "expected a checkpoint and at least one image", "predict", self.run_dir),
                (2, "unknown option", "predict", self.run_dir, "x.png", "--top"),
                (3, "names.txt: 2 lines; expected 10", self.run_dir, *data, "--class-map", names),
                (3, "none.txt", self.run_dir, *data, "--valid-labels", self.dir / "none.txt"),
                (3, "none.json", self.run_dir, *data, "--real-labels", self.dir / "none.json"),
                (3, "names.txt: not a JSON array", self.run_dir, *data, "--real-labels", names),
                (3, "none.txt", "predict", self.run_dir, list(self.images)[0], "--label-type", "description",
                 "--class-descriptions", self.dir / "none.txt"),
                (3, "names.txt: entry 1: 'a'; expected a class name, a space and words", "predict", self.run_dir,
                 list(self.images)[0], "--label-type", "description", "--class-descriptions", names),
                (2, "--crop-mode: unknown name 'stretch'; expected one of center, squash, border", self.run_dir, "--crop-mode", "stretch"),
                (3, "broken.jpg", "predict", self.run_dir, broken),
                (3, "missing.jpg", "predict", self.run_dir, self.dir / "missing.jpg"),
                (4, "nowhere", "predict", self.dir / "nowhere", broken)):
            with self.subTest(command=command):
                result = self.evaluate(*command, code=code)
                self.assertIn(message, result.stderr)
                self.assertEqual(result.stdout, "")
                self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
