//! Formulas over prices and volume, for example `Ref($close, 5) / $close - 1`, computed by the same kernels as all
//! other features.
//!
//! Text becomes nodes (`parse`), equal nodes become one (`nodes`), nodes become numbers bar by bar (`evaluate`). A
//! formula can only look back: a negative distance is refused where it is read. A value is undefined where an input is,
//! and a window that holds an undefined value is: it fills anew. The grammar stands in `docs/guide/features.md`.

mod evaluate;
mod functions;
mod nodes;
mod parse;

pub use evaluate::{Formulas, PanelFormulas};
pub use nodes::Program;
pub use parse::{DEPTH_MAX, ExpressionError, LETTERS_MAX, NODES_MAX, WINDOW_MAX};

#[cfg(test)]
mod tests;
