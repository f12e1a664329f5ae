//! The state of a portfolio environment as bytes, and back. Decides nothing.

use super::{Portfolio, State};
use crate::environment::state::{Ended, Reader, Writer, agrees, damaged};
use crate::error::EngineError;

/// Names environment and layout of saved states.
const TAG: [u8; 8] = *b"TMPF0001";

/// Returns the whole state.
pub(super) fn save(environment: &Portfolio) -> Vec<u8> {
    let (state, panel) = (&environment.state, &environment.panel);
    let mut writer = Writer::new(TAG);
    for count in [panel.rows(), panel.assets(), environment.window, state.start_row, state.row] {
        writer.u64(count as u64);
    }
    for (ledger, absent) in state.ledgers.iter().zip(&state.absent) {
        writer.ledger(ledger).u64(u64::from(*absent));
    }
    writer.f64(state.dividends).f64(state.equity).u64(state.ended as u64);
    writer.u64(u64::from(state.refusal_count)).u64(u64::from(state.cut_count));
    writer.fills(&state.fills).u64(state.delisted.len() as u64);
    for (row, index) in &state.delisted {
        writer.u64(*row as u64).u64(*index as u64);
    }
    writer.finish()
}

/// Reads a state of `environment`.
///
/// # Errors
/// Refuses bytes of another environment, other data, or damaged ones.
pub(super) fn load(environment: &Portfolio, bytes: &[u8]) -> Result<State, EngineError> {
    let (panel, config) = (&environment.panel, &environment.config);
    let (rows, assets) = (panel.rows(), panel.assets());
    let mut reader = Reader::new(TAG, bytes)?;
    if [reader.usize()?, reader.usize()?, reader.usize()?] != [rows, assets, environment.window] {
        return Err(damaged("it belongs to other data or another window"));
    }
    let (start_row, row) = (reader.usize()?, reader.usize()?);
    if start_row + 1 < environment.window || row < start_row || rows <= row {
        return Err(damaged("its bar does not exist"));
    }
    let mut state = State::begin(config, assets, start_row)?;
    state.row = row;
    for index in 0..assets {
        state.ledgers[index] = reader.ledger()?;
        state.units[index] = state.ledgers[index].position().quantity();
        state.absent[index] = reader.u32()?;
    }
    (state.dividends, state.equity) = (reader.f64()?, reader.f64()?);
    state.ended = Ended::read(reader.u64()?)?;
    (state.refusal_count, state.cut_count) = (reader.u32()?, reader.u32()?);
    state.fills = reader.fills(assets, 2 * assets)?;
    for _ in 0..reader.count(rows.saturating_mul(assets))? {
        state.delisted.push((reader.index(rows)?, reader.index(assets)?));
    }
    reader.finish()?;
    if !state.dividends.is_finite() {
        return Err(damaged("its dividends are not finite"));
    }
    agrees(state.worth(config, panel.close(row)), state.equity)?;
    Ok(state)
}
