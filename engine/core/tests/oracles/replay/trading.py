"""Algorithmic trading: one instrument, whole units, a reward that sees the future.

Source: specification of the reference, section 3.1.
"""

import numpy as np

from metrics import with_curve

CLASSIC_16 = ["high", "low", "open", "close", "adjcp", "zopen", "zhigh", "zlow", "zadjcp", "zclose",
              "zd_5", "zd_10", "zd_15", "zd_20", "zd_25", "zd_30"]


def action_of(policy, call, volume_max):
    """Action of call `call`, counted from 0."""
    kind, _, rest = policy.partition(":")
    if kind == "constant":
        return int(rest)
    if kind == "cycle":
        actions = [int(part) for part in rest.split(",")]
        return actions[call % len(actions)]
    if kind == "mod":
        return call % int(rest)
    return {"nothing": volume_max, "blind_bid": 2 * volume_max}[kind]


def trade(holding, cash, price, volume, cost):
    """One order of `volume` units: holding and cash afterwards."""
    after = holding + volume
    growth = abs(after) - abs(holding)
    if growth < 0:
        return after, cash + abs(growth) * price * (1 - cost)
    if cash > abs(volume) * price / (1 - cost):
        return after, cash - abs(volume) * price / (1 - cost)
    with np.errstate(all="ignore"):
        affordable = np.trunc(cash / (price / (1 - cost)))
        volume = np.float64(abs(volume)) / np.float64(volume) * affordable
    return holding + volume, cash - abs(volume) * price / (1 - cost)


def volatility(close, day, forward):
    """Variance of the coming `forward` returns, from the price just seen on."""
    window = close[day - 1:day + forward]
    return float(np.var(window[1:] / window[:-1] - 1))


def replay(frame, policy, amount=100000.0, cost=0.001, window=5, forward=5, volume_max=1, earlier=False):
    close = frame["close"].to_numpy(float)
    rows = len(close)
    if rows < window + forward + 1:
        raise IndexError("no row for the terminal call")
    day, cash, holding = window, float(amount), 0.0
    assets, returns, rewards = [float(amount)], [0.0], []
    reward, first_volatility = 0.0, None
    while True:
        if day >= rows - forward - 1:
            rewards.append(reward)
            if first_volatility is None:
                first_volatility = volatility(close, day, forward)
            break
        price = close[day - 1]
        volume = action_of(policy, len(rewards), volume_max) - volume_max
        holding, cash = trade(holding, cash, price, volume, cost)
        day += 1
        now, then = close[day - 1], close[day + forward - 2]
        reward = holding * ((now - price) + 0.2 * (then - price))
        gained = holding * (now - price)
        returns.append(gained)
        assets.append(assets[-1] + gained if earlier else cash + holding * now)
        rewards.append(reward)
        if first_volatility is None:
            first_volatility = volatility(close, day, forward)
    result = with_curve({}, assets, returns, rewards)
    final = amount / close[window - 1] * close[day]
    result.update(
        environment="algorithmic_trading", holding=holding, cash=cash, final_assets=assets[-1],
        first_reward=rewards[0], first_volidality=first_volatility, buy_and_hold_final=final,
        buy_and_hold_profit=100 * (close[day] - close[window - 1]) / close[window - 1])
    return result
