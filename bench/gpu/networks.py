#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whole training steps in pairs, A B A B: salutrain against PyTorch, and salutrain's modes against each other.

Usage: networks.py --salutrain PROGRAM [--json FILE] [--seconds N] [--only PART] [--small] [--device cuda|cpu]

Prints a line for each pair and writes a JSON object for each. Pairs stand in the order of their worth: what does
not fit into --seconds is named as not run."""
import argparse
import json
import os
import pathlib
import selectors
import statistics
import subprocess
import sys
import tempfile
import time

PEER = pathlib.Path(__file__).resolve().parent.parent / "peer/train_peer.py"
START_SECONDS = {"none": 25, "default": 60, "reduce-overhead": 70, "max-autotune": 150}  # to have at least, to begin


class Failed(Exception):
    pass


class Net:
    def __init__(self, name, model, baseline, batch, img_size, classes):
        self.name, self.model, self.baseline = name, model, baseline
        self.batch, self.img_size, self.classes = batch, img_size, classes

    def flags(self):
        return ["--img-size", self.img_size]


class Ours:
    """A process for each round; plans of cuDNN come from the cache on disk, which the first round fills."""

    def __init__(self, o, net, *flags, cache=None):
        precision = ["--precision", "bf16"] if o.device != "cpu" else []
        self.command = [o.salutrain, "--benchmark", o.steps, "--json", "--dataset", "synthetic", "--model", net.model,
                        "--batch-size", net.batch, "--num-classes", net.classes, "--opt", "sgd", "--lr", 0.01, "--no-aug", "--crop-pct", 1,
                        "--device", o.device, *precision, *net.flags(), *flags]
        self.environment = {**os.environ, **({"XDG_CACHE_HOME": str(cache)} if cache else {})}

    def round(self, deadline):
        try:
            done = subprocess.run([str(word) for word in self.command], capture_output=True, text=True,
                                  env=self.environment, timeout=max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise Failed("salutrain: out of time") from error
        if done.returncode:
            raise Failed(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}")
        return json.loads(done.stdout)

    def close(self):
        pass


class Peer:
    """One process, which keeps its compiled code and answers a line with a round."""

    def __init__(self, o, net, form="E", compiled="none", baseline=False):
        bf16 = ["--precision", "bf16", "--layout", "channels_last"] if o.device != "cpu" else []
        command = [o.python, PEER, net.baseline if baseline else net.model, "--batch", net.batch, "--classes", net.classes,
                   "--steps", o.steps, "--warmup", o.warmup, "--device", o.device, "--form", form, "--compile", compiled,
                   "--rounds-on-stdin", *bf16, *net.flags()]
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        self.ready = False

    def answer(self, deadline):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0, deadline - time.monotonic())):
                raise Failed("PyTorch: out of time")
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            words = self.errors.read().strip().splitlines()
            raise Failed("PyTorch: " + (words[-1] if words else "ended"))
        return json.loads(line)

    def round(self, deadline):
        if not self.ready:
            self.answer(deadline)
            self.ready = True
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer(deadline)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


def summary(rounds):
    ms = sorted(m for r in rounds for m in r["ms"])
    out = {"ms_median": statistics.median(ms), "ms_p10": ms[len(ms) // 10], "ms_p90": ms[(len(ms) * 9) // 10],
           "steps": len(ms), "loss": rounds[-1]["loss"]}
    for key in ("peak_mib", "held_mib", "first_step_ms", "torch", "img_per_s"):
        if key in rounds[-1]:
            out[key] = rounds[0][key] if key == "first_step_ms" else rounds[-1][key]
    out["img_per_s"] = rounds[-1]["batch"] * 1e3 / out["ms_median"]
    return out


def measure(pair, rounds, deadline):
    """`pair`: (label, make A, make B). The ratio is B / A in time: how much faster A is."""
    label, make_a, make_b = pair
    line = {"part": "networks", "pair": label}
    sides = []
    try:
        sides = [make_a(), make_b()]
        results = [[], []]
        sides[1].round(deadline) if isinstance(sides[1], Peer) else None  # prepared before the turns begin
        for _ in range(rounds):
            for side, result in zip(sides, results):
                result.append(side.round(deadline))
        ratios = [b["ms_median"] / a["ms_median"] for a, b in zip(*results)]
        line.update(a=summary(results[0]), b=summary(results[1]), ratio=statistics.median(ratios), ratio_low=min(ratios),
                    ratio_high=max(ratios))
    except Failed as error:
        line["error"] = str(error)
    finally:
        for side in sides:
            side.close()
    return line


def shown(line):
    if "error" in line:
        return f"{line['pair']:<44} {line['error']}"
    a, b = line["a"], line["b"]
    return (f"{line['pair']:<44} {a['ms_median']:9.3f} ms against {b['ms_median']:9.3f} ms: {line['ratio']:.2f} x "
            f"({line['ratio_low']:.2f}..{line['ratio_high']:.2f}), {a['img_per_s']:.0f} img/s")


def plan(o):
    """(seconds that it needs at least, pair), the most wanted first."""
    small = o.small
    r18 = {b: Net(f"R18 b={b}", "salunet_c18", "resnet18", b, 32, 10) for b in (32, 128, 512)}
    r50 = Net("R50 b=256", "salunet_c50", "resnet50", 256, 224, 1000)
    vit = {b: Net(f"ViT b={b}", "salunet_t", "vit_cifar", b, 32, 10) for b in (128, 1024)}
    if small:
        tiny = Net("R8 b=4", "salunet_c8", "resnet8", 4, 16, 10)
        r18, r50, vit = dict.fromkeys(r18, tiny), tiny, dict.fromkeys(vit, tiny)

    def against(net, what, **options):
        need = START_SECONDS[options.get("compiled", "none")] if o.device != "cpu" else 5
        return need, (f"{net.name} vs {what}", lambda: Ours(o, net), lambda: Peer(o, net, **options))

    def modes(net, what, flags_a, flags_b, **options):
        return 12, (f"{net.name} {what}", lambda: Ours(o, net, *flags_a, **options), lambda: Ours(o, net, *flags_b))

    def compiled(net, mode):
        return against(net, f"C {mode}", compiled=mode)

    own = [modes(r18[128], "graph vs stream", [], ["--graph", "false"]),
           modes(r18[32], "graph vs stream", [], ["--graph", "false"]),
           modes(r18[128], "deterministic vs fast", [], ["--deterministic", "false"]),
           modes(r50, "deterministic vs fast", [], ["--deterministic", "false"]),
           modes(r18[128], "library vs handwritten", [], ["--kernels", "handwritten"])]
    peers = [against(r18[128], "E"), against(r50, "E"), against(r50, "BN", baseline=True), against(vit[128], "E"),
             compiled(r18[128], "default"), compiled(r50, "default"), compiled(vit[128], "default"),
             against(r18[512], "E"), against(r18[128], "Eprime", form="Eprime"), compiled(r18[512], "default"),
             compiled(vit[1024], "default"), against(r18[128], "BN", baseline=True), against(r18[128], "E1", form="E1"),
             against(r50, "Eprime", form="Eprime"), compiled(r18[128], "reduce-overhead"),
             compiled(vit[128], "reduce-overhead"), compiled(r50, "reduce-overhead"), compiled(r18[128], "max-autotune"),
             compiled(vit[128], "max-autotune"), compiled(r50, "max-autotune")]
    if small and o.device == "cpu":
        peers, own = peers[:2] + [peers[8]], own[:1]
    return {"own": own, "peers": peers, "first": [], "all": own + peers}[o.only]


def first_steps(o, deadline, out):
    """The first step with an empty cache of plans, and with a filled one, in new processes. Returns whether both ran."""
    net = Net("R8", "salunet_c8", "resnet8", 4, 16, 10) if o.small else Net("R18 b=128", "salunet_c18", "", 128, 32, 10)
    with tempfile.TemporaryDirectory() as folder:
        line = {"part": "networks", "pair": f"{net.name} first step, plans cached vs not"}
        try:
            for key in ("cold_ms", "warm_ms"):  # one is worth keeping without the other
                line[key] = Ours(o, net, cache=folder).round(deadline)["first_step_ms"]
            cold, warm = line["cold_ms"], line["warm_ms"]
            line["ratio"] = cold / warm
            print(f"{line['pair']:<44} {warm:9.0f} ms against {cold:9.0f} ms: {line['ratio']:.1f} x", flush=True)
        except Failed as error:
            line["error"] = str(error)
            print(f"{line['pair']:<44} {line['error']}", flush=True)
    out(line)
    return "error" not in line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salutrain", required=True)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has torch")
    parser.add_argument("--json")
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=10, help="of PyTorch, in steps")
    parser.add_argument("--only", choices=("own", "peers", "first", "all"), default="all")
    parser.add_argument("--small", action="store_true", help="tiny networks: does everything run?")
    parser.add_argument("--device", default="cuda")
    o = parser.parse_args()
    end = time.monotonic() + o.seconds
    file = open(o.json, "w", encoding="utf-8") if o.json else None

    def out(line):
        if file:
            print(json.dumps(line), file=file, flush=True)

    measured = 0
    for need, pair in plan(o):
        if end - time.monotonic() < need:
            line = {"part": "networks", "pair": pair[0], "error": "not run: no time left"}
        else:
            line = measure(pair, o.rounds, end)
        print(shown(line), flush=True)
        out(line)
        measured += "error" not in line
    if o.only in ("first", "all"):
        measured += first_steps(o, end, out)
    if file:
        file.close()
    return 0 if measured else 1


sys.exit(main())
