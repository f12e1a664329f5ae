//! `tm env check`: tries an environment out on a file. Whatever is found is printed and is an error.

use engine::config::{FeaturesConfig, Truth};
use engine::environment::faithful::ReplayEnvironment;
use engine::session::replay::{CheckPlan, CorrectedOptions, check};
use serde_json::json;

use super::input::{self, File, usage};
use super::show::text;
use crate::cli::{CheckArgs, CheckMode};
use crate::error::CliError;
use crate::output::{Output, Table};

pub(super) fn run(args: &CheckArgs, out: Output) -> Result<(), CliError> {
    let environment: ReplayEnvironment = args.env.parse().map_err(usage)?;
    let file = File::read(&args.data)?;
    let data = file.market(environment)?;
    let mut options: CorrectedOptions = input::corrected(&args.sizes, &args.sound)?;
    // What is observed is a part of what is checked.
    if args.sizes.features.is_none() && options.features.is_none() {
        options.features = Some(FeaturesConfig::default());
    }
    let (truth, mode) = match args.mode {
        CheckMode::Corrected => (Truth::Corrected, "corrected"),
        CheckMode::Faithful => (Truth::Faithful, "faithful"),
    };
    let report = check(environment, &data, &options, CheckPlan { truth, cuts: args.cuts })
        .map_err(|error| CliError::Failed(format!("{}: {error}", file.name)))?;
    let mut value = serde_json::to_value(&report)
        .map_err(|error| CliError::Failed(format!("the findings cannot be written: {error}")))?;
    value["mode"] = json!(mode);
    value["data"] = json!(file.name);
    value["passed"] = json!(report.findings.is_empty());
    out.value(&value, |value| {
        let mut table = Table::new(&["check", "value"]);
        for key in ["environment", "mode", "data", "steps", "observation_len", "actions"] {
            table.row([key.to_owned(), text(&value[key])]);
        }
        table.row(["causality".to_owned(), format!("{} other futures", report.causality_cuts)]);
        for found in &report.findings {
            table.row([format!("FOUND {}", found.check), found.message.clone()]);
        }
        if report.findings.is_empty() {
            table.row(["found".to_owned(), "nothing wrong".to_owned()]);
        }
        table.render()
    })?;
    if report.findings.is_empty() {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "{environment}: {} found wrong; each says what to do",
        report.findings.len()
    )))
}
