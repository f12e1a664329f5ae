//! What each corrected environment needs and takes: policies, columns, and which columns a file in the reference's
//! layout lacks. Reads no file.

use super::ReplayEnvironment;

/// Returns the fixed policies that a corrected environment takes; rules come on top.
#[must_use]
pub fn corrected_policies(environment: ReplayEnvironment) -> Vec<&'static str> {
    let mut policies = environment.policies();
    match environment {
        ReplayEnvironment::PortfolioDeepTrader => policies.push("nothing"),
        ReplayEnvironment::ExecutionEteo => {
            policies.extend(["constant:A", "cycle:A,B,…", "twap", "at_once"]);
        }
        ReplayEnvironment::AlgorithmicTrading
        | ReplayEnvironment::Portfolio
        | ReplayEnvironment::PortfolioSarl
        | ReplayEnvironment::PortfolioEiie
        | ReplayEnvironment::PortfolioImitator
        | ReplayEnvironment::ExecutionPd
        | ReplayEnvironment::Hft => {}
    }
    policies.push("rule:NAME");
    policies
}

/// Returns the columns that must be there in a file in the reference's layout.
#[must_use]
pub fn corrected_columns(environment: ReplayEnvironment) -> &'static str {
    match environment {
        ReplayEnvironment::AlgorithmicTrading | ReplayEnvironment::ExecutionPd => {
            "date, open, high, low, close (or any file of bars that is recognised)"
        }
        ReplayEnvironment::Portfolio
        | ReplayEnvironment::PortfolioSarl
        | ReplayEnvironment::PortfolioEiie
        | ReplayEnvironment::PortfolioDeepTrader
        | ReplayEnvironment::PortfolioImitator => {
            "date, tic, open, high, low, close; adjcp for dividends (or any panel that is recognised)"
        }
        ReplayEnvironment::ExecutionEteo => {
            "system_time, midpoint, {bids,asks}_{distance,notional}_{0..}; buys, sells (or any order book)"
        }
        ReplayEnvironment::Hft => {
            "a time such as system_time, {bid,ask}{1..}_{price,size} (or any order book)"
        }
    }
}

/// What stands for a column under other names, without joining signs and in small letters.
const ALIASES: [(&str, &[&str]); 6] = [
    ("date", &["date", "datetime", "timestamp", "time", "systemtime", "opentime", "unix", "ts"]),
    ("tic", &["tic", "ticker", "symbol", "instrument"]),
    ("open", &["open", "openprice"]),
    ("high", &["high", "highprice"]),
    ("low", &["low", "lowprice"]),
    ("close", &["close", "closeprice", "last"]),
];

/// Returns which columns a file with these names lacks for the corrected environment, with what each is needed for.
/// Meant for files that could not be read as market data.
#[must_use]
pub fn lacking(environment: ReplayEnvironment, names: &[String]) -> Vec<&'static str> {
    let plain: Vec<String> = names
        .iter()
        .map(|name| name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect())
        .collect();
    let has = |column: &str| {
        let aliases = ALIASES.iter().find(|(name, _)| *name == column).map(|(_, other)| *other);
        aliases.unwrap_or(&[]).iter().any(|alias| plain.iter().any(|name| name == alias))
    };
    let wanted: &[(&str, &str)] = match environment {
        ReplayEnvironment::AlgorithmicTrading | ReplayEnvironment::ExecutionPd => &BARS,
        ReplayEnvironment::Portfolio
        | ReplayEnvironment::PortfolioSarl
        | ReplayEnvironment::PortfolioEiie
        | ReplayEnvironment::PortfolioDeepTrader
        | ReplayEnvironment::PortfolioImitator => &PANEL,
        ReplayEnvironment::ExecutionEteo | ReplayEnvironment::Hft => {
            &[("date", "system_time (the time of each snapshot)")]
        }
    };
    wanted.iter().filter(|(column, _)| !has(column)).map(|(_, meaning)| *meaning).collect()
}

const BARS: [(&str, &str); 5] = [
    ("date", "date (the time of each bar)"),
    ("open", "open (orders are filled at the next bar's open)"),
    ("high", "high (the bar is checked by it)"),
    ("low", "low (the bar is checked by it)"),
    ("close", "close"),
];

const PANEL: [(&str, &str); 6] = [
    ("date", "date (the time of each bar)"),
    ("tic", "tic (the instrument)"),
    ("open", "open (orders are filled at the next bar's open)"),
    ("high", "high (the bar is checked by it)"),
    ("low", "low (the bar is checked by it)"),
    ("close", "close"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_file_of_closes_lacks() {
        let names = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let found = lacking(ReplayEnvironment::AlgorithmicTrading, &names("Close"));
        assert_eq!(found.len(), 4);
        assert!(found[0].starts_with("date") && found[1].starts_with("open"), "{found:?}");
        let whole = names("Date,tic,Open,High,Low,Close");
        assert!(lacking(ReplayEnvironment::PortfolioEiie, &whole).is_empty());
        assert_eq!(lacking(ReplayEnvironment::Portfolio, &whole[..1]).len(), 5);
        assert_eq!(lacking(ReplayEnvironment::Hft, &names("bid1_price,bid1_size")).len(), 1);
    }

    #[test]
    fn every_environment_takes_rules_and_says_what_it_needs() {
        for environment in ReplayEnvironment::ALL {
            assert_eq!(corrected_policies(environment).last(), Some(&"rule:NAME"));
            assert!(!corrected_columns(environment).is_empty());
        }
    }
}
