//! A back-test's report as a table: the agent beside its baselines, after costs.

use serde_json::Value;

use super::{pick, seal};
use crate::output::{Table, money, percent, plain, sparkline};

/// Points of the drawn equity curve.
const CURVE_POINTS: usize = 48;

/// Returns the report for people.
pub(crate) fn render(report: &Value) -> String {
    if report["agent"]["execution"].is_object() {
        return joined(report, vec![heading(report), executions(report).render()]);
    }
    let mut table = Table::new(&[
        "policy",
        ">total return",
        ">volatility",
        ">sharpe",
        ">sortino",
        ">calmar",
        ">max drawdown",
        ">turnover",
        ">win rate",
        ">costs",
        ">final equity",
        "equity",
    ]);
    let policies = std::iter::once(&report["agent"])
        .chain(report["baselines"].as_array().into_iter().flatten());
    for policy in policies {
        let metric = |name: &str| policy["metrics"][name].as_f64();
        let equity: Vec<Option<f64>> =
            policy["equity"].as_array().into_iter().flatten().map(Value::as_f64).collect();
        table.row([
            pick::text(policy, "name"),
            percent(metric("total_return")),
            percent(metric("volatility")).trim_start_matches('+').to_owned(),
            plain(metric("sharpe")),
            plain(metric("sortino")),
            plain(metric("calmar")),
            percent(metric("max_drawdown")).trim_start_matches('+').to_owned(),
            plain(metric("turnover")),
            percent(metric("win_rate")).trim_start_matches('+').to_owned(),
            money(policy["costs"].as_f64()),
            money(equity.last().copied().flatten()),
            sparkline(&thinned(&equity)),
        ]);
    }
    joined(report, vec![heading(report), table.render()])
}

/// Adds what stands below the table.
fn joined(report: &Value, mut lines: Vec<String>) -> String {
    if let Some(share) = report["random_percentile"].as_f64() {
        lines.push(format!(
            "better than {:.0} % of random agents that trade as often",
            share * 100.0
        ));
    }
    for remark in report["remarks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.push(format!("remark: {remark}"));
    }
    lines.join("\n")
}

/// Returns how orders were executed: the cost against the price at their arrival first.
fn executions(report: &Value) -> Table {
    let mut table = Table::new(&[
        "policy",
        ">shortfall bps",
        ">deviation bps",
        ">better than twap bps",
        ">costs bps",
        ">tasks",
        ">executed",
        ">left",
        ">average price",
        ">twap",
        ">vwap",
    ]);
    let policies = std::iter::once(&report["agent"])
        .chain(report["baselines"].as_array().into_iter().flatten());
    for policy in policies {
        let figure = |name: &str| plain(policy["execution"][name].as_f64());
        table.row([
            pick::text(policy, "name"),
            figure("shortfall_bps"),
            figure("shortfall_deviation_bps"),
            figure("better_than_twap_bps"),
            figure("cost_bps"),
            pick::text(&policy["execution"], "tasks"),
            figure("executed"),
            figure("left"),
            money(policy["execution"]["average_price"].as_f64()),
            money(policy["execution"]["twap"].as_f64()),
            money(policy["execution"]["vwap"].as_f64()),
        ]);
    }
    table
}

fn heading(report: &Value) -> String {
    let field = |key| pick::text(report, key);
    let day = |key| field(key).chars().take(10).collect::<String>();
    let synthetic = if report["synthetic"] == Value::Bool(true) { ", SYNTHETIC DATA" } else { "" };
    format!(
        "{} segment of {} from {} to {}, after costs, {} accounting{synthetic}{}",
        field("segment"),
        field("dataset"),
        day("from"),
        day("to"),
        field("truth"),
        seal::mark(report),
    )
}

fn thinned(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let stride = values.len().div_ceil(CURVE_POINTS).max(1);
    values.chunks(stride).filter_map(|chunk| chunk.last().copied()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn undefined_metrics_say_so_and_remarks_are_shown() {
        let report = json!({
            "agent": {"name": "agent", "metrics": {"total_return": 0.1, "sharpe": null}, "equity": [1.0, 1.1], "costs": 3.5},
            "baselines": [{"name": "do_nothing", "metrics": {"total_return": 0.0}, "equity": [1.0, 1.0], "costs": 0.0}],
            "remarks": ["short data"], "segment": "test", "dataset": "btc", "from": "2020-01-01T00:00:00Z",
            "to": "2020-02-01T00:00:00Z", "truth": "corrected", "synthetic": true, "random_percentile": 0.87,
        });
        let text = render(&report);
        assert!(text.contains("not defined"));
        assert!(text.contains("+10.00 %"));
        assert!(text.contains("SYNTHETIC DATA"));
        assert!(text.contains("better than 87 %"));
        assert!(text.ends_with("remark: short data"));
    }

    #[test]
    fn an_execution_shows_its_shortfall_and_no_metrics_of_an_account() {
        let execution =
            json!({"shortfall_bps": 12.5, "tasks": 3, "executed": 6.0, "left": 0.0, "vwap": null});
        let report = json!({
            "agent": {"name": "agent", "metrics": {"sharpe": null}, "equity": [1.0], "execution": execution},
            "baselines": [{"name": "twap", "metrics": {}, "equity": [1.0], "execution": execution}],
            "remarks": ["3 tasks of 30 steps"], "segment": "test", "dataset": "btc", "from": "2020-01-01T00:00:00Z",
            "to": "2020-02-01T00:00:00Z", "truth": "corrected", "synthetic": false,
        });
        let text = render(&report);
        assert!(text.contains("SHORTFALL BPS") && text.contains("12.500"), "{text}");
        assert!(!text.contains("SHARPE"), "{text}");
        assert!(text.ends_with("remark: 3 tasks of 30 steps"));
    }
}
