#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes augment_samples.h and policy_samples.h beside itself: what Pillow, timm and torchvision give.

Usage: make_augment_samples.py TIMM_DIR, with timm unpacked there (only timm/data/auto_augment.py is read).
The committed files come from Pillow 9.4, torchvision 0.14.1 and timm 1.0.31; clang-format them afterwards."""
import importlib.util
import pathlib
import sys

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import autoaugment

HERE = pathlib.Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("auto_augment", pathlib.Path(sys.argv[1]) / "timm/data/auto_augment.py")
timm = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(timm)

HEAD = """// SPDX-License-Identifier: MIT
/// {what} Written by make_augment_samples.py; do not edit.
#pragma once

#include <cstdint>

#include "data/augment_ops.h"

namespace salu::test {{

"""
HEIGHT, WIDTH = 40, 60  # of the image that the policies' values are for


def texture(kind, h, w):
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    if kind == "noisy":
        values = (x * 37 + y * 91 + c * 53 + x * y * 7) % 256
    elif kind == "dim":
        values = 40 + (x * 3 + y * 2 + c * 5 + x * y % 7) % 120
    else:
        values = 77 + c * 20
    return Image.fromarray(values.astype(np.uint8) + np.zeros((h, w, 3), np.uint8))


def fnv(image):
    value = 0xCBF29CE484222325
    for byte in np.asarray(image).tobytes():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


SAMPLINGS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
FACTORS = (0, 0.1, 0.55, 1, 1.9)
POINTWISE = {
    "identity": ((0,), lambda im, v: im),
    "auto_contrast": ((0,), lambda im, v: ImageOps.autocontrast(im)),
    "equalize": ((0,), lambda im, v: ImageOps.equalize(im)),
    "invert": ((0,), lambda im, v: ImageOps.invert(im)),
    "posterize": ((0, 1, 3, 8), ImageOps.posterize),
    "solarize": ((0, 100, 246.5, 256), ImageOps.solarize),
    "solarize_add": ((0, 55, 110), timm.solarize_add),
    "brightness": (FACTORS, lambda im, v: ImageEnhance.Brightness(im).enhance(v)),
    "contrast": (FACTORS, lambda im, v: ImageEnhance.Contrast(im).enhance(v)),
    "color": (FACTORS, lambda im, v: ImageEnhance.Color(im).enhance(v)),
    "sharpness": (FACTORS, lambda im, v: ImageEnhance.Sharpness(im).enhance(v)),
}
WARPS = {
    "rotate": ((0, 30, -17.3, 4.5, 90, 135, 180), timm.rotate),
    "shear_x": ((0.3, -0.11), timm.shear_x),
    "shear_y": ((-0.3, 0.99), timm.shear_y),
    "translate_x": ((3, -14.5, 5.4999999, 100), timm.translate_x_abs),
    "translate_y": ((-3, 13.5), timm.translate_y_abs),
}


def op_rows():
    def row(op, value, sampling, fill, kind, h, w, image):
        return (f"{{K::{op}, {value}, {{S::{sampling}, {{{', '.join(map(str, fill))}}}}}, "
                f"Texture::{kind}, {h}, {w}, {fnv(image):#x}u}}")

    for op, (values, function) in POINTWISE.items():
        for value in values:
            for kind, h, w in (("noisy", 61, 97), ("dim", 61, 97), ("flat", 17, 19), ("noisy", 2, 3),
                               ("noisy", 4, 3)):
                yield row(op, value, "nearest", (0, 0, 0), kind, h, w, function(texture(kind, h, w), value))
    for op, (values, function) in WARPS.items():
        for value in values:
            for name, sampling in SAMPLINGS.items():
                for fill, h, w in (((128, 128, 128), 33, 31), ((1, 2, 250), 32, 32)):
                    image = function(texture("noisy", h, w), value, resample=sampling, fillcolor=fill)
                    yield row(op, value, name, fill, "noisy", h, w, image)


KINDS = {"AutoContrast": "auto_contrast", "SolarizeAdd": "solarize_add", "ShearX": "shear_x", "ShearY": "shear_y",
         "TranslateX": "translate_x", "TranslateY": "translate_y"}
SIZES = {"translate_x": WIDTH, "translate_y": HEIGHT}


def kind_of(name):
    for ending in ("Increasing", "Original", "Rel"):
        name = name.removesuffix(ending)
    return KINDS.get(name, name.lower())


def timm_values(op, magnitude):
    """Both signs, if it has them."""
    found = set()
    for sign in (0.25, 0.75):
        timm.random.random = lambda sign=sign: sign
        value = op.level_fn(magnitude, op.hparams)[0] if op.level_fn else 0
        if kind_of(op.name) == "posterize":
            value = min(max(value, 0), 8)
        found.add(float(value * SIZES.get(kind_of(op.name), 1)))
    return (min(found), max(found))


def cifar10_values(kind, level):
    ranges = {"shear_x": (0, 0.3), "shear_y": (0, 0.3), "translate_x": (0, 150 / 331), "translate_y": (0, 150 / 331),
              "rotate": (0, 30), "posterize": (8, 4), "solarize": (256, 0)}
    if kind in ("color", "contrast", "sharpness", "brightness"):
        value = float(np.linspace(0, 0.9, 10)[level])
        return (1 - value, 1 + value)
    if kind not in ranges:
        return (0.0, 0.0)
    value = float(np.linspace(*ranges[kind], 10)[level]) * SIZES.get(kind, 1)
    if kind in ("posterize", "solarize"):
        value = float(np.round(value)) if kind == "posterize" else value
        return (value, value)
    return (-value, value)


def policy_rows():
    """{policy, place, kind, chance, lowest, highest value}"""
    def row(policy, place, kind, chance, values):
        return f'{{"{policy}", {place}, AugmentKind::{kind}, {chance}, {values[0]!r}, {values[1]!r}}}'

    for policy in ("v0", "v0r", "original", "originalr"):
        for place, pair in enumerate(timm.auto_augment_policy(policy)):
            for op in pair:
                yield row(policy, place, kind_of(op.name), op.prob, timm_values(op, op.magnitude))
    learner = autoaugment.AutoAugment(autoaugment.AutoAugmentPolicy.CIFAR10)
    for place, pair in enumerate(learner.policies):
        for name, chance, level in pair:
            kind = kind_of(name)
            yield row("cifar10", place, kind, chance, cifar10_values(kind, level or 0))
    for policy in ("rand-m9", "rand-m9-inc1", "rand-m4-inc1", "rand-m15-mmax20-inc1"):
        for place, op in enumerate(timm.rand_augment_transform(policy, dict(img_mean=timm._FILL)).ops):
            yield row(policy, place, kind_of(op.name), op.prob, timm_values(op, op.magnitude))


def write(name, what, declaration, rows):
    text = HEAD.format(what=what) + declaration + ",\n".join(rows) + "};\n\n}  // namespace salu::test\n"
    (HERE / name).write_text(text)


write("augment_samples.h", "Pillow's results of every augmentation step, as 64-bit FNV-1a hashes.",
      """enum class Texture { noisy, dim, flat };

struct AugmentSample {
  AugmentKind kind;
  double value;
  Warp warp;
  Texture texture;
  int height, width;
  std::uint64_t hash;
};

using K = AugmentKind;
using S = Sampling;
constexpr AugmentSample kAugmentSamples[] = {
""", op_rows())
write("policy_samples.h", "timm's and torchvision's policies: which steps, how likely, with which values.",
      f"""constexpr int kPolicyHeight = {HEIGHT}, kPolicyWidth = {WIDTH};  ///< of the image

struct PolicySample {{
  const char* policy;
  int place;  ///< which pair; for rand, which step
  AugmentKind kind;
  double chance, low, high;  ///< both signs of the value, or twice the same
}};

constexpr PolicySample kPolicySamples[] = {{
""", policy_rows())
