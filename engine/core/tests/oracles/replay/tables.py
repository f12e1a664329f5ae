"""Random tables in the reference's layouts, from a seeded generator: bars, panels, books of 15 and of 5 levels.

Makes what real data seldom has: constant prices, jumps, ties, empty levels, hardly enough rows, levels from
1e-3 to 1e5, tickers that are numbers. Writes nothing.
"""

import numpy as np
import pandas as pd

CLASSIC_16 = ["high", "low", "open", "close", "adjcp", "zopen", "zhigh", "zlow", "zadjcp", "zclose",
              "zd_5", "zd_10", "zd_15", "zd_20", "zd_25", "zd_30"]


def prices(rng, rows):
    """A price series above 0 of a drawn kind."""
    level = 10.0 ** rng.uniform(-3, 5)
    kind = rng.choice(["walk", "walk", "wild", "constant", "jumps", "integers", "steps", "trend"])
    if kind == "constant":
        return np.full(rows, level)
    spread = {"walk": 0.02, "wild": 0.3, "jumps": 0.01, "integers": 0.03, "steps": 0.05, "trend": 0.001}[kind]
    changes = rng.normal(0, spread, rows)
    if kind == "jumps":
        changes += rng.choice([0, 0, 0, 0, 0, 0, 0, 0, 2.5, -2.5], rows)
    if kind == "trend":
        changes += rng.choice([-0.01, 0.01])
    if kind == "steps":
        changes *= rng.random(rows) < 0.2
    series = level * np.exp(np.cumsum(changes))
    if kind == "integers":
        series = np.maximum(1, np.round(series * max(1, 100 / level)))
    return np.clip(series, level * 1e-5, level * 1e5)


def with_features(rng, frame, close):
    frame["open"] = close * (1 + rng.normal(0, 0.005, len(close)))
    frame["high"] = np.maximum(close, frame["open"]) * 1.01
    frame["low"] = np.minimum(close, frame["open"]) * 0.99
    frame["adjcp"] = close * rng.uniform(0.8, 1.0)
    for name in CLASSIC_16[5:]:
        frame[name] = rng.normal(0, 0.02, len(close))
    return frame


def shuffled(rng, frame, keep_first=False):
    """The same columns in another order, at times with columns nobody asked for."""
    if rng.random() < 0.3:
        frame["label"] = rng.integers(0, 3, len(frame))
    if rng.random() < 0.2:
        frame["comment, with comma"] = "a, \"b\""
    names = list(frame.columns)
    first = names[:1] if keep_first else []
    rest = names[1:] if keep_first else names
    return frame[first + [rest[i] for i in rng.permutation(len(rest))]]


def bars(rng, rows):
    close = prices(rng, rows)
    frame = pd.DataFrame({"date": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d")})
    frame["close"] = close
    if rng.random() < 0.4:
        frame["tic"] = "X"
    if rng.random() < 0.5:
        with_features(rng, frame, close)
    frame = shuffled(rng, frame)
    if rng.random() < 0.5:
        frame.insert(0, "", np.arange(rows) + rng.integers(0, 2000))
    return frame


def panels(rng, days):
    width = int(rng.choice([1, 2, 3, 5, 29]))
    names = rng.choice(["letters", "numbers", "spaces", "zeros"])
    tickers = {"letters": lambda i: f"T{i:02}", "numbers": lambda i: str(600000 + i),
               "spaces": lambda i: f"Euro {i}", "zeros": lambda i: f"{i:06}"}[names]
    order = rng.permutation(width)
    parts = []
    for i in order:
        close = prices(rng, days)
        part = pd.DataFrame({"": np.arange(days), "tic": tickers(i), "close": close})
        part["date"] = pd.date_range("2020-01-01", periods=days).strftime("%Y-%m-%d")
        parts.append(part)
    if rng.random() < 0.4:
        parts = [with_features(rng, part, part["close"].to_numpy()) for part in parts]
    frame = pd.concat(parts).sort_values("", kind="stable").reset_index(drop=True)
    return shuffled(rng, frame, keep_first=True)


def deep_books(rng, rows):
    """Books of 15 levels with distances as fractions; some quiet, some tied, some with empty levels."""
    mid = prices(rng, rows) if rng.random() < 0.6 else np.round(50000 + np.cumsum(rng.normal(0, 20, rows)), 2)
    if rng.random() < 0.3:
        mid = np.full(rows, 1024.0)
    frame = {"system_time": [f"2021-01-01 00:{i:02}" for i in range(rows)], "midpoint": mid, "spread": mid * 1e-4}
    frame["buys"], frame["sells"] = rng.uniform(1, 1e5, rows), rng.uniform(1, 1e5, rows)
    tick = rng.choice([1e-5, 2.0 ** -10, 1e-3])
    tied, grid = rng.random() < 0.3, rng.random() < 0.5
    for sign, side in ((-1, "bids"), (1, "asks")):
        base = np.zeros(rows) if rng.random() < 0.2 else rng.uniform(0, tick, rows)
        for level in range(15):
            step = np.full(rows, tick) if grid else rng.uniform(0, 2 * tick, rows)
            if grid and level == 0:
                base = np.full(rows, tick / 2)
            frame[f"{side}_distance_{level}"] = sign * base
            base = base if tied and level % 3 == 0 else base + step
        for what, empty in (("notional", 0.05), ("cancel_notional", 0.8), ("limit_notional", 0.1), ("market_notional", 0.9)):
            for level in range(15):
                cells = rng.choice([1.0, 1e-3, 1e4]) * rng.exponential(1.0, rows)
                frame[f"{side}_{what}_{level}"] = np.where(rng.random(rows) < empty, 0.0, cells)
    return shuffled(rng, pd.DataFrame(frame))


def shallow_books(rng, rows):
    """Books of 5 levels; sizes from nothing to plenty for a hundredth of a coin."""
    bid = prices(rng, rows)
    scale = 10.0 ** rng.uniform(-4, 1)
    grid = rng.random() < 0.3
    frame = pd.DataFrame({"timestamp": np.arange(rows)})
    bids, asks = bid.copy(), bid * (1 + rng.choice([0, 1e-5, 1e-3]))
    for level in range(1, 6):
        frame[f"bid{level}_price"], frame[f"ask{level}_price"] = bids, asks
        bids, asks = bids * (1 - rng.choice([0, 1e-5, 1e-3])), asks * (1 + rng.choice([0, 1e-5, 1e-3]))
        for side in ("bid", "ask"):
            sizes = rng.exponential(scale, rows)
            if grid:
                sizes = rng.integers(0, 4, rows) * 0.001
            frame[f"{side}{level}_size"] = np.where(rng.random(rows) < 0.1, 0.0, sizes)
    return shuffled(rng, frame)
