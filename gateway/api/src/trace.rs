//! W3C trace context: every request and every answer carries `traceparent`.

use ring::rand::{SecureRandom, SystemRandom};

use crate::text;

/// The trace a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    /// 32 hexadecimal digits.
    pub(crate) trace_id: String,
    /// 16 hexadecimal digits: our part of it.
    pub(crate) span_id: String,
    flags: String,
}

impl Trace {
    /// Continues the caller's trace, or starts one where there is none or it cannot be read.
    pub(crate) fn begin(traceparent: Option<&str>) -> Self {
        let span_id = random_hex::<8>();
        match traceparent.and_then(parse) {
            Some((trace_id, flags)) => Self { trace_id, span_id, flags },
            None => Self { trace_id: random_hex::<16>(), span_id, flags: "00".to_owned() },
        }
    }

    /// Returns the header's value.
    pub(crate) fn header(&self) -> String {
        format!("00-{}-{}-{}", self.trace_id, self.span_id, self.flags)
    }
}

fn random_hex<const N: usize>() -> String {
    let mut bytes = [0u8; N];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // A trace needs to be unlike others, not secret: an address on the stack will do.
        let address = std::ptr::from_ref(&bytes).addr().to_be_bytes();
        bytes.iter_mut().zip(address.iter().rev().cycle()).for_each(|(to, from)| *to = *from);
    }
    text::hex(&bytes)
}

fn parse(header: &str) -> Option<(String, String)> {
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let digits = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let known =
        digits(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let defined = trace.bytes().any(|b| b != b'0') && span.bytes().any(|b| b != b'0');
    (known && digits(trace, 32) && digits(span, 16) && digits(flags, 2) && defined)
        .then(|| (trace.to_owned(), flags.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_goes_on_under_a_new_span() {
        let trace = Trace::begin(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert_eq!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(trace.span_id, "00f067aa0ba902b7");
        assert!(trace.header().ends_with("-01"));
    }

    #[test]
    fn an_unreadable_trace_starts_a_new_one() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            let trace = Trace::begin(Some(bad));
            assert_ne!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736", "{bad}");
            assert_eq!(trace.header().len(), 55);
        }
    }
}
