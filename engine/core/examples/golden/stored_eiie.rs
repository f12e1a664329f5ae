//! Section 12.4: the stored EIIE actor decides on dj30/test.csv.

use std::sync::Arc;

use engine::config::FeatureSet;
use engine::environment::faithful::{Eiie, FaithfulEnvironment, FeatureChoice, Panel, WindowSetup};
use engine::error::EngineError;
use engine::features;
use engine::metrics::faithful::{PERIODS, metrics};
use engine::num::narrow;
use engine::policies::network::{Conv1d, EiieActor};

use crate::files::{Files, tensor};
use crate::rows::Rows;

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    rows.about("stored EIIE actor");
    let Some(document) = files.json("weights/old_eiie_actor_epoch_0.json", rows) else { return };
    let Some(table) = files.table("portfolio_management/dj30/test.csv", rows) else { return };
    let layer = |inputs, name: &str| {
        let part = |part| tensor(&document, &format!("{name}.{part}"));
        Conv1d::new(inputs, &part("weight"), &part("bias"))
    };
    let cash = tensor(&document, "para").first().copied().unwrap_or(f32::NAN);
    let actor = match (layer(11, "con1d"), layer(2, "con2d"), layer(1, "con3d")) {
        (Ok(first), Ok(second), Ok(third)) => EiieActor::new([first, second, third], cash),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => Err(error),
    };
    let names = FeatureChoice::Named(features::names(FeatureSet::Classic11));
    let environment = Panel::from_table(&table, &names)
        .and_then(|panel| Eiie::new(Arc::new(panel), WindowSetup::default()));
    match (actor, environment) {
        (Ok(actor), Ok(mut environment)) => {
            if let Err(error) = episode(&actor, &mut environment, rows) {
                rows.fail("all", &error.to_string());
            }
        }
        (Err(error), _) => rows.fail("all", &error.to_string()),
        (_, Err(error)) => rows.fail("all", &error.to_string()),
    }
}

fn episode(actor: &EiieActor, environment: &mut Eiie, rows: &mut Rows) -> Result<(), EngineError> {
    let (mut reward_sum, mut days) = (0.0, 0);
    // Farthest from the published weights on any day.
    let (mut stock, mut cash) = (0.032_793_954_0_f64, 0.048_975_113_8_f64);
    loop {
        let seen: Vec<f32> = environment.observe().into_iter().map(narrow).collect();
        let weights: Vec<f64> = actor.forward(&seen).into_iter().map(f64::from).collect();
        if let Some((last, tickers)) = weights.split_last() {
            for weight in tickers {
                if (weight - 0.032_793_954_0).abs() > (stock - 0.032_793_954_0).abs() {
                    stock = *weight;
                }
            }
            if (last - 0.048_975_113_8).abs() > (cash - 0.048_975_113_8).abs() {
                cash = *last;
            }
        }
        let step = environment.step(&weights)?;
        reward_sum += step.reward;
        days += 1;
        if step.done {
            break;
        }
    }
    let assets = environment.assets();
    let found = metrics(&assets, &environment.returns(), PERIODS);
    rows.within("stock weight farthest from the published", "0.0327939540", stock, 1e-7);
    rows.within("cash weight farthest from the published", "0.0489751138", cash, 1e-7);
    rows.count("days", 243, days);
    rows.count("assets", 243, assets.len());
    let last = assets.last().copied().unwrap_or(f64::NAN);
    rows.within("final assets", "115195.860884", last, 0.004);
    rows.figure("reward sum", ".14146363", reward_sum);
    rows.figure("total return", ".151959", found.total_return);
    rows.figure("Sharpe", "1.334671", found.sharpe);
    rows.figure("volatility", ".00726929", found.volatility);
    rows.figure("maximum drawdown", ".06692071", found.max_drawdown);
    Ok(())
}
