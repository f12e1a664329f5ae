//! What a route is: one row says everything that dispatch, permission check, documentation and tests need to know.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::answer::Handled;
use crate::auth::permissions::Permission;
use crate::request::Request;

/// Bodies without a rule of their own.
pub(crate) const BODY_BYTES_DEFAULT: usize = 256 * 1024;
/// Handlers without a rule of their own.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// The methods we serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verb {
    /// Reads.
    Get,
    /// Creates or commands.
    Post,
    /// Writes whole.
    Put,
    /// Changes parts.
    Patch,
    /// Removes or archives.
    Delete,
}

impl Verb {
    /// Returns the method's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// The refresh cookie is the credential; `TM-CSRF` and `Origin` are checked.
    Cookie,
    /// Anybody signed in.
    SignedIn,
    /// Whoever holds at least one of these; the handler checks the exact one where there are several.
    AnyOf(&'static [Permission]),
}

/// What is recorded about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audit {
    /// Nothing.
    None,
    /// Who, when, what, result.
    Metadata,
}

/// Which bucket a call takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RateClass {
    /// Cheap reads.
    Read,
    /// Changes.
    Write,
    /// Reports, imports.
    Heavy,
    /// Sign-in.
    Auth,
}

/// What a query parameter holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ParamKind {
    /// Text of at most this many characters.
    Text(usize),
    /// A whole number in a range.
    Integer(u64, u64),
    /// `true` or `false`.
    Boolean,
    /// One of a list.
    OneOf(&'static [&'static str]),
    /// Any parameter that begins with the name.
    Prefix(usize),
}

/// One query parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Param {
    /// Name, or the beginning of it for [`ParamKind::Prefix`].
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: ParamKind,
    /// One sentence.
    pub(crate) meaning: &'static str,
}

/// Makes the schema of a body.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;
/// Serves a request.
pub(crate) type Handler = fn(Request) -> Pin<Box<dyn Future<Output = Handled> + Send>>;

/// One row of the table of routes.
pub(crate) struct RouteSpec {
    /// Method.
    pub(crate) method: Verb,
    /// Path below `/api/v1` with `{parameters}` and `:verb`.
    pub(crate) path: &'static str,
    /// One sentence for people.
    pub(crate) summary: &'static str,
    /// Who may call.
    pub(crate) access: Access,
    /// Whether somebody whose generated password is not changed yet may call it.
    pub(crate) before_password_change: bool,
    /// What is recorded.
    pub(crate) audit: Audit,
    /// Whether `Idempotency-Key` is required.
    pub(crate) idempotent: bool,
    /// Whether `If-Match` is required.
    pub(crate) if_match: bool,
    /// Bucket.
    pub(crate) rate: RateClass,
    /// Largest body.
    pub(crate) body_bytes_max: usize,
    /// Content types read besides JSON; empty where JSON only.
    pub(crate) raw_types: &'static [&'static str],
    /// How long the handler may take.
    pub(crate) timeout: Duration,
    /// Status of success.
    pub(crate) success: u16,
    /// Query parameters.
    pub(crate) query: &'static [Param],
    /// Schema of the request body; absent where there is none.
    pub(crate) request: Option<SchemaOf>,
    /// Schema of the answer; absent where there is none.
    pub(crate) response: Option<SchemaOf>,
    /// Serves it.
    pub(crate) handler: Handler,
}

impl RouteSpec {
    /// A read: any body is refused, no key is asked.
    pub(crate) fn get(path: &'static str, summary: &'static str, handler: Handler) -> Self {
        Self {
            method: Verb::Get,
            path,
            summary,
            access: Access::SignedIn,
            before_password_change: false,
            audit: Audit::None,
            idempotent: false,
            if_match: false,
            rate: RateClass::Read,
            body_bytes_max: BODY_BYTES_DEFAULT,
            raw_types: &[],
            timeout: TIMEOUT_DEFAULT,
            success: 200,
            query: &[],
            request: None,
            response: None,
            handler,
        }
    }

    /// A change without a key.
    pub(crate) fn change(
        method: Verb,
        path: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            audit: Audit::Metadata,
            rate: RateClass::Write,
            ..Self::get(path, summary, handler)
        }
    }

    /// A POST that creates or commands: `Idempotency-Key` required.
    pub(crate) fn command(path: &'static str, summary: &'static str, handler: Handler) -> Self {
        Self { idempotent: true, ..Self::change(Verb::Post, path, summary, handler) }
    }

    /// Sets who may call.
    pub(crate) fn needs(mut self, permissions: &'static [Permission]) -> Self {
        self.access = Access::AnyOf(permissions);
        self
    }

    /// Sets who may call.
    pub(crate) fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Also serves somebody whose generated password is not changed yet.
    pub(crate) fn before_password_change(mut self) -> Self {
        self.before_password_change = true;
        self
    }

    /// Requires `If-Match`.
    pub(crate) fn edits(mut self) -> Self {
        self.if_match = true;
        self
    }

    /// Sets the bucket; heavy work gets 30 s.
    pub(crate) fn rate(mut self, rate: RateClass) -> Self {
        self.rate = rate;
        if rate == RateClass::Heavy {
            self.timeout = Duration::from_secs(30);
        }
        self
    }

    /// Sets status and schema of the answer.
    pub(crate) fn answers<T: JsonSchema>(mut self, status: u16) -> Self {
        self.success = status;
        self.response = Some(|generator| generator.subschema_for::<T>());
        self
    }

    /// An answer without a body.
    pub(crate) fn answers_nothing(mut self) -> Self {
        self.success = 204;
        self
    }

    /// Sets the schema of the request body.
    pub(crate) fn reads<T: JsonSchema>(mut self) -> Self {
        self.request = Some(|generator| generator.subschema_for::<T>());
        self
    }

    /// Sets the query parameters.
    pub(crate) fn query(mut self, query: &'static [Param]) -> Self {
        self.query = query;
        self
    }

    /// Also reads raw bodies of these types, up to `bytes_max`.
    pub(crate) fn raw(mut self, types: &'static [&'static str], bytes_max: usize) -> Self {
        self.raw_types = types;
        self.body_bytes_max = bytes_max;
        self
    }

    /// Whether a body is read at all.
    pub(crate) fn has_body(&self) -> bool {
        self.request.is_some() || !self.raw_types.is_empty()
    }

    /// Whether the path names one object.
    pub(crate) fn names_object(&self) -> bool {
        self.path.contains('{')
    }
}
