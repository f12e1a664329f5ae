//! Section 12.1: fixed policies on the BTC splits.

use engine::environment::faithful::{
    ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, replay,
};

use crate::files::Files;
use crate::rows::Rows;

/// File, policy, calls, then reward sum, final assets, total return, Sharpe, volatility, drawdown, Calmar, Sortino and
/// holding as printed.
const PUBLISHED: [(&str, &str, usize, [&str; 9]); 6] = [
    (
        "test",
        "constant:2",
        415,
        [
            "31819.259737",
            "113625.212622",
            ".136252",
            ".408500",
            ".03286051",
            ".667120",
            "20572.522485",
            ".326080",
            "13",
        ],
    ),
    (
        "test",
        "constant:0",
        415,
        [
            "-31819.259737",
            "-111878.404291",
            "-2.118784",
            ".348877",
            ".18014495",
            "2.272826",
            "-6038.448250",
            "-.328027",
            "-13",
        ],
    ),
    (
        "test",
        "cycle:2,1,0",
        415,
        [
            "3337.592551",
            "99900.286548",
            "-.000997",
            "-.008044",
            ".00174671",
            ".058936",
            "25989.719707",
            ".467196",
            "0",
        ],
    ),
    (
        "test",
        "cycle:2,0",
        415,
        [
            "4227.053348",
            "100476.939021",
            ".004769",
            ".129387",
            ".00155890",
            ".056720",
            "51505.227874",
            "1.008591",
            "0",
        ],
    ),
    (
        "valid",
        "constant:2",
        190,
        [
            "-21781.931326",
            "93753.190861",
            "-.062468",
            ".015864",
            ".02738966",
            ".354971",
            "-17317.324192",
            "-.308403",
            "10",
        ],
    ),
    (
        "train",
        "constant:2",
        890,
        [
            "13989.633374",
            "104697.245839",
            ".046972",
            ".273715",
            ".03064514",
            ".717818",
            "6683.054974",
            ".087634",
            "181",
        ],
    ),
];

/// File, first reward, first volidality, last buy-and-hold asset with constant:2.
const FIRST: [(&str, &str, &str, &str); 3] = [
    ("test", "308.062207", ".00321151349", "127415.1918"),
    ("valid", "-750.126268", ".000346649236", "81950.4930"),
    ("train", "-11.908008", ".00589285255", "99356.0550"),
];

fn run(files: &Files, rows: &mut Rows, file: &str, policy: &str) -> Option<ReplayOutput> {
    rows.about(&format!("AT {file} {policy}"));
    let table = files.table(&format!("algorithmic_trading/BTC/{file}.csv"), rows)?;
    let found = policy.parse().and_then(|policy| {
        let environment = ReplayEnvironment::AlgorithmicTrading;
        replay(environment, &table, &policy, &ReplayOptions::default())
    });
    if let Err(error) = &found {
        rows.fail("all", &error.to_string());
    }
    found.ok()
}

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    for (file, policy, calls, printed) in PUBLISHED {
        let Some(found) = run(files, rows, file, policy) else { continue };
        let ReplayDetails::AlgorithmicTrading(details) = found.details else { continue };
        rows.count("calls", calls, found.calls);
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
        for ((quantity, got), printed) in figures.into_iter().zip(printed) {
            rows.figure(quantity, printed, got);
        }
        rows.within("holding", printed[8], details.holding, 1e-9);
    }
    if let Some(found) = run(files, rows, "test", "constant:1") {
        rows.figure("reward sum", "0.000000000", found.reward_sum);
        rows.figure("final assets", "100000.000000", found.final_assets);
        rows.figure("Sharpe", "0.000000", found.metrics.sharpe);
    }
    for (file, reward, variance, buy_and_hold) in FIRST {
        let Some(found) = run(files, rows, file, "constant:2") else { continue };
        let ReplayDetails::AlgorithmicTrading(details) = found.details else { continue };
        rows.figure("first reward", reward, details.first_reward);
        rows.figure("first volidality", variance, details.first_volidality);
        rows.figure("last buy-and-hold asset", buy_and_hold, details.buy_and_hold_final);
        match file {
            "test" => rows.figure("cash", "873.4041658846345", details.cash),
            "valid" => rows.figure("cash", "336.139172963", details.cash),
            _ => {}
        }
    }
}
