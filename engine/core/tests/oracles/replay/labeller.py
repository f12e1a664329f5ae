"""Labels of market regimes, slice and merge, errors of the reference included.

The filter is scipy's; everything else is written out. Source: specification of the reference, section 7.
"""

import math

import numpy as np
from scipy import signal

ROUNDS_MAX = 20


def denoise(series, min_length, strength):
    period = 7 if min_length == -1 else min_length
    cutoff = min(2 / (period * strength), 2)
    if cutoff >= 1:
        raise ValueError("the cut-off lies at or above half the sampling rate")
    numerator, denominator = signal.butter(4, cutoff)
    return signal.filtfilt(numerator, denominator, series)


def changes(series):
    with np.errstate(all="ignore"):
        return np.concatenate([[0.0], series[1:] / series[:-1] - 1])


def turning_points(change):
    count = len(change)
    return [0] + [i + 1 for i in range(count - 1) if change[i] * change[i + 1] < 0] + [count]


def length_pass(points, min_length):
    count, kept = points[-1], [0]
    for point in points[1:-1]:
        if count - point - 1 < min_length:
            break
        if point - kept[-1] >= min_length:
            kept.append(point)
    return kept + [count]


def line_slope(values):
    """Slope of the line of least squares on 0, 1, …"""
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    with np.errstate(all="ignore"):
        return np.sum(steps * (values - np.mean(values))) / np.sum(steps * steps) if len(values) > 1 else 0.0


def segment_slope(filtered, start, end):
    return 100 * line_slope(filtered[start:end]) / filtered[start]


def bounds(slopes, settings):
    count = settings["label_count"]
    if settings["method"] == "quantile":
        return [float(np.quantile(slopes, i / count)) for i in range(1, count)]
    low, _, high = sorted([settings["slope_low"], 0, settings["slope_high"]])
    if low >= high:
        ordered = sorted(slopes)
        low, high = ordered[len(slopes) // count], ordered[(count - 1) * len(slopes) // count]
    return [low + (high - low) / (count - 2) * i for i in range(1, count)]


def label_of(slope, thresholds):
    for index, threshold in enumerate(thresholds):
        if slope <= threshold:
            return index
    return len(thresholds)


def dtw(short, long, window=None):
    """Cost of the cheapest path and the path; ties go to the first of up, left, diagonal."""
    rows, columns = len(short), len(long)
    if window is None:
        window = [(i, j) for i in range(rows) for j in range(columns)]
    costs = {(0, 0): (0.0, 0, 0)}
    nothing = (math.inf,)
    for i, j in ((i + 1, j + 1) for i, j in window):
        step = abs(short[i - 1] - long[j - 1])
        candidates = [(costs.get(cell, nothing)[0] + step, *cell) for cell in ((i - 1, j), (i, j - 1), (i - 1, j - 1))]
        costs[i, j] = min(candidates, key=lambda candidate: candidate[0])
    path, cell = [], (rows, columns)
    while cell != (0, 0):
        path.append((cell[0] - 1, cell[1] - 1))
        cell = costs[cell][1:]
    return costs[rows, columns][0], path[::-1]


def halved(series):
    return [(series[i] + series[i + 1]) / 2 for i in range(0, len(series) - len(series) % 2, 2)]


def fast_dtw(short, long):
    """FastDTW of radius 1."""
    if len(short) < 3 or len(long) < 3:
        return dtw(short, long)
    _, path = fast_dtw(halved(short), halved(long))
    near = set(path)
    for i, j in path:
        near.update((i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1))
    cells = set()
    for i, j in near:
        cells.update(((2 * i, 2 * j), (2 * i, 2 * j + 1), (2 * i + 1, 2 * j), (2 * i + 1, 2 * j + 1)))
    window, begin = [], 0
    for i in range(len(short)):
        first = None
        for j in range(begin, len(long)):
            if (i, j) in cells:
                window.append((i, j))
                first = j if first is None else first
            elif first is not None:
                break
        begin = first if first is not None else begin
    return dtw(short, long, window)


def distance(left, right, number):
    """Distance of two segments' filtered values in round `number`; NaN for equal lengths."""
    long, short = (right, left) if len(left) <= len(right) else (left, right)
    gap = len(long) - len(short)
    step = max(1, gap // (3 * number + 10))
    found = [fast_dtw(list(short), list(long[offset:offset + len(short)]))[0] for offset in range(0, gap, step)]
    if not found:
        return math.nan
    return float(np.mean(found)) / (len(short) * float(np.mean(short)))


def merge_round(points, filtered, settings, number):
    """Boundaries after one round, and what it did."""
    segments = [[points[i], points[i + 1]] for i in range(len(points) - 1)]
    constraint, labels, thresholds = settings["merge_label_gap_max"], None, []
    if constraint >= 0:
        slopes = [segment_slope(filtered, *segment) for segment in segments]
        thresholds = bounds(slopes, settings)
        labels = [label_of(slope, thresholds) for slope in slopes]
    mergers = []

    def apart(i, j):
        if labels is not None and abs(labels[i] - labels[j]) > constraint:
            return math.inf
        return distance(filtered[slice(*segments[min(i, j)])], filtered[slice(*segments[max(i, j)])], number)

    for i, segment in enumerate(segments):
        if segment[0] == segment[1] or segment[1] - segment[0] >= settings["max_length"]:
            continue
        before = next((j for j in range(i - 1, -1, -1) if segments[j][0] != segments[j][1]), None)
        left = math.inf if before is None else apart(before, i)
        right = math.inf if i == len(segments) - 1 else apart(i, i + 1)
        least = right if right < left else left
        if least < settings["merge_threshold"]:
            into = "left" if left < right else "right"
            mergers.append({"start": segment[0], "end": segment[1], "left": left, "right": right, "into": into})
            if into == "left":
                segments[before][1] = segment[1]
            else:
                segments[i + 1][0] = segment[0]
            segment[1] = segment[0]
    kept = [segment for segment in segments if segment[0] != segment[1]]
    after = [segment[0] for segment in kept] + [points[-1]]
    return after, {"number": number, "thresholds": thresholds, "labels": labels or [], "mergers": mergers, "turning_points": after}


def runs(labels, label):
    rows = [row for row, value in enumerate(labels) if value == label]
    found = []
    for row in rows:
        if found and found[-1][1] == row:
            found[-1][1] = row + 1
        else:
            found.append([row, row + 1])
    return found


def rise(values):
    """Largest rise from the lowest value so far, and its duration."""
    low = best = length = 0
    for i, value in enumerate(values):
        if value < values[low]:
            low = i
        gain = (value - values[low]) / values[low]
        if gain > best:
            best, length = gain, i - low
    return best / (length + 1e-10), length


def fall(values):
    high = best = length = 0
    for i, value in enumerate(values):
        if value > values[high]:
            high = i
        loss = (values[high] - value) / values[high]
        if loss > best:
            best, length = loss, i - high
    return best / (length + 1e-10), length


def figures(prices, slices):
    """Mean and deviation over the slices of one label."""
    pieces = [prices[start:end] for start, end in slices]
    rises, falls = [rise(piece) for piece in pieces], [fall(piece) for piece in pieces]
    lists = {
        "average_k_list": [line_slope(piece) / piece[0] for piece in pieces],
        "average_length_list": [len(piece) for piece in pieces],
        "mpp_k_list": [item[0] for item in rises], "mpp_length_list": [item[1] for item in rises],
        "mdd_k_list": [item[0] for item in falls], "mdd_length_list": [item[1] for item in falls],
    }
    result = {}
    for name, values in lists.items():
        result[f"{name}_mean"] = float(np.mean(values)) if values else math.nan
        result[f"{name}_std"] = float(np.std(values)) if values else math.nan
    return result


def label(prices, settings):
    """Everything that is reported of one series."""
    prices = np.asarray(prices, float)
    filtered = denoise(prices, settings["min_length"], settings["filter_strength"])
    change = changes(filtered)
    raw = turning_points(change)
    points = length_pass(raw, settings["min_length"])
    stages = {"raw": raw, "after_length_pass": points, "rounds": []}
    number = 0
    while settings["merge_threshold"] != -1 and number < ROUNDS_MAX:
        number += 1
        after, told = merge_round(points, filtered, settings, number)
        stages["rounds"].append(told)
        if after == points:
            break
        points = after
    slopes = [float(segment_slope(filtered, points[i], points[i + 1])) for i in range(len(points) - 1)]
    thresholds = bounds(slopes, settings)
    chosen = [label_of(slope, thresholds) for slope in slopes]
    labels = [value for i, value in enumerate(chosen) for _ in range(points[i + 1] - points[i])]
    slices = []
    for value in sorted(set(labels)):
        found = runs(labels, value)
        found[-1][1] -= 1
        slices.append((value, [piece for piece in found if piece[0] < piece[1]]))
    return {
        "row_count": len(prices), "turning_points": points, "stages": stages, "slopes": slopes, "thresholds": thresholds,
        "segment_labels": chosen, "labels": labels, "filtered": filtered.tolist(), "pct_return": changes(prices).tolist(),
        "pct_return_filtered": change.tolist(),
        "rows_per_label": [labels.count(value) for value in range(settings["label_count"])],
        "slices": [{"label": value, "folder": place, "slices": [{"start": a, "end": b} for a, b in found]}
                   for place, (value, found) in enumerate(slices)],
        "metrics": [{"label": place, **figures(prices, found)} for place, (_, found) in enumerate(slices)],
    }
