//! Calls the gateway: JSON in, JSON out, one idempotency key per command kept over retries, one silent refresh of an
//! expired token.

use std::sync::Mutex;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use serde_json::Value;

use super::credentials::{self, Login};
use crate::cli::Global;
use crate::error::CliError;
use crate::output::note;

/// A connection refused or cut before an answer is tried again this often; the key makes that harmless.
const ATTEMPTS: u32 = 3;

/// One body to send.
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(Value),
    /// Bytes with their content type.
    Bytes(&'static str, bytes::Bytes),
}

/// What an answer holds.
pub(crate) struct Answer {
    /// The JSON body; `Null` when empty.
    pub(crate) value: Value,
}

/// A gateway's client.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    login: Mutex<Option<Login>>,
    timeout: Duration,
    verbose: bool,
}

impl Client {
    /// Prepares a client; connects at the first call.
    ///
    /// # Errors
    /// When the stored login cannot be read or the address is no URL.
    pub(crate) fn new(global: &Global) -> Result<Self, CliError> {
        let base = global.url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(CliError::Usage(format!(
                "'{base}' is not an address such as http://127.0.0.1:8080"
            )));
        }
        let http = reqwest::Client::builder()
            .timeout(global.timeout)
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("tm/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| CliError::Failed(format!("the HTTP client did not start: {error}")))?;
        let login = match crate::config::token() {
            Some(access_token) => Some(Login { access_token, refresh_cookie: String::new() }),
            None => credentials::load(&base)?,
        };
        Ok(Self {
            http,
            base,
            login: Mutex::new(login),
            timeout: global.timeout,
            verbose: global.verbose,
        })
    }

    /// Returns the address without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// What the gateway refuses, or that nobody answers.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, CliError> {
        Ok(self.send(Method::GET, path, Body::Empty, None).await?.value)
    }

    /// Sends a command.
    ///
    /// # Errors
    /// What the gateway refuses, or that nobody answers.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value, CliError> {
        Ok(self.send(Method::POST, path, Body::Json(body), None).await?.value)
    }

    /// Sends any request, retrying what is safe to retry.
    ///
    /// # Errors
    /// What the gateway refuses, or that nobody answers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
        revision: Option<&str>,
    ) -> Result<Answer, CliError> {
        let key = uuid::Uuid::now_v7().to_string();
        if self.verbose {
            note(&format!("{method} {}{path} idempotency-key {key}", self.base));
        }
        let mut refreshed = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
            if method != Method::GET {
                request = request.header("idempotency-key", &key);
            }
            if let Some(token) = self.access_token() {
                request = request.bearer_auth(token);
            }
            if let Some(revision) = revision {
                request = request.header(header::IF_MATCH, revision);
            }
            request = match &body {
                Body::Empty => request,
                Body::Json(value) => request.json(value),
                Body::Bytes(kind, bytes) => {
                    request.header(header::CONTENT_TYPE, *kind).body(bytes.clone())
                }
            };
            match request.send().await {
                Err(error)
                    if attempt < ATTEMPTS
                        && (error.is_connect() || error.is_request())
                        && !error.is_timeout() =>
                {
                    tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt))).await;
                }
                Err(error) => return Err(self.unreachable(&error)),
                Ok(answer)
                    if answer.status() == StatusCode::UNAUTHORIZED
                        && !refreshed
                        && self.refresh().await? =>
                {
                    refreshed = true;
                }
                Ok(answer) => return self.read(answer).await,
            }
        }
    }

    /// Logs in and keeps the login.
    ///
    /// # Errors
    /// Wrong credentials, or that nobody answers.
    pub(crate) async fn login(&self, user: &str, password: &str) -> Result<Value, CliError> {
        let request = self.http.post(format!("{}/api/v1/auth/login", self.base));
        let body = serde_json::json!({"user": user, "password": password});
        let answer = request.json(&body).send().await.map_err(|error| self.unreachable(&error))?;
        let cookie = refresh_cookie(&answer).unwrap_or_default();
        let value = self.read(answer).await?.value;
        let token =
            value.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned();
        let login = Login { access_token: token, refresh_cookie: cookie };
        credentials::store(&self.base, Some(login.clone()))?;
        self.keep(login);
        Ok(value)
    }

    /// Ends the login here and at the node.
    ///
    /// # Errors
    /// When the stored login cannot be removed.
    pub(crate) async fn logout(&self) -> Result<(), CliError> {
        let cookie = self
            .login
            .lock()
            .ok()
            .and_then(|login| login.clone())
            .map(|login| login.refresh_cookie);
        if let Some(cookie) = cookie.filter(|cookie| !cookie.is_empty()) {
            // The login is forgotten here even when the node is gone.
            drop(self.cookie_route("logout", &cookie).send().await);
        }
        credentials::store(&self.base, None)
    }

    fn cookie_route(&self, verb: &str, cookie: &str) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/api/v1/auth/{verb}", self.base))
            .header(header::COOKIE, cookie)
            .header("tm-csrf", "1")
            .header(header::ORIGIN, &self.base)
            .header("sec-fetch-site", "same-origin")
    }

    /// Trades the refresh cookie for a new token; false when there is none or it is refused.
    async fn refresh(&self) -> Result<bool, CliError> {
        // Another `tm` may have refreshed meanwhile: the file is newer than memory.
        let Some(login) = credentials::load(&self.base)? else { return Ok(false) };
        if login.refresh_cookie.is_empty() {
            return Ok(false);
        }
        let answer = self
            .cookie_route("refresh", &login.refresh_cookie)
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        if !answer.status().is_success() {
            return Ok(false);
        }
        let cookie = refresh_cookie(&answer).unwrap_or(login.refresh_cookie);
        let value = self.read(answer).await?.value;
        let token =
            value.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned();
        let fresh = Login { access_token: token, refresh_cookie: cookie };
        credentials::store(&self.base, Some(fresh.clone()))?;
        self.keep(fresh);
        Ok(true)
    }

    fn keep(&self, login: Login) {
        if let Ok(mut slot) = self.login.lock() {
            *slot = Some(login);
        }
    }

    fn access_token(&self) -> Option<String> {
        self.login.lock().ok()?.as_ref().map(|login| login.access_token.clone())
    }

    async fn read(&self, answer: Response) -> Result<Answer, CliError> {
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        if status == StatusCode::UNAUTHORIZED && self.access_token().is_none() {
            return Err(CliError::LoggedOut { url: self.base.clone() });
        }
        if !status.is_success() {
            return Err(CliError::from_problem(status.as_u16(), &body));
        }
        let value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap_or(Value::Null)
        };
        Ok(Answer { value })
    }

    fn unreachable(&self, error: &reqwest::Error) -> CliError {
        if error.is_timeout() {
            return CliError::TimedOut {
                what: "the request".to_owned(),
                seconds: self.timeout.as_secs().max(1),
                look: "tm node status".to_owned(),
            };
        }
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            reason = inner.to_string();
            source = inner.source();
        }
        CliError::Unreachable { url: self.base.clone(), reason }
    }
}

/// Returns `name=value` of the refresh cookie an answer sets.
fn refresh_cookie(answer: &Response) -> Option<String> {
    answer
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| value.split(';').next())
        .find(|pair| pair.contains("tm_refresh=") && !pair.ends_with('='))
        .map(str::to_owned)
}
