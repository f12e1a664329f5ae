"""Random cases of `tm olps run`: methods on random tables of relatives, with and without costs."""

import numpy as np
import pandas as pd

import selection_rules as rules

DEFAULTS = {
    "market": {}, "crp": {}, "universal": {}, "best_stock": {}, "bcrp": {},
    "eg": {"eta": 0.05}, "ons": {"beta": 1.0, "delta": 0.125, "eta": 0.0}, "anticor": {"window": 30},
    "pamr": {"epsilon": 0.5}, "pamr1": {"epsilon": 0.5, "aggressiveness": 500.0}, "pamr2": {"epsilon": 0.5, "aggressiveness": 500.0},
    "cwmr_sd": {"epsilon": 0.5, "phi": 2.0}, "cwmr_var": {"epsilon": 0.5, "phi": 2.0},
    "olmar1": {"epsilon": 10.0, "window": 5}, "olmar2": {"epsilon": 10.0, "alpha": 0.5},
    "rmr": {"epsilon": 5.0, "window": 5, "iterations_max": 200, "tolerance": 0.001},
    "corn_u": {"window_max": 5, "rho": 0.1}, "corn_k": {"window_max": 5, "levels": 10, "kept": 5},
}
METHODS = list(DEFAULTS)
HINDSIGHT = ("best_stock", "bcrp")
LOOSE = {"bcrp": 1e-6, "corn_u": 3e-5, "corn_k": 3e-5, "ons": 1e-6, "universal": 1e-6, "cwmr_sd": 1e-6, "cwmr_var": 1e-6}
DRAWS = {
    "eta": lambda rng: float(rng.choice([0.0, 0.05, 0.2])), "beta": lambda rng: float(rng.choice([0.5, 1.0, 2.0])),
    "delta": lambda rng: float(rng.choice([0.05, 0.125, 0.5])), "window": lambda rng: int(rng.integers(2, 12)),
    "epsilon": lambda rng: float(rng.choice([0.3, 0.5, 0.9, 1.0])), "aggressiveness": lambda rng: float(rng.choice([0.01, 1.0, 100.0])),
    "phi": lambda rng: float(rng.choice([0.5, 1.0, 2.0, 3.0])), "alpha": lambda rng: float(rng.choice([0.1, 0.5, 0.9])),
    "rho": lambda rng: float(rng.choice([0.0, 0.1, 0.5])), "window_max": lambda rng: int(rng.integers(1, 5)),
    "levels": lambda rng: int(rng.integers(1, 4)), "kept": lambda rng: int(rng.integers(1, 4)),
}


class Chooser:
    """One method on its way through a table."""

    def __init__(self, method, relatives, parameters):
        self.method, self.all, self.parameters = method, relatives, {**DEFAULTS[method], **parameters}
        size = relatives.shape[1]
        self.tied = False  # experts of equal wealth at the cut: rounding decides which is kept
        self.memory = {"mean": np.full(size, 1 / size), "spread": np.eye(size) / size ** 2, "matrix": np.eye(size),
                       "vector": np.zeros(size), "prediction": np.ones(size)}
        if method in ("corn_u", "corn_k"):
            levels = [parameters.get("rho", 0.1)] if method == "corn_u" else \
                [level / self.parameters["levels"] for level in range(self.parameters["levels"])]
            self.experts = [[window, rho, 0.0, np.full(size, 1 / size)]
                            for window in range(1, self.parameters["window_max"] + 1) for rho in levels]
        if method == "universal":
            nodes, weights = np.polynomial.legendre.leggauss(len(relatives) // 2 + 3)
            self.memory["points"] = np.stack([(nodes + 1) / 2, 1 - (nodes + 1) / 2], axis=1)
            self.memory["shares"] = weights / 2

    def first(self):
        size = self.all.shape[1]
        if self.method == "best_stock":
            return np.eye(size)[np.argmax(np.log(self.all).sum(axis=0))]
        if self.method == "bcrp":
            return rules.best_rebalanced(self.all)
        return np.full(size, 1 / size)

    def next(self, count, weights, growth):
        """Weights after `count` periods, from those held and the growth after costs."""
        seen, p = self.all[:count], self.parameters
        x, held = seen[-1], weights * seen[-1] / (weights @ seen[-1])
        if self.method == "market":
            return held
        if self.method in ("crp", *HINDSIGHT):
            return weights
        if self.method == "eg":
            return rules.exponentiated(x, weights, p["eta"])
        if self.method == "ons":
            return rules.newton(seen, weights, self.memory, p["beta"], p["delta"], p["eta"])
        if self.method == "anticor":
            return rules.anticor(seen, held, p["window"])
        if self.method.startswith("pamr"):
            variant = int(self.method[4:] or 0)
            return rules.passive_aggressive(x, weights, growth, p["epsilon"], variant, p.get("aggressiveness", 0))
        if self.method.startswith("cwmr"):
            return rules.confidence(x, self.memory, p["epsilon"], p["phi"], self.method == "cwmr_sd")
        return self.predicted(seen, weights)

    def predicted(self, seen, weights):
        p = self.parameters
        if self.method == "olmar1":
            return weights if len(seen) < 2 else rules.reversion(rules.moving_average(seen, p["window"]), weights, p["epsilon"])
        if self.method == "olmar2":
            self.memory["prediction"] = p["alpha"] + (1 - p["alpha"]) * self.memory["prediction"] / seen[-1]
            return weights if len(seen) < 2 else rules.reversion(self.memory["prediction"], weights, p["epsilon"])
        if self.method == "rmr":
            return self.median(seen, weights)
        if self.method == "universal":
            self.memory["shares"] = self.memory["shares"] * (self.memory["points"] @ seen[-1])
            return self.memory["shares"] @ self.memory["points"] / self.memory["shares"].sum()
        return self.mixture(seen)

    def median(self, seen, weights):
        p = self.parameters
        prices = np.vstack([np.ones(seen.shape[1]), np.cumprod(seen, axis=0)])
        if len(seen) < p["window"] + 1:
            return weights if len(seen) < 2 else rules.reversion(seen[-1], weights, p["epsilon"])
        centre = rules.median_of_prices(prices[-p["window"]:], p["iterations_max"], p["tolerance"])
        return rules.reversion(centre / prices[-1], weights, p["epsilon"])

    def mixture(self, seen):
        """The experts' portfolios weighted by their wealth."""
        for expert in self.experts:
            expert[2] += np.log(expert[3] @ seen[-1])
            expert[3] = rules.correlated(seen, expert[0], expert[1])
        ranked = sorted(self.experts, key=lambda expert: -expert[2])
        if self.method == "corn_k":
            kept = self.parameters["kept"]
            self.tied |= kept < len(ranked) and ranked[kept - 1][2] - ranked[kept][2] < 1e-6
            ranked = ranked[:kept]
        shares = np.exp(np.array([expert[2] for expert in ranked]) - ranked[0][2])
        return (shares[:, None] * np.array([expert[3] for expert in ranked])).sum(axis=0) / shares.sum()


def decide(method, relatives, parameters, cost):
    """Weights of every period, those that would follow, and growth, turnover after costs."""
    chooser = Chooser(method, relatives, parameters)
    weights, held = chooser.first(), np.zeros(relatives.shape[1])
    chosen, growths, turnovers = [], [], []
    for count, x in enumerate(relatives, 1):
        traded = np.abs(weights - held).sum()
        growth = (weights @ x) * (1 - cost / 2 * traded)
        chosen.append(weights)
        growths.append(growth)
        turnovers.append(traded / 2)
        held = weights * x / growth
        weights = chooser.next(count, weights, growth)
    return chosen, weights, np.array(growths), turnovers, chooser.tied


def wealth_of(chosen, relatives, cost):
    """Logarithm of the wealth of the same decisions at another cost."""
    held, total = np.zeros(relatives.shape[1]), 0.0
    for weights, x in zip(chosen, relatives):
        growth = (weights @ x) * (1 - cost / 2 * np.abs(weights - held).sum())
        total += np.log(growth)
        held = weights * x / growth
    return total


def figures(growths, turnovers, periods):
    returns, curve = growths - 1, np.concatenate([[1.0], np.exp(np.cumsum(np.log(growths)))])
    deviation = returns.std(ddof=1) if len(returns) > 1 else np.nan
    drawdown = np.max(1 - curve / np.maximum.accumulate(curve))
    annual = np.exp(np.log(growths).sum() * periods / len(growths)) - 1
    return {"annual_return": annual, "annual_turnover": np.mean(turnovers) * periods, "max_drawdown": drawdown,
            "volatility": deviation * np.sqrt(periods)}


def expected(method, relatives, parameters, cost, periods=252):
    chosen, after, growths, turnovers, tied = decide(method, relatives, parameters, cost)
    base = cost or 0.001
    steps = [{"multiple": float(m), "cost": m * base, "wealth_fixed": np.exp(wealth_of(chosen, relatives, m * base))}
             for m in (0, 1, 2, 5, 10)]
    if method.startswith("pamr"):
        for step in steps:
            step["wealth_decided"] = float(np.prod(decide(method, relatives, parameters, step["cost"])[2]))
    result = {
        "method": method, "hindsight": method in HINDSIGHT, "periods": len(relatives), "cost": cost,
        "wealth": float(np.exp(np.log(growths).sum())), "log_wealth": float(np.log(growths).sum()),
        "curve": np.cumprod(growths).tolist(), "final_weights": after.tolist(), "turnover": turnovers,
        "figures": figures(growths, turnovers, periods), "cost_ladder": {"base": base, "steps": steps},
    }
    if tied:
        return {"method": method, "periods": len(relatives)}
    if method == "bcrp":
        for name in ("final_weights", "curve", "turnover", "figures", "cost_ladder"):
            del result[name]
    return result


def job(rng, path, method):
    count = int(rng.choice([1, 2, 3, 7, int(rng.integers(5, 150)), int(rng.integers(5, 150))]))
    size = 2 if method == "universal" else int(rng.choice([1, 2, 3, 5]))
    if method.startswith("corn") or method == "bcrp":
        count, size = min(count, 40), max(size, 2)
    if method.startswith("cwmr"):
        size = max(size, 2)
    spread = float(rng.choice([0.005, 0.02, 0.2]))
    relatives = np.exp(rng.normal(0, spread, (count, size)))
    kind = str(rng.choice(["simple", "cumulative", "prices"]))
    cost = float(rng.choice([0.0, 0.0, 0.001, 0.01]))
    parameters = {name: DRAWS[name](rng) for name in DEFAULTS[method] if name in DRAWS and rng.random() < 0.4}
    if method.startswith("olmar") or method == "rmr":
        parameters.pop("epsilon", None)
    table = relatives if kind == "simple" else np.cumprod(relatives, axis=0)
    if kind == "prices":
        table = np.vstack([np.ones(size), table]) * 10.0 ** rng.uniform(-3, 5, size)
    frame = pd.DataFrame(table, columns=[f"A{i}" for i in range(size)])
    if rng.random() < 0.5:
        frame.insert(0, "date", pd.date_range("2001-01-01", periods=len(frame)).strftime("%Y-%m-%d"))
    frame.to_csv(path, index=False)
    numbers = pd.read_csv(path, float_precision="round_trip")[[f"A{i}" for i in range(size)]].to_numpy(float)
    if kind == "prices":
        numbers = numbers[1:] / numbers[:-1]
    elif kind == "cumulative":
        numbers = np.vstack([numbers[:1], numbers[1:] / numbers[:-1]])
    parts = ["olps", "run", "--method", method, "--data", str(path), "--relatives", kind, "--cost", repr(cost)]
    for name, value in parameters.items():
        parts += ["--set", f"{name}={value}"]
    return parts, lambda: expected(method, numbers, parameters, cost), lambda wanted: floors(method, wanted)


def floors(method, wanted):
    """Methods that solve a problem to a tolerance are held to that tolerance, annualised figures to what it becomes."""
    tolerance = LOOSE.get(method, 1e-9)
    if "figures" not in wanted:
        return lambda path: tolerance
    annual = 252 * tolerance * (1 + abs(wanted["figures"]["annual_return"]))
    return lambda path: annual if path.startswith("figures") else tolerance
