//! `tm olps`: online portfolio selection on a file, computed here; no node need run.

use std::fs;
use std::path::Path;

use engine::config::Violation;
use engine::config::policy::{HindsightMethod, online_with};
use engine::error::EngineError;
use engine::policies::online::{CostLadder, Figures, Method, Outcome, ladder, run as run_method};
use engine::policies::relatives::{Relatives, RelativesKind};
use serde_json::{Value, json};

use crate::cli::{OlpsRunArgs, OlpsVerb, RelativesArg};
use crate::error::CliError;
use crate::output::{Output, Table, note, percent, plain, sparkline, spinner};

/// Largest file that is read.
const BYTES_MAX: u64 = 1 << 30;
/// Points of a drawn curve.
const CURVE_POINTS: usize = 40;
/// Assets listed by weight.
const WEIGHTS_SHOWN: usize = 10;
/// From here on numbers are written with a power of ten.
const HUGE: f64 = 1e4;
/// The word for a comparison of every method.
const ALL: &str = "all";

/// Runs one verb.
///
/// # Errors
/// What is wrong with file, method or parameters.
pub(crate) fn run(verb: OlpsVerb, out: Output) -> Result<(), CliError> {
    match verb {
        OlpsVerb::Ls => list(out),
        OlpsVerb::Run(args) => {
            let methods = methods(&args)?;
            check(&args)?;
            let relatives = read(&args.data, args.relatives)?;
            if args.relatives == RelativesArg::Cumulative && starts_like_prices(&relatives) {
                note(
                    "hint: the first row is far from 1, as prices are; if these are prices, say --relatives prices",
                );
            }
            let results = compute(&methods, &relatives, &args)?;
            match results.as_slice() {
                [only] if args.method != ALL => {
                    out.value(&only.json(&relatives), |_| only.render(&relatives))
                }
                _ => {
                    let items: Vec<Value> =
                        results.iter().map(|result| result.json(&relatives)).collect();
                    out.value(&json!({"items": items}), |_| compare(&results, &relatives))
                }
            }
        }
    }
}

fn list(out: Output) -> Result<(), CliError> {
    let rows: Vec<Value> = Method::all()
        .iter()
        .map(|method| {
            json!({
                "method": method.name(),
                "about": method.about(),
                "hindsight": method.is_hindsight(),
                "parameters": parameters(method),
            })
        })
        .collect();
    out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&["method", "what it is", "parameters"]);
        for method in Method::all() {
            let shown = match parameters(&method).as_object() {
                Some(fields) => {
                    fields.iter().map(|(name, value)| format!("{name}={value}")).collect()
                }
                None => Vec::new(),
            };
            table.row([marked(&method), method.about().to_owned(), shown.join(" ")]);
        }
        format!("{}\n{HINDSIGHT}", table.render())
    })
}

const HINDSIGHT: &str = "* knows the future: for comparison only";

/// Returns a method's name; hindsight is marked.
fn marked(method: &Method) -> String {
    let mark = if method.is_hindsight() { " *" } else { "" };
    format!("{}{mark}", method.name())
}

/// Returns a method's parameters by name.
fn parameters(method: &Method) -> Value {
    let mut value = match method {
        Method::Online(config) => serde_json::to_value(config).unwrap_or_default(),
        Method::Hindsight(_) => json!({}),
    };
    if let Some(fields) = value.as_object_mut() {
        fields.remove("method");
    }
    value
}

fn methods(args: &OlpsRunArgs) -> Result<Vec<Method>, CliError> {
    if args.method == ALL {
        if args.set.is_empty() {
            return Ok(Method::all());
        }
        return Err(CliError::Usage("--set changes one method; name it with --method".to_owned()));
    }
    if let Some(hindsight) = HindsightMethod::of(&args.method) {
        if args.set.is_empty() {
            return Ok(vec![Method::Hindsight(hindsight)]);
        }
        return Err(CliError::Usage(format!("{} has no parameters", args.method)));
    }
    if !Method::all().iter().any(|method| method.name() == args.method) {
        let names: Vec<&str> = Method::all().iter().map(Method::name).collect();
        return Err(CliError::Usage(format!(
            "'{}' is no method; known are {ALL}, {}",
            args.method,
            names.join(", ")
        )));
    }
    match online_with(&args.method, &args.set) {
        Ok(config) => Ok(vec![Method::Online(config)]),
        Err(violations) => Err(CliError::Usage(sentences(&violations))),
    }
}

fn sentences(violations: &[Violation]) -> String {
    let lines = violations.iter().map(|violation| {
        format!("{}: {}", violation.pointer.trim_start_matches('/'), violation.detail)
    });
    lines.collect::<Vec<String>>().join("\n")
}

fn check(args: &OlpsRunArgs) -> Result<(), CliError> {
    if args.periods_per_year.is_finite() && args.periods_per_year > 0.0 {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "--periods-per-year: wanted a number above 0, found {}",
        args.periods_per_year
    )))
}

fn read(path: &Path, kind: RelativesArg) -> Result<Relatives, CliError> {
    let failed = |source| CliError::Io { what: format!("read {}", path.display()), source };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if BYTES_MAX < bytes {
        return Err(CliError::Usage(format!(
            "{} has {bytes} bytes; at most {BYTES_MAX} are read",
            path.display()
        )));
    }
    let kind = match kind {
        RelativesArg::Cumulative => RelativesKind::Cumulative,
        RelativesArg::Simple => RelativesKind::Simple,
        RelativesArg::Prices => RelativesKind::Prices,
    };
    let content = fs::read(path).map_err(failed)?;
    Relatives::from_csv(&path.display().to_string(), &content, kind)
        .map_err(|error| CliError::Failed(error.to_string()))
}

/// Whether the first period would have multiplied or divided an asset by more than ten.
fn starts_like_prices(relatives: &Relatives) -> bool {
    let usual = |relative: &f64| (0.1..=10.0).contains(relative);
    relatives.rows().next().is_some_and(|row| !row.iter().all(usual))
}

/// One method's run with everything that is shown of it.
struct Computed {
    method: Method,
    outcome: Outcome,
    figures: Figures,
    ladder: CostLadder,
}

fn compute(
    methods: &[Method],
    relatives: &Relatives,
    args: &OlpsRunArgs,
) -> Result<Vec<Computed>, CliError> {
    let failed = |error: EngineError| CliError::Failed(error.to_string());
    let bar = spinner("");
    let mut results = Vec::new();
    for method in methods {
        bar.set_message(format!("{} over {} periods", method.name(), relatives.periods()));
        let outcome = run_method(method, relatives, args.cost).map_err(failed)?;
        let ladder = ladder(method, relatives, &outcome).map_err(failed)?;
        let figures = outcome.figures(args.periods_per_year);
        results.push(Computed { method: method.clone(), outcome, figures, ladder });
    }
    bar.finish_and_clear();
    Ok(results)
}

impl Computed {
    fn remarks(&self) -> Vec<&'static str> {
        let mut remarks = Vec::new();
        if self.outcome.hindsight {
            remarks.push("knows the future: for comparison only");
        }
        if self.outcome.cost <= 0.0 {
            remarks.push("without costs every figure is flattered: read the cost ladder");
        }
        remarks
    }

    fn json(&self, relatives: &Relatives) -> Value {
        json!({
            "method": self.method.name(),
            "parameters": parameters(&self.method),
            "hindsight": self.outcome.hindsight,
            "periods": relatives.periods(),
            "assets": relatives.assets(),
            "cost": self.outcome.cost,
            "wealth": self.outcome.final_wealth(),
            "log_wealth": self.outcome.log_wealth,
            "curve": self.outcome.wealth,
            "final_weights": self.outcome.next_weights,
            "turnover": self.outcome.turnover,
            "figures": self.figures,
            "cost_ladder": self.ladder,
            "remarks": self.remarks(),
        })
    }

    fn render(&self, relatives: &Relatives) -> String {
        let figures = &self.figures;
        let mut table = Table::new(&["figure", ">value"]);
        for (name, value) in [
            ("wealth", amount(self.outcome.final_wealth())),
            ("log wealth", plain(Some(self.outcome.log_wealth))),
            ("annual return", gain(figures.annual_return)),
            ("volatility", unsigned(figures.volatility)),
            ("sharpe", plain(figures.sharpe)),
            ("sortino", plain(figures.sortino)),
            ("max drawdown", unsigned(figures.max_drawdown)),
            ("calmar", ratio(figures.calmar)),
            ("turnover a year", plain(figures.annual_turnover)),
            ("break-even cost", break_even(&self.ladder)),
        ] {
            table.row([name.to_owned(), value]);
        }
        let mut steps = Table::new(&[">cost", ">wealth", ">decided again"]);
        for step in &self.ladder.steps {
            steps.row([
                share(step.cost),
                step.wealth_fixed.map_or_else(ruin, amount),
                step.wealth_decided.map_or_else(ruin, amount),
            ]);
        }
        let set = parameters(&self.method);
        let mut parts = vec![
            format!(
                "{} {} over {} periods of {} assets at a cost of {}",
                marked(&self.method),
                if set.as_object().is_some_and(|fields| !fields.is_empty()) {
                    set.to_string()
                } else {
                    String::new()
                },
                relatives.periods(),
                relatives.width(),
                share(self.outcome.cost)
            )
            .replace("  ", " "),
            self.curve(),
            String::new(),
            table.render(),
            String::new(),
            steps.render(),
            String::new(),
            weights(&self.outcome.next_weights, relatives),
        ];
        parts.extend(self.remarks().iter().map(|remark| format!("remark: {remark}")));
        parts.join("\n")
    }

    /// The curve in logarithms, so that growth of any size can be seen.
    fn curve(&self) -> String {
        let wealth = &self.outcome.wealth;
        let stride = wealth.len().div_ceil(CURVE_POINTS).max(1);
        let thinned = wealth.chunks(stride).filter_map(|chunk| chunk.last());
        let logarithms: Vec<Option<f64>> =
            thinned.map(|value| Some(value.ln()).filter(|value| value.is_finite())).collect();
        sparkline(&logarithms)
    }
}

fn compare(results: &[Computed], relatives: &Relatives) -> String {
    let mut table = Table::new(&[
        "method",
        ">wealth",
        ">annual return",
        ">volatility",
        ">sharpe",
        ">max drawdown",
        ">turnover a year",
        ">at twice the cost",
        ">at ten times",
        ">break-even cost",
        "wealth, logarithmic",
    ]);
    let at = |result: &Computed, multiple: f64| {
        let step = result.ladder.steps.iter().find(|step| (step.multiple - multiple).abs() < 0.5);
        step.and_then(|step| step.wealth_decided).map_or_else(ruin, amount)
    };
    for result in results {
        table.row([
            marked(&result.method),
            amount(result.outcome.final_wealth()),
            gain(result.figures.annual_return),
            unsigned(result.figures.volatility),
            plain(result.figures.sharpe),
            unsigned(result.figures.max_drawdown),
            plain(result.figures.annual_turnover),
            at(result, 2.0),
            at(result, 10.0),
            break_even(&result.ladder),
            result.curve(),
        ]);
    }
    let (cost, base) =
        results.first().map_or((0.0, 0.0), |result| (result.outcome.cost, result.ladder.base));
    format!(
        "{} periods of {} assets at a cost of {}; multiples are of {}\n{}\n{HINDSIGHT}",
        relatives.periods(),
        relatives.width(),
        share(cost),
        share(base),
        table.render()
    )
}

fn weights(weights: &[f64], relatives: &Relatives) -> String {
    let mut order: Vec<(&String, f64)> =
        relatives.assets().iter().zip(weights.iter().copied()).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.retain(|(_, weight)| 5e-5 <= *weight);
    let more = order.len().saturating_sub(WEIGHTS_SHOWN);
    let mut table = Table::new(&["next weights", ">share"]);
    for (asset, weight) in order.into_iter().take(WEIGHTS_SHOWN) {
        table.row([asset.clone(), share(weight)]);
    }
    let rest = if more > 0 { format!("\nand {more} more") } else { String::new() };
    format!("{}{rest}", table.render())
}

fn break_even(ladder: &CostLadder) -> String {
    ladder.break_even_cost.map_or_else(|| "not defined".to_owned(), share)
}

/// Returns a gain as per cent; a short table's may be beyond what can be read digit by digit.
fn gain(value: Option<f64>) -> String {
    match value {
        Some(number) if HUGE <= number => format!("{:+.2e} %", number * 100.0),
        Some(_) | None => percent(value),
    }
}

fn ratio(value: Option<f64>) -> String {
    match value {
        Some(number) if HUGE <= number => format!("{number:.2e}"),
        Some(_) | None => plain(value),
    }
}

fn ruin() -> String {
    "ruin".to_owned()
}

fn unsigned(value: Option<f64>) -> String {
    percent(value).trim_start_matches('+').to_owned()
}

/// Returns a share as per cent without trailing zeros: `0.1 %`.
fn share(value: f64) -> String {
    let text = format!("{:.4}", value * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Returns wealth with as many digits as say something: `1.030620`, `7.214918e16`.
fn amount(value: f64) -> String {
    if (1e-4..1e7).contains(&value) { format!("{value:.6}") } else { format!("{value:.6e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_what_says_something() {
        assert_eq!(share(0.001), "0.1 %");
        assert_eq!(share(0.0), "0 %");
        assert_eq!(share(1.0), "100 %");
        assert_eq!(amount(1.030_619_759), "1.030620");
        assert_eq!(amount(7.214_918_2e16), "7.214918e16");
        assert_eq!(gain(Some(8.25e10)), "+8.25e12 %");
        assert_eq!(gain(Some(-0.5)), "-50.00 %");
        assert_eq!(ratio(None), "not defined");
    }
}
