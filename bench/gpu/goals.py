# SPDX-License-Identifier: MIT
"""What a GPU run should show: each goal with its bar, the prediction it was planned with, and how it follows from the
lines that the parts of run.sh write. Predictions are calculations or estimates, never measurements."""
import statistics


class Results:
    """The JSON lines of all parts."""

    def __init__(self, lines):
        self.lines = lines

    def pair(self, label):
        for line in self.lines:
            if line.get("part") == "networks" and line.get("pair") == label and "ratio" in line:
                return line
        return None

    def kernel(self, family, case, variant=None):
        """Lines of bench_kernels whose case begins like this."""
        return [line for line in self.lines if line.get("part") == "kernels" and line["family"] == family and "us" in line
                and line["case"].startswith(case) and variant in (None, line["variant"])]

    def of(self, part, **values):
        return [line for line in self.lines if line.get("part") == part and
                all(line.get(key) == value for key, value in values.items())]


def speedup(*labels):
    """The ratio of the pair; of several that were measured, the smallest: the fastest rival."""
    def value(results):
        found = [line["ratio"] for line in map(results.pair, labels) if line]
        return min(found) if found else None
    return value


def against_compiled(net):
    return speedup(*(f"{net} vs C {mode}" for mode in ("default", "reduce-overhead", "max-autotune")))


def over_floor(net, floor):
    """Step time over the time of its convolutions and products alone."""
    def value(results):
        line = results.pair(f"{net} vs E") or results.pair(f"{net} vs C default")
        floors = results.kernel("floor", floor)
        return line["a"]["ms_median"] * 1e3 / floors[0]["us"] if line and floors else None
    return value


def activations(variant):
    """The slowest of the activation kernels, as a share of the copy's rate, on tensors of 256 MB and 1 GB."""
    def value(results):
        shares = [line["of_copy"] for size in ("256 MB", "1024 MB") for line in results.kernel("salu", "", variant)
                  if line["case"].endswith(", " + size)]
        return min(shares) if shares else None
    return value


def sums(results):
    """The slowest backward pass with its sums over the one without them."""
    ratios = []
    for plain in results.kernel("salu", "", "no sums"):
        size = float(plain["bytes"])
        ratios += [full["us"] / plain["us"] for full in results.kernel("salu", plain["case"], "backward") if size > 7e8]
    return max(ratios) if ratios else None


def stem(results):
    """Time over 3 channels / time over 8, the smaller of the two stems."""
    ratios = []
    for name in ("stem 3x3 @32 b=512", "stem 7x7 s2 @224 b=256"):
        us = {line["channels"]: line["us"] for line in results.of("fused", case=name) if "us" in line}
        if 3 in us and 8 in us:
            ratios.append(us[3] / us[8])
    return min(ratios) if ratios else None


def attention(variants):
    """The fastest of PyTorch's forward + backward over ours."""
    def value(results):
        case = "b=1024 65 tokens"
        ours = [line["us"] for line in results.kernel("attention", case)]
        theirs = [line["both_us"] for line in results.of("kernels_peer", family="attention") if "both_us" in line and
                  line["case"].startswith(case) and line["variant"] in variants]
        return min(theirs) / sum(ours) if len(ours) == 2 and theirs else None
    return value


def optimizer_over_copy(results):
    lines = results.kernel("optimizer", "sgd")
    return 1 / lines[0]["of_copy"] if lines and lines[0]["of_copy"] > 0 else None


def optimizer_against_torch(results):
    ours, theirs = results.kernel("optimizer", "sgd"), results.of("kernels_peer", family="optimizer")
    return theirs[0]["both_us"] / ours[0]["us"] if ours and theirs else None


def memory(*labels):
    def value(results):
        found = [line["a"]["peak_mib"] / line["b"]["peak_mib"] for line in map(results.pair, labels) if line]
        return max(found) if found else None
    return value


def deterministic(results):
    found = [results.pair(f"{net} deterministic vs fast") for net in ("R18 b=128", "R50 b=256")]
    found = [line["ratio"] for line in found if line]
    return min(found) if found else None


def tensor_core_share(results):
    shares = [line["of_gemm"] for line in results.kernel("product", "bf16 4096", "tensor cores")]
    return statistics.median(shares) if shares else None


# id, ratio, (">=" or "<=", bar), planned expectation, value
GOALS = [
    ("G1", "R50 b=256 step vs E", (">=", 4), "4.9-5.8", speedup("R50 b=256 vs E")),
    ("G2", "ViT b=128 step vs E", (">=", 4), "5-7", speedup("ViT b=128 vs E")),
    ("G3", "R18 b=128 step vs E", (">=", 3.5), "4-5", speedup("R18 b=128 vs E")),
    ("G4", "R18 b=512 step vs E", (">=", 3), "3.4-4.2", speedup("R18 b=512 vs E")),
    ("G5", "R50 b=256 step vs BN", (">=", 2), "2-2.8", speedup("R50 b=256 vs BN")),
    ("G6", "R50 b=256 step vs C", (">=", 1.25), "1.3-1.5", against_compiled("R50 b=256")),
    ("G7", "R18 b=128 step vs C", (">=", 1.4), "1.3-1.7", against_compiled("R18 b=128")),
    ("G7", "R18 b=512 step vs C", (">=", 1.15), "1.3-1.7", against_compiled("R18 b=512")),
    ("G8", "ViT b=128 step vs C", (">=", 1.3), "1.2-1.6", against_compiled("ViT b=128")),
    ("G8", "ViT b=1024 step vs C", (">=", 1.1), "1.2-1.6", against_compiled("ViT b=1024")),
    ("G9", "graph vs stream, R18 b=128", (">=", 1.05), "1.05", speedup("R18 b=128 graph vs stream")),
    ("G9", "graph vs stream, R18 b=32", (">=", 1.5), "1.5", speedup("R18 b=32 graph vs stream")),
    ("G10", "step / F, R18 b=128", ("<=", 1.40), "1.24-1.31", over_floor("R18 b=128", "salunet_c18 b=128")),
    ("G10", "step / F, R50 b=256", ("<=", 1.75), "1.50-1.65", over_floor("R50 b=256", "salunet_c50 b=256")),
    ("G10", "step / F, ViT b=128", ("<=", 1.6), "none", over_floor("ViT b=128", "salunet_t b=128")),
    ("G11", "activation forward / copy, >= 256 MB", (">=", 0.88), "none", activations("forward")),
    ("G11", "activation backward / copy, >= 256 MB", (">=", 0.85), "none", activations("backward")),
    ("G12", "backward with sums / without", ("<=", 1.05), "none", sums),
    ("G13", "stem over 3 channels / over 8", (">=", 1.5), "2 or more", stem),
    ("G14", "attention b=1024, 65 tokens, vs best of PyTorch", (">=", 1.3), "1.3-2",
     attention(("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH"))),
    ("G14", "the same vs cuDNN", (">=", 1.2), "1.3-2", attention(("CUDNN_ATTENTION",))),
    ("G15", "optimizer (sgd) time / copy of its bytes", ("<=", 1.15), "none", optimizer_over_copy),
    ("G15", "optimizer (sgd) vs PyTorch's fused", (">=", 1.0), "none", optimizer_against_torch),
    ("G16", "peak memory / E, R18 b=128 and R50 b=256", ("<=", 0.5), "0.25-0.4",
     memory("R18 b=128 vs E", "R50 b=256 vs E")),
    ("G17", "deterministic vs fast, speed", (">=", 0.95), "none", deterministic),
    ("G18", "first step, cold / warm cache of plans", (">=", 10), "minutes to seconds",
     speedup("R18 b=128 first step, plans cached vs not")),
    ("G19", "data-parallel code with one process / without", ("<=", 1.01), "none", lambda results: None),
    ("", "own tensor-core product, 4096^3 bf16 / library's ceiling", (">=", 0), "none", tensor_core_share),
]

# What the networks were calculated to reach, images per second: step at its target, floor of bytes and operations.
RATES = [("R18 b=128", "90k-111k", "157k"), ("R18 b=512", "90k-111k", "157k"), ("R50 b=256", "8.0k-9.5k", "12.7k"),
         ("ViT b=128", "82k-96k", "133k"), ("ViT b=1024", "82k-96k", "133k")]
CEILINGS = [("copy, 1000 MB", "gb_s", "4300 GB/s"), ("bf16 8192x8192x8192", "tflop_s", "790 TFLOP/s")]
