//! An evaluation for people: the verdict first, then what it rests on, part by part.

use serde_json::Value;

use crate::commands::{pick, seal};
use crate::output::{Table, percent, plain, sparkline};

/// Points of a drawn curve.
const CURVE_POINTS: usize = 48;

/// Returns the report for people.
pub(crate) fn render(report: &Value) -> String {
    let parts = [
        heading(report),
        verdict(report),
        policies(report),
        intervals(report),
        sharpe(report),
        costs(report),
        prudex(report),
        folds(report),
        regimes(report),
        others(report),
        notes(report),
    ];
    let filled: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    filled.join("\n\n")
}

fn heading(report: &Value) -> String {
    let field = |key| pick::text(report, key);
    let day = |key| field(key).chars().take(10).collect::<String>();
    let synthetic = if report["synthetic"] == Value::Bool(true) { ", SYNTHETIC DATA" } else { "" };
    format!(
        "{} segment of {} from {} to {}, {} bars, after costs, {} accounting{synthetic}{}",
        field("segment"),
        field("dataset"),
        day("from"),
        day("to"),
        field("bar_count"),
        field("truth"),
        seal::mark(report),
    )
}

fn verdict(report: &Value) -> String {
    let outcome = match report["verdict"]["outcome"].as_str() {
        Some("shown") => "SHOWN: every required test is passed",
        Some("not_shown") => "NOT SHOWN: a required test is failed or could not be made",
        Some("refuted") => "REFUTED: the result uses the future, or is a loss beyond chance",
        Some(_) | None => "of a kind that this program does not know",
    };
    let mut table = Table::new(&["test", "outcome", "required", "detail"]);
    for check in items(&report["verdict"]["checks"]) {
        let required = if check["required"] == Value::Bool(true) { "yes" } else { "" };
        table.row([
            pick::text(check, "code"),
            pick::text(check, "outcome"),
            required.to_owned(),
            pick::text(check, "detail"),
        ]);
    }
    format!("verdict: {outcome}\n{}", table.render())
}

fn policies(report: &Value) -> String {
    let mut table = Table::new(&[
        "policy",
        ">total return",
        ">volatility",
        ">sharpe",
        ">sortino",
        ">calmar",
        ">max drawdown",
        "equity",
    ]);
    for policy in items(&report["policies"]) {
        let figure = |name: &str| policy["sheet"]["figures"][name].as_f64();
        table.row([
            pick::text(policy, "name"),
            percent(figure("total_return")),
            unsigned(figure("volatility")),
            plain(figure("sharpe")),
            plain(figure("sortino")),
            plain(figure("calmar")),
            unsigned(figure("max_drawdown")),
            curve(&policy["equity"]),
        ]);
    }
    table.render()
}

fn intervals(report: &Value) -> String {
    let found = items(&report["intervals"]);
    if found.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["figure", ">value", ">from", ">to"]);
    for one in found {
        let number = |key: &str| plain(one[key].as_f64());
        table.row([pick::text(one, "name"), number("value"), number("low"), number("high")]);
    }
    let level = report["confidence"].as_f64().map_or(0.0, |level| level * 100.0);
    format!(
        "intervals that hold {level:.1} % of the resamples (shares: 0.05 is 5 %)\n{}",
        table.render()
    )
}

fn sharpe(report: &Value) -> String {
    let found = &report["sharpe"];
    if !found.is_object() {
        return String::new();
    }
    let number = |key: &str| plain(found[key].as_f64());
    format!(
        "sharpe ratio {} a year: above 0 with probability {}, above the best of {} trials without edge ({}) with {}; {} \
         returns, {} wanted",
        number("ratio"),
        number("psr"),
        pick::text(found, "trials"),
        number("benchmark"),
        number("dsr"),
        pick::text(found, "track_record"),
        number("track_record_min"),
    )
}

fn costs(report: &Value) -> String {
    let found = &report["costs"];
    if !found.is_object() {
        return String::new();
    }
    let fixed = &report["costs_fixed"];
    let mut table = Table::new(&[">times the costs", ">decided anew", ">same decisions"]);
    for (place, rung) in items(&found["rungs"]).iter().enumerate() {
        table.row([
            plain(rung["multiplier"].as_f64()),
            percent(rung["total_return"].as_f64()),
            percent(fixed["rungs"][place]["total_return"].as_f64()),
        ]);
    }
    let mut lines = vec![table.render(), format!("decided anew: {}", break_even(found))];
    if fixed.is_object() {
        lines.push(format!("same decisions: {}", break_even(fixed)));
    }
    lines.join("\n")
}

fn break_even(ladder: &Value) -> String {
    let multiplier = plain(ladder["break_even"]["multiplier"].as_f64());
    match ladder["break_even"]["kind"].as_str() {
        Some("at") => format!("nothing is left at {multiplier} times the costs"),
        Some("no_profit") => "there is no profit even without costs".to_owned(),
        Some("beyond") => format!("a profit is left at {multiplier} times the costs"),
        Some(_) | None => "where nothing is left is not defined".to_owned(),
    }
}

/// Returns the six axes and their measures.
fn prudex(report: &Value) -> String {
    let found = &report["prudex"];
    if !found.is_object() {
        return String::new();
    }
    let mut table = Table::new(&["axis", "measure", ">value", ">score", "why not"]);
    let axes = found["axes"].as_object();
    for (axis, score) in axes.into_iter().flatten() {
        table.row([
            axis.clone(),
            String::new(),
            String::new(),
            plain(score.as_f64()),
            own_score(axis, score).to_owned(),
        ]);
        for one in items(&found["measures"]).iter().filter(|one| one["axis"] == axis.as_str()) {
            table.row([
                String::new(),
                pick::text(one, "measure"),
                plain(one["raw"].as_f64()),
                plain(one["score"].as_f64()),
                lacks(&pick::text(one, "lacks")),
            ]);
        }
    }
    format!("six axes (PRUDEX), scores from 0 to 100\n{}", table.render())
}

/// Says who scores an axis that has no measures.
fn own_score(axis: &str, score: &Value) -> &'static str {
    if axis == "explainability" && score.is_null() { "yours to give: --explainability" } else { "" }
}

/// Says why a measure has no value or no score.
fn lacks(reason: &str) -> String {
    match reason {
        "picture" => "it is a picture".to_owned(),
        "undefined" => "not defined on this run".to_owned(),
        "" | "-" => String::new(),
        needed => format!("it needs {}", needed.replace('_', " ")),
    }
}

fn folds(report: &Value) -> String {
    let found = &report["folds"];
    if !found.is_object() {
        return String::new();
    }
    let mut table = Table::new(&["stretch", ">total return", ">sharpe", ">max drawdown", "equity"]);
    let row = |name: String, one: &Value| {
        [
            name,
            percent(one["total_return"].as_f64()),
            plain(one["sharpe"].as_f64()),
            unsigned(one["max_drawdown"].as_f64()),
            curve(&one["equity"]),
        ]
    };
    for one in items(&found["items"]) {
        table.row(row(pick::text(one, "name"), one));
    }
    for (place, one) in items(&found["paths"]).iter().enumerate() {
        table.row(row(format!("path {}", place + 1), one));
    }
    format!("{}\n{}", pick::text(found, "scheme"), table.render())
}

fn regimes(report: &Value) -> String {
    let found = &report["regimes"];
    if !found.is_object() {
        return String::new();
    }
    let mut table = Table::new(&[
        "regime",
        ">bars",
        ">total return",
        ">sharpe",
        ">max drawdown",
        ">buy and hold",
    ]);
    let market = items(&found["benchmark"]);
    for one in items(&found["rows"]) {
        let beside = market.iter().find(|other| other["label"] == one["label"]);
        table.row([
            pick::text(one, "label"),
            pick::text(one, "bar_count"),
            percent(one["total_return"].as_f64()),
            plain(one["sharpe"].as_f64()),
            unsigned(one["max_drawdown"].as_f64()),
            percent(beside.and_then(|other| other["total_return"].as_f64())),
        ]);
    }
    format!("market regimes, in hindsight; 0 is the steepest fall\n{}", table.render())
}

/// Returns what takes a line each.
fn others(report: &Value) -> String {
    let mut lines = Vec::new();
    let seeds = &report["seeds"];
    if seeds.is_object() {
        let end = |key: &str| percent(seeds["iqm"]["interval"][key].as_f64());
        lines.push(format!(
            "{} seeds: interquartile mean of the total return {} ({} to {})",
            pick::text(seeds, "count"),
            percent(seeds["iqm"]["value"].as_f64()),
            end("low"),
            end("high"),
        ));
    }
    for one in items(&report["causality"]["warm_up"]) {
        lines.push(format!(
            "features with {} rows before them instead of all: largest difference {}, in the last row {}",
            pick::text(one, "rows_before"),
            plain(one["largest"].as_f64()),
            plain(one["last"].as_f64()),
        ));
    }
    let overfitting = &report["overfitting"];
    if overfitting.is_object() {
        lines.push(format!(
            "probability of overfitting {} over {} splits; slope of result on fit {}, losses in {} of them",
            plain(overfitting["probability"].as_f64()),
            pick::text(overfitting, "splits"),
            plain(overfitting["slope"].as_f64()),
            unsigned(overfitting["loss_share"].as_f64()),
        ));
    }
    let snooping = &report["snooping"];
    if snooping.is_object() {
        lines.push(format!(
            "best of {} against {}: p-value {}",
            items(&snooping["candidates"]).len(),
            pick::text(snooping, "benchmark"),
            plain(snooping["p_consistent"].as_f64()),
        ));
    }
    let oracle = &report["oracle"];
    if oracle.is_object() {
        lines.push(format!(
            "best in hindsight {}; share of its growth reached: {}",
            percent(oracle["total_return"].as_f64()),
            percent(oracle["share"].as_f64()),
        ));
    }
    let radar = &report["radar"];
    if radar.is_object() {
        lines.push(format!(
            "radar (0 does nothing, 50 buys and holds): profitability {}, risk control {}",
            plain(radar["profitability"].as_f64()),
            plain(radar["risk_control"].as_f64()),
        ));
    }
    lines.join("\n")
}

fn notes(report: &Value) -> String {
    let mut lines: Vec<String> = items(&report["remarks"])
        .iter()
        .filter_map(Value::as_str)
        .map(|remark| format!("remark: {remark}"))
        .collect();
    lines.extend(items(&report["missing"]).iter().map(|one| {
        format!("not defined: {}: {}", pick::text(one, "part"), pick::text(one, "reason"))
    }));
    lines.join("\n")
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn unsigned(value: Option<f64>) -> String {
    percent(value).trim_start_matches('+').to_owned()
}

fn curve(values: &Value) -> String {
    let values: Vec<Option<f64>> = items(values).iter().map(Value::as_f64).collect();
    let stride = values.len().div_ceil(CURVE_POINTS).max(1);
    let thinned: Vec<Option<f64>> =
        values.chunks(stride).filter_map(|chunk| chunk.last().copied()).collect();
    sparkline(&thinned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Value {
        json!({
            "segment": "test", "dataset": "btc", "from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z",
            "bar_count": 32, "truth": "corrected", "synthetic": true, "confidence": 0.95,
            "verdict": {"outcome": "not_shown", "checks": [
                {"code": "dsr", "outcome": "failed", "required": true, "params": {}, "detail": "wanted 0.95, found 0.2"},
            ]},
            "policies": [{"name": "agent", "equity": [1.0, 1.1], "sheet": {"figures": {"total_return": 0.1, "sharpe": null}}}],
            "intervals": [{"name": "sharpe", "value": 1.0, "low": -0.5, "high": 2.0}],
            "sharpe": {"ratio": 1.0, "psr": 0.8, "dsr": 0.2, "benchmark": 1.4, "trials": 50, "track_record": 31},
            "costs": {"rungs": [{"multiplier": 1.0, "total_return": 0.1}], "break_even": {"kind": "at", "multiplier": 3.5}},
            "folds": {"scheme": "walk_forward", "items": [{"name": "block 1", "total_return": 0.02, "equity": [1.0, 1.02]}],
                      "paths": [{"total_return": 0.02}]},
            "regimes": {"label_count": 3, "rows": [{"label": 0, "bar_count": 9, "total_return": -0.01}],
                        "benchmark": [{"label": 0, "total_return": -0.2}]},
            "costs_fixed": {"rungs": [{"multiplier": 1.0, "total_return": 0.07}], "break_even": {"kind": "beyond", "multiplier": 1024.0}},
            "prudex": {"axes": {"diversity": null, "profitability": 61.5}, "measures": [
                {"measure": "profit", "axis": "profitability", "raw": 0.1, "score": 61.5, "lacks": null},
                {"measure": "entropy", "axis": "diversity", "raw": null, "score": null, "lacks": "several_instruments"},
            ]},
            "causality": {"warm_up": [{"rows_before": 60, "largest": 0.25, "last": 0.0}]},
            "remarks": ["short data"], "missing": [{"part": "seeds", "reason": "the rule draws nothing"}],
        })
    }

    #[test]
    fn the_verdict_stands_first_and_what_is_missing_last() {
        let text = render(&report());
        let verdict = text.find("NOT SHOWN").unwrap();
        assert!(verdict < text.find("AGENT").or_else(|| text.find("agent")).unwrap());
        assert!(text.starts_with("test segment of btc") && text.contains("SYNTHETIC DATA"));
        assert!(text.ends_with("not defined: seeds: the rule draws nothing"), "{text}");
        for part in [
            "several instruments",
            "61.5",
            "same decisions: a profit is left",
            "+7.00 %",
            "with 60 rows before",
            "wanted 0.95, found 0.2",
            "block 1",
            "path 1",
            "3.5",
            "-20.00 %",
            "remark: short data",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("not defined"), "an undefined figure says so");
    }

    #[test]
    fn a_report_of_nothing_but_a_verdict_is_still_shown() {
        let text = render(&json!({"verdict": {"outcome": "refuted", "checks": []}}));
        assert!(text.contains("REFUTED"));
        assert!(!text.contains("break"), "{text}");
    }
}
