"""Writes expected.json: what independent libraries compute on series that both sides make from a formula.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_expected.py   (or make oracles)

The Rust side is engine/core/tests/metrics_oracles.rs. Definitions and differences: docs/metrics.md.
"""

import json
import warnings

import empyrical
import mpmath
import numpy as np
import pandas as pd
import quantstats.stats as qs
import scipy.integrate
import scipy.special
import scipy.stats
import statsmodels.tsa.stattools as tsa
from arch.bootstrap import SPA, StepM

from written import directory

warnings.filterwarnings("ignore")
mpmath.mp.dps = 40
YEAR = 252
RATE = 0.0001  # risk-free, per bar


def waves(t):
    return 0.01 * np.sin(1.3 * t) + 0.004 * np.cos(0.37 * (t * t)) - 0.0005


def crash(t):
    quiet = 0.004 * np.sin(0.9 * t) + 0.001
    return np.where(t == 300, -0.35, np.where(t == 301, -0.12, quiet))


def rising(t):
    return 0.002 + 0.0015 * np.sin(0.7 * t)


def market(t):
    return 0.008 * np.sin(1.1 * t + 0.4) + 0.006 * np.sin(1.3 * t) + 0.0003


SERIES = {
    "waves": (waves, 750),
    "crash": (crash, 600),
    "rising": (rising, 260),
    "short": (waves, 12),
}


def number(value):
    value = float(value)
    return value if np.isfinite(value) else None


def cornish_fisher(returns, tail):
    """Value at risk and shortfall by numerical integration of the expansion."""
    skew, excess = scipy.stats.skew(returns), scipy.stats.kurtosis(returns)
    mean, deviation = np.mean(returns), np.std(returns, ddof=1)

    def bent(p):
        z = scipy.stats.norm.ppf(p)
        return (
            z
            + (z**2 - 1) * skew / 6
            + (z**3 - 3 * z) * excess / 24
            - (2 * z**3 - 5 * z) * skew**2 / 36
        )

    # between a tenth of the tail and the tail the expansion must rise, or it describes no distribution
    if np.any(np.diff(bent(np.linspace(tail / 10, tail, 20_001))) <= 0):
        return np.nan, np.nan
    # in z, where the integrand is smooth: ∫ bent(Φ(z)) φ(z) dz
    top = scipy.stats.norm.ppf(tail)
    area, _ = scipy.integrate.quad(
        lambda z: bent(scipy.stats.norm.cdf(z)) * scipy.stats.norm.pdf(z), -37, top,
        epsabs=1e-15, epsrel=1e-13, limit=400, points=[-8, -5, -3],
    )
    return -(mean + deviation * bent(tail)), -(mean + deviation * area / tail)


def drawdown_depths(series):
    """Depths of all drawdowns by quantstats, as shares."""
    table = qs.drawdown_details(qs.to_drawdown_series(series))
    return (-table["max drawdown"] / 100).tolist() if len(table) else []


def figures(returns, market_returns):
    """Names are ours, values theirs; a key is absent where no library has our definition."""
    wealth = np.concatenate([[1.0], np.cumprod(1 + returns)])
    fall = 1 - wealth / np.maximum.accumulate(wealth)
    series = pd.Series(returns, index=pd.date_range("2021-01-05", periods=len(returns), freq="D"))
    deviation = np.std(returns, ddof=1)
    tail = 0.05
    modified, modified_shortfall = cornish_fisher(returns, tail)
    ours = empyrical.cagr(series, annualization=YEAR)
    assert abs(ours - qs.cagr(series, periods=YEAR)) < 1e-12
    falls = drawdown_depths(series)
    found = {
        "total_return": empyrical.cum_returns_final(series),
        "annual_return": ours,
        "volatility": empyrical.annual_volatility(series, annualization=YEAR),
        "downside_deviation": empyrical.downside_risk(series, annualization=YEAR),
        "max_drawdown": -empyrical.max_drawdown(series),
        "average_drawdown": np.mean(falls) if len(falls) else np.nan,
        "drawdown_count": len(falls),
        "ulcer_index": qs.ulcer_index(series) * np.sqrt((len(returns) - 1) / (len(returns) + 1)),
        "pain_index": np.mean(fall),
        "value_at_risk": -empyrical.value_at_risk(series, tail),
        "value_at_risk_gaussian": -qs.value_at_risk(series, confidence=0.95),
        "value_at_risk_modified": modified,
        "expected_shortfall": -empyrical.conditional_value_at_risk(series, tail),
        "expected_shortfall_gaussian": deviation * scipy.stats.norm.pdf(scipy.stats.norm.ppf(tail)) / tail
        - np.mean(returns),
        "expected_shortfall_modified": modified_shortfall,
        "skewness": scipy.stats.skew(returns),
        "kurtosis": scipy.stats.kurtosis(returns, fisher=False),
        "tail_ratio": empyrical.tail_ratio(series),
        "autocorrelation": tsa.acf(returns, nlags=1, fft=False)[1],
        "sharpe": empyrical.sharpe_ratio(series, risk_free=RATE, annualization=YEAR),
        "sortino": empyrical.sortino_ratio(series, required_return=RATE, annualization=YEAR),
        "calmar": empyrical.calmar_ratio(series, annualization=YEAR),
        "omega": empyrical.omega_ratio(series, risk_free=RATE, annualization=1),
        "gain_to_pain": qs.gain_to_pain_ratio(series),
        "common_sense_ratio": qs.common_sense_ratio(series),
        "stability": empyrical.stability_of_timeseries(series),
        "hit_rate": qs.win_rate(series),
        "profit_factor": qs.profit_factor(series),
        "payoff_ratio": qs.payoff_ratio(series),
        "consecutive_wins": qs.consecutive_wins(series),
        "consecutive_losses": qs.consecutive_losses(series),
        "kelly_two_outcomes": qs.kelly_criterion(series),
        "kelly_continuous": np.mean(returns) / np.var(returns, ddof=1),
        "best_day": qs.best(series),
        "worst_day": qs.worst(series),
    }
    if market_returns is not None:
        other = pd.Series(market_returns, index=series.index)
        difference = returns - market_returns
        slope = empyrical.beta(series, other)
        found |= {
            "beta": slope,
            "alpha": YEAR
            * scipy.stats.linregress(market_returns - RATE, returns - RATE).intercept,
            "correlation": np.corrcoef(returns, market_returns)[0, 1],
            "r_squared": qs.r_squared(series, other),
            "tracking_error": np.std(difference, ddof=1) * np.sqrt(YEAR),
            "information_ratio": qs.information_ratio(series, other) * np.sqrt(YEAR),
            "treynor": (np.mean(returns) - RATE) * YEAR / slope,
            "up_capture": empyrical.up_capture(series, other, period="daily"),
            "down_capture": empyrical.down_capture(series, other, period="daily"),
        }
    return {name: number(value) for name, value in found.items()}


def periods(returns):
    series = pd.Series(returns, index=pd.date_range("2021-01-05", periods=len(returns), freq="D"))
    return {
        "month": [float(v) for v in empyrical.aggregate_returns(series, "monthly")],
        "week": [float(v) for v in empyrical.aggregate_returns(series, "weekly")],
        "quarter": [float(v) for v in empyrical.aggregate_returns(series, "quarterly")],
        "year": [float(v) for v in empyrical.aggregate_returns(series, "yearly")],
    }


def drawdown_table(returns):
    """Depths of the five deepest drawdowns by quantstats, as shares."""
    series = pd.Series(returns, index=pd.date_range("2021-01-05", periods=len(returns), freq="D"))
    return sorted(drawdown_depths(series), reverse=True)[:5]


def normal():
    xs = [-37.5, -30.0, -20.0, -12.0, -8.0, -6.0, -5.7, -5.6, -4.0, -3.0, -2.0, -1.0, -0.7, -0.67, -0.3,
          -0.05, -1e-5, 0.0, 1e-9, 0.2, 0.6744, 0.6746, 1.0, 1.6448536269514722, 2.5, 4.0, 5.65, 5.66, 8.0]
    ps = [1e-300, 1e-100, 1e-30, 1e-16, 1e-12, 1e-9, 1e-6, 1e-4, 0.001, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2,
          0.3, 0.45, 0.5, 0.55, 0.7, 0.9, 0.925, 0.95, 0.975, 0.99, 0.999, 0.999999]

    def quantile(p):
        start = mpmath.mpf(float(scipy.special.ndtri(p)))
        return float(mpmath.findroot(lambda z: mpmath.log(mpmath.ncdf(z)) - mpmath.log(mpmath.mpf(p)), start))

    return {
        "cdf": [[x, float(mpmath.ncdf(mpmath.mpf(x))), float(scipy.special.ndtr(x))] for x in xs],
        "quantile": [[p, quantile(p) if p != 0.5 else 0.0, float(scipy.special.ndtri(p))] for p in ps],
    }


def sharpe_statistics(returns):
    n = len(returns)
    ratio = np.mean(returns) / np.std(returns, ddof=1)
    skew, raw = scipy.stats.skew(returns), scipy.stats.kurtosis(returns, fisher=False)
    spread = 1 - skew * ratio + (raw - 1) / 4 * ratio**2
    z = scipy.stats.norm.ppf
    trials, variance, g = 40, 0.0004, float(np.euler_gamma)
    bar = np.sqrt(variance) * ((1 - g) * z(1 - 1 / trials) + g * z(1 - 1 / (trials * np.e)))
    psr = lambda target: scipy.stats.norm.cdf((ratio - target) * np.sqrt(n - 1) / np.sqrt(spread))
    return {
        "psr": psr(0.0),
        "sr0": bar,
        "dsr": psr(bar),
        "min_trl": 1 + spread * (z(0.95) / ratio) ** 2,
    }


def candidates():
    t = np.arange(500.0)
    columns = [
        0.0004 * (k - 5.0)
        + 0.01 * np.sin((0.11 + 0.013 * k) * (t * t) + k)
        + 0.003 * np.cos(0.05 * t + k)
        for k in range(8)
    ]
    return np.stack(columns, axis=1)


def snooping():
    """arch 8.0.0 does not divide its statistic by ω; dividing the columns beforehand makes it Hansen's."""
    d, block, reps = candidates(), 8, 20_000
    plain = SPA(np.zeros(len(d)), -d, block_size=block, reps=reps, seed=5)
    plain.compute()
    omega = np.sqrt(plain._loss_diff_var)
    scaled = d / omega
    spa = SPA(np.zeros(len(d)), -scaled, block_size=block, reps=reps, seed=7)
    spa.compute()
    strong = scaled + np.where(np.arange(8) < 3, 0.35, 0.0)
    step = StepM(np.zeros(len(d)), -strong, size=0.05, block_size=block, reps=4000, seed=9)
    step.compute()
    return {
        "block": block,
        "omega": omega.tolist(),
        "reality_check": float(plain.pvalues["upper"]),
        "reality_statistic": float(np.sqrt(len(d)) * d.mean(0).max()),
        "spa_statistic": float(max(0.0, np.sqrt(len(d)) * scaled.mean(0).max())),
        "spa": [float(spa.pvalues[name]) for name in ("lower", "consistent", "upper")],
        "step_m": [int(k) for k in step.superior_models],
    }


def seeds():
    """Scores of 3 tasks × 12 seeds; the interquartile mean is scipy's trimmed mean of all of them."""
    scores = [[0.4 + 0.2 * task + 0.5 * np.sin(1.7 * seed + task) for seed in range(12)] for task in range(3)]
    other = [[0.3 + 0.2 * task + 0.5 * np.cos(0.9 * seed + task) for seed in range(12)] for task in range(3)]
    better = np.mean([
        scipy.stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) for a, b in zip(scores, other)
    ])
    return {
        "iqm": float(scipy.stats.trim_mean(np.ravel(scores), 0.25)),
        "optimality_gap": float(np.mean(np.maximum(0, 1 - np.array(scores)))),
        "probability_of_improvement": float(better),
    }


def diversity():
    """Effective number of bets by numpy's eigen-decomposition, entropy of scipy's kernel density by quadrature."""
    t = np.arange(120.0)
    returns = np.stack([
        0.01 * np.sin((0.3 + 0.21 * k) * t + k) + 0.004 * np.sin(0.17 * t) for k in range(5)
    ])
    weights = np.array([0.1, 0.3, 0.15, 0.25, 0.2])
    values, vectors = np.linalg.eigh(np.cov(returns))
    exposure = np.linalg.inv(vectors) @ weights

    def bets(power):
        shares = values**power * exposure**2
        shares /= shares.sum()
        return float(np.exp(scipy.stats.entropy(shares)))

    sample = waves(t)
    kernel = scipy.stats.gaussian_kde(sample)
    reach = 6 * kernel.factor * np.std(sample, ddof=1)
    entropy, _ = scipy.integrate.quad(
        lambda x: -kernel(x)[0] * np.log(max(kernel(x)[0], 1e-300)),
        sample.min() - reach, sample.max() + reach, limit=500, epsabs=1e-12, epsrel=1e-12,
    )
    return {
        "bets": bets(1),
        "bets_squared": bets(2),
        "weight_entropy": float(scipy.stats.entropy(weights)),
        "density_entropy": float(entropy),
    }


def main():
    expected = {"series": {}, "normal": normal(), "snooping": snooping(), "seeds": seeds(), "diversity": diversity()}
    for name, (formula, count) in SERIES.items():
        t = np.arange(float(count))
        returns = formula(t)
        expected["series"][name] = {
            "count": count,
            "figures": figures(returns, market(t)),
            "periods": periods(returns),
            "drawdowns": drawdown_table(returns),
            "sharpe_statistics": {k: float(v) for k, v in sharpe_statistics(returns).items()},
        }
    path = directory() / "expected.json"
    path.write_text(json.dumps(expected, indent=1) + "\n")


main()
