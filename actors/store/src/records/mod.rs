//! What is stored: frozen structs per version. A new version is a new module with `From` the old one.

pub mod checkpoint;
pub mod log_line;
pub mod metric;
pub mod session;
pub mod value;
