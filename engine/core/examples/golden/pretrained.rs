//! Section 12.5: figures that need networks which are not published with the data.

use crate::files::Files;
use crate::rows::Rows;

const REASON: &str =
    "its pre-trained network is not among the data; supply it to check this figure";

pub(crate) fn rows(_files: &Files, rows: &mut Rows) {
    rows.about("Investor Imitator");
    for quantity in [
        "AR throughout, c .001: 111619.936868, .75327656",
        "AR throughout, c .0001: 131757.291856, 1.76832676",
        "MDD throughout, c .001: 107676.227110, .65360004",
        "MDD throughout, c .0001: 117226.960935, 1.33227744",
        "day-0 scores of AAPL, AMGN, AXP",
    ] {
        rows.skip(quantity, REASON);
    }
    rows.about("SARL movement predictor");
    for quantity in ["day 5, first five and sum", "day 6, first five", "day 251, first five"] {
        rows.skip(quantity, REASON);
    }
}
