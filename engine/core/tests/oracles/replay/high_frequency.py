"""High-frequency trading in a book of five levels, with the best holdings in hindsight.

Source: specification of the reference, section 3.9.
"""

import numpy as np

from metrics import with_curve

HOLDING_MAX = 0.01
ACTIONS = 11
PUNISHMENT = 1e12
SECONDS = 31536000


def walk(prices, sizes, quantity):
    """Value of `quantity` walked through the book, and what found no depth."""
    value, level = 0.0, 0
    for level in range(5):
        if quantity < sizes[level] or level == 4:
            break
        quantity -= sizes[level]
        value += prices[level] * sizes[level]
    if level == 4 and quantity > 0:
        return value, quantity
    return value + prices[level] * quantity, 0.0


def punished(prices, sizes, quantity, sign):
    value, missing = walk(prices, sizes, quantity)
    return value + sign * PUNISHMENT if missing > 0 else value


def oracle(bids, bid_sizes, asks, ask_sizes, cost):
    """Holdings (tenths of the largest) on rows 0 … rows − 2."""
    rows = len(bids)
    best = np.zeros((rows, ACTIONS))

    def step(row, before, after):
        if before > after:
            return punished(bids[row], bid_sizes[row], (before - after) / 10 * HOLDING_MAX, -1) * (1 - cost)
        return -punished(asks[row], ask_sizes[row], (after - before) / 10 * HOLDING_MAX, 1) * (1 + cost)

    for j in range(ACTIONS):
        best[0, j] = -punished(asks[0], ask_sizes[0], j / 10 * HOLDING_MAX, 1) * (1 + cost)
    for row in range(1, rows):
        changes = {}
        for k in range(ACTIONS):
            for j in range(ACTIONS):
                if k - j not in changes:
                    changes[k - j] = step(row, k, j)
        for j in range(ACTIONS):
            best[row, j] = max(best[row - 1, k] + changes[k - j] for k in range(ACTIONS))
    path, holding = [], 0
    for row in range(rows - 1, 0, -1):
        for k in range(ACTIONS):
            if best[row - 1, k] + step(row, k, holding) == best[row, holding]:
                holding = k
                break
        path.append(holding)
    return path[::-1]


def action_of(policy, call, row, path):
    kind, _, rest = policy.partition(":")
    if kind == "constant":
        return int(rest)
    if kind == "cycle":
        actions = [int(part) for part in rest.split(",")]
        return actions[call % len(actions)]
    if kind == "mod":
        return call % int(rest)
    if kind == "oracle":
        return path[row]
    return {"nothing": 0, "blind_bid": 10}[kind]


def book(frame):
    take = lambda side, what: frame[[f"{side}{level}_{what}" for level in range(1, 6)]].to_numpy(float)
    return take("bid", "price"), take("bid", "size"), take("ask", "price"), take("ask", "size")


def replay(frame, policy, cost=0.00005, window=1, start=0, episode=None):
    bids, bid_sizes, asks, ask_sizes = book(frame)
    rows = len(bids)
    path = oracle(bids, bid_sizes, asks, ask_sizes, cost) if policy == "oracle" else None
    day, position = start + window, 0.0
    flows, fees, rewards, actions = [], 0.0, [], []
    done = False
    while not done:
        row = day - 1
        done = day >= rows - 1 or (episode is not None and day >= start + episode - 1)
        action = action_of(policy, len(rewards), row, path)
        target = HOLDING_MAX * (action / 10)
        before = bids[row, 0] * position
        if position >= target:
            quantity = position - target
            value, missing = walk(bids[row], bid_sizes[row], quantity)
            position -= quantity - missing
            flow = value * (1 - cost)
        else:
            quantity = target - position
            value, missing = walk(asks[row], ask_sizes[row], quantity)
            position += quantity - missing
            flow = -value * (1 + cost)
        fees += cost * value
        day += 1
        rewards.append(bids[day - 1, 0] * position + flow - before)
        flows.append(flow)
        actions.append(action)
    balance = sum(flows) + bids[day - 1, 0] * position
    required = -np.min(np.cumsum(flows)) + 0.0
    assets = required + np.concatenate([[0.0], np.cumsum(rewards)])
    result = with_curve({}, assets, [0.0] + rewards, rewards, SECONDS)
    with np.errstate(all="ignore"):
        margin = np.float64(balance) / required
    result.update(environment="hft", final_assets=balance, final_balance=balance, required_money=required,
                  profit_margin=margin, holding=position, fees=fees, actions=actions)
    return result
