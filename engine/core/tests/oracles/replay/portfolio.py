"""The five portfolio environments: base, SARL, EIIE, DeepTrader, Investor Imitator.

The table's first column is the number of the day, repeated once per ticker. Source: specification of the
reference, sections 3.2 to 3.6.
"""

import numpy as np

from metrics import with_curve

KINDS = {
    "portfolio": dict(cash=True, start=lambda window: 0, log=False, begin="cash", amount=100000.0, cost=0.001),
    "portfolio_sarl": dict(cash=True, start=lambda window: window, log=False, begin="uniform", amount=10000.0, cost=0.001),
    "portfolio_eiie": dict(cash=True, start=lambda window: window - 1, log=True, begin="uniform", amount=100000.0, cost=0.001),
    "portfolio_deeptrader": dict(cash=False, start=lambda window: window - 1, log=False, begin="uniform", amount=100000.0, cost=0.001),
    "portfolio_imitator": dict(cash=False, start=lambda window: 0, log=False, begin="uniform", amount=100000.0, cost=0.0001),
}
WINDOWS = {"portfolio_sarl": 5, "portfolio_eiie": 10, "portfolio_deeptrader": 10}
TERMINAL_ZERO = ("portfolio_eiie", "portfolio_deeptrader")


def softmax(logits):
    with np.errstate(all="ignore"):
        grown = np.exp(np.asarray(logits, float))
        return grown / np.sum(grown)


def network_softmax(logits):
    """What an agent's network does before it hands over weights: the largest is subtracted."""
    return softmax(np.asarray(logits, float) - np.max(logits))


def panel(frame):
    """Days by tickers of `close`, and the tickers in the order of day 0."""
    days = frame.iloc[:, 0]
    first = frame[days == days.iloc[0]]
    tickers = [str(name) for name in first["tic"]]
    groups = [frame[days == day]["close"].to_numpy(float) for day in days.unique()]
    return np.array(groups), tickers


def weights_of(policy, width, environment, drifted, call):
    """Weights that the policy asks for in call `call`; `drifted` are those the market moved."""
    kind, _, rest = policy.partition(":")
    cash = KINDS[environment]["cash"]
    assets = width - 1 if cash else width
    if kind == "logits":
        turned = softmax if environment in ("portfolio", "portfolio_sarl") else network_softmax
        if rest == "ramp":
            return turned(np.linspace(-1, 1, width))
        numbers = [float(part) for part in rest.split(",")]
        return turned(numbers * width if len(numbers) == 1 else numbers)
    if kind == "weights":
        return np.array([float(part) for part in rest.split(",")])
    if kind == "uniform":
        return np.full(width, 1 / width)
    if kind == "average_holding":
        if call:
            return drifted
        return np.array([0.0] * (width - assets) + [1 / assets] * assets)
    return np.array([1.0] + [0.0] * assets) if cash else np.zeros(width)


def begin(kind, width):
    if kind["begin"] == "cash":
        return np.array([1.0] + [0.0] * (width - 1))
    return np.full(width, 1 / width)


def replay(environment, frame, policy, amount=None, cost=None, window=None):
    kind = KINDS[environment]
    close, tickers = panel(frame)
    amount = kind["amount"] if amount is None else float(amount)
    cost = kind["cost"] if cost is None else cost
    day = kind["start"](WINDOWS.get(environment) if window is None else window)
    if len(close) <= day:
        raise IndexError("no day for the first call")
    width = len(tickers) + (1 if kind["cash"] else 0)
    moved, value = begin(kind, width), amount
    assets, returns, rewards, reward = [amount], [0.0], [], 0.0
    void = False
    while day < len(close) - 1:
        weights = weights_of(policy, width, environment, moved, len(rewards))
        void = environment == "portfolio_imitator" and not weights.any()
        with np.errstate(all="ignore"):
            relative = close[day + 1] / close[day]
            stocks = weights[1:] if kind["cash"] else weights
            gain = np.sum(stocks * (relative - 1))
            fee = cost * value * np.sum(np.abs(moved - weights))
            after = (value - fee) * (1 + gain)
            reward = np.log(after) - np.log(value) if kind["log"] else after - value
            grown = weights * (np.concatenate([[1.0], relative]) if kind["cash"] else relative)
            moved = grown / np.sum(grown)
            returns.append(after / value - 1)
        value = after
        assets.append(value)
        rewards.append(reward)
        day += 1
    rewards.append(0.0 if environment in TERMINAL_ZERO else reward)
    if void:
        assets, returns = [1.0] * len(assets), [0.0] * len(returns)
        rewards, moved, value = [0.0] * len(rewards), np.zeros(width), 1.0
    result = with_curve({}, assets, returns, rewards)
    result.update(environment=environment, final_assets=value, tickers=tickers,
                  final_weights=[float(weight) for weight in moved])
    return result
