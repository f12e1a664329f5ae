//! Section 12.6: PD on PD_BTC/test.csv.

use engine::environment::faithful::{ReplayDetails, ReplayEnvironment, ReplayOptions, replay};

use crate::files::Files;
use crate::rows::Rows;

/// Policy, calls, then reward sum, money and mean price as printed.
const PUBLISHED: [(&str, usize, [&str; 3]); 4] = [
    ("at_once", 1, [".02254935", "10938.271289", "10938.271289"]),
    ("twap", 279, [".58683421", "35143.756465", "35143.756465"]),
    ("nothing", 279, ["0.00000000", "31637.780055", "35143.756465"]),
    ("constant:0.01", 100, [".27313121", "15816.439179", "15816.439179"]),
];

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    rows.about("execution_pd");
    let Some(table) = files.table("order_execution/PD_BTC/test.csv", rows) else { return };
    for (policy, calls, printed) in PUBLISHED {
        rows.about(&format!("execution_pd {policy}"));
        let found = policy.parse().and_then(|policy| {
            replay(ReplayEnvironment::ExecutionPd, &table, &policy, &ReplayOptions::default())
        });
        match found {
            Ok(found) => {
                let ReplayDetails::Pd(details) = found.details else { continue };
                rows.count("calls", calls, found.calls);
                rows.figure("reward sum", printed[0], found.reward_sum);
                rows.figure("money", printed[1], found.final_assets);
                rows.figure("mean price", printed[2], details.mean_price);
            }
            Err(error) => rows.fail("all", &error.to_string()),
        }
    }
}
