#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs that measure a GPU, as far as a machine without one can run them: arguments, output, failures, the table.

Usage: bench_gpu_test.py SALUTRAIN BENCH_FOLDER [BENCH_KERNELS SALUTRAIN_HOST]     the last two: built with the host shim"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TRAIN, BENCH = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
KERNELS, HOST = sys.argv[3:5] if len(sys.argv) > 4 else (None, None)
SMALL = ["--dataset", "synthetic", "--model", "salunet_c8", "--batch-size", "3", "--img-size", "12", "--device", "cpu"]


def run(*command, env=None):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})})


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def ok(self, *command, code=0, **options):
        done = run(*command, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done


class Benchmark(Case):
    def test_json_has_every_step_and_the_same_loss_on_every_run(self):
        first, again = (json.loads(self.ok(TRAIN, "--benchmark", 6, "--json", *SMALL).stdout) for _ in range(2))
        self.assertEqual(len(first["ms"]), 6)
        self.assertTrue(all(ms > 0 for ms in first["ms"]))
        self.assertEqual(first["ms_median"], sorted(first["ms"])[3])
        self.assertAlmostEqual(first["img_per_s"], 3e3 / first["ms_median"])
        self.assertEqual(first["loss"], again["loss"])
        self.assertEqual((first["batch"], first["img_size"]), (3, 12))
        self.assertGreater(first["peak_mib"], 0)
        self.assertGreater(first["first_step_ms"], 0)

    def test_classes_and_size_reach_the_network(self):
        def parameters(*flags):
            return json.loads(self.ok(TRAIN, "--benchmark", 1, "--json", *SMALL, *flags).stdout)["parameters"]
        self.assertEqual(parameters() - parameters("--num-classes", "7"), 3 * (64 + 1))

    def test_text(self):
        self.assertRegex(self.ok(TRAIN, "--benchmark", 2, *SMALL).stdout,
                         r"^salunet_c8, batch 3, on cpu, .*: [\d.]+ img/s \(.*\), [\d.]+ ms/step .* of 2 steps\), peak memory ")

    def profile(self, program, device, *flags):
        flags = [*SMALL[:-1], device, *flags]
        out = json.loads(self.ok(program, "--benchmark", 4, "--profile", "--json", *flags).stdout)
        rows = {(row["op"], row["pass"]): row for row in out["profile"]}
        self.assertEqual(len(rows), len(out["profile"]))
        times = [row["ms"] for row in out["profile"]]
        self.assertEqual(times, sorted(times, reverse=True))
        return out, rows, sum(times) / (sum(out["ms"]) / 4)

    def test_profile(self):
        out, rows, share = self.profile(TRAIN, "cpu")
        self.assertLess(abs(share - 1), 0.1)  # 4 short steps; tests/profile_test.cc is strict
        # The stem, two convolutions in each of three blocks, two shortcuts: see tests/profile_test.cc.
        self.assertEqual(rows["conv2d_forward", "forward"]["calls"], 9)
        self.assertEqual(rows["conv2d_backward_data", "backward"]["calls"], 8)
        self.assertEqual(rows["update_parameters", "optimizer"]["calls"], 1)
        plain = json.loads(self.ok(TRAIN, "--benchmark", 4, "--json", *SMALL).stdout)
        self.assertNotIn("profile", plain)
        self.assertEqual(plain["loss"], out["loss"])  # a profile changes nothing

    def test_profile_as_text(self):
        head, empty, columns, *rows, last = self.ok(TRAIN, "--benchmark", 2, "--profile", *SMALL).stdout.splitlines()
        self.assertRegex(head, r"^salunet_c8, batch 3, on cpu, .* of 2 steps\), peak memory ")
        self.assertEqual((empty, columns.split()), ("", ["op", "pass", "calls/step", "ms/step", "share"]))
        for row in rows:
            self.assertRegex(row, r"^\w+ +(step|forward|backward|optimizer) +\d+(\.\d+)? +\d+\.\d{3} +\d+\.\d %$")
        self.assertEqual({len(row) for row in [columns, *rows, last]}, {71})
        shown = sum(float(row.split()[3]) for row in rows)
        self.assertAlmostEqual(shown, float(last.split()[1]), delta=0.001 * len(rows))  # three decimals each
        self.assertRegex(last, r"^all .* 100\.0 %$")
        self.assertEqual(len(self.ok(TRAIN, "--benchmark", 2, *SMALL).stdout.splitlines()), 1)

    @unittest.skipIf(KERNELS is None, "no host shim here")
    def test_profile_of_a_device(self):
        out, rows, share = self.profile(HOST, "cuda-host", "--graph", "true")
        self.assertFalse(out["graph"])  # a replayed step would have no ops
        self.assertLess(abs(share - 1), 0.1)
        self.assertEqual(rows["conv2d_forward", "forward"]["calls"], 9)
        self.assertEqual(rows["place_inputs", "step"]["calls"], 1)

    def test_refused(self):
        done = self.ok(TRAIN, "--profile", *SMALL, code=2)
        self.assertIn("--profile requires --benchmark", done.stderr)
        for code, message, *flags in ((2, "--num-classes 7: the data set 'shapes' knows its own", "--num-classes", "7"),
                                      (2, "'0' is not a whole number", "--benchmark", "0"),
                                      (2, "1 samples", "--dataset", "synthetic", "--train-num-samples", "1")):
            done = self.ok(TRAIN, "--benchmark", 1, *flags, code=code) if "--benchmark" not in flags else \
                self.ok(TRAIN, *flags, code=code)
            self.assertIn(message, done.stderr)

    def test_nothing_is_written(self):
        done = subprocess.run([TRAIN, "--benchmark", "1", *SMALL], cwd=self.dir, capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(list(self.dir.iterdir()), [])


@unittest.skipIf(KERNELS is None, "no host shim here")
class Kernels(Case):
    FAMILIES = {"ceiling", "salu", "pointwise", "loss", "norm", "pool", "attention", "conv", "product", "optimizer"}

    def test_every_family_runs(self):
        file = self.dir / "k.json"
        done = self.ok(KERNELS, "--smoke", "--json", file)
        lines = lines_of(file)
        self.assertEqual({line["family"] for line in lines}, self.FAMILIES)  # floor needs the libraries
        self.assertEqual([line for line in lines if "error" in line], [])
        self.assertTrue(all(line["us"] > 0 and line["us_p10"] <= line["us"] <= line["us_p90"] for line in lines))
        self.assertTrue(all(line["bytes"] > 0 for line in lines))
        self.assertTrue(all(line["flops"] > 0 for line in lines if line["family"] in ("conv", "product", "attention")))
        for line in lines:
            self.assertIn(line["case"], done.stdout)

    def test_bytes_and_operations(self):
        file = self.dir / "k.json"
        self.ok(KERNELS, "--smoke", "--json", file, "salu", "product", "conv")
        lines = {(line["case"].split(",")[0], line["variant"]): line for line in lines_of(file)}
        self.assertEqual(lines["salu", "backward"]["bytes"], 3 * 2 * 1031)
        self.assertEqual(lines["f32 33x17x40", "naive"]["flops"], 2 * 33 * 17 * 40)
        self.assertEqual(lines["bf16 33x17x40", "naive"]["bytes"], 2 * (33 * 17 + 33 * 40 + 17 * 40))
        # 2 images of 5x6, 3 channels to 4, 3x3
        self.assertEqual(lines["3x3 3->4 @5", "direct"]["flops"], 2 * (2 * 5 * 6 * 4) * 27)

    def test_bad_arguments(self):
        for flags, message in ((["--families"], "--families: unknown; expected"), (["salo"], "salo: unknown"),
                               (["--smoke", "--json", str(self.dir / "no/k.json")], "cannot be written")):
            done = run(KERNELS, *flags)
            self.assertIn(done.returncode, (2, 5))
            self.assertIn(message, done.stderr)


class Correct(Case):
    def check(self, program, code, *flags):
        file = self.dir / "c.json"
        self.ok(sys.executable, BENCH / "gpu/correct.py", "--bin", self.dir, "--salutrain", program, "--device", "cpu",
                "--precisions", "f32", "--batch", 4, "--json", file, *flags, code=code)
        return {line["check"]: line["ok"] for line in lines_of(file)}

    def test_a_correct_program_passes(self):
        checks = self.check(TRAIN, 0)
        self.assertEqual(set(checks.values()), {True})
        self.assertIn("same seed, same bits, f32, library", checks)
        self.assertIn("loss curve of the CPU, f32, handwritten", checks)

    @unittest.skipIf(HOST is None, "no host shim here")
    def test_the_kernels_under_the_host_shim_pass(self):
        self.assertEqual(set(self.check(HOST, 0, "--device", "cuda-host", "--batch", 1, "--steps", 5,
                                        "--kernels", "library").values()), {True})

    def test_a_program_whose_reruns_differ_fails(self):
        other = self.dir / "other"
        other.write_text(f'#!/bin/sh\ncase "$*" in *again*) set -- "$@" --lr 0.0021 ;; esac\nexec {TRAIN} "$@"\n')
        other.chmod(0o755)
        checks = self.check(other, 1)
        self.assertFalse(checks["same seed, same bits, f32, library"])
        self.assertTrue(checks["loss curve of the CPU, f32, library"])

    def slow_test(self):
        test = self.dir / "test_cuda_slow_gpu"
        test.write_text("#!/bin/sh\nexec sleep 60\n")
        test.chmod(0o755)

    def test_what_time_runs_out_for_has_not_failed(self):
        self.slow_test()
        quick = self.dir / "quick"
        quick.write_text("#!/bin/sh\nexit 77\n")  # no self-test here
        quick.chmod(0o755)
        for seconds in (1, 4):  # before its turn, and in it
            checks = self.check(quick, 75 if seconds == 1 else 1, "--seconds", seconds)
            self.assertEqual(checks["tests of slow"], "not finished")
            self.assertEqual(list(checks)[-1], "tests of slow")  # the long ones come last

    def test_a_device_with_another_curve_fails(self):
        other = self.dir / "other"
        other.write_text(f'#!/bin/sh\ncase "$*" in *--kernels*) set -- "$@" --lr 0.01 ;; esac\nexec {TRAIN} "$@"\n')
        other.chmod(0o755)
        checks = self.check(other, 1)
        self.assertTrue(checks["same seed, same bits, f32, library"])
        self.assertFalse(checks["loss curve of the CPU, f32, library"])


class Networks(Case):
    def test_pairs_of_our_own_modes(self):
        file = self.dir / "n.json"
        self.ok(sys.executable, BENCH / "gpu/networks.py", "--salutrain", TRAIN, "--small", "--device", "cpu", "--rounds", 2,
                "--steps", 3, "--only", "own", "--json", file)
        pair, = lines_of(file)
        self.assertEqual(pair["pair"], "R8 b=4 graph vs stream")
        self.assertEqual((pair["a"]["steps"], pair["b"]["steps"]), (6, 6))
        self.assertLessEqual(pair["ratio_low"], pair["ratio"])

    def first_steps(self, program, seconds, code):
        file = self.dir / "n.json"
        self.ok(sys.executable, BENCH / "gpu/networks.py", "--salutrain", program, "--small", "--device", "cpu", "--steps", 3,
                "--only", "first", "--seconds", seconds, "--json", file, code=code)
        line, = lines_of(file)
        return line

    def test_first_steps(self):
        line = self.first_steps(TRAIN, 200, 0)
        self.assertAlmostEqual(line["ratio"], line["cold_ms"] / line["warm_ms"])

    def test_a_first_step_is_kept_when_time_runs_out_for_the_second(self):
        once = self.dir / "once"
        once.write_text(f'#!/bin/sh\nif [ -e {self.dir}/ran ]; then exec sleep 60; fi\n: >{self.dir}/ran\nexec {TRAIN} "$@"\n')
        once.chmod(0o755)
        line = self.first_steps(once, 8, 1)
        self.assertGreater(line["cold_ms"], 0)
        self.assertEqual(line["error"], "salutrain: out of time")
        self.assertNotIn("ratio", line)

    def test_what_fails_is_named(self):
        file = self.dir / "n.json"
        done = self.ok(sys.executable, BENCH / "gpu/networks.py", "--salutrain", "/bin/false", "--small", "--device", "cpu",
                       "--only", "own", "--json", file, code=1)
        self.assertEqual([line["error"] for line in lines_of(file)], ["exit 1"])
        self.assertIn("exit 1", done.stdout)

    def test_no_time(self):
        done = self.ok(sys.executable, BENCH / "gpu/networks.py", "--salutrain", TRAIN, "--small", "--device", "cpu", "--only",
                       "peers", "--seconds", 1, code=1)
        self.assertEqual(done.stdout.count("not run: no time left"), 3)


# FABRICATED numbers, to test the arithmetic of the table; nothing was measured.
def fabricated_pair(label, a_ms, b_ms, a_mib=100, b_mib=400):
    return {"part": "networks", "pair": label, "ratio": b_ms / a_ms, "ratio_low": 1, "ratio_high": 9,
            "a": {"ms_median": a_ms, "img_per_s": 128e3 / a_ms, "peak_mib": a_mib}, "b": {"ms_median": b_ms, "peak_mib": b_mib}}


def fabricated_kernel(family, case, variant, us, size=1e9, of_copy=0.9):
    return {"part": "kernels", "family": family, "case": case, "variant": variant, "us": us, "bytes": size,
            "of_copy": of_copy, "of_gemm": 0.5, "gb_s": 4000, "tflop_s": 700}


FABRICATED = [
    {"part": "correct", "check": "fabricated", "ok": True, "detail": "", "seconds": 1},
    fabricated_pair("R18 b=128 vs E", 1.25, 5.0),
    fabricated_pair("R50 b=256 vs E", 30, 90, 100, 150),
    fabricated_pair("R18 b=128 vs C default", 1.25, 2.5),
    fabricated_pair("R18 b=128 vs C reduce-overhead", 1.25, 1.5),
    fabricated_kernel("floor", "salunet_c18 b=128", "library", 1000),
    fabricated_kernel("salu", "salu, 256 MB", "forward", 100, of_copy=0.95),
    fabricated_kernel("salu", "end (salu, add, swalu), 1024 MB", "forward", 100, of_copy=0.8),
    fabricated_kernel("salu", "salu, 16 MB", "forward", 100, of_copy=0.1),
    fabricated_kernel("salu", "salu, 1024 MB", "backward", 110, 3e9),
    fabricated_kernel("salu", "salu, 1024 MB", "no sums", 100, 3e9),
    fabricated_kernel("attention", "b=1024 65 tokens, 12 heads of 32", "forward", 50),
    fabricated_kernel("attention", "b=1024 65 tokens, 12 heads of 32", "backward", 150),
    {"part": "kernels_peer", "family": "attention", "case": "b=1024 65 tokens, 12 heads of 32", "variant": "MATH",
     "both_us": 900},
    {"part": "kernels_peer", "family": "attention", "case": "b=1024 65 tokens, 12 heads of 32", "variant": "CUDNN_ATTENTION",
     "both_us": 300},
    {"part": "fused", "case": "stem 3x3 @32 b=512", "channels": 3, "us": 50},
    {"part": "fused", "case": "stem 3x3 @32 b=512", "channels": 8, "us": 20},
    {"part": "networks", "pair": "ViT b=128 vs E", "error": "PyTorch: fabricated failure"},
]


class Table(Case):
    def table(self, lines, code=0, extra=""):
        file = self.dir / "fabricated.json"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines) + extra)
        done = self.ok(sys.executable, BENCH / "gpu/table.py", file, code=code)
        rows = {}
        for line in done.stdout.splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if len(cells) == 6:
                rows[cells[1]] = cells[4:]
        return rows, done

    def test_ratios_of_fabricated_results(self):
        rows, done = self.table(FABRICATED)
        for what, result, verdict in (("R18 b=128 step vs E", "4", "met"), ("R50 b=256 step vs E", "3", "missed"),
                                      ("R18 b=128 step vs C", "1.2", "missed"),  # the faster of the two
                                      ("ViT b=128 step vs E", "not measured", "not measured"),
                                      ("step / F, R18 b=128", "1.25", "met"),
                                      ("activation forward / copy, >= 256 MB", "0.8", "missed"),
                                      ("backward with sums / without", "1.1", "missed"),
                                      ("stem over 3 channels / over 8", "2.5", "met"),
                                      ("attention b=1024, 65 tokens, vs best of PyTorch", "1.5", "met"),
                                      ("peak memory / E, R18 b=128 and R50 b=256", "0.667", "missed"),
                                      ("data-parallel code with one process / without", "not measured", "not measured")):
            self.assertEqual(rows[what], [result, verdict], what)
        self.assertIn("Correctness: 1 of 1 checks passed.", done.stdout)
        self.assertIn("ViT b=128 vs E: PyTorch: fabricated failure", done.stdout)

    def test_nothing_measured(self):
        rows, done = self.table([])
        self.assertEqual({row[0] for row in list(rows.values())[2:]}, {"not measured"})
        self.assertIn("no number below counts", done.stdout)

    def test_the_documentation_has_the_same_goals(self):
        _, done = self.table([])
        documented = [line.split("|")[1:5] for line in (BENCH.parent / "docs/gpu.md").read_text().splitlines()]
        for line in done.stdout.splitlines():
            if line.startswith("| G"):
                self.assertIn(line.split("|")[1:5], documented)

    def test_a_failed_check_voids_the_table(self):
        _, done = self.table([{**FABRICATED[0], "ok": False}], code=1)
        self.assertIn("FAILED: fabricated. No number below counts.", done.stdout)

    def test_skipped_checks_are_named(self):
        _, done = self.table([*FABRICATED, {**FABRICATED[0], "check": "fabricated tool", "ok": None}])
        self.assertIn("Correctness: 1 of 2 checks passed; skipped: fabricated tool.", done.stdout)

    def test_unfinished_checks_are_named_and_void_nothing(self):
        _, done = self.table([*FABRICATED, {**FABRICATED[0], "check": "fabricated test", "ok": "not finished"}])
        self.assertIn("Correctness: 1 of 2 checks passed; not finished: fabricated test.", done.stdout)

    def test_a_line_that_was_cut_off_is_left_out(self):
        rows, done = self.table(FABRICATED, extra='{"part": "kern')
        self.assertEqual(rows["R18 b=128 step vs E"], ["4", "met"])
        self.assertIn(f"line {len(FABRICATED) + 1} is no JSON", done.stderr)


class Script(Case):
    def test_only_our_own_programs_see_the_packed_libraries(self):
        top = self.dir / "salunet-gpu"
        (top / "bin").mkdir(parents=True)
        (top / "programs").mkdir()
        text = (BENCH / "gpu/pack.sh").read_text()
        for name, mark in (("env.sh", "ENV"), ("launch", "LAUNCH")):
            (top / name).write_text(text.split(f"<<'{mark}'\n")[1].split(f"\n{mark}\n")[0] + "\n")
            (top / name).chmod(0o755)
        (top / "programs/salutrain").write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH $*"; exit 3\n')
        (top / "programs/salutrain").chmod(0o755)
        (top / "bin/salutrain").symlink_to("../launch")
        before = {"LD_LIBRARY_PATH": "/theirs"}
        path = rf"^{top}/lib:([^ ]*:)?/theirs "
        self.assertRegex(self.ok(top / "bin/salutrain", "a b", env=before, code=3).stdout, path + "a b$")
        done = self.ok("bash", "-c", f'. {top}/env.sh; echo "$LD_LIBRARY_PATH"; {top}/bin/salutrain', env=before, code=3)
        theirs, ours = done.stdout.splitlines()
        self.assertEqual(theirs, "/theirs")
        self.assertRegex(ours, path)

    def test_run_leaves_a_line_for_each_part(self):
        tree = self.dir / "tree"
        shutil.copytree(BENCH / "gpu", tree / "bench/gpu")
        (tree / "bin").mkdir()
        for name, script in (("salutrain", "echo salutrain; exit 77"), ("bench_kernels", "sleep 30"),
                             ("bench_fused", "exit 3")):
            (tree / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (tree / "bin" / name).chmod(0o755)
        out = self.dir / "out"
        done = run("bash", tree / "bench/gpu/run.sh", "kernels", "fused", "machine", "sanitizer",
                   env={"OUT": str(out), "LIMIT": "8", "PYTHON": sys.executable})
        text = (out / "summary.txt").read_text()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(text, r"kernels: cut off after \d s")
        self.assertIn("machine: FAILED with exit code 3", text)
        self.assertRegex(text, "fused: (FAILED with exit code 3|not run: no time left)")
        self.assertIn("sanitizer: ", text)
        self.assertLessEqual(len(list(out.iterdir())), 8)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
