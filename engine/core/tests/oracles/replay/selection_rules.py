"""Online portfolio selection: what each method holds next, written from the papers' formulas.

A rule is a function of the relatives so far, the newest weights, and what it keeps in `memory`. Source:
specification of learning, section 11; papers as named in docs/guide/portfolio-selection.md.
"""

import numpy as np
from scipy import optimize


class Beyond(Exception):
    """This calculation has left the numbers; it has nothing to say about the case."""


def project(vector):
    """Euclidean projection onto the simplex."""
    if not np.all(np.isfinite(vector)):
        raise Beyond(f"projection of {vector}")
    ordered = np.sort(vector)[::-1]
    sums = np.cumsum(ordered) - 1
    places = np.arange(1, len(vector) + 1)
    kept = np.nonzero(ordered - sums / places > 0)[0][-1]
    return np.maximum(vector - sums[kept] / (kept + 1), 0)


def project_by(matrix, vector):
    """Projection onto the simplex in the norm of `matrix`: supports are tried until the conditions hold."""
    size = len(vector)
    for mask in range(1, 2 ** size):
        support = [i for i in range(size) if mask >> i & 1]
        system = np.zeros((len(support) + 1, len(support) + 1))
        system[:-1, :-1] = matrix[np.ix_(support, support)]
        system[:-1, -1] = system[-1, :-1] = 1
        right = np.append((matrix @ vector)[support], 1.0)
        solved = np.linalg.solve(system, right)
        point = np.zeros(size)
        point[support] = solved[:-1]
        slack = matrix @ (point - vector) + solved[-1]
        others = [i for i in range(size) if i not in support]
        if np.all(solved[:-1] >= -1e-13) and np.all(slack[others] >= -1e-9 * np.abs(matrix).max()):
            return point
    raise ValueError("no support fits")


def best_rebalanced(relatives):
    """Weights that grow the most when rebalanced every period."""
    size = relatives.shape[1]
    start = np.full(size, 1 / size)
    scaled = relatives / relatives.max(axis=1, keepdims=True)
    loss = lambda b: -np.sum(np.log(np.maximum(scaled @ b, 1e-300)))
    slope = lambda b: -(scaled / np.maximum(scaled @ b, 1e-300)[:, None]).sum(axis=0)
    found = optimize.minimize(loss, start, jac=slope, method="SLSQP", bounds=[(0, 1)] * size,
                              constraints={"type": "eq", "fun": lambda b: b.sum() - 1, "jac": lambda b: np.ones(size)},
                              options={"maxiter": 1000, "ftol": 1e-16})
    weights = np.maximum(found.x, 0)
    weights /= weights.sum()
    for _ in range(3000):
        weights = weights * (scaled / (scaled @ weights)[:, None]).mean(axis=0)
        if (scaled / (scaled @ weights)[:, None]).mean(axis=0).max() < 1 + 1e-13:
            break
    return weights


def exponentiated(x, weights, eta):
    grown = weights * np.exp(eta * x / (weights @ x))
    return grown / grown.sum()


def passive_aggressive(x, weights, growth, epsilon, variant, aggressiveness):
    away = x - x.mean()
    norm, loss = away @ away, max(0.0, growth - epsilon)
    if variant == 2:
        step = loss / (norm + 1 / (2 * aggressiveness))
    else:
        step = loss / norm if norm > 0 else loss
        step = min(step, aggressiveness) if variant == 1 else step
    return project(weights - step * away)


def reversion(prediction, weights, epsilon):
    away = prediction - prediction.mean()
    norm = away @ away
    step = max(0.0, epsilon - prediction @ weights) / norm if norm > 0 else 0.0
    return project(weights + step * away)


def moving_average(relatives, window):
    """Mean of the last `window` prices over the newest, or the newest relatives while too few are known."""
    if len(relatives) < window + 1:
        return relatives[-1]
    total, product = np.ones(relatives.shape[1]), np.ones(relatives.shape[1])
    for step in range(window - 1):
        product = product * relatives[-1 - step]
        total = total + 1 / product
    return total / window


def confidence(x, memory, epsilon, phi, deviation):
    mean, spread = memory["mean"], memory["spread"]
    size = len(x)
    ones = np.ones(size)
    gain, variance, cross = x @ mean, x @ spread @ x, x @ spread @ ones
    middle = (ones @ spread @ x) / (ones @ spread @ ones)
    if deviation:
        height = variance - middle * cross + phi ** 2 * variance / 2
        a, b, c = height ** 2 - phi ** 4 * variance ** 2 / 4, 2 * (epsilon - gain) * height, (epsilon - gain) ** 2 - phi ** 2 * variance
    else:
        a = 2 * phi * variance ** 2 - 2 * phi * middle * variance * cross
        b = 2 * phi * epsilon * variance - 2 * phi * variance * gain + variance - middle * cross
        c = epsilon - gain - phi * variance
    roots = []
    if a != 0 and b * b - 4 * a * c >= 0:
        root = np.sqrt(b * b - 4 * a * c)
        roots = [(-b + root) / (2 * a), (-b - root) / (2 * a)]
    elif a == 0 and b != 0:
        roots = [-c / b]
    step = max([0.0, *roots])
    mean = mean - step * spread @ (x - middle * ones)
    if np.linalg.det(spread) <= 2.2e-16:
        spread = spread + 2.2e-16 * np.eye(size)
    if deviation:
        root = (-step * phi * variance + np.sqrt(step ** 2 * variance ** 2 * phi ** 2 + 4 * variance)) / 2
        spread = np.linalg.inv(np.linalg.inv(spread) + step * phi / root * np.diag(x ** 2))
    else:
        spread = np.linalg.inv(np.linalg.inv(spread) + 2 * step * phi * np.diag(x ** 2))
    memory["mean"], memory["spread"] = project(mean), spread / (size * spread.sum())
    return memory["mean"]


def anticor(relatives, held, window):
    """Wealth moves from what won to what follows it; `held` are the weights the prices moved."""
    if len(relatives) < 2 * window:
        return held
    early, late = np.log(relatives[-2 * window:-window]), np.log(relatives[-window:])
    deviations = np.outer(early.std(axis=0, ddof=1), late.std(axis=0, ddof=1))
    covariance = (early - early.mean(axis=0)).T @ (late - late.mean(axis=0)) / (window - 1)
    correlation = np.where(deviations > 0, covariance / np.where(deviations > 0, deviations, 1), 0.0)
    means, size = late.mean(axis=0), len(held)
    claims = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            if i != j and means[i] >= means[j] and correlation[i, j] > 0:
                claims[i, j] = correlation[i, j] + max(-correlation[i, i], 0) + max(-correlation[j, j], 0)
    totals = claims.sum(axis=1)
    moved = np.where(totals[:, None] > 0, held[:, None] * claims / np.where(totals > 0, totals, 1)[:, None], 0.0)
    return held - moved.sum(axis=1) + moved.sum(axis=0)


def newton(relatives, weights, memory, beta, delta, eta):
    gradient = relatives[-1] / (weights @ relatives[-1])
    memory["matrix"] += np.outer(gradient, gradient)
    memory["vector"] += (1 + 1 / beta) * gradient
    point = project_by(memory["matrix"], delta * np.linalg.solve(memory["matrix"], memory["vector"]))
    return (1 - eta) * point + eta / len(weights)


def median_of_prices(points, iterations, tolerance):
    """L1-median by Weiszfeld's steps as Vardi and Zhang amended them, from the coordinates' medians."""
    centre = np.median(points, axis=0)
    for _ in range(iterations):
        gaps = np.sqrt(((points - centre) ** 2).sum(axis=1))
        away = gaps > 0
        if not away.any():
            return centre
        inverse = 1 / gaps[away]
        goal = (points[away] * inverse[:, None]).sum(axis=0) / inverse.sum()
        pull = np.linalg.norm(((points[away] - centre) * inverse[:, None]).sum(axis=0))
        stuck = (~away).sum()
        share = 1.0 if stuck == 0 else (max(0.0, 1 - stuck / pull) if pull > 0 else 0.0)
        after = share * goal + (1 - share) * centre
        if np.abs(after - centre).sum() <= tolerance * np.abs(centre).sum():
            return after
        centre = after
    return centre


def correlated(relatives, window, rho):
    """Best rebalanced portfolio of the periods that followed windows like the newest."""
    count, size = relatives.shape
    uniform = np.full(size, 1 / size)
    if count <= window:
        return uniform
    newest, like = relatives[-window:].ravel(), []
    for row in range(window, count):
        before = relatives[row - window:row].ravel()
        if before.std() > 0 and newest.std() > 0 and np.corrcoef(before, newest)[0, 1] >= rho:
            like.append(row)
    return best_rebalanced(relatives[like]) if like else uniform
