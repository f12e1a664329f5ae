"""Writes alpha158_expected.json: both forms of the Alpha158-style set by pandas, on the series of `series.py`.

Independent of the engine: every window is cut out and computed by itself. Run with pandas and numpy installed:
    python alpha158_expected.py
"""

import json

import numpy as np
import pandas as pd

from series import series
from written import directory

WINDOWS = (5, 10, 20, 30, 60)
ROWS_KEPT = (59, 60, 119, 120, 177, 259)
TINY = 1e-12


def bar(frame, corrected):
    o, h, l, c = (frame[name] for name in ("open", "high", "low", "close"))
    body = c - o if corrected else c + o
    top, bottom = np.maximum(o, c), np.minimum(o, c)
    span = h - l + TINY
    out = {
        "KMID": body / o,
        "KLEN": (h - l) / o,
        "KMID2": (c - o) / span,
        "KUP": (h - top) / o,
        "KUP2": (h - top) / span,
        "KLOW": (bottom - l) / o,
        "KLOW2": (bottom - l) / span,
        "KSFT": (2 * c - h - l) / o,
        "KSFT2": (2 * c - h - l) / span,
    }
    if corrected:
        out |= {"OPEN0": o / c, "HIGH0": h / c, "LOW0": l / c}
    return out


def fit(values):
    x = np.arange(len(values), dtype=float)
    slope, start = np.polyfit(x, values - values[0], 1)
    rest = (values - values[0]) - (start + slope * x)
    total = ((values - values.mean()) ** 2).sum()
    return slope, 1.0 - (rest**2).sum() / total, rest[-1]


def share_of(up, down, corrected):
    total = up + down + TINY
    if corrected:
        return up / total, down / total, (up - down) / total
    return up / total, 1 - up / total, 2 * (up / total) - 1


def rolling(frame, w, corrected):
    o, h, l, c, v = (frame[name] for name in ("open", "high", "low", "close", "volume"))
    roll = lambda s: s.rolling(w)
    change = c.pct_change()
    gains, losses = change.clip(lower=0), (-change).clip(lower=0)
    gains[change.isna()] = np.nan
    losses[change.isna()] = np.nan
    out = {"ROC": c.shift(w) / c, "MA": roll(c).mean() / c, "STD": roll(c).std(ddof=1) / c}
    fits = [fit(c.to_numpy()[t + 1 - w : t + 1]) if t + 1 >= w else (np.nan,) * 3 for t in range(len(c))]
    out["BETA"] = pd.Series([one[0] for one in fits]) / c
    squares = pd.Series([one[1] for one in fits])
    out["RSQR"] = squares if corrected else pd.Series(squares.iloc[-1], index=c.index)
    if corrected:
        out["RESI"] = pd.Series([one[2] for one in fits]) / c
    top, bottom = (h, l) if corrected else (c, c)
    out["MAX"], out["MIN"] = roll(top).max() / c, roll(bottom).min() / c
    out["QTLU"], out["QTLD"] = roll(c).quantile(0.8) / c, roll(c).quantile(0.2) / c
    rank = roll(c).rank()
    out["RANK"] = rank / w if corrected else rank
    if corrected:
        highest, lowest = roll(h).max(), roll(l).min()
        out["RSV"] = (c - lowest) / (highest - lowest + TINY)
    else:
        out["RSV"] = (c - out["MIN"]) / (out["MAX"] - out["MIN"] + TINY)
    out["IMAX"] = roll(h).apply(np.argmax, raw=True) / w
    out["IMIN"] = roll(l).apply(np.argmin if corrected else np.argmax, raw=True) / w
    between = out["IMAX"] - out["IMIN"]
    out["IMXD"] = between if corrected else between / w
    up, down = (change > 0).astype(float), (change < 0).astype(float)
    up.iloc[0] = down.iloc[0] = np.nan
    out["CNTP"], out["CNTN"] = roll(up).mean(), roll(down).mean()
    out["CNTD"] = out["CNTP"] - out["CNTN"]
    sums = share_of(roll(gains).sum(), roll(losses).sum(), corrected)
    out["SUMP"], out["SUMN"], out["SUMD"] = sums
    out["CORR"] = roll(c).corr(np.log(v + 1))
    back = 1 if corrected else w
    out["CORD"] = roll(c / c.shift(back)).corr(np.log(v / v.shift(back) + 1))
    out["VMA"], out["VSTD"] = roll(v).mean() / (v + TINY), roll(v).std(ddof=1) / (v + TINY)
    money = change.abs() * v
    out["WVMA"] = roll(money).std(ddof=1) / (roll(money).mean() + TINY)
    step = v.diff()
    rise, fall = step.clip(lower=0), (-step).clip(lower=0)
    rise[step.isna()] = np.nan
    fall[step.isna()] = np.nan
    rise, fall = roll(rise).sum(), roll(fall).sum()
    out["VSUMP"], out["VSUMN"], out["VSUMD"] = share_of(rise, fall, corrected)
    if not corrected:
        out["VSUMD"] = (rise - -fall) / (rise + fall + TINY)
    return out


def whole(frame, corrected):
    columns = dict(bar(frame, corrected))
    groups = {w: rolling(frame, w, corrected) for w in WINDOWS}
    order = list(groups[5])
    price = order.index("SUMD") + 1
    for name in order[:price] + order[price:]:
        for w in WINDOWS:
            columns[f"{name}{w}"] = groups[w][name]
    if not corrected:
        columns["zclose"] = frame["close"].pct_change()
        for k in (5, 10, 15, 20, 25, 30, 60):
            columns[f"zd_{k}"] = frame["adjcp"].rolling(k).mean() / frame["adjcp"] - 1
    return columns


def main():
    frame = series()
    result = {"rows": list(ROWS_KEPT)}
    for name, corrected in (("corrected", True), ("faithful", False)):
        columns = whole(frame, corrected)
        result[name] = {
            column: [None if not np.isfinite(values.iloc[row]) else float(values.iloc[row]) for row in ROWS_KEPT]
            for column, values in columns.items()
        }
    path = directory() / "alpha158_expected.json"
    lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in result.items())
    path.write_text("{\n" + lines + "\n}\n")


main()
