"""Random cases of `tm env replay`: which table, which policy, which options, and what is expected of them."""

import numpy as np
import pandas as pd

import execution
import high_frequency
import portfolio
import tables
import trading
from compare import RATIOS

REAL = {
    "algorithmic_trading": ["algorithmic_trading/BTC/data.csv", "order_execution/PD_BTC/train.csv"],
    "execution_pd": ["order_execution/PD_BTC/train.csv", "algorithmic_trading/BTC/data.csv"],
    "execution_eteo": ["order_execution/BTC/test.csv"],
    "portfolio": ["portfolio_management/dj30/test.csv", "portfolio_management/dj30/valid.csv"],
}
ENVIRONMENTS = ["algorithmic_trading", *portfolio.KINDS, "execution_eteo", "execution_pd", "hft"]


def maybe(rng, chance, draw):
    return draw() if rng.random() < chance else None


def actions(rng, count, limit):
    return ",".join(str(int(action)) for action in rng.integers(0, limit + 1, count))


def amounts(rng):
    return float(rng.choice([1.0, 37.5, 1000.0, 1e5, 1e6, 1e9, float(f"{10 ** rng.uniform(-1, 7):.6g}")]))


def costs(rng):
    return float(rng.choice([0.0, 0.00005, 0.0001, 0.001, 0.01, 0.3]))


def real(rng, data, name, rows):
    """A stretch of real rows; None where the file is absent."""
    names = REAL.get("portfolio" if name.startswith("portfolio") else name)
    if not names or data is None:
        return None
    path = data / names[int(rng.integers(0, len(names)))]
    if not path.exists():
        return None
    frame = pd.read_csv(path, dtype=str, keep_default_na=False).rename(columns=lambda c: "" if c.startswith("Unnamed: 0") else c)
    if name.startswith("portfolio"):
        days = frame.iloc[:, 0].astype(int)
        keep = rng.permutation(29)[:int(rng.integers(1, 30))]
        names = sorted(frame["tic"].unique())
        first = int(rng.integers(0, 100))
        frame = frame[days.between(first, first + rows - 1) & frame["tic"].isin([names[i] for i in keep])].copy()
        frame.iloc[:, 0] = (frame.iloc[:, 0].astype(int) - first).astype(str)
        return frame
    first = int(rng.integers(0, max(1, len(frame) - rows)))
    return frame.iloc[first:first + rows]


class Case:
    """One run: table, arguments of the command, arguments of this folder's function."""

    def __init__(self, name, frame, policy, options, flags):
        self.name, self.frame, self.policy, self.options, self.flags = name, frame, policy, options, flags


def trading_case(rng, data):
    window, forward = (5, 5) if rng.random() < 0.5 else (int(rng.integers(1, 12)), int(rng.integers(1, 12)))
    volume = int(rng.choice([1, 1, 2, 3, 10]))
    least = window + forward
    rows = least + int(rng.choice([0, 1, 2, 3, 10, *rng.integers(1, 400, 4)]))
    policy = str(rng.choice(["nothing", "blind_bid", "constant:0", f"constant:{2 * volume}", f"mod:{2 * volume + 1}",
                             f"cycle:{actions(rng, int(rng.integers(1, 8)), 2 * volume)}"]))
    options = dict(window=window, forward=forward, volume_max=volume, amount=maybe(rng, 0.5, lambda: amounts(rng)),
                   cost=maybe(rng, 0.5, lambda: costs(rng)), earlier=bool(rng.random() < 0.2))
    frame = real(rng, data, "algorithmic_trading", rows) if rng.random() < 0.3 else None
    return Case("algorithmic_trading", tables.bars(rng, rows) if frame is None else frame, policy, options, [])


def vector(rng, width, cash, environment):
    kind = rng.choice(["logits", "weights"])
    numbers = rng.normal(0, 1.5, width)
    if kind == "weights":
        numbers = rng.normal(0, 1, width) if environment == "portfolio_deeptrader" and rng.random() < 0.5 else np.abs(numbers)
        numbers = numbers * (rng.random(width) < 0.8)
        numbers = numbers / numbers.sum() if numbers.sum() else np.full(width, 1 / width)
        odd = rng.random()
        if odd < 0.1:
            numbers = numbers * float(rng.choice([0.0, 0.5, 2.0]))
    elif rng.random() < 0.1:
        numbers = numbers * 600
    return f"{kind}:" + ",".join(f"{number:.6g}" for number in numbers)


def portfolio_case(name):
    def make(rng, data):
        window = maybe(rng, 0.4, lambda: int(rng.integers(1, 15))) if name in portfolio.WINDOWS else None
        least = max(1, (window or portfolio.WINDOWS.get(name, 0)))
        days = least + int(rng.choice([-1, 0, 1, 2, 5, *rng.integers(1, 120, 3)]))
        days = max(1, days)
        frame = real(rng, data, name, days) if rng.random() < 0.3 else None
        frame = tables.panels(rng, days) if frame is None else frame
        cash = portfolio.KINDS[name]["cash"]
        width = frame["tic"].nunique() + (1 if cash else 0)
        policies = ["uniform", "average_holding", "logits:0", "logits:ramp", f"logits:{rng.normal():.3f}",
                    vector(rng, width, cash, name), vector(rng, width, cash, name)]
        if name != "portfolio_deeptrader":
            policies.append("nothing")
        options = dict(amount=maybe(rng, 0.5, lambda: amounts(rng)), cost=maybe(rng, 0.5, lambda: costs(rng)), window=window)
        return Case(name, frame, str(rng.choice(policies)), options, [])
    return make


def eteo_case(rng, data):
    rows = int(rng.choice([2, 3, 4, 5, 10, 40, *rng.integers(3, 120, 4)]))
    frame = real(rng, data, "execution_eteo", rows) if rng.random() < 0.4 else None
    frame = tables.deep_books(rng, rows) if frame is None else frame
    mid = float(frame["midpoint"].astype(float).iloc[int(rng.integers(0, len(frame)))])
    row = int(rng.integers(0, len(frame)))
    fraction = float(frame[f"bids_distance_{int(rng.integers(0, 3))}"].astype(float).iloc[row])
    at = float(frame["midpoint"].astype(float).iloc[row])
    price = str(rng.choice([f"ask{int(rng.integers(0, 15))}", f"bid{int(rng.integers(0, 15))}", "ask0", "bid0", "mid",
                            repr(mid), "1", repr(mid * 1.001), repr(at * (1 + fraction)), repr(at * (1 + 0.01 * fraction))]))
    if rng.random() < 0.5:
        price += "*" + str(rng.choice(["1", "1.0001", "0.9999", "1.01", "0.99", "1001/1000"]))
    volume = str(rng.choice(["1", "1/600", f"1/{rows}", "0.3", "-0.1", "2", "1e-3", "0.05", "-1/20"]))
    policy = "nothing" if rng.random() < 0.1 else f"order:{volume}@{price}"
    options = dict(amount=maybe(rng, 0.4, lambda: amounts(rng)))
    return Case("execution_eteo", frame, policy, options, [])


def pd_case(rng, data):
    window = 10 if rng.random() < 0.5 else int(rng.integers(1, 15))
    rows = 2 * window + int(rng.choice([0, 1, 2, 3, 10, *rng.integers(1, 300, 4)]))
    policy = str(rng.choice(["twap", "at_once", "nothing", "constant:0.01", "constant:1/7", "constant:0.5", "constant:-0.1",
                             "constant:2", "cycle:0.1,-0.1,0.3", "cycle:0,0,1", "cycle:-1,1,1", "constant:0.25", "cycle:-0.5,0.25"]))
    frame = real(rng, data, "execution_pd", rows) if rng.random() < 0.3 else None
    return Case("execution_pd", tables.bars(rng, rows) if frame is None else frame, policy, dict(window=window), [])


def hft_case(rng, data):
    window = 1 if rng.random() < 0.7 else int(rng.integers(1, 6))
    rows = window + int(rng.choice([1, 2, 3, 10, *rng.integers(1, 150, 4)]))
    policy = str(rng.choice(["oracle", "oracle", "nothing", "blind_bid", "mod:11", "constant:7", "constant:1", "mod:3", "cycle:10,0",
                             f"cycle:{actions(rng, int(rng.integers(1, 9)), 10)}"]))
    options = dict(cost=maybe(rng, 0.4, lambda: costs(rng)), window=window)
    if rng.random() < 0.3:
        options["start"] = int(rng.integers(0, rows - window))
        options["episode"] = int(rng.integers(window + 1, 60))
    return Case("hft", tables.shallow_books(rng, rows), policy, options, [])


MAKERS = {"algorithmic_trading": trading_case, **{name: portfolio_case(name) for name in portfolio.KINDS},
          "execution_eteo": eteo_case, "execution_pd": pd_case, "hft": hft_case}
BREADTH = {"portfolio": 11, "portfolio_eiie": 11, "portfolio_deeptrader": 11}


def chosen(case, frame):
    """Columns of the observation: those named, else the classic ones where all are there and finite."""
    named = case.options.get("features")
    if named is not None:
        return [] if named == "none" else tables.CLASSIC_16[5:] if named == "classic_11" else named.split(",")
    names = tables.CLASSIC_16[5:] if BREADTH.get(case.name) else tables.CLASSIC_16
    there = all(name in frame for name in names) and np.isfinite(frame[names].to_numpy(float)).all()
    return names if there else []


def shape(case, frame, width):
    """Shape of the observation; None where this folder does not know the columns."""
    count, window = len(chosen(case, frame)), case.options.get("window")
    return {
        "algorithmic_trading": lambda: [count * (window or 5) + 2],
        "portfolio": lambda: [count, width], "portfolio_sarl": lambda: [(count + 1) * width],
        "portfolio_eiie": lambda: [width, window or 10, count], "portfolio_deeptrader": lambda: [width, count, window or 10],
        "portfolio_imitator": lambda: [1, width * (count + 6)], "execution_eteo": lambda: [156],
        "execution_pd": lambda: [1, window or 10, count], "hft": lambda: None,
    }[case.name]()


def with_features(rng, case):
    """Names the columns of the observation in some cases."""
    if case.name not in ("execution_eteo", "hft") and rng.random() < 0.2:
        names = [name for name in case.frame if name in tables.CLASSIC_16]
        case.options["features"] = ",".join(names[:int(rng.integers(1, len(names) + 1))]) if names else "none"
        if len(names) == 16 and rng.random() < 0.5:
            case.options["features"] = "classic_11"
    return case


FLAGS = {"features": "--features", "amount": "--initial-amount", "cost": "--cost-rate", "window": "--window", "forward": "--forward",
         "volume_max": "--max-volume", "start": "--start", "episode": "--episode-length"}


def arguments(case, path):
    parts = ["env", "replay", "--env", case.name, "--data", str(path), f"--policy={case.policy}"]
    for key, value in case.options.items():
        if key == "earlier":
            parts += ["--earlier-release"] if value else []
        elif value is not None:
            parts += [FLAGS[key], value if isinstance(value, str) else repr(value)]
    return parts


def expected(case, path):
    """This folder's figures; numbers are read back exactly (pandas' default may miss the last bit of 17 digits)."""
    frame = pd.read_csv(path, float_precision="round_trip")
    options = {key: value for key, value in case.options.items() if value is not None and key != "features"}
    if case.name == "algorithmic_trading":
        result = trading.replay(frame, case.policy, **options)
    elif case.name.startswith("portfolio"):
        result = portfolio.replay(case.name, frame, case.policy, **options)
    elif case.name == "execution_eteo":
        result = execution.replay_eteo(frame, case.policy, **options)
    elif case.name == "execution_pd":
        result = execution.replay_pd(frame, case.policy, **options)
    else:
        result = high_frequency.replay(frame, case.policy, **options)
    result.update(mode="faithful", policy=case.policy)
    seen = shape(case, frame, len(result.get("tickers", [])))
    if seen is not None:
        result["observation_shape"] = seen
    if case.name.startswith("portfolio"):
        result["features"] = chosen(case, frame)
    return result


def floors(case, wanted):
    """What rounding alone can make of each field: nothing is held closer than the noise of its inputs."""
    curve = np.array([value for value in wanted["assets"] if np.isfinite(value)])
    scale = float(np.max(np.abs(curve))) if len(curve) else 1.0
    start = abs(float(wanted["assets"][0])) or 1.0
    flat = not np.isfinite(wanted["volatility"]) or wanted["volatility"] < 1e-11
    recorded = np.abs(np.array(wanted["returns"], float))
    still = not np.any(recorded > 1e-9 * (scale if case.name in ("algorithmic_trading", "hft") else 1))

    def floor(path):
        name = path.split("[")[0].split(".")[0]
        if name in RATIOS:
            return 1.0 if flat or still else 1e-8 * max(1.0, scale / start)
        if name in ("returns", "volatility", "total_return", "excess_profit", "max_drawdown", "profit_margin") and \
                not (name == "returns" and case.name in ("algorithmic_trading", "hft")):
            return 1e-11 * max(1.0, scale / start)
        return 1e-12 * max(scale, abs(start))
    return floor
