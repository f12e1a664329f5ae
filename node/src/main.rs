//! Binary `tm`.
fn main() {}
