//! Share of closing fills that made money after the fees of both sides.

use crate::orders::Fill;
use crate::portfolio::Position;

/// Returns the share of fills that close (part of) a position with a profit after fees; undefined when none closes.
#[must_use]
pub fn win_rate(fills: &[Fill]) -> Option<f64> {
    let (wins, closes) = wins(fills);
    (closes > 0).then(|| f64::from(wins) / f64::from(closes))
}

/// Returns how many fills close (part of) a position of one instrument with a profit after fees, and how many close one.
///
/// Fees paid to open a position are carried with it and charged to its closing fills in proportion. A fill that
/// crosses zero pays its own fee in proportion to what it closes; the rest opens the new side.
#[must_use]
pub fn wins(fills: &[Fill]) -> (u32, u32) {
    let (mut position, mut carried) = (Position::default(), 0.0);
    let (mut closes, mut wins) = (0_u32, 0_u32);
    for fill in fills {
        let (before, change) = (position.quantity(), fill.quantity.get());
        let realised = position.apply(fill.quantity, fill.price);
        if before * change >= 0.0 {
            carried += fill.fee.get();
            continue;
        }
        let closed = before.abs().min(change.abs());
        let opening_fees = carried * (closed / before.abs());
        let closing_fees = fill.fee.get() * (closed / change.abs());
        carried = carried - opening_fees + (fill.fee.get() - closing_fees);
        closes += 1;
        if realised - opening_fees - closing_fees > 0.0 {
            wins += 1;
        }
    }
    (wins, closes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::fill;

    #[test]
    fn counts_closing_fills_after_fees() {
        let fills = [
            fill(2.0, 100.0, 2.0),
            fill(-1.0, 101.5, 1.0), // 1.5 − 1 − 1: a loss
            fill(-1.0, 103.0, 1.0), // 3 − 1 − 1: a win
        ];
        assert_eq!(win_rate(&fills), Some(0.5));
    }

    #[test]
    fn a_fill_through_zero_closes_and_opens() {
        let fills = [fill(1.0, 100.0, 0.0), fill(-2.0, 110.0, 0.0), fill(1.0, 120.0, 0.0)];
        assert_eq!(win_rate(&fills), Some(0.5));
    }

    #[test]
    fn is_undefined_before_anything_is_closed() {
        assert_eq!(win_rate(&[]), None);
        assert_eq!(win_rate(&[fill(1.0, 100.0, 0.0)]), None);
    }
}
