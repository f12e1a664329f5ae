"""The series that the expected features are computed on: whole numbers and plain arithmetic, so that every language
gets the same bits. `engine/core/tests/features_oracle.rs` makes the same one."""

import pandas as pd

ROWS = 260


class Chance:
    """A linear congruential generator modulo 2^31; returns numbers of [0, 1)."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return self.state / 2147483648.0


def series():
    chance = Chance(20240607)
    price = 100.0
    rows = []
    for _ in range(ROWS):
        opened = price * (1.0 + (chance() - 0.5) * 0.02)
        price = opened * (1.0 + (chance() - 0.5) * 0.06)
        high = max(opened, price) * (1.0 + chance() * 0.01)
        low = min(opened, price) * (1.0 - chance() * 0.01)
        adjusted = price * (0.9 + 0.1 * chance())
        volume = 1000.0 + float(int(chance() * 9000.0))
        rows.append((opened, high, low, price, adjusted, volume))
    return pd.DataFrame(rows, columns=["open", "high", "low", "close", "adjcp", "volume"])
