#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Finds the coefficients of core/simd/vec_math.h: polynomials whose largest error is nearly the least possible, by
weighted least squares at Chebyshev nodes, where the weights grow with the error (Lawson's method).

Usage: fit_vec_math.py. Needs mpmath; takes a minute."""
import mpmath as mp

mp.mp.dps = 40


def nodes(low, high, count=120):
    return [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]


def fit(points, powers, target, weight):
    """c with target(x) ~ sum c[i] x^powers[i], and the largest error times weight(x)."""
    rows = [[weight(x) * x**p for p in powers] for x in points]
    goal = [weight(x) * target(x) for x in points]
    shares, best = [mp.mpf(1) / len(points)] * len(points), None
    for _ in range(60):
        normal, right = mp.zeros(len(powers), len(powers)), mp.zeros(len(powers), 1)
        for share, row, g in zip(shares, rows, goal):
            for i, a in enumerate(row):
                right[i] += share * a * g
                for j, b in enumerate(row):
                    normal[i, j] += share * a * b
        c = mp.lu_solve(normal, right)
        errors = [abs(sum(a * b for a, b in zip(row, c)) - g) for row, g in zip(rows, goal)]
        if best is None or max(errors) < best[1]:
            best = c, max(errors)
        total = sum(s * e for s, e in zip(shares, errors))
        shares = [s * e / total for s, e in zip(shares, errors)]
    return best


def show(name, points, powers, target, weight):
    c, error = fit(points, powers, target, weight)
    print(f"{name}: error {mp.nstr(error, 3)}; " + ", ".join(mp.nstr(v, 9) for v in c))


def main():
    half = mp.log(2) / 2 * mp.mpf("1.0005")
    show("exp, (exp(x) - 1 - x) / x^2", nodes(-half, half), range(2, 7), lambda x: mp.exp(x) - 1 - x,
         lambda x: mp.exp(-x))
    show("tanh, (tanh(x) - x) / x^3", nodes(mp.mpf("1e-3"), mp.mpf("0.605")), range(3, 12, 2), lambda x: mp.tanh(x) - x,
         lambda x: 1 / mp.tanh(x))
    show("erf, erf(x) / x", nodes(mp.mpf("1e-3"), mp.mpf("1.2")), range(0, 13, 2), lambda x: mp.erf(x) / x,
         lambda x: x / mp.erf(x))
    # An error e of p changes p^-8 by 8 e erfc / p.
    p = lambda x: mp.erfc(x) ** (mp.mpf(-1) / 8)
    show("erf, erfc(x)^(-1/8)", nodes(mp.mpf("1.19"), mp.mpf("3.93")), range(8), p, lambda x: 8 * mp.erfc(x) / p(x))


main()
