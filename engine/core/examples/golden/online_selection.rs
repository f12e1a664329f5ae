//! Online portfolio selection: wealth on two tables that need no data, and on the classic sets where their files are.
//!
//! Source: learning.md section 11. Tolerance 1e-6 relative.

use engine::config::policy::{HindsightMethod, online_with};
use engine::policies::online::{Method, run};
use engine::policies::relatives::{Relatives, RelativesKind};

use crate::files::Files;
use crate::rows::Rows;

/// Relative tolerance that the source states.
const RELATIVE: f64 = 1e-6;

const TWO_ASSETS: [(&str, &str); 6] = [
    ("crp", "3.247321025"),
    ("bcrp", "3.247321025"),
    ("eg", "3.071372272"),
    ("pamr", "768"),
    ("cwmr_sd", "768"),
    ("olmar1", "36"),
];
/// Method, wealth without cost, wealth at 0.1 %.
const SYN_5: [(&str, &str, Option<&str>); 8] = [
    ("crp", "1.030619759", Some("1.028112660")),
    ("bcrp", "1.036511346", None),
    ("eg", "1.028404214", Some("1.026001677")),
    ("pamr", "12.17662123", Some("9.728470916")),
    ("cwmr_sd", "11.61418881", Some("9.299535983")),
    ("olmar1", "7.293171146", Some("6.245944327")),
    ("market", "0.987084705", None),
    ("best_stock", "1.006288310", None),
];
const ORDER: [&str; 8] = ["market", "best_stock", "crp", "bcrp", "eg", "pamr", "cwmr_sd", "olmar1"];
const CLASSIC: [(&str, [&str; 8]); 3] = [
    (
        "nyse_o",
        [
            "14.497308",
            "54.140364",
            "27.075246",
            "250.59707",
            "27.094890",
            "5.1384278e15",
            "6.4856928e15",
            "7.2149182e16",
        ],
    ),
    (
        "sp500",
        [
            "1.341644",
            "3.779182",
            "1.648714",
            "4.068627",
            "1.633325",
            "5.094875",
            "5.953288",
            "15.943455",
        ],
    ),
    (
        "djia",
        [
            "0.764361", "1.188360", "0.812726", "1.239928", "0.810030", "0.680050", "0.687124",
            "2.537232",
        ],
    ),
];
/// Method, wealth at 0.1 % and at 0.5 %.
const DJIA_COSTS: [(&str, [&str; 2]); 4] = [
    ("crp", ["0.809420", "0.796329"]),
    ("eg", ["0.806882", "0.794409"]),
    ("pamr", ["0.450990", "0.086745"]),
    ("olmar1", ["1.824489", "0.484681"]),
];

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    rows.about("two assets");
    if let Some(table) = made(two_assets(), rows) {
        for (method, wanted) in TWO_ASSETS {
            wealth(rows, (method, 0.0), wanted, &table);
        }
    }
    rows.about("SYN-5");
    if let Some(table) = made(syn_5(), rows) {
        for (method, free, charged) in SYN_5 {
            wealth(rows, (method, 0.0), free, &table);
            if let Some(wanted) = charged {
                wealth(rows, (method, 0.001), wanted, &table);
            }
        }
    }
    for (set, wanted) in CLASSIC {
        rows.about(set);
        let Some(bytes) = files.bytes(&format!("olps/{set}.csv"), rows) else { continue };
        let table = Relatives::from_csv(set, &bytes, RelativesKind::Cumulative);
        let Some(table) = made(table, rows) else { continue };
        for (method, wanted) in ORDER.into_iter().zip(wanted) {
            wealth(rows, (method, 0.0), wanted, &table);
        }
        if set == "djia" {
            for (method, [low, high]) in DJIA_COSTS {
                wealth(rows, (method, 0.001), low, &table);
                wealth(rows, (method, 0.005), high, &table);
            }
        }
    }
}

fn made<E: std::fmt::Display>(table: Result<Relatives, E>, rows: &mut Rows) -> Option<Relatives> {
    if let Err(error) = &table {
        rows.fail("all", &error.to_string());
    }
    table.ok()
}

fn wealth(rows: &mut Rows, (name, cost): (&str, f64), wanted: &str, table: &Relatives) {
    let method = match HindsightMethod::of(name) {
        Some(hindsight) => Method::Hindsight(hindsight),
        None => match online_with(name, &[]) {
            Ok(config) => Method::Online(config),
            Err(_) => return rows.fail(name, "there is no such method"),
        },
    };
    let quantity =
        if cost > 0.0 { format!("{name}, cost {} %", cost * 100.0) } else { name.to_owned() };
    match run(&method, table, cost) {
        Ok(found) => {
            let value: f64 = wanted.parse().unwrap_or(f64::NAN);
            rows.within(&quantity, wanted, found.final_wealth(), RELATIVE * value.abs());
        }
        Err(error) => rows.fail(&quantity, &error.to_string()),
    }
}

fn names(width: usize) -> Vec<String> {
    (0..width).map(|asset| format!("a{asset}")).collect()
}

/// Two assets: cash, and one that doubles and halves in turn, 20 periods.
fn two_assets() -> Result<Relatives, engine::error::EngineError> {
    let values = (0..20).flat_map(|t| [1.0, if t % 2 == 0 { 2.0 } else { 0.5 }]).collect();
    Relatives::new(names(2), values)
}

/// Five assets on sines, 250 periods.
fn syn_5() -> Result<Relatives, engine::error::EngineError> {
    let value = |t: u32, i: u32| {
        (0.03 * (0.7 * f64::from(t) * f64::from(i + 1) + f64::from(i)).sin()).exp()
    };
    let values = (1..=250).flat_map(|t| (0..5).map(move |i| value(t, i))).collect();
    Relatives::new(names(5), values)
}
