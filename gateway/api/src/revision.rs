//! `ETag` and `If-Match`: revisions as `"r17"`.

use engine::error::ErrorCode;

use crate::problem::Problem;

/// Returns the tag of a revision.
pub(crate) fn etag(revision: u64) -> String {
    format!("\"r{revision}\"")
}

/// Reads `If-Match`; `*` and weak tags are refused, because an edit must name what it was made from.
///
/// # Errors
/// `precondition_required` when missing or not one of our tags.
pub(crate) fn if_match(header: Option<&str>) -> Result<u64, Problem> {
    let Some(header) = header else {
        let detail =
            "this change needs If-Match with the ETag of what you read, for example \"r17\"";
        return Err(Problem::new(ErrorCode::PreconditionRequired, detail));
    };
    let digits = header.trim().strip_prefix("\"r").and_then(|rest| rest.strip_suffix('"'));
    let plain = digits.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    plain.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let detail = "If-Match must be one ETag as you read it, for example \"r17\"";
        Problem::new(ErrorCode::PreconditionRequired, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_reads_back_and_nothing_else_does() {
        assert_eq!(if_match(Some(&etag(17))).unwrap(), 17);
        for bad in [
            None,
            Some("*"),
            Some("r17"),
            Some("W/\"r17\""),
            Some("\"r\""),
            Some("\"r-1\""),
            Some("\"r1\", \"r2\""),
        ] {
            assert_eq!(if_match(bad).unwrap_err().code, ErrorCode::PreconditionRequired, "{bad:?}");
        }
    }
}
