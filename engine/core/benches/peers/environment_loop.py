"""Peer of `environment_step.rs`: the same tasks as a Python loop with the five-value step of Gymnasium and numpy inside.

Run: python3 environment_loop.py (needs numpy). One core, float64, synthetic prices; prints steps per second of
processor time. Trading one instrument: window of 5 bars x 16 features, orders of -1, 0, +1 lots filled at the next open, fee,
log-return reward. Portfolio: 29 instruments, target weights, costs solved by fixed point, filled at the next open.
Book: snapshots of five levels a side, plain lists because numpy is slower on five numbers.
"""

import math
import time

import numpy as np

FEE = 0.001
CYCLE = (2, 2, 1, 0, 2, 0, 1)


class SingleAsset:
    """One instrument: actions 0, 1, 2 sell, hold, buy one lot of a tenth of the initial cash."""

    window = 5

    def __init__(self, rows: int, observe: bool):
        rng = np.random.default_rng(1)
        self.close = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(rows)))
        self.open = np.concatenate(([100.0], self.close[:-1]))
        self.features = rng.standard_normal((16, rows)).astype(np.float32)
        self.observe = observe

    def reset(self):
        self.row, self.cash, self.lots, self.equity = self.window - 1, 1e5, 0, 1e5
        self.lot = 1e4 / self.close[self.row]
        return self._seen(), {}

    def _seen(self):
        if not self.observe:
            return None
        window = self.features[:, self.row + 1 - self.window : self.row + 1].ravel()
        own = np.array([self.cash / 1e5, self.lots / 10], dtype=np.float32)
        return np.concatenate((window, own))

    def step(self, action: int):
        wished = min(max(self.lots + action - 1, 0), 10) - self.lots
        price = self.open[self.row + 1]
        if wished > 0 and self.cash < wished * self.lot * price * (1 + FEE):
            wished = 0
        if wished:
            value = wished * self.lot * price
            self.cash -= value + abs(value) * FEE
            self.lots += wished
        self.row += 1
        before, self.equity = self.equity, self.cash + self.lots * self.lot * self.close[self.row]
        reward = math.log(self.equity / before)
        return self._seen(), reward, self.equity < 100.0, self.row + 1 == len(self.close), {}


class Portfolio:
    """29 instruments, weights with cash first."""

    window = 10

    def __init__(self, rows: int, assets: int):
        rng = np.random.default_rng(2)
        self.close = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal((rows, assets)), axis=0))
        self.open = np.vstack((np.full(assets, 100.0), self.close[:-1]))

    def reset(self):
        self.row, self.cash, self.equity = self.window - 1, 1e5, 1e5
        self.units = np.zeros(self.close.shape[1])
        return None, {}

    def step(self, weights):
        close = self.close[self.row]
        held, target, kept = self.units * close / self.equity, weights[1:], 1.0
        for _ in range(20):
            following = 1.0 - FEE * np.abs(kept * target - held).sum()
            if abs(following - kept) < 1e-15:
                break
            kept = following
        change = kept * self.equity * target / close - self.units
        price = self.open[self.row + 1]
        sold = -(np.minimum(change, 0.0) * price).sum()
        bought = (np.maximum(change, 0.0) * price).sum()
        self.cash += sold * (1 - FEE)
        wanted = bought * (1 + FEE)
        share = min(1.0, self.cash / wanted) if wanted > 0 else 1.0
        self.cash -= wanted * share
        self.units += np.minimum(change, 0.0) + np.maximum(change, 0.0) * share
        self.row += 1
        before, self.equity = self.equity, self.cash + float(self.units @ self.close[self.row])
        return None, math.log(self.equity / before), False, self.row + 1 == len(self.close), {}


class Book:
    """Snapshots of five levels a side; each order walks the opposite side and queued sizes are not refilled within a row."""

    levels = 5

    def __init__(self, rows: int, every: int):
        rng = np.random.default_rng(4)
        middle = 20_000 + np.cumsum(rng.integers(-2, 3, rows)).astype(float)
        away = np.arange(1, self.levels + 1, dtype=float)
        self.bid = ((middle[:, None] - away) * 0.5).tolist()
        self.ask = ((middle[:, None] + away) * 0.5).tolist()
        self.bid_size = (3 * rng.random((rows, self.levels))).tolist()
        self.ask_size = (3 * rng.random((rows, self.levels))).tolist()
        self.rows, self.every = rows, every

    def reset(self):
        self.row, self.cash, self.held, self.action, self.equity = 0, 1e6, 0.0, 0, 1e6
        return None, {}

    def step(self, _):
        if (self.row + 1) % self.every == 0:
            self.action = (self.action + 3) % 11
        change = (self.action - 5) - self.held
        self.row += 1
        bid, ask = self.bid[self.row], self.ask[self.row]
        side, price, size = (1.0, ask, self.ask_size[self.row]) if change > 0 else (-1.0, bid, self.bid_size[self.row])
        left = abs(change)
        for level in range(self.levels):
            if left <= 0.0:
                break
            taken = min(left, size[level])
            value = taken * price[level]
            self.cash -= side * value + value * FEE
            self.held += side * taken
            left -= taken
        before, self.equity = self.equity, self.cash + self.held * 0.5 * (bid[0] + ask[0])
        return None, self.equity - before, self.equity <= 0, self.row + 1 == self.rows, {}


def rate(environment, actions) -> float:
    """Steps per second of processor time, of the best of thirty episodes: other programs do not count."""
    best = 0.0
    for _ in range(30):
        begun, steps, ended = time.process_time(), 0, False
        environment.reset()
        while not ended:
            _, _, terminated, truncated, _ = environment.step(actions[steps % len(actions)])
            ended = terminated or truncated
            steps += 1
        best = max(best, steps / (time.process_time() - begun))
    return best


def main():
    weights = np.random.default_rng(3).dirichlet(np.ones(30), 64)
    print(f"single asset, observation  {rate(SingleAsset(2000, True), CYCLE):12.0f} steps/s")
    print(f"single asset, unseen       {rate(SingleAsset(2000, False), CYCLE):12.0f} steps/s")
    print(f"portfolio of 29, unseen    {rate(Portfolio(1000, 29), list(weights)):12.0f} steps/s")
    for name, every in (("holding", 10**9), ("trading each 10th", 10), ("trading each", 1)):
        print(f"{'book, ' + name:<26} {rate(Book(10_000, every), CYCLE):12.0f} events/s")


if __name__ == "__main__":
    main()
