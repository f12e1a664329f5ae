"""The reference system's metrics of one asset curve, written with pandas as that system writes them.

Used by every environment of this folder; knows nothing of environments. Source: specification of the
reference, section 6.
"""

import numpy as np
import pandas as pd

EPSILON = 1e-10


def largest_drawdown(values):
    """Walks the curve as the reference does: what is undefined (a peak of 0) is never larger."""
    largest, peak = 0.0, values[0]
    for value in values:
        peak = value if value > peak else peak
        drawdown = (peak - value) / peak
        largest = drawdown if drawdown > largest else largest
    return largest


def reference_metrics(assets, returns, periods_per_year=252):
    """Figures of an asset curve and of the recorded returns (0 first); NaN where numpy says NaN."""
    frame = pd.DataFrame({"daily_return": np.asarray(returns, float), "total assets": np.asarray(assets, float)})
    values = frame["total assets"].values
    with np.errstate(all="ignore"):
        rates = values[1:] / values[:-1] - 1
        drawdown = largest_drawdown(values)
        deviation = np.std(rates) if len(rates) else np.nan
        mean = np.mean(rates) if len(rates) else np.nan
        total = values[-1] / (values[0] + EPSILON) - 1
        losses = frame[frame["daily_return"] < 0]["daily_return"]
        downside = np.nan_to_num(np.std(losses), nan=0.0)
        recorded = np.sum(frame["daily_return"].values)
        return {
            "total_return": total,
            "sharpe": mean * np.sqrt(periods_per_year) / (deviation + EPSILON),
            "volatility": deviation,
            "max_drawdown": drawdown,
            "calmar": recorded / (drawdown + EPSILON),
            "sortino": recorded / (downside + EPSILON) / (np.sqrt(len(frame)) + EPSILON),
            "excess_profit": total * 100 - 0,
        }


def with_curve(result, assets, returns, rewards, periods_per_year=252):
    """Adds what every environment reports of its curve and of its rewards."""
    result.update(reference_metrics(assets, returns, periods_per_year))
    result["assets"] = [float(value) for value in assets]
    result["returns"] = [float(value) for value in returns]
    result["calls"] = len(rewards)
    result["reward_sum"] = float(np.sum(rewards))
    result["first_rewards"] = [float(value) for value in rewards[:3]]
    return result
