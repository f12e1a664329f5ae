"""Order execution: ETEO buys one bitcoin in a book of 15 levels, PD sells one unit by the day.

The reference records no asset curve for either; `assets` and what is made of it follow the guide.
Source: specification of the reference, sections 3.7 and 3.8.
"""

import numpy as np

from metrics import with_curve

LEVELS = 15
QUEUE_LENGTH = 30


def fraction(text):
    """A decimal or a fraction such as 1/600."""
    upper, _, lower = text.partition("/")
    return float(upper) / float(lower) if lower else float(upper)


class Book:
    """Columns of one table as arrays, levels priced as the reference prices them."""

    def __init__(self, frame):
        self.mid = frame["midpoint"].to_numpy(float)
        self.cells = {f"{side}_{what}": frame[[f"{side}_{what}_{level}" for level in range(LEVELS)]].to_numpy(float)
                      for side in ("bids", "asks")
                      for what in ("distance", "notional", "cancel_notional")}

    def price(self, row, side, level):
        return self.mid[row] * (1 + 0.01 * self.cells[f"{side}_distance"][row, level])

    def ask(self, row, level=0):
        return self.price(row, "asks", level)

    def bid(self, row, level=0):
        return self.price(row, "bids", level)

    def compared(self, row, side):
        """The prices an order is compared with; for buys 0.01 is forgotten."""
        factor = 0.01 if side == "asks" else 1.0
        return [self.mid[row] * (1 + factor * distance) for distance in self.cells[f"{side}_distance"][row]]

    def level_of(self, row, side, price):
        for level, candidate in enumerate(self.compared(row, side)):
            if candidate == price:
                return level
        return None


def order_of(policy, book, row):
    """Volume (above 0: buy) and price of the order placed on `row`."""
    if policy == "nothing":
        return 0.0, 0.0
    volume, _, price = policy.removeprefix("order:").partition("@")
    name, _, factor = price.partition("*")
    factor = fraction(factor) if factor else 1.0
    if name == "mid":
        level = book.mid[row]
    elif name.startswith("ask"):
        level = book.ask(row, int(name[3:]))
    elif name.startswith("bid"):
        level = book.bid(row, int(name[3:]))
    else:
        level = fraction(name)
    return fraction(volume), level * factor


class Eteo:
    def __init__(self, frame, amount):
        self.book, self.rows = Book(frame), len(frame)
        self.row, self.orders = 0, []
        self.cash, self.locked_cash, self.coins, self.locked_coins = float(amount), 0.0, 0.0, 0.0
        self.amount = float(amount)

    def place(self, volume, price):
        if volume == 0:
            self.orders.append([0.0, 0.0, 0.0])
        elif volume < 0:
            size = -min(-volume, self.coins)
            inside = self.book.ask(self.row) <= price <= self.book.ask(self.row, LEVELS - 1)
            self.orders.append([size, price, self.queue("asks", price, inside)])
        else:
            size = self.cash / price if volume * price >= self.cash else volume
            inside = self.book.bid(self.row, LEVELS - 1) <= price <= self.book.bid(self.row)
            self.orders.append([size, price, self.queue("bids", price, inside)])
        self.orders = self.orders[-QUEUE_LENGTH:]

    def queue(self, side, price, inside):
        level = self.book.level_of(self.row, side, price) if inside else None
        return 0.0 if level is None else self.book.cells[f"{side}_notional"][self.row, level]

    def advance(self):
        self.row += 1
        for order in self.orders:
            if order[2] != 0:
                side = "bids" if order[0] > 0 else "asks"
                level = self.book.level_of(self.row, side, order[1])
                cancelled = None if level is None else self.book.cells[f"{side}_cancel_notional"][self.row, level]
                order[2] = 0.0 if level is None else max(0.0, order[2] - cancelled)

    def lock(self):
        cash, coins = self.cash + self.locked_cash, self.coins + self.locked_coins
        self.locked_cash = sum(order[0] * order[1] for order in self.orders if order[0] > 0)
        self.locked_coins = -sum(order[0] for order in self.orders if order[0] < 0)
        self.cash, self.coins = cash - self.locked_cash, coins - self.locked_coins
        if abs(self.cash) < 1e-10:
            self.cash = 0.0
        if self.cash < 0 or self.coins < 0:
            raise ValueError("negative balance")

    def fill(self):
        bid, ask = self.book.bid(self.row), self.book.ask(self.row)
        for order in self.orders:
            size, price, queue = order
            if size < 0:
                if price < bid:
                    sold = -size
                elif price == bid:
                    sold = min(self.book.cells["bids_notional"][self.row, 0] - queue, -size)
                else:
                    continue
                order[0], order[2] = -(-size - sold), 0.0
                self.locked_coins -= sold
                self.cash += sold * price
            elif size > 0:
                if price > ask:
                    bought = size
                elif price == ask:
                    bought = min(self.book.cells["asks_notional"][self.row, 0] - queue, size)
                else:
                    continue
                order[0], order[2] = size - bought, 0.0
                self.locked_cash -= bought * price
                self.coins += bought

    def value(self):
        return self.cash + self.locked_cash + (self.coins + self.locked_coins) * self.book.bid(self.row)


def replay_eteo(frame, policy, amount=100000.0):
    if len(frame) < 3:
        raise IndexError("the first call advances to the row before the last")
    desk = Eteo(frame, amount)
    assets, rewards = [float(amount)], []
    while True:
        desk.place(*order_of(policy, desk.book, desk.row))
        desk.advance()
        desk.lock()
        desk.fill()
        assets.append(desk.value())
        if desk.row + 1 >= desk.rows - 1:
            break
        rewards.append(0.0)
    last = desk.row
    twap = amount - sum(1 / desk.rows * mid * (1 + 0.01 * desk.book.cells["asks_distance"][last, 0])
                        for mid in desk.book.mid)
    left = 1 - (desk.coins + desk.locked_coins)
    price = desk.book.ask(last) if left > 0 else desk.book.bid(last)
    cash_left = desk.cash + desk.locked_cash - left * price
    rewards.append(1.0 if cash_left >= twap else 0.0)
    values = np.array(assets)
    with np.errstate(all="ignore"):
        returns = [0.0] + list(values[1:] / values[:-1] - 1)
    result = with_curve({}, assets, returns, rewards)
    result.update(environment="execution_eteo", final_assets=cash_left, cash_left=cash_left, twap=twap, order_left=left,
                  portfolio=[desk.cash, desk.locked_cash, desk.coins, desk.locked_coins])
    return result


def amount_of(policy, call, steps):
    kind, _, rest = policy.partition(":")
    if kind == "constant":
        return fraction(rest)
    if kind == "cycle":
        amounts = [fraction(part) for part in rest.split(",")]
        return amounts[call % len(amounts)]
    return {"twap": 1 / steps, "at_once": 1.0, "nothing": 0.0}[kind]


def replay_pd(frame, policy, window=10):
    close, rows = frame["close"].to_numpy(float), len(frame)
    if rows < 2 * window + 1:
        raise IndexError("no row between the two windows")
    day, money, left, reward = window, 0.0, 1.0, 0.0
    assets, rewards, visited, done = [close[window - 1]], [], [], False
    while not done:
        amount = amount_of(policy, len(rewards), rows - 2 * window)
        day += 1
        price = close[day - 1]
        visited.append(price)
        if day >= rows - window:
            money += left * price
            left, done = 0.0, True
        else:
            average = np.mean(close[:day - 1])
            if abs(amount) < abs(left):
                money += amount * price
                reward = amount * (price / average - 1)
            else:
                money += left * price
                reward = left * (price / average - 1)
                done = True
            left -= amount
        rewards.append(reward)
        assets.append(money if done else money + left * price)
    values = np.array(assets)
    with np.errstate(all="ignore"):
        returns = [0.0] + list(values[1:] / values[:-1] - 1)
    result = with_curve({}, assets, returns, rewards)
    result.update(environment="execution_pd", final_assets=money, money=money, order_left=left, mean_price=float(np.mean(visited)))
    return result
