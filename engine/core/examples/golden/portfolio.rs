//! Section 12.3: fixed policies in the portfolio environments on dj30/test.csv, and the index benchmark.

use engine::environment::faithful::{ReplayEnvironment, ReplayOptions, replay};
use engine::market::parse::reference::ReferenceTable;
use engine::metrics::faithful::{PERIODS, metrics};

use crate::files::Files;
use crate::rows::Rows;

struct Published {
    environment: ReplayEnvironment,
    policy: &'static str,
    calls: usize,
    /// Reward sum, final assets, total return, Sharpe, volatility, drawdown, Calmar, Sortino.
    figures: [&'static str; 8],
    first_rewards: [&'static str; 3],
    shape: &'static [usize],
}

const PUBLISHED: [Published; 5] = [
    Published {
        environment: ReplayEnvironment::Portfolio,
        policy: "logits:0",
        calls: 252,
        figures: [
            "17734.08413114",
            "117911.663781",
            ".17911664",
            "1.49543131",
            ".00724976",
            ".06669645",
            "2.570164",
            "2.138134",
        ],
        first_rewards: ["304.5364974332", "1305.8858237895", "734.933469951"],
        shape: &[11, 29],
    },
    Published {
        environment: ReplayEnvironment::Portfolio,
        policy: "logits:ramp",
        calls: 252,
        figures: [
            "16128.55915834",
            "116239.185224",
            ".16239185",
            "1.41346381",
            ".00701149",
            ".06743824",
            "2.323606",
            "2.006169",
        ],
        first_rewards: ["-107.2464688924", "1394.5606539423", "824.0112950522"],
        shape: &[11, 29],
    },
    Published {
        environment: ReplayEnvironment::PortfolioEiie,
        policy: "uniform",
        calls: 243,
        figures: [
            ".14365104",
            "115448.117197",
            ".15448117",
            "1.34731588",
            ".00731122",
            ".06669645",
            "2.251498",
            "1.896354",
        ],
        first_rewards: [".0035310072", ".0076480838", "-.0001615933"],
        shape: &[29, 10, 11],
    },
    Published {
        environment: ReplayEnvironment::PortfolioDeepTrader,
        policy: "uniform",
        calls: 243,
        figures: [
            "15999.61483844",
            "115999.614838",
            ".15999615",
            "1.34769952",
            ".00756335",
            ".06893356",
            "2.254197",
            "1.896907",
        ],
        first_rewards: ["365.9222643083", "797.1313917579", "-16.8836234971"],
        shape: &[29, 11, 10],
    },
    Published {
        environment: ReplayEnvironment::PortfolioSarl,
        policy: "logits:0",
        calls: 247,
        figures: [
            "1499.57264721",
            "11516.917583",
            ".15169176",
            "1.31244448",
            ".00726563",
            ".06669645",
            "2.215573",
            "1.859175",
        ],
        first_rewards: ["22.422724097", "18.4184116691", "-3.4645336525"],
        shape: &[493],
    },
];

/// Year, then total return, Sharpe, volatility and drawdown of the index.
const INDEX: [(&str, [&str; 4]); 2] = [
    ("2021", [".202304", "1.559077", ".007786", ".066155"]),
    ("2020", [".060192", ".344581", ".023145", ".370862"]),
];

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    rows.about("portfolio");
    if let Some(table) = files.table("portfolio_management/dj30/test.csv", rows) {
        for published in &PUBLISHED {
            one(published, &table, rows);
        }
    }
    rows.about("index DJI");
    let Some(table) = files.table("portfolio_management/dj30/DJI.csv", rows) else { return };
    for (year, printed) in INDEX {
        rows.about(&format!("index DJI {year}"));
        let closes = year_of(&table, year);
        let found = metrics(&closes, &[], PERIODS);
        let figures = [
            ("total return", found.total_return),
            ("Sharpe", found.sharpe),
            ("volatility", found.volatility),
            ("maximum drawdown", found.max_drawdown),
        ];
        for ((quantity, got), printed) in figures.into_iter().zip(printed) {
            rows.figure(quantity, printed, got);
        }
    }
}

fn one(published: &Published, table: &ReferenceTable, rows: &mut Rows) {
    rows.about(&format!("{} {}", published.environment, published.policy));
    let found = published.policy.parse().and_then(|policy| {
        replay(published.environment, table, &policy, &ReplayOptions::default())
    });
    let found = match found {
        Ok(found) => found,
        Err(error) => return rows.fail("all", &error.to_string()),
    };
    rows.count("calls", published.calls, found.calls);
    let figures = [
        ("reward sum", found.reward_sum),
        ("final assets", found.final_assets),
        ("total return", found.metrics.total_return),
        ("Sharpe", found.metrics.sharpe),
        ("volatility", found.metrics.volatility),
        ("maximum drawdown", found.metrics.max_drawdown),
        ("Calmar", found.metrics.calmar),
        ("Sortino", found.metrics.sortino),
    ];
    for ((quantity, got), printed) in figures.into_iter().zip(published.figures) {
        rows.figure(quantity, printed, got);
    }
    for (call, (got, printed)) in
        found.first_rewards.iter().zip(published.first_rewards).enumerate()
    {
        rows.figure(&format!("reward {call}"), printed, *got);
    }
    rows.count("observation dimensions", published.shape.len(), found.observation_shape.len());
    for (wanted, got) in published.shape.iter().zip(&found.observation_shape) {
        rows.count("observation size", *wanted, *got);
    }
}

/// Returns the closes of one year.
fn year_of(table: &ReferenceTable, year: &str) -> Vec<f64> {
    let (dates, closes) = (table.text.get("date"), table.columns.get("close"));
    let both = dates.into_iter().flatten().zip(closes.into_iter().flatten());
    both.filter(|(date, _)| date.starts_with(year)).map(|(_, close)| *close).collect()
}
