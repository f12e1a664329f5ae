"""Writes indicators_expected.json: indicators by plain loops and pandas, on the series of `series.py`, in TA-Lib's
conventions. What TA-Lib has is held against it here from the first row on, volume-weighted prices and money flows against
the package `ta` (0.11), which follows the same conventions.

Run with pandas, numpy, TA-Lib and ta installed:
    python indicators_expected.py
"""

import json
import math

import numpy as np
import pandas as pd
import ta
import talib

from series import series
from written import directory

ROWS_KEPT = (33, 34, 60, 120, 259)


def ema(values, window):
    """Begins with the mean of the first window of defined values."""
    out = pd.Series(np.nan, index=values.index)
    first = values.first_valid_index()
    start = first + window - 1
    out.iloc[start] = values.iloc[first : start + 1].mean()
    for t in range(start + 1, len(values)):
        out.iloc[t] = out.iloc[t - 1] + 2 / (window + 1) * (values.iloc[t] - out.iloc[t - 1])
    return out


def wilder(values, window):
    out = pd.Series(np.nan, index=values.index)
    first = values.first_valid_index()
    start = first + window - 1
    out.iloc[start] = values.iloc[first : start + 1].mean()
    for t in range(start + 1, len(values)):
        out.iloc[t] = (out.iloc[t - 1] * (window - 1) + values.iloc[t]) / window
    return out


def wilder_sum(values, window):
    """TA-Lib: the sum of window - 1 values, from then on a share leaves before the next enters."""
    out = pd.Series(np.nan, index=values.index)
    first = values.first_valid_index()
    total = values.iloc[first : first + window - 1].sum()
    for t in range(first + window - 1, len(values)):
        total = total - total / window + values.iloc[t]
        out.iloc[t] = total
    return out


def macd(c, fast, slow, signal):
    late = c.copy()
    late.iloc[: slow - fast] = np.nan
    line = ema(late, fast) - ema(c, slow)
    mean = ema(line, signal)
    return line, mean, line - mean


def adx(h, l, c, w):
    up, down = h.diff(), -l.diff()
    plus = up.where((up > down) & (up > 0), 0.0)
    minus = down.where((down > up) & (down > 0), 0.0)
    plus.iloc[0] = minus.iloc[0] = np.nan
    span = wilder_sum(true_range(h, l, c), w)
    plus, minus = 100 * wilder_sum(plus, w) / span, 100 * wilder_sum(minus, w) / span
    return wilder(100 * (plus - minus).abs() / (plus + minus), w), plus, minus


def true_range(h, l, c):
    before = c.shift(1)
    out = pd.concat([h - l, (h - before).abs(), (l - before).abs()], axis=1).max(axis=1)
    out.iloc[0] = np.nan
    return out


def kama(c, w):
    out = pd.Series(np.nan, index=c.index)
    value = c.iloc[w - 1]
    for t in range(w, len(c)):
        path = sum(abs(c.iloc[k] - c.iloc[k - 1]) for k in range(t - w + 1, t + 1))
        ratio = abs(c.iloc[t] - c.iloc[t - w]) / path
        share = (ratio * (2 / 3 - 2 / 31) + 2 / 31) ** 2
        value += share * (c.iloc[t] - value)
        out.iloc[t] = value
    return out


def realised(o, h, l, c, w):
    before = c.shift(1)
    roll = lambda s: s.rolling(w)
    rs = np.log(h / c) * np.log(h / o) + np.log(l / c) * np.log(l / o)
    gk = 0.5 * np.log(h / l) ** 2 - (2 * math.log(2) - 1) * np.log(c / o) ** 2
    k = 0.34 / (1.34 + (w + 1) / (w - 1))
    yz = roll(np.log(o / before)).var() + k * roll(np.log(c / o)).var() + (1 - k) * roll(rs).mean()
    # The session's terms of the first bar belong to no gap, so the windows begin together with the second.
    later = pd.Series(np.arange(len(c)) >= w)
    return {
        f"close_to_close_{w}": roll(np.log(c / before)).std(),
        f"parkinson_{w}": np.sqrt(roll(np.log(h / l) ** 2).mean() / (4 * math.log(2))),
        f"garman_klass_{w}": np.sqrt(roll(gk).mean()),
        f"rogers_satchell_{w}": np.sqrt(roll(rs).mean()),
        f"yang_zhang_{w}": np.sqrt(yz).where(later),
    }


def weighted(c, w):
    weights = np.arange(1, w + 1)
    return c.rolling(w).apply(lambda x: (x * weights).sum() / weights.sum(), raw=True)


def prices(o, h, l, c):
    roll = lambda s, w: s.rolling(w)
    out = {"sma_20": roll(c, 20).mean(), "ema_20": ema(c, 20), "wma_20": weighted(c, 20), "kama_20": kama(c, 20)}
    first = ema(c, 10)
    out["dema_10"] = 2 * first - ema(first, 10)
    for name, values in zip(("macd", "macd_signal", "macd_histogram"), macd(c, 12, 26, 9)):
        out[f"{name}_12_26_9"] = values
    step = c.diff()
    up, down = wilder(step.clip(lower=0), 14), wilder((-step).clip(lower=0), 14)
    out["rsi_14"] = 100 * up / (up + down)
    high, low = roll(h, 14).max(), roll(l, 14).min()
    k = (100 * (c - low) / (high - low)).rolling(3).mean()
    out["stochastic_k_14_3_3"], out["stochastic_d_14_3_3"] = k, k.rolling(3).mean()
    out["williams_r_14"] = -100 * (high - c) / (high - low)
    typical = (h + l + c) / 3
    spread = roll(typical, 20).apply(lambda x: np.abs(x - x.mean()).mean(), raw=True)
    out["cci_20"] = (typical - roll(typical, 20).mean()) / (0.015 * spread)
    out["roc_14"], out["momentum_14"] = 100 * (c / c.shift(14) - 1), c - c.shift(14)
    out["return_3"], out["log_return_3"] = c / c.shift(3) - 1, np.log(c / c.shift(3))
    out["adx_14"], out["plus_di_14"], out["minus_di_14"] = adx(h, l, c, 14)
    span = wilder(true_range(h, l, c), 14)
    out["atr_14"] = span
    mean, width = roll(c, 20).mean(), roll(c, 20).std(ddof=0)
    upper, lower = mean + 2 * width, mean - 2 * width
    out["bollinger_upper_20_2"], out["bollinger_lower_20_2"] = upper, lower
    out["bollinger_percent_20_2"], out["bollinger_width_20_2"] = (c - lower) / (upper - lower), (upper - lower) / mean
    top, bottom = roll(h, 20).max(), roll(l, 20).min()
    out["donchian_upper_20"], out["donchian_lower_20"], out["donchian_middle_20"] = top, bottom, (top + bottom) / 2
    middle, wide = ema(c, 20), wilder(true_range(h, l, c), 20)
    out["keltner_upper_20_2"], out["keltner_lower_20_2"] = middle + 2 * wide, middle - 2 * wide
    out |= realised(o, h, l, c, 20)
    body, upper, lower = c - o, h - np.maximum(o, c), np.minimum(o, c) - l
    out["candle_body"], out["candle_upper"], out["candle_lower"] = body / (h - l), upper / (h - l), lower / (h - l)
    out["candle_gap"] = o / c.shift(1) - 1
    return out


def volumes(h, l, c, v):
    typical = (h + l + c) / 3
    sign = np.sign(c.diff()).fillna(1.0)
    flow = ((c - l) - (h - c)) / (h - l) * v
    line = flow.cumsum()
    fast = line.ewm(span=3, adjust=False, min_periods=3).mean()
    slow = line.ewm(span=10, adjust=False, min_periods=10).mean()
    step, money = typical.diff(), typical * v
    up, down = money.where(step > 0, 0.0), money.where(step < 0, 0.0)
    up.iloc[0] = down.iloc[0] = np.nan
    up, down = up.rolling(14).sum(), down.rolling(14).sum()
    return {
        "obv": (sign * v).cumsum(),
        "vwap_20": money.rolling(20).sum() / v.rolling(20).sum(),
        "mfi_14": 100 * up / (up + down),
        "chaikin_money_flow_20": flow.rolling(20).sum() / v.rolling(20).sum(),
        "accumulation_distribution": line,
        "chaikin_3_10": fast - slow,
    }


def held_against_ta(out, h, l, c, v):
    """What `ta` computes by the same convention, once its own first rows are over."""
    same = {
        "donchian_upper_20": ta.volatility.donchian_channel_hband(h, l, c, 20),
        "chaikin_money_flow_20": ta.volume.chaikin_money_flow(h, l, c, v, 20),
        "vwap_20": ta.volume.volume_weighted_average_price(h, l, c, v, 20),
        "bollinger_percent_20_2": ta.volatility.BollingerBands(c, 20, 2).bollinger_pband(),
    }
    for name, values in same.items():
        agree(name, out[name].iloc[60:], values.iloc[60:], "ta")


def held_against_talib(out, h, l, c, v):
    """TA-Lib, undefined rows included."""
    line, signal, histogram = talib.MACD(c, 12, 26, 9)
    k, d = talib.STOCH(h, l, c, 14, 3, 0, 3, 0)
    upper, _, lower = talib.BBANDS(c, 20, 2.0, 2.0, 0)
    same = {
        "sma_20": talib.SMA(c, 20), "ema_20": talib.EMA(c, 20), "wma_20": talib.WMA(c, 20), "dema_10": talib.DEMA(c, 10),
        "kama_20": talib.KAMA(c, 20), "rsi_14": talib.RSI(c, 14), "williams_r_14": talib.WILLR(h, l, c, 14),
        "cci_20": talib.CCI(h, l, c, 20), "roc_14": talib.ROC(c, 14), "momentum_14": talib.MOM(c, 14),
        "adx_14": talib.ADX(h, l, c, 14), "plus_di_14": talib.PLUS_DI(h, l, c, 14),
        "minus_di_14": talib.MINUS_DI(h, l, c, 14), "atr_14": talib.ATR(h, l, c, 14), "obv": talib.OBV(c, v),
        "bollinger_upper_20_2": upper, "bollinger_lower_20_2": lower, "mfi_14": talib.MFI(h, l, c, v, 14),
        "accumulation_distribution": talib.AD(h, l, c, v), "chaikin_3_10": talib.ADOSC(h, l, c, v, 3, 10),
        "stochastic_d_14_3_3": d, "macd_signal_12_26_9": signal, "macd_histogram_12_26_9": histogram,
    }
    for name, values in same.items():
        assert (out[name].isna() == values.isna()).all(), f"{name} begins elsewhere"
        agree(name, out[name], values, "TA-Lib")
    # TA-Lib withholds these until their signals begin too.
    for name, values in {"stochastic_k_14_3_3": k, "macd_12_26_9": line}.items():
        agree(name, out[name][values.notna()], values[values.notna()], "TA-Lib")


def agree(name, found, wanted, who):
    worst = (found - wanted).abs().max() / wanted.abs().max()
    assert worst < 1e-9, f"{name} differs from {who} by {worst}"


def main():
    frame = series()
    o, h, l, c, v = (frame[name] for name in ("open", "high", "low", "close", "volume"))
    out = prices(o, h, l, c) | volumes(h, l, c, v)
    held_against_ta(out, h, l, c, v)
    held_against_talib(out, h, l, c, v)
    columns = {
        name: [None if not np.isfinite(values.iloc[row]) else float(values.iloc[row]) for row in ROWS_KEPT]
        for name, values in out.items()
    }
    path = directory() / "indicators_expected.json"
    lines = [f'"{name}": {json.dumps(values)}' for name, values in columns.items()]
    path.write_text('{"rows": ' + json.dumps(list(ROWS_KEPT)) + ', "columns": {\n' + ",\n".join(lines) + "\n}}\n")


main()
