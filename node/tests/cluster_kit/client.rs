//! REST of any node with one login: what one node gave is shown to all.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::DEADLINE;

/// The password that the administrator chooses at the first login.
pub const PASSWORD: &str = "violet-umbrella-92";

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    method: Method,
    path: String,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
    within: Duration,
}

impl Ask {
    fn new(method: Method, path: &str, body: Option<Value>) -> Self {
        let within = Duration::from_secs(30);
        Self { method, path: path.to_owned(), body, headers: Vec::new(), within }
    }

    /// A read.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path, None)
    }

    /// A command with a key of its own.
    pub fn post(path: &str, body: &Value) -> Self {
        let key = uuid::Uuid::now_v7().to_string();
        Self::new(Method::POST, path, Some(body.clone())).key(&key)
    }

    /// A change of what has this revision.
    pub fn patch(path: &str, revision: u64, body: &Value) -> Self {
        let mut ask = Self::new(Method::PATCH, path, Some(body.clone()));
        ask.headers.push(("if-match", format!("\"r{revision}\"")));
        ask
    }

    /// With this key instead.
    pub fn key(mut self, key: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "idempotency-key");
        self.headers.push(("idempotency-key", key.to_owned()));
        self
    }

    /// Given up after this long.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body; null where it was no JSON.
    pub body: Value,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
}

impl Reply {
    /// Returns whether it is a success.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns a text of the body.
    pub fn text(&self, field: &str) -> String {
        let found = self.body[field].as_str();
        found.unwrap_or_else(|| panic!("no text '{field}' in {}", self.body)).to_owned()
    }
}

/// The administrator.
pub struct Client {
    http: reqwest::Client,
    token: Mutex<String>,
}

impl Default for Client {
    fn default() -> Self {
        // Connections are not kept: a node that was frozen must not be judged by an old one.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { http, token: Mutex::default() }
    }
}

impl Client {
    /// Logs in for the first time: changes the generated password to [`PASSWORD`].
    pub async fn first_login(&self, url: &str, generated: &str) {
        self.login(url, generated).await.unwrap();
        let body = json!({"current": generated, "new": PASSWORD});
        let changed = self.send(url, &Ask::post("/api/v1/me/password", &body)).await.unwrap();
        assert_eq!(changed.status, 204, "{}", changed.body);
        self.login(url, PASSWORD).await.unwrap();
    }

    /// Logs in.
    pub async fn login(&self, url: &str, password: &str) -> Result<(), String> {
        let body = json!({"user": "admin", "password": password});
        let ask = Ask::new(Method::POST, "/api/v1/auth/login", Some(body));
        let begun = Instant::now();
        loop {
            let reply = self.once(url, &ask).await?;
            if reply.is_ok() {
                let token = reply.text("access_token");
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
                return Ok(());
            }
            if reply.status != 429 || DEADLINE < begun.elapsed() {
                return Err(format!("login at {url}: {} {}", reply.status, reply.body));
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Returns another client with the same login.
    pub fn same_login(&self) -> Self {
        let other = Self::default();
        *other.token.lock().unwrap_or_else(PoisonError::into_inner) = self.token();
        other
    }

    /// Returns the access token.
    pub fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends once. An error says nothing about whether it was carried out.
    async fn once(&self, url: &str, ask: &Ask) -> Result<Reply, String> {
        let address = format!("{url}{}", ask.path);
        let mut request = self.http.request(ask.method.clone(), address).timeout(ask.within);
        let token = self.token();
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let text = answer.text().await.map_err(|error| format!("{error:?}"))?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { status, body, headers })
    }

    /// Sends; waits where the node says that we ask too often, and logs in again when the login is over.
    pub async fn send(&self, url: &str, ask: &Ask) -> Result<Reply, String> {
        let begun = Instant::now();
        let mut again = true;
        loop {
            let reply = self.once(url, ask).await?;
            match reply.status {
                429 if begun.elapsed() < DEADLINE => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                401 if again => {
                    again = false;
                    self.login(url, PASSWORD).await?;
                }
                _ => return Ok(reply),
            }
        }
    }
}
