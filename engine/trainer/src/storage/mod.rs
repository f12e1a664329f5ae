//! Where experience is kept until it is learnt from.

pub mod replay;
