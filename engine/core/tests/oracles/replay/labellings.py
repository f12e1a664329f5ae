"""Random cases of `tm label run` in faithful mode.

Prices that stand still are left out: there the filter's rounding noise decides where the turning points are,
and no two programs share it.
"""

import json

import numpy as np
import pandas as pd

import labeller
import tables

PRESETS = {
    "btc": dict(label_count=3, min_length=12, max_length=120, merge_threshold=0.03),
    "btc_base": dict(label_count=5, min_length=12, max_length=100, merge_threshold=0.005),
    "dji": dict(label_count=3, min_length=12, max_length=120, merge_threshold=0.003),
    "server": dict(label_count=5, min_length=24, max_length=144, merge_threshold=0.03),
}
BASE = dict(method="quantile", filter_strength=1, merge_label_gap_max=1, slope_low=-0.5, slope_high=0.5, label_count=3,
            min_length=12, max_length=120, merge_threshold=0.03)
REFERENCE_NAMES = {"label_count": "dynamic_number", "min_length": "min_length_limit", "max_length": "max_length_expectation",
                   "merge_threshold": "merging_threshold", "merge_label_gap_max": "merging_dynamic_constraint",
                   "method": "labeling_method", "filter_strength": "filter_strength", "indicator": "key_indicator"}
REAL = ["algorithmic_trading/BTC/data.csv", "portfolio_management/dj30/DJI.csv", "order_execution/PD_BTC/train.csv"]


def series(rng, rows):
    level = 10.0 ** rng.uniform(-3, 5)
    spread = rng.choice([0.0005, 0.01, 0.05])
    change = rng.normal(0, spread, rows) + spread * np.sin(np.arange(rows) / rng.uniform(3, 60))
    if rng.random() < 0.2:
        change += rng.choice([0] * 150 + [1.5, -1.5], rows)
    prices = level * np.exp(np.cumsum(change))
    if rng.random() < 0.2:
        prices = np.maximum(1.0, np.round(prices / prices.mean() * 5000))
    return np.clip(prices, 1e-6, 1e9)


def real(rng, data, rows):
    if data is None:
        return None
    path = data / REAL[int(rng.integers(0, len(REAL)))]
    if not path.exists():
        return None
    prices = pd.read_csv(path, float_precision="round_trip")["adjcp"].to_numpy(float)
    first = int(rng.integers(0, max(1, len(prices) - rows)))
    return prices[first:first + rows]


def drawn(rng):
    """Settings of one case and the preset they come from."""
    if rng.random() < 0.3:
        name = str(rng.choice(list(PRESETS)))
        return {**BASE, **PRESETS[name]}, name
    settings = dict(BASE)
    settings["label_count"] = int(rng.integers(2, 7))
    settings["min_length"] = int(rng.choice([-1, 3, 6, 12, 24, 48]))
    settings["max_length"] = int(rng.choice([20, 60, 120, 400]))
    settings["merge_threshold"] = float(rng.choice([-1, 0.0003, 0.003, 0.03, 0.3, 2.0]))
    settings["merge_label_gap_max"] = int(rng.choice([-1, 0, 1, 1, 2]))
    settings["filter_strength"] = float(rng.choice([0.75, 1, 1, 1.5, 4]))
    if rng.random() < 0.35:
        settings["method"] = "slope"
        settings["label_count"] = int(rng.integers(3, 7))
        settings["merge_label_gap_max"] = -1
        settings["slope_low"], settings["slope_high"] = (float(x) for x in rng.choice(
            [[-0.5, 0.5], [0, 0], [0.5, -0.5], [-0.01, 0.3], [0.1, 0.2], [-0.3, -0.1]]))
    return settings, None


def written(rng, settings, preset, path):
    """The configuration as a file has it: ours or the reference's names, the preset or every field."""
    if preset:
        return {"preset": preset, "truth": "faithful", "data": str(path)}
    fields = {"truth": "faithful", "data": str(path)}
    for name, value in settings.items():
        if name in ("slope_low", "slope_high"):
            continue
        fields[REFERENCE_NAMES[name] if rng.random() < 0.5 else name] = value
    if rng.random() < 0.5:
        fields["slope_interval"] = [settings["slope_low"], settings["slope_high"]]
    else:
        fields["slope_low"], fields["slope_high"] = settings["slope_low"], settings["slope_high"]
    for ours in ("merge_threshold", "min_length", "merge_label_gap_max"):
        if ours in fields and fields[ours] < 0:
            fields[ours] = None
    return fields


def job(rng, folder, number, data):
    rows = int(rng.choice([16, 17, 30, int(rng.integers(16, 700)), int(rng.integers(16, 700))]))
    prices = real(rng, data, rows) if rng.random() < 0.3 else None
    prices = series(rng, rows) if prices is None else prices
    settings, preset = drawn(rng)
    if preset is None and rng.random() < 0.15:
        return several(rng, folder, number, settings, [prices, series(rng, int(rng.integers(16, 200)))])
    frame = pd.DataFrame({"date": pd.date_range("2001-01-01", periods=len(prices)).strftime("%Y-%m-%d"), "adjcp": prices})
    tables.shuffled(rng, frame).to_csv(folder / f"{number}.csv", index=False)
    (folder / f"{number}.json").write_text(json.dumps(written(rng, settings, preset, f"{number}.csv")))
    expect = lambda: labeller.label(prices, settings)
    return ["label", "run", "--config", str(folder / f"{number}.json")], expect, floors


def several(rng, folder, number, settings, found):
    """Two tickers in one file, their rows one after the other or mixed by date."""
    parts = [pd.DataFrame({"date": pd.date_range("2001-01-01", periods=len(prices)).strftime("%Y-%m-%d"), "tic": f"T{i}",
                           "adjcp": prices}) for i, prices in enumerate(found)]
    frame = pd.concat(parts)
    if rng.random() < 0.5:
        frame = frame.sort_values("date", kind="stable")
    tables.shuffled(rng, frame).to_csv(folder / f"{number}.csv", index=False)
    (folder / f"{number}.json").write_text(json.dumps(written(rng, settings, None, f"{number}.csv")))
    expect = lambda: {"items": [{"ticker": f"T{i}", **labeller.label(prices, settings)} for i, prices in enumerate(found)]}
    return ["label", "run", "--config", str(folder / f"{number}.json")], expect, floors


def floors(wanted):
    items = wanted.get("items", [wanted])
    scale = max(abs(value) for item in items for value in item["filtered"])
    return lambda path: 1e-10 * scale if "filtered[" in path and "pct" not in path else 1e-11
