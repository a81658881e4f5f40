#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bad input to the built programs: exit code, one line of error that names the fault, and no file left.

A case is (number, exit code, part of the message, command). The numbers are those of a list of 55 kinds of bad input;
its other kinds are covered by programs_test.py (1 to 5, 8, 9, 13, 44, 51), data_programs_test.py (28),
folder_test.cc (27), disk_test.py and fault_test.cc (45, 46), nonfinite_test.cc (52), and safetensors_header_test.cc (every
rule of 30 to 37).

Usage: bad_input_test.py SALUTRAIN SALUEVALUATE CORPUS_DIR"""
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

TRAIN, EVALUATE = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
CORPUS = pathlib.Path(sys.argv[3]).resolve()
NEW = [TRAIN, "--model", "salunet_c8", "--epochs", "1", "--batch-size", "2", "--progress", "none", "--quiet",
       "--output", "new"]
RUN = [TRAIN, "--model", "salunet_c8", "--epochs", "2", "--batch-size", "32", "--train-num-samples", "64",
       "--val-num-samples", "20", "--progress", "none", "--quiet"]


def run(*command, **options):
    return subprocess.run([os.fspath(c) if not isinstance(c, (int, float)) else str(c) for c in command],
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **options)


def put(path, data=b""):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


class BadInput(unittest.TestCase):
    """Each test has a folder of its own, in which it stands; SHARED holds a finished run."""
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        made = run(*RUN, "--output", cls.shared / "run")
        assert made.returncode == 0, made.stderr

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="salunet-")
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def copy_of_run(self):
        shutil.rmtree("run", ignore_errors=True)
        shutil.copytree(self.shared / "run", "run", symlinks=True)
        return pathlib.Path("run")

    def refuse(self, row, code, message, *command, begins=False, **options):
        """With `begins` the run gets as far as its folder."""
        with self.subTest(row=row, command=[str(c)[-60:] for c in command[1:]]):
            result = run(*command, **options)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn(message, result.stderr)
            self.assertRegex(result.stderr, r"^salu(train|evaluate): error: [ -~…]*\n$")  # one printable line
            self.assertEqual(result.stdout, "")
            self.assertEqual(os.path.lexists("new"), begins)

    def refuse_all(self, *cases):
        for row, code, message, *command in cases:
            self.refuse(row, code, message, *command)


class CommandLine(BadInput):
    def test_flags(self):
        put("c.toml", "lr=\n")
        put("two\nlines.toml", "a=1\n")
        os.mkfifo("pipe")
        run_folder = self.shared / "run"
        # Without CUDA, without a GPU, or with fewer than eight.
        with_cuda = "CUDA: not built in" not in run(TRAIN, "--check").stdout
        no_gpu = (47, 5, "CUDA devices") if with_cuda else (6, 2, "this build has no CUDA (configure with -Dcuda=enabled)")
        self.refuse_all(
            (2, 2, "--batch-size: '1\\x0a2' is not a whole number", *NEW[:5], "--batch-size", "1\n2"),
            (3, 2, "--lr:  is not a finite number > 0", *NEW, "--lr", ""),
            (3, 2, "--lr: 0x1p3 is not a finite number > 0", *NEW, "--lr", "0x1p3"),
            (3, 2, "--lr: no value is given", *NEW, "--lr"),
            (3, 2, "--lr: no value is given", *NEW, "--lr", "--epochs", "1"),
            (4, 2, "--b: unknown option", *NEW, "--b", "1"),
            (4, 2, "x\\x0ay: unknown word; expected a flag", *NEW, "x\ny"),
            (5, 2, "--bad-images: unknown name 's\\x0at'; expected one of stop, skip", *NEW, "--bad-images", "s\nt"),
            (5, 2, "--nesterov: 's\\x0at'; expected true or false", *NEW, "--nesterov=s\nt"),
            (5, 2, "s\\x0at: unknown word", *NEW, "--nesterov", "s\nt"),
            (5, 2, "--nesterov: ''; expected true or false", *NEW, "--nesterov="),
            (5, 2, "--nesterov: ''; expected true or false", *NEW, "--no-nesterov="),
            (5, 2, "two\\x0alines.toml:1:1: unknown key 'a'", TRAIN, "-c", "two\nlines.toml"),
            (5, 2, "no\\x0asuch.toml: No such file", TRAIN, "-c", "no\nsuch.toml"),
            (5, 2, "/dev/zero: not a regular file", TRAIN, "-c", "/dev/zero"),
            (5, 2, "pipe: not a regular file", TRAIN, "-c", "pipe"),
            (5, 2, "..: not a regular file", TRAIN, "-c", ".."),
            (*no_gpu, *NEW, "--device", "cuda:7"),
            (6, 2, "--device 'warp': no such device", *NEW, "--device", "warp"),
            (*no_gpu, EVALUATE, run_folder, "--device", "cuda:7"),
            (7, 2, "mutually exclusive", TRAIN, "--resume", run_folder, "--initial-checkpoint", run_folder))

    def test_output_folder(self):
        put("file")
        flags = [*NEW[:-1]]
        self.refuse_all((8, 2, "file: is a file; expected a folder", *flags, "file"),
                        (45, 5, "file: cannot create the folder", *flags, "file/x"),
                        (45, 5, "/proc/new: cannot create the folder", *flags, "/proc/new"))

    def test_limits_of_the_system(self):
        def limited(kind, value):
            return lambda: resource.setrlimit(kind, (value, value))

        # Images of one batch: 12 GB.
        huge = ["--dataset", "synthetic", "--train-num-samples", "1024", "--img-size", "1024", "--workers", "0",
                "--threads", "1", *NEW[1:5], "--batch-size", "1024"]
        self.refuse(50, 5, "out of host memory", TRAIN, *huge, "--benchmark", "1", "--quiet",
                    preexec_fn=limited(resource.RLIMIT_AS, 2 << 30))
        result = run(*NEW, preexec_fn=limited(resource.RLIMIT_NOFILE, 6))
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertRegex(result.stderr, r"^salutrain: error: .*: Too many open files\n$")


class Data(BadInput):
    def test_places(self):
        put("file")
        put("archive.tar.gz", b"\x1f\x8b\x08\0\0")
        put("archive.tar", b"train/".ljust(257, b"\0") + b"ustar\x0000")
        put("empty/train/a/x.txt")
        put("one/train/a/1.pgm", b"P5 2 2 255\nabcd")
        for name in ("train/a", "train/b", "val/a", "val/c"):
            put(f"differ/{name}/1.pgm", b"P5 2 2 255\nabcd")
        os.makedirs("hollow/train/a")
        os.makedirs("hollow/train/b")
        shutil.copytree("differ/train", "flat/train")
        put("flat/val/1.pgm", b"P5 2 2 255\nabcd")
        put("loop/train/b/1.pgm", b"P5 2 2 255\nabcd")
        os.makedirs("loop/train/a")
        os.symlink("x.jpg", "loop/train/a/x.jpg")
        put("odd/train/b/1.pgm", b"P5 2 2 255\nabcd")
        os.makedirs("odd/train/a/x.jpg")
        folder, cifar, pack = ([*NEW, "--dataset", kind, "--data-dir"] for kind in ("folder", "cifar10", "packed"))
        self.refuse_all(
            (10, 3, "nowhere: cannot be listed: No such file", *folder, "nowhere"),
            (10, 3, "no\\x09where: cannot be listed", *folder, "no\twhere"),
            (10, 3, "no\\x0awhere: cannot be listed", *folder, "no\nwhere"),
            (10, 3, "file: cannot be listed: Not a directory; expected a folder", *folder, "file"),
            (10, 3, "file: is a file; expected a folder", *cifar, "file"),
            (10, 3, "nowhere: cannot be opened: No such file", *pack, "nowhere"),
            (10, 3, "empty: not a regular file", *pack, "empty"),
            (14, 3, "is a gzip archive; unpack it first", *folder, "archive.tar.gz"),
            (14, 3, "is a gzip archive; unpack it first", *cifar, "archive.tar.gz"),
            (14, 3, "is a gzip archive; unpack it first", *pack, "archive.tar.gz"),
            (14, 3, "is a tar archive; unpack it first", *folder, "archive.tar"),
            (15, 3, "empty/train: 1 class folder: a; expected at least 2", *folder, "empty"),
            (15, 3, "one/train: 1 class folder: a; expected at least 2", *folder, "one"),
            (15, 3, "2 classes without images: a, b", *folder, "hollow"),
            (15, 3, "only in train: b; only in val: c", *folder, "differ"),
            (25, 3, "loop/train/a/x.jpg: not a regular file", *folder, "loop"),
            (25, 3, "odd/train/a/x.jpg: not a regular file", *folder, "odd"),
            (29, 3, "val_map.txt", *folder, "flat"))

    @unittest.skipIf(os.geteuid() == 0, "root may read anything")
    def test_no_permission(self):
        put("closed/train/a/1.pgm", b"P5 2 2 255\nabcd")
        os.chmod("closed/train", 0)
        self.refuse(10, 3, "Permission denied", *NEW, "--dataset", "folder", "--data-dir", "closed")
        os.chmod("closed/train", 0o700)

    def test_cifar(self):
        names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
        os.mkdir("c")
        for name in names:
            put(f"c/{name}")
            os.truncate(f"c/{name}", 30730000)  # zeros: labels 0
        command = [*NEW, "--dataset", "cifar10", "--data-dir", "c"]
        os.truncate("c/data_batch_3.bin", 30729999)
        self.refuse(11, 3, "data_batch_3.bin: 30729999 bytes; expected 10000 x 3073 = 30730000 (truncated download?)",
                    *command)
        os.truncate("c/data_batch_3.bin", 30730000)
        with open("c/data_batch_3.bin", "r+b") as file:
            file.seek(4711 * 3073)
            file.write(b"\x25")
        self.refuse(12, 3, "data_batch_3.bin: record 4711: label 37; expected 0..9", *command)
        os.unlink("c/data_batch_3.bin")
        self.refuse(10, 3, "data_batch_3.bin: cannot be opened: No such file", *command)

    def test_odd_names_work(self):
        image = b"P5 2 2 255\nabcd"
        for split in (b"train", b"val"):
            for name in (b"-dash/--lr", b"line\nfeed/\n", b"\xe9\xff/" + b"\xe9" * 251):
                put(os.fsdecode(b"set/" + split + b"/" + name + b".pgm"), image + split + name)
        checked = run(TRAIN, "verify", "set")
        self.assertIn("3 images in train, 3 in evaluation, 3 classes", checked.stdout)
        trained = run(*NEW, "--dataset", "folder", "--data-dir", "set")
        self.assertEqual(trained.returncode, 0, trained.stderr)
        table = run(EVALUATE, "new", "--data-dir", "set", "--per-class")
        self.assertEqual(table.returncode, 0, table.stderr)
        for name in ("-dash", "line\\x0afeed", "\\xe9\\xff"):
            self.assertIn(name, table.stdout)
        shutil.rmtree("new")
        put("set/train/line\nfeed/\n.pgm", b"P5 2 2 255\nabc")
        self.refuse(26, 3, "line\\x0afeed/\\x0a.pgm: truncated at byte", *NEW, "--dataset", "folder", "--data-dir", "set",
                    begins=True)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=32, height=32, data=b"", color=2):
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


class Images(BadInput):
    """The output of `saluevaluate predict` for a file."""
    def predict(self, row, message, data, name="p.jpg"):
        put(name, data)
        self.refuse(row, 3, f"{name}: {message}", EVALUATE, "predict", self.shared / "run", name)

    def test_no_image(self):
        self.predict(16, "is empty; expected a JPEG, PNG, BMP or PNM", b"")
        for data in (b"\xff", b"text\n"):
            shown = {b"\xff": "\\xff", b"text\n": "text\\x0a"}[data]
            self.predict(16, f"is not a JPEG, PNG, BMP or PNM (starts '{shown}')", data)
        self.predict(16, "is an HTML page, perhaps of a failed download; expected", b"<html><body>404")
        self.predict(16, "is a git-lfs pointer ('git lfs pull' fetches the file itself); expected",
                     b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")

    def test_cut(self):
        for name in ("jpeg/420.jpg", "jpeg/progressive.jpg", "png/rgb.png", "bmp/rgb.bmp"):
            data = (CORPUS / name).read_bytes()
            cut = len(data) * 2 // 3
            self.predict(17, f"truncated at byte {cut}", data[:cut])
        self.predict(17, "truncated at byte 14", b"P6 2 2 255\nabc")

    def test_damaged(self):
        data = bytearray((CORPUS / "png/rgb.png").read_bytes())
        data[data.index(b"IDAT") + 9] ^= 4
        self.predict(18, "damaged: IDAT: ", bytes(data))
        self.predict(19, "image is 0 x 5; expected at least 1 x 1", b"P5 0 5 255\n")
        self.predict(19, "damaged: Invalid IHDR data", png(5, 0))
        self.predict(19, "image is 65536 x 1; limit 65535 per side", png(65536, 1))
        self.predict(19, "image is 16384 x 16384, 268435456 pixels; limit 178956970 (--max-image-pixels)",
                     b"P5 16384 16384 255\n")
        self.predict(20, "damaged: Not enough image data", png(data=bytes(3_000)))
        jpeg = (CORPUS / "jpeg/progressive.jpg").read_bytes()
        last = jpeg.rindex(b"\xff\xda")
        self.predict(21, "damaged: Inconsistent progression sequence", jpeg[:last] + 1000 * jpeg[last:-2] + jpeg[-2:])
        jpeg = (CORPUS / "jpeg/420.jpg").read_bytes()
        frame = jpeg.index(b"\xff\xc0")
        for kind, changed in (("JPEG process: SOF type 0xc3", b"\xc3\0\x11\x08"),
                              ("JPEG data precision 12", b"\xc1\0\x11\x0c"),
                              ("JPEG process: SOF type 0xc5", b"\xc5\0\x11\x08")):
            self.predict(22, f"unsupported JPEG kind (Unsupported {kind})",
                         jpeg[:frame + 1] + changed + jpeg[frame + 5:])
        scan = jpeg.index(b"\xff\xda") + 14
        self.predict(23, "damaged: ", jpeg[:scan] + jpeg[-2:])

    def test_no_files(self):
        os.mkfifo("fifo.jpg")
        os.mkdir("folder.jpg")
        os.symlink("loop.jpg", "loop.jpg")
        for name in ("fifo.jpg", "folder.jpg", "loop.jpg", "/dev/zero"):
            self.refuse(25, 3, f"{name}: not a regular file", EVALUATE, "predict", self.shared / "run", name)
        self.refuse(10, 3, "none.jpg: cannot be opened: No such file", EVALUATE, "predict", self.shared / "run",
                    "none.jpg")

    def test_kinds_that_are_read(self):
        """Grey, palette, alpha, 16 bits, CMYK, interlaced, EXIF, a PNG that is named .JPEG: row 24."""
        shutil.copy(CORPUS / "png/rgb.png", "n01.JPEG")
        jpeg = (CORPUS / "jpeg/exif.jpg").read_bytes()
        put("exif.jpg", jpeg.replace(b"Exif\0\0", b"Exif\0\0\xff\xd9"[:6]).replace(b"II*", b"XX*").replace(b"MM\0*", b"XX\0*"))
        files = ["n01.JPEG", "exif.jpg"] + sorted(f for k in ("jpeg", "png", "bmp") for f in (CORPUS / k).iterdir())
        result = run(EVALUATE, "predict", self.shared / "run", *files, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(json.loads(result.stdout)), len(files))


def crc32c(data):
    table = [0] * 256
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ (0x82F63B78 if c & 1 else 0)
        table[i] = c
    c = 0xFFFFFFFF
    for b in data:
        c = table[(c ^ b) & 255] ^ (c >> 8)
    return c ^ 0xFFFFFFFF


def seal(folder):
    """COMMIT.json for the files as they are."""
    files = sorted(p for p in folder.iterdir() if p.name != "COMMIT.json")
    lines = [f'"{p.name}": {{"size": {p.stat().st_size}, "crc32c": "{crc32c(p.read_bytes()):08x}"}}' for p in files]
    body = '{\n"format": 1,\n"sequence": 1,\n"files": {\n' + ",\n".join(lines) + "\n},\n"
    put(folder / "COMMIT.json", f'{body}"crc32c": "{crc32c(body.encode()):08x}"\n}}\n')


def split_file(data):
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + length]), data[8 + length:]


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Checkpoints(BadInput):
    def bare(self, row, message, data, code=4):
        put("w.safetensors", data)
        self.refuse(row, code, f"w.safetensors: {message}", EVALUATE, "w.safetensors", "--model", "salunet_c8")

    def test_bare_files(self):
        tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
        nine = {**tensor, "shape": [1] * 9}
        huge = {**tensor, "shape": [1 << 40, 1 << 40]}
        twice = b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
        for row, message, data in (
                (30, "is not a salu checkpoint: it has 0 bytes", b""),
                (30, "is not a salu checkpoint: it has 7 bytes", b"1234567"),
                (30, "is not a salu checkpoint: it is a Python pickle", b"\x80\x02}q\x01.abcdefgh"),
                (30, "is not a salu checkpoint: it is a zip archive (a .pth file?)", b"PK\x03\x04 and more"),
                (31, "written by a newer salutrain (format 3, ", safetensors({"__metadata__": {"salu.format": "3"}})),
                (32, "is not a salu checkpoint (header length 0", struct.pack("<Q", 0) + b"{}"),
                (32, "truncated: 10 of at least 11 bytes (header length 3)", struct.pack("<Q", 3) + b"{}"),
                (32, "is not a salu checkpoint (header length 9223372036854775808", struct.pack("<Q", 1 << 63) + b"{}"),
                (33, "header is not valid JSON", safetensors(b'{"\xff":1}')),
                (33, "is not a salu checkpoint: the header starts with '\\xef\\xbb\\xbf", safetensors(b"\xef\xbb\xbf{}")),
                (33, "header ends with '\\x00'", safetensors(b"{}\0")),
                (33, "tensor a: dtype: key given twice", safetensors(twice, bytes(8))),
                (34, 'tensor a: dtype is "F8"; expected', safetensors({"a": {**tensor, "dtype": "F8"}})),
                (34, "tensor a: shape: found [1000.0]", safetensors(b'{"a":{"dtype":"F32","shape":[1e3],"data_offsets":[0,8]}}', bytes(8))),
                (35, "tensor a: shape: more than 8 numbers", safetensors({"a": nine}, bytes(8))),
                (35, "has more than 2^63 bytes", safetensors({"a": huge}, bytes(8))),
                (36, "leave a hole", safetensors({"a": {**tensor, "data_offsets": [4, 12]}}, bytes(12))),
                (36, "4 bytes after the last tensor", safetensors({"a": tensor}, bytes(12))),
                (37, "expected 8 bytes", safetensors({"a": {**tensor, "data_offsets": [0, 9]}}, bytes(9)))):
            put("w.safetensors", data)
            self.refuse(row, 4, message, EVALUATE, "w.safetensors", "--model", "salunet_c8")

    def test_damaged_folder(self):
        for name, message in (("model.safetensors", "checksum differs (file damaged). Newest intact checkpoint: epoch-0001"),
                              ("state.safetensors", "checksum differs (file damaged). Newest intact checkpoint: epoch-0001"),
                              ("config.json", "Newest intact checkpoint: epoch-0001")):
            damaged = self.copy_of_run() / "last" / name
            data = bytearray(damaged.read_bytes())
            data[-9] ^= 1
            damaged.write_bytes(data)
            for command in ([EVALUATE, "run"], [TRAIN, "--resume", "run", "--quiet"]):
                self.refuse(38, 4, message, *command)
            damaged.write_bytes(data[:100])
            self.refuse(39, 4, f"{name}: truncated: 100 of {len(data):,} bytes. Newest intact checkpoint: epoch-0001",
                        EVALUATE, "run")
        tensor = self.copy_of_run() / "last/model.safetensors"
        data = bytearray(tensor.read_bytes())
        data[-1] ^= 1
        tensor.write_bytes(data)
        self.refuse(38, 4, "tensor norm1.beta: checksum differs (file damaged)", EVALUATE, "run")

    def test_another_network(self):
        folder = pathlib.Path("plain")
        shutil.copytree(self.shared / "run/last", folder)
        for name in ("COMMIT.json", "state.safetensors"):
            (folder / name).unlink()
        card = json.loads((folder / "config.json").read_text())

        def scored(row, message, change, code=4):
            changed = json.loads(json.dumps(card))
            change(changed)
            put(folder / "config.json", json.dumps(changed))
            self.refuse(row, code, message, EVALUATE, folder)

        def five_classes(c):
            c["num_classes"] = 5
            c["salu"]["class_names"] = list("abcde")

        scored(40, "36 missing: bn1.weight", lambda c: c["salu"]["model"].update(name="resnet8", norm="batchnorm", act="relu"))
        scored(40, "2 of another shape: fc.weight", five_classes)
        scored(40, "num_classes is -1; expected a whole number in 1..1000000", lambda c: c.update(num_classes=-1))
        scored(40, "num_classes is 10.5; expected a whole number", lambda c: c.update(num_classes=10.5))
        scored(40, "3 class names; expected 10, one per class", lambda c: c["salu"].update(class_names=list("abc")))
        scored(40, "input size [3,32,16]; expected [3, S, S]", lambda c: c["pretrained_cfg"].update(input_size=[3, 32, 16]))
        scored(40, "std 0; expected numbers above 0, up to 1", lambda c: c["pretrained_cfg"].update(std=[1, 0, 1]))
        scored(40, "mean 123.675; expected numbers in 0..1", lambda c: c["pretrained_cfg"].update(mean=[123.675, 116.28, 103.53]))
        scored(40, "config.json: --model: unknown name 'salunet_z'", lambda c: c["salu"]["model"].update(name="salunet_z"))
        scored(40, "unknown name 'x\\x0ay'", lambda c: c["salu"]["model"].update(norm="x\ny"))
        scored(31, "written by a newer salutrain (format 2", lambda c: c["salu"].update(format=2))
        scored(40, "is neither salutrain's nor timm's", lambda c: (c.pop("salu"), c.update(architecture=3)))
        put(folder / "config.json", "{")
        self.refuse(40, 4, "config.json: not valid JSON", EVALUATE, folder)

    def test_numbers_of_another_type(self):
        header, data = split_file((self.shared / "run/last/model.safetensors").read_bytes())
        header.pop("__metadata__")
        begin, end = header.pop("fc.bias")["data_offsets"]
        for entry in header.values():
            entry["data_offsets"] = [at - (end - begin) * (at >= end) for at in entry["data_offsets"]]
        data = data[:begin] + data[end:]
        header["fc.bias"] = {"dtype": "F64", "shape": [10], "data_offsets": [len(data), len(data) + 80]}
        shutil.copytree(self.shared / "run/last", "plain")
        for name in ("COMMIT.json", "state.safetensors"):
            os.unlink(f"plain/{name}")
        for last, warned in ((0.5, False), (float("nan"), True), (1e300, True)):
            put("plain/model.safetensors", safetensors(header, data + struct.pack("<10d", *[0.25] * 9, last)))
            scored = run(EVALUATE, "plain", "--num-samples", 20)
            self.assertEqual(scored.returncode, 0, scored.stderr)
            self.assertEqual("warning: plain: tensor fc.bias holds NaN or Inf" in scored.stderr, warned)

    def test_weights_that_are_no_numbers(self):
        last = (self.copy_of_run() / "last").resolve()
        header, data = split_file((last / "model.safetensors").read_bytes())
        header["__metadata__"] = {}
        begin = header["fc.weight"]["data_offsets"][0]
        data = data[:begin] + struct.pack("<f", float("nan")) + data[begin + 4:]
        put(last / "model.safetensors", safetensors(header, data))
        seal(last)
        scored = run(EVALUATE, "run", "--num-samples", 20)
        self.assertEqual(scored.returncode, 0, scored.stderr)
        self.assertIn("saluevaluate: warning: run: tensor fc.weight holds NaN or Inf\n", scored.stderr)
        self.refuse(41, 4, "tensor fc.weight holds NaN or Inf", TRAIN, "--resume", "run", "--epochs", "3", "--quiet")

    def test_counters(self):
        for name, value in (("step", -1), ("epoch", 1e300), ("batch", 0.5), ("loss_sum", "x")):
            last = (self.copy_of_run() / "last").resolve()
            header, data = split_file((last / "state.safetensors").read_bytes())
            progress = json.loads(header["__metadata__"]["salu.progress"])
            header["__metadata__"]["salu.progress"] = json.dumps({**progress, name: value})
            put(last / "state.safetensors", safetensors(header, data))
            seal(last)
            message = "its counters are not complete" if name == "loss_sum" else f"{name} is {json.dumps(value)}"
            self.refuse(42, 4, message, TRAIN, "--resume", "run", "--epochs", "3", "--quiet")

    def test_resume_with_other_settings(self):
        run_folder = self.shared / "run"
        for flag, value, was in (("--dataset", "cifar10", "shapes"), ("--opt", "sgd", "adamw"),
                                 ("--img-size", "16", "not set"), ("--batch-size", "16", "32")):
            self.refuse(42, 4, f"{flag} is {was} in that run", TRAIN, "--resume", run_folder, flag, value)
        for split in ("train", "val"):
            for name in ("a/1", "b/1", "b/2"):
                put(f"set/{split}/{name}.pgm", b"P5 2 2 255\nabcd")
        made = run(*NEW[:-1], "half", "--dataset", "folder", "--data-dir", "set", "--max-steps", "1")
        self.assertEqual(made.returncode, 0, made.stderr)
        put("set/train/a/2.pgm", b"P5 2 2 255\nabcd")
        self.refuse(42, 4, "the data set differs from the one this run was trained on", TRAIN, "--resume", "half", "--quiet")

    def test_nothing_complete(self):
        folder = self.copy_of_run()
        for seal_file in folder.glob("checkpoints/*/COMMIT.json"):
            seal_file.unlink()
        self.refuse(43, 4, "no complete checkpoint in run", TRAIN, "--resume", "run", "--quiet")
        shutil.rmtree(folder / "checkpoints")
        os.makedirs(folder / "checkpoints/.tmp-epoch-0013")
        for command in ([EVALUATE, "run"], [TRAIN, "--resume", "run", "--quiet"]):
            self.refuse(43, 4, "no complete checkpoint in run (1 unfinished: .tmp-epoch-0013)", *command)
        self.refuse(43, 4, "nowhere: cannot open: No such file", EVALUATE, "nowhere")
        os.mkdir("bare")
        self.refuse(43, 4, "bare: no checkpoint; expected", EVALUATE, "bare")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
