//! The fixed policies of replays: `constant:2`, `cycle:2,1,0`, `mod:3`.

use std::str::FromStr;

use crate::error::EngineError;

/// A policy that looks at nothing but the number of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayPolicy {
    /// `constant:A`: always A.
    Constant(usize),
    /// `cycle:A,B,…`: in turn.
    Cycle(Vec<usize>),
    /// `mod:N`: number of the call modulo N.
    Modulo(usize),
}

impl ReplayPolicy {
    /// Returns the action of a call, counted from 0.
    #[must_use]
    pub fn action(&self, call: usize) -> usize {
        match self {
            Self::Constant(action) => *action,
            Self::Cycle(actions) => actions.get(call % actions.len().max(1)).copied().unwrap_or(0),
            Self::Modulo(count) => call % count,
        }
    }

    /// Returns the largest action it takes.
    #[must_use]
    pub fn largest(&self) -> usize {
        match self {
            Self::Constant(action) => *action,
            Self::Cycle(actions) => actions.iter().copied().max().unwrap_or(0),
            Self::Modulo(count) => count - 1,
        }
    }
}

impl FromStr for ReplayPolicy {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let refuse = || EngineError::Refused {
            what: "replay policy",
            detail: format!(
                "'{}' is not a policy for discrete actions; use constant:A, cycle:A,B,… or mod:N with whole numbers \
                 from 0 (N from 1)",
                text.chars().take(80).collect::<String>()
            ),
        };
        let number = |part: &str| part.parse::<usize>().map_err(|_| refuse());
        match text.split_once(':') {
            Some(("constant", rest)) => Ok(Self::Constant(number(rest)?)),
            Some(("cycle", rest)) => {
                Ok(Self::Cycle(rest.split(',').map(number).collect::<Result<_, _>>()?))
            }
            Some(("mod", rest)) => match number(rest)? {
                0 => Err(refuse()),
                count => Ok(Self::Modulo(count)),
            },
            Some(_) | None => Err(refuse()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_grammar_and_takes_the_actions_in_turn() {
        let actions = |text: &str| {
            let policy: ReplayPolicy = text.parse().unwrap();
            (0..5).map(|call| policy.action(call)).collect::<Vec<_>>()
        };
        assert_eq!(actions("constant:2"), [2; 5]);
        assert_eq!(actions("cycle:2,1,0"), [2, 1, 0, 2, 1]);
        assert_eq!(actions("mod:3"), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in [
            "",
            "constant",
            "constant:",
            "constant:-1",
            "constant:0.5",
            "cycle:",
            "cycle:1,,2",
            "mod:0",
            "twap",
        ] {
            assert!(text.parse::<ReplayPolicy>().is_err(), "{text}");
        }
    }
}
