//! Fills are never better than the market, never more than asked, and never more than the account can pay for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

use engine::config::{FillRule, MatchingConfig, RiskConfig};
use engine::matching::BarExchange;
use engine::matching::bars::Market;
use engine::num::{Price, Quantity};
use engine::orders::{OrderIntent, Side};
use engine::risk::{ApprovedOrder, Funds, RiskView, review};
use proptest::prelude::*;

fn approved(units: f64) -> ApprovedOrder {
    let intent = OrderIntent::market(Quantity::new(units).unwrap()).unwrap();
    let view = RiskView { position: Quantity::ZERO, reference_price: None };
    review(&intent, &view, &RiskConfig::default()).outcome.unwrap()
}

#[derive(Debug, Clone)]
struct Case {
    costs: MatchingConfig,
    market: Market,
    lot: f64,
    lots: i32,
    funds: Funds,
}

fn cases() -> impl Strategy<Value = Case> {
    let fill = prop_oneof![Just(FillRule::NextOpen), Just(FillRule::SameClose)];
    let costs = (0.0..0.1_f64, 0.0..1000.0_f64, fill)
        .prop_map(|(fee_rate, slippage_bps, fill)| MatchingConfig { fee_rate, slippage_bps, fill });
    let lots = prop_oneof![-100..0_i32, 1..101_i32];
    let price = || (0.01..1e5_f64).prop_map(|value| Price::new(value).unwrap());
    (costs, price(), price(), 1e-3..10.0_f64, lots, (-1e5..1e7_f64, -50..50_i32)).prop_map(
        |(costs, close, next_open, lot, lots, (cash, held))| Case {
            costs,
            market: Market { close, next_open },
            lot,
            lots,
            funds: Funds { cash, position: f64::from(held) * lot },
        },
    )
}

proptest! {
    #[test]
    fn no_fill_beats_the_market_exceeds_the_order_or_overdraws(case in cases()) {
        let exchange = BarExchange::new(case.costs.clone(), Quantity::new(case.lot).unwrap());
        let wanted = f64::from(case.lots) * case.lot;
        let filled = exchange.execute(&approved(wanted), &case.market, &case.funds).unwrap();
        let reference = match case.costs.fill {
            FillRule::NextOpen => case.market.next_open.get(),
            FillRule::SameClose => case.market.close.get(),
        };
        let Some(fill) = filled else { return Ok(()) };
        prop_assert_eq!(fill.side(), if case.lots > 0 { Side::Buy } else { Side::Sell });
        match fill.side() {
            Side::Buy => prop_assert!(fill.price.get() >= reference),
            Side::Sell => prop_assert!(fill.price.get() <= reference),
        }
        prop_assert!(fill.quantity.get().abs() <= wanted.abs() * (1.0 + 1e-12));
        let whole = fill.quantity.get() / case.lot;
        prop_assert!((whole - whole.round()).abs() < 1e-6);
        prop_assert!((fill.fee.get() - fill.value() * case.costs.fee_rate).abs() <= 1e-9 * fill.value());
        prop_assert!(fill.slippage.get() >= 0.0);
        let after = case.funds.position + fill.quantity.get();
        let reduces = after.abs() <= case.funds.position.abs() && after * case.funds.position >= 0.0;
        let cash = case.funds.cash - fill.quantity.get() * fill.price.get() - fill.fee.get();
        let equity = cash + after * fill.price.get();
        prop_assert!(reduces || after.abs() * fill.price.get() <= equity * (1.0 + 1e-9) + 1e-6);
    }

    #[test]
    fn what_is_cut_is_cut_no_further_than_needed(case in cases()) {
        let exchange = BarExchange::new(case.costs.clone(), Quantity::new(case.lot).unwrap());
        let wanted = f64::from(case.lots) * case.lot;
        let filled = exchange.execute(&approved(wanted), &case.market, &case.funds).unwrap();
        let lots = filled.map_or(0, |fill| (fill.quantity.get() / case.lot).round() as i32);
        if lots != case.lots {
            let one_more = f64::from(lots + case.lots.signum()) * case.lot;
            let again = exchange.execute(&approved(one_more), &case.market, &case.funds).unwrap();
            let found = again.map_or(0, |fill| (fill.quantity.get() / case.lot).round() as i32);
            prop_assert_eq!(found, lots);
        }
    }
}
