//! Query parameters of an import → how the file is read and what is done to it. Every wrong one is named at once.

use actors::{ADJUSTMENTS, CALENDARS, CLOCK_CHANGES, ImportPlan, Steps};
use engine::config::Violation;
use engine::market::parse::import::{PanelJoin, Separator};
use engine::market::parse::trades::TradeMapping;
use engine::market::parse::{CsvMapping, DataKind, Dialect, ImportOptions};
use engine::market::zone::ClockChange;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;
use crate::query::Query;
use crate::spec::{Param, ParamKind};

const DIALECTS: &[&str] = &[
    "bars",
    "yahoo",
    "binance_klines",
    "stooq",
    "stooq_text",
    "crypto_history",
    "meta_trader",
    "futures",
    "intraday_panel",
    "feature_table",
    "binance_trades",
    "binance_aggregate_trades",
    "trades",
    "book_distances",
    "book_levels",
    "book_json",
];
const KINDS: &[&str] = &["bars", "panel", "trades", "book"];

/// Query parameters of an import and of a look at a file.
pub(super) const IMPORT: &[Param] = &[
    Param {
        name: "name",
        kind: ParamKind::Text(120),
        meaning: "Name of the data set; files only.",
    },
    Param {
        name: "file",
        kind: ParamKind::Text(200),
        meaning: "Name of the file, for messages and the record of where the data came from.",
    },
    Param {
        name: "instrument",
        kind: ParamKind::Text(80),
        meaning: "The instrument to take, or its name.",
    },
    Param {
        name: "format",
        kind: ParamKind::OneOf(&["csv", "parquet"]),
        meaning: "Format of the file; csv is any text, JSON lines too.",
    },
    Param {
        name: "map.",
        kind: ParamKind::Prefix(120),
        meaning: "Columns by part, as map.close=Last; found if absent.",
    },
    Param {
        name: "dialect",
        kind: ParamKind::OneOf(DIALECTS),
        meaning: "Which program wrote the file; found out if absent.",
    },
    Param {
        name: "kind",
        kind: ParamKind::OneOf(KINDS),
        meaning: "What the file must hold; absent: whatever it holds. A panel may have one instrument.",
    },
    Param {
        name: "separator",
        kind: ParamKind::OneOf(&["comma", "semicolon", "tab", "bar"]),
        meaning: "What stands between two cells; found out if absent.",
    },
    Param {
        name: "decimal_comma",
        kind: ParamKind::Boolean,
        meaning: "Whether 1,5 is a number; absent: where cells are separated by semicolons.",
    },
    Param {
        name: "skip_empty_rows",
        kind: ParamKind::Boolean,
        meaning: "Whether rows without any price are passed over; absent: in files of Yahoo.",
    },
    Param {
        name: "join",
        kind: ParamKind::OneOf(&["outer", "inner"]),
        meaning: "Times of a panel: those of any instrument, or of all; outer if absent.",
    },
    Param {
        name: "timezone",
        kind: ParamKind::Text(64),
        meaning: "Of times written without one: an IANA name such as Europe/Berlin, UTC or +05:30; UTC if absent. Days stay days.",
    },
    Param {
        name: "clock_change",
        kind: ParamKind::OneOf(&CLOCK_CHANGES),
        meaning: "Which reading of a local time that a change of the clock lets happen twice or never; refused if absent.",
    },
    Param {
        name: "instruments",
        kind: ParamKind::Text(4000),
        meaning: "Instruments of a panel to keep, separated by commas; all if absent.",
    },
    Param { name: "from", kind: ParamKind::Text(40), meaning: "First day or time to keep." },
    Param {
        name: "to",
        kind: ParamKind::Text(40),
        meaning: "Last day or time to keep; a day is kept whole.",
    },
    Param {
        name: "adjust",
        kind: ParamKind::OneOf(&ADJUSTMENTS),
        meaning: "Which end keeps its prices when they are adjusted for actions; total: for dividends too.",
    },
    Param {
        name: "actions",
        kind: ParamKind::Text(8000),
        meaning: "Corporate actions, separated by commas: AAPL@2020-08-31:split:4, AAPL@2020-08-07:dividend:0.82.",
    },
    Param {
        name: "resample",
        kind: ParamKind::Text(40),
        meaning: "Length of the bars: 1s to 12h, 1d, 1w, 1mo; of trades also ticks:1000, volume:10, dollars:1e6.",
    },
    Param {
        name: "missing",
        kind: ParamKind::Text(40),
        meaning: "Where an instrument has no bar: keep, drop, forward_fill:5, interpolate:5 or interpolate_log:5.",
    },
    Param {
        name: "calendar",
        kind: ParamKind::OneOf(&CALENDARS),
        meaning: "Calendar of resample, and axis of missing.",
    },
    Param {
        name: "accept_look_ahead",
        kind: ParamKind::Boolean,
        meaning: "Must be true to interpolate: interpolated bars know the next true one.",
    },
];

/// Returns the plan of an import.
///
/// # Errors
/// `validation_failed` with every wrong parameter.
pub(super) fn plan(query: &Query) -> Result<ImportPlan, Problem> {
    let mut found = Vec::new();
    let (mapping, trades) = match mappings(query) {
        Ok(both) => both,
        Err(wrong) => {
            found.push(wrong);
            Default::default()
        }
    };
    let zone = match query.text("timezone").map(actors::zone).transpose() {
        Ok(zone) => zone,
        Err(wrong) => {
            found.push(of_parameter(wrong));
            None
        }
    };
    let steps = steps(query);
    if let Err(wrong) = steps.check() {
        found.extend(wrong.into_iter().map(of_parameter));
    }
    if !found.is_empty() {
        return Err(Problem::invalid(found));
    }
    let options = ImportOptions {
        dialect: word::<Dialect>(query, "dialect"),
        separator: word::<Separator>(query, "separator"),
        decimal_comma: flag(query, "decimal_comma"),
        skip_empty_rows: flag(query, "skip_empty_rows"),
        mapping,
        trades,
        join: word::<PanelJoin>(query, "join").unwrap_or_default(),
        zone,
        clock_change: word::<ClockChange>(query, "clock_change"),
    };
    Ok(ImportPlan { options, kind: word::<DataKind>(query, "kind"), steps })
}

/// Returns a violation of the steps as one of the query parameter that it is about.
pub(super) fn of_parameter(wrong: Violation) -> Violation {
    let parameter = wrong.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
    let parameter = parameter.to_owned();
    let detail = format!("query parameter {parameter}: {}", wrong.detail);
    let moved = Violation { pointer: String::new(), detail, ..wrong };
    moved.with("parameter", parameter)
}

fn steps(query: &Query) -> Steps {
    let text = |name: &str| query.text(name).map(str::to_owned);
    let list = |name: &str| -> Vec<String> {
        let parts = query.text(name).into_iter().flat_map(|text| text.split(','));
        parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    Steps {
        instruments: list("instruments"),
        from: text("from"),
        to: text("to"),
        adjust: text("adjust"),
        actions: list("actions"),
        resample: text("resample"),
        missing: text("missing"),
        calendar: text("calendar"),
        accept_look_ahead: query.is_true("accept_look_ahead"),
    }
}

/// Columns of bars and of trades; the instrument belongs to both.
fn mappings(query: &Query) -> Result<(CsvMapping, TradeMapping), Violation> {
    let named = query.text("instrument").map(|name| ("instrument", name));
    actors::mappings(query.with_prefix("map.").chain(named)).map_err(|wrong| {
        let detail = format!("query parameters map.*: {}", wrong.detail);
        let moved = Violation { pointer: String::new(), detail, ..wrong };
        moved.with("parameter", "map.")
    })
}

/// Returns a word that the table of parameters has let through.
fn word<T: DeserializeOwned>(query: &Query, name: &str) -> Option<T> {
    serde_json::from_value(Value::from(query.text(name)?)).ok()
}

fn flag(query: &Query, name: &str) -> Option<bool> {
    query.text(name).map(|_| query.is_true(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(text: &str) -> Result<ImportPlan, Problem> {
        plan(&Query::parse(text, IMPORT)?)
    }

    #[test]
    fn every_word_of_the_tables_is_one_the_engine_knows() {
        for name in DIALECTS {
            assert!(
                planned(&format!("dialect={name}")).unwrap().options.dialect.is_some(),
                "{name}"
            );
        }
        // The one that cannot be imported is no choice.
        assert_eq!(DIALECTS.len() + 1, Dialect::ALL.len());
        for name in KINDS {
            assert!(planned(&format!("kind={name}")).unwrap().kind.is_some(), "{name}");
        }
        for name in ["comma", "semicolon", "tab", "bar"] {
            assert!(planned(&format!("separator={name}")).unwrap().options.separator.is_some());
        }
        assert_eq!(planned("join=inner").unwrap().options.join, PanelJoin::Inner);
    }

    #[test]
    fn nothing_asked_is_nothing_done() {
        assert_eq!(planned("name=x&format=csv").unwrap(), ImportPlan::default());
    }

    #[test]
    fn parts_go_to_bars_and_trades_and_the_instrument_to_both() {
        let plan = planned("map.time=t&map.price=p&map.close=c&instrument=BTC").unwrap();
        let (bars, trades) = (plan.options.mapping, plan.options.trades);
        assert_eq!((bars.time.as_deref(), bars.close.as_deref()), (Some("t"), Some("c")));
        assert_eq!((trades.time.as_deref(), trades.price.as_deref()), (Some("t"), Some("p")));
        assert_eq!(
            (bars.instrument, trades.instrument),
            (Some("BTC".to_owned()), Some("BTC".to_owned()))
        );
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let refused =
            planned("map.nonsense=x&timezone=Mars&resample=soon&missing=x&from=y").unwrap_err();
        let mut named: Vec<&str> =
            refused.errors.iter().filter_map(|error| error.params["parameter"].as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, ["from", "map.", "missing", "resample", "timezone"]);
        assert!(refused.errors.iter().all(|error| error.pointer.is_empty()));
    }
}
