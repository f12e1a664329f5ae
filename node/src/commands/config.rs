//! `tm config`: check a file, show what is in force.

use serde_json::json;

use crate::cli::ConfigVerb;
use crate::config::{self, NodeConfig};
use crate::error::CliError;
use crate::output::{Output, Table};

/// Runs one verb.
///
/// # Errors
/// Whatever is wrong with the file.
pub(crate) fn run(verb: ConfigVerb, out: Output) -> Result<(), CliError> {
    match verb {
        ConfigVerb::Check { file } => {
            config::read(&file)?;
            let args = crate::cli::ServeArgs {
                config: Some(file.clone()),
                data_dir: None,
                listen: None,
                worker: None,
                log_level: None,
            };
            NodeConfig::load(&args)?;
            out.line(&format!("{} is valid", file.display()))
        }
        ConfigVerb::Show(args) => {
            let config = NodeConfig::load(&args)?;
            let rows: Vec<_> = config
                .shown
                .iter()
                .map(|(key, value, source)| json!({"key": key, "value": value, "source": source.to_string()}))
                .collect();
            out.value(&json!({"items": rows}), |_| {
                let mut table = Table::new(&["key", "value", "source"]);
                for (key, value, source) in &config.shown {
                    table.row([(*key).to_owned(), value.clone(), source.to_string()]);
                }
                table.render()
            })
        }
    }
}
