"""The same job as the benchmark `features_29_instruments_10_years/alpha158`, in pandas: the corrected Alpha158-style
set, 157 columns, of 29 instruments over 2517 days. One process, one core. Prints seconds; run with pandas and numpy:
    python alpha158_pandas.py [repeats]

Written for speed where pandas and numpy have the means: regressions by sliding views and one product, ranks and
extremes by pandas' own compiled windows.
"""

import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd

WINDOWS = (5, 10, 20, 30, 60)
TINY = 1e-12


def market(seed, days=2517):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, days)))
    opened = close * np.exp(rng.normal(0, 0.005, days))
    high = np.maximum(opened, close) * (1 + rng.uniform(0, 0.01, days))
    low = np.minimum(opened, close) * (1 - rng.uniform(0, 0.01, days))
    volume = np.round(1000 + 9000 * rng.uniform(size=days))
    return {name: pd.Series(values) for name, values in zip("ohlcv", (opened, high, low, close, volume))}


def line(values, w):
    views = np.lib.stride_tricks.sliding_window_view(values, w)
    x = np.arange(w) - (w - 1) / 2
    mean = views.mean(axis=1)
    slope = views @ x / (x @ x)
    total = ((views - mean[:, None]) ** 2).sum(axis=1)
    fill = np.full(w - 1, np.nan)
    with np.errstate(all="ignore"):
        square = slope**2 * (x @ x) / total
    rest = views[:, -1] - (mean + slope * (w - 1) / 2)
    return [np.concatenate([fill, out]) for out in (slope, square, rest)]


def place(values, w, find):
    views = np.lib.stride_tricks.sliding_window_view(values, w)
    return np.concatenate([np.full(w - 1, np.nan), find(views, axis=1) / w])


def alpha158(m):
    o, h, l, c, v = (m[name] for name in "ohlcv")
    top, bottom, span = np.maximum(o, c), np.minimum(o, c), h - l + TINY
    out = {
        "KMID": (c - o) / o, "KLEN": (h - l) / o, "KMID2": (c - o) / span, "KUP": (h - top) / o,
        "KUP2": (h - top) / span, "KLOW": (bottom - l) / o, "KLOW2": (bottom - l) / span,
        "KSFT": (2 * c - h - l) / o, "KSFT2": (2 * c - h - l) / span,
        "OPEN0": o / c, "HIGH0": h / c, "LOW0": l / c,
    }
    change, step, logs = c.pct_change(), v.diff(), np.log(v + 1)
    gains, losses, rise, fall = change.clip(lower=0), -change.clip(upper=0), step.clip(lower=0), -step.clip(upper=0)
    ups, downs = (change > 0).astype(float), (change < 0).astype(float)
    ratio, flow, money = c / c.shift(1), np.log(v / v.shift(1) + 1), change.abs() * v
    closes, highs, lows = c.to_numpy(), h.to_numpy(), l.to_numpy()
    for w in WINDOWS:
        rc, rv = c.rolling(w), v.rolling(w)
        slope, square, rest = line(closes, w)
        high, low = h.rolling(w).max(), l.rolling(w).min()
        imax, imin = place(highs, w, np.argmax), place(lows, w, np.argmin)
        cntp, cntn = ups.rolling(w).mean(), downs.rolling(w).mean()
        up, down = gains.rolling(w).sum(), losses.rolling(w).sum()
        more, fewer = rise.rolling(w).sum(), fall.rolling(w).sum()
        rm = money.rolling(w)
        for name, values in {
            "ROC": c.shift(w) / c, "MA": rc.mean() / c, "STD": rc.std() / c, "BETA": slope / c, "RSQR": square,
            "RESI": rest / c, "MAX": high / c, "MIN": low / c, "QTLU": rc.quantile(0.8) / c,
            "QTLD": rc.quantile(0.2) / c, "RANK": rc.rank(pct=True), "RSV": (c - low) / (high - low + TINY),
            "IMAX": imax, "IMIN": imin, "IMXD": imax - imin, "CNTP": cntp, "CNTN": cntn, "CNTD": cntp - cntn,
            "SUMP": up / (up + down + TINY), "SUMN": down / (up + down + TINY), "SUMD": (up - down) / (up + down + TINY),
            "CORR": rc.corr(logs), "CORD": ratio.rolling(w).corr(flow), "VMA": rv.mean() / (v + TINY),
            "VSTD": rv.std() / (v + TINY), "WVMA": rm.std() / (rm.mean() + TINY),
            "VSUMP": more / (more + fewer + TINY), "VSUMN": fewer / (more + fewer + TINY),
            "VSUMD": (more - fewer) / (more + fewer + TINY),
        }.items():
            out[f"{name}{w}"] = values
    return pd.DataFrame(out)


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    markets = [market(seed) for seed in range(29)]
    assert alpha158(markets[0]).shape == (2517, 157)
    best = (float("inf"), float("inf"))
    for _ in range(repeats):
        start, busy = time.perf_counter(), time.process_time()
        for one in markets:
            alpha158(one)
        best = min(best, (time.perf_counter() - start, time.process_time() - busy))
    print(f"pandas {pd.__version__}, numpy {np.__version__}: {best[0]:.3f} s, of which {best[1]:.3f} s on the processor")


main()
