//! `tm env replay`: one policy, in the reference's environment, in the corrected one, or in both.

use engine::environment::faithful::{self, ReplayEnvironment, ReplayPolicy};
use engine::session::replay::{self as corrected, CorrectedPolicy};
use serde::Serialize;
use serde_json::{Value, json};

use super::input::{self, File, usage};
use super::show;
use crate::cli::{Mode, ReplayArgs, SizeArgs};
use crate::error::CliError;
use crate::output::Output;

/// Rows that the reference's reward of algorithmic trading looks ahead, F.
const FORWARD: u32 = 5;

pub(super) fn run(args: &ReplayArgs, out: Output) -> Result<(), CliError> {
    let environment: ReplayEnvironment = args.env.parse().map_err(usage)?;
    match args.mode {
        Mode::Faithful => {
            input::refuse_sound(&args.sound)?;
            let policy = fixed(&args.policy)?;
            let file = File::read(&args.data)?;
            let value = as_reference(environment, &file, &policy, args)?;
            out.value(&value, show::one)
        }
        Mode::Corrected => {
            if args.earlier_release {
                return Err(CliError::Usage(
                    "--earlier-release is a form of the reference's asset curve; use --mode faithful".to_owned(),
                ));
            }
            let policy: CorrectedPolicy = args.policy.parse().map_err(usage)?;
            let file = File::read(&args.data)?;
            let value = as_corrected(environment, &file, &policy, (args, &args.sizes))?;
            out.value(&value, show::one)
        }
        Mode::Both => {
            let policy = fixed(&args.policy)?;
            let file = File::read(&args.data)?;
            let reference = as_reference(environment, &file, &policy, args)?;
            // Over the same rows; features are the reference's columns there.
            let sizes = same_rows(environment, &args.sizes);
            let policy = CorrectedPolicy::Fixed(policy);
            let sound = as_corrected(environment, &file, &policy, (args, &sizes))?;
            let value = json!({"faithful": reference, "corrected": sound});
            out.value(&value, show::both)
        }
    }
}

/// Reads a policy that the reference's environments take.
fn fixed(text: &str) -> Result<ReplayPolicy, CliError> {
    if text.starts_with("rule:") {
        return Err(CliError::Usage(format!(
            "the reference has no rules, found {text}; use --mode corrected, or a fixed policy"
        )));
    }
    text.parse().map_err(usage)
}

/// Returns sizes with which a corrected environment runs over the rows of the reference's.
fn same_rows(environment: ReplayEnvironment, sizes: &SizeArgs) -> SizeArgs {
    let looks_ahead = environment == ReplayEnvironment::AlgorithmicTrading;
    SizeArgs {
        features: None,
        initial_amount: sizes.initial_amount,
        cost_rate: sizes.cost_rate,
        window: sizes.window,
        forward: if looks_ahead { sizes.forward.or(Some(FORWARD)) } else { sizes.forward },
        max_volume: sizes.max_volume,
        start: sizes.start,
        episode_length: sizes.episode_length,
    }
}

fn as_reference(
    environment: ReplayEnvironment,
    file: &File,
    policy: &ReplayPolicy,
    args: &ReplayArgs,
) -> Result<Value, CliError> {
    let table = file.table()?;
    let found = faithful::replay(environment, &table, policy, &input::faithful(args)?)
        .map_err(|error| CliError::Failed(format!("{}: {error}", file.name)))?;
    labelled(&found, "faithful", file, args)
}

fn as_corrected(
    environment: ReplayEnvironment,
    file: &File,
    policy: &CorrectedPolicy,
    (args, sizes): (&ReplayArgs, &SizeArgs),
) -> Result<Value, CliError> {
    let data = file.market(environment)?;
    let options = input::corrected(sizes, &args.sound)?;
    let found = corrected::replay(environment, &data, policy, &options)
        .map_err(|error| CliError::Failed(format!("{}: {error}", file.name)))?;
    labelled(&found, "corrected", file, args)
}

/// Returns figures with what was run.
fn labelled(
    found: &impl Serialize,
    mode: &str,
    file: &File,
    args: &ReplayArgs,
) -> Result<Value, CliError> {
    let mut value = serde_json::to_value(found)
        .map_err(|error| CliError::Failed(format!("the figures cannot be written: {error}")))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("mode".to_owned(), json!(mode));
        fields.insert("policy".to_owned(), json!(args.policy));
        fields.insert("data".to_owned(), json!(file.name));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_no_policies_of_the_reference() {
        assert!(fixed("rule:momentum").unwrap_err().to_string().contains("--mode corrected"));
        assert_eq!(fixed("uniform").unwrap(), ReplayPolicy::Uniform);
    }
}
