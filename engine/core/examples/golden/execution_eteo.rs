//! Section 12.7: ETEO on the order book of BTC.

use std::sync::Arc;

use engine::environment::faithful::{
    Eteo, EteoBook, FaithfulEnvironment, ReplayDetails, ReplayEnvironment, ReplayOptions, replay,
};

use crate::files::Files;
use crate::rows::Rows;

/// Policy, then cash left, reward, free cash, locked cash and free BTC as printed.
const PUBLISHED: [(&str, [&str; 5]); 3] = [
    ("nothing", ["44920.363750", "1", "100000.000000", "0.000000", "0.0000000000"]),
    ("order:1/600@1", ["44920.363750", "1", "99999.950000", ".050000", "0.0000000000"]),
    ("order:1/599@ask0*1.0001", ["40101.802762", "1", "43412.098096", "0.000000", ".9398998331"]),
];

/// The first five numbers of the first state, then the last two.
const FIRST_STATE: [&str; 7] = [
    "5.647319759779905e-07",
    "1.6306016644977965e-08",
    "8.967532075829053e-07",
    "7.338484569148915e-07",
    "-1.3456026708624995e-13",
    ".16666666666666666",
    "1.0",
];

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    rows.about("execution_eteo");
    let Some(table) = files.table("order_execution/BTC/test.csv", rows) else { return };
    for (policy, printed) in PUBLISHED {
        rows.about(&format!("execution_eteo {policy}"));
        let found = policy.parse().and_then(|policy| {
            replay(ReplayEnvironment::ExecutionEteo, &table, &policy, &ReplayOptions::default())
        });
        match found {
            Ok(found) => {
                let ReplayDetails::Eteo(details) = found.details else { continue };
                rows.count("calls", 598, found.calls);
                rows.figure("benchmark", "39814.366548", details.twap);
                rows.figure("cash left", printed[0], details.cash_left);
                rows.figure("reward", printed[1], found.reward_sum);
                rows.figure("free cash", printed[2], details.portfolio[0]);
                rows.figure("locked cash", printed[3], details.portfolio[1]);
                rows.figure("free BTC", printed[4], details.portfolio[2]);
                rows.figure("locked BTC", "0.0000000000", details.portfolio[3]);
            }
            Err(error) => rows.fail("all", &error.to_string()),
        }
    }
    rows.about("execution_eteo first state");
    let environment =
        EteoBook::from_table(&table).and_then(|book| Eteo::new(Arc::new(book), 100_000.0));
    match environment {
        Ok(environment) => {
            let state = environment.observe();
            rows.count("numbers", 156, state.len());
            let shown = state.iter().take(5).chain(state.iter().skip(154));
            for (printed, got) in FIRST_STATE.into_iter().zip(shown) {
                rows.figure("number", printed, *got);
            }
        }
        Err(error) => rows.fail("all", &error.to_string()),
    }
}
