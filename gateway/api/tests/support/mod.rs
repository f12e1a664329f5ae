//! A real gateway over real actors on a temporary directory, and a client that speaks to it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use actors::boot::{PlatformConfig, Running, boot};
use actors::{Clock, Command, NewUser, Platform, SystemClock, WorkerProgram};
use engine::config::{ResourcesConfig, Violation};
use gateway::{Encodings, Gateway, GatewayConfig, PageFile, Pages, PasswordCost, Rate, Rates};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for anything.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Password of every user of a test.
pub const PASSWORD: &str = "violet-umbrella-92";
/// Hashing that costs nothing.
pub const CHEAP: PasswordCost = PasswordCost { memory_kib: 16, passes: 1 };
/// An identifier that is well formed and not there.
pub const NOWHERE: &str = "01900000000070008000000000000001";

/// The machine's clock, moved.
#[derive(Debug, Default)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    pub fn forward(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn wall_ms(&self) -> i64 {
        SystemClock.wall_ms() + self.0.load(Ordering::SeqCst)
    }

    fn boot_ms(&self) -> u64 {
        SystemClock.boot_ms()
    }
}

/// The notice of package `ui`, and one asset.
struct TestPages;

impl Pages for TestPages {
    fn lookup(&self, path: &str, encodings: Encodings) -> Option<PageFile> {
        if path == "assets/app.js" {
            let (text, encoding) =
                if encodings.br { ("compressed", Some("br")) } else { ("let a = 1;", None) };
            let bytes = std::borrow::Cow::Borrowed(text.as_bytes());
            let etag = format!("hash-of-{text}").replace(' ', "-");
            return Some(PageFile {
                bytes,
                content_type: "text/javascript; charset=utf-8",
                etag,
                encoding,
            });
        }
        let asset = ui::lookup(path, ui::Encodings { br: encodings.br, gzip: encodings.gzip })?;
        let ui::Asset { bytes, content_type, etag, encoding } = asset;
        Some(PageFile { bytes, content_type, etag, encoding })
    }
}

/// A gateway, its actors and a client.
pub struct Site {
    pub gateway: Gateway,
    pub platform: Platform,
    pub running: Running,
    pub clock: Arc<MovedClock>,
    pub address: SocketAddr,
    pub http: reqwest::Client,
    pub config: GatewayConfig,
    _dir: TempDir,
}

/// Rates that never get in the way.
pub fn generous() -> Rates {
    let rate = Rate::new(10_000.0, 10_000.0);
    Rates { read: rate, write: rate, heavy: rate, auth_user: rate, auth_address: rate }
}

/// Starts a site with generous rates.
pub async fn start() -> Site {
    start_with(|_| {}).await
}

/// Starts a site whose gateway is configured otherwise.
pub async fn start_with(change: impl FnOnce(&mut GatewayConfig)) -> Site {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(MovedClock::default());
    let (platform, running) = boot_platform(dir.path(), Arc::clone(&clock)).await;
    let mut config = GatewayConfig::new("127.0.0.1:0".parse().unwrap());
    config.passwords = CHEAP;
    config.rates = generous();
    config.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    change(&mut config);
    let gateway =
        gateway::serve(config.clone(), platform.clone(), Arc::new(TestPages)).await.unwrap();
    let address = gateway.local_addr();
    let http = reqwest::Client::builder().timeout(DEADLINE).build().unwrap();
    Site { gateway, platform, running, clock, address, http, config, _dir: dir }
}

async fn boot_platform(dir: &Path, clock: Arc<MovedClock>) -> (Platform, Running) {
    // No worker: what is submitted waits for more cores than there are, or fails cleanly.
    let program =
        WorkerProgram { path: dir.join("no-such-worker"), env: std::collections::BTreeMap::new() };
    let mut config = PlatformConfig::new(dir.join("data"), program, clock);
    config.node = Some("node-1".parse().unwrap());
    config.capacity = ResourcesConfig { cpu: 1, memory_mib: 1024, ..ResourcesConfig::default() };
    boot(config).await.unwrap()
}

/// One answer, read whole.
pub struct Got {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a whole problem with this code, and returns it.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            (self.status.as_u16(), problem["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:tm:problem:{code}"));
        for field in ["title", "detail", "instance", "params", "errors"] {
            assert!(!problem[field].is_null(), "{field}: {}", self.text);
        }
        assert_eq!(self.header("traceparent").split('-').nth(1), problem["trace_id"].as_str());
        for error in problem["errors"].as_array().unwrap() {
            let violation: Violation = serde_json::from_value(error.clone()).unwrap();
            assert_eq!(violation.lacks(), None, "{}", self.text);
        }
        problem
    }

    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
}

pub async fn read(response: Response) -> Got {
    let (status, headers) = (response.status(), response.headers().clone());
    Got { status, headers, text: response.text().await.unwrap() }
}

/// A caller with a token.
#[derive(Clone)]
pub struct As<'a> {
    pub site: &'a Site,
    pub token: String,
}

impl Site {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Makes a user of a role and signs in.
    pub async fn user(&self, name: &str, role: &str) -> As<'_> {
        let wanted = NewUser {
            name: name.to_owned(),
            role: role.to_owned(),
            password_phc: phc(PASSWORD),
            must_change_password: false,
        };
        self.platform.identity.create_user(Command::once("test"), wanted).await.unwrap();
        As {
            site: self,
            token: self.login(name, PASSWORD).await.ok(200)["access_token"]
                .as_str()
                .unwrap()
                .to_owned(),
        }
    }

    pub async fn login(&self, name: &str, password: &str) -> Got {
        let body = json!({"user": name, "password": password});
        read(self.http.post(self.url("/api/v1/auth/login")).json(&body).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Got {
        read(self.http.get(self.url(path)).send().await.unwrap()).await
    }

    pub async fn end(self) {
        self.gateway.shutdown(DEADLINE).await;
        self.running.shutdown(DEADLINE).await;
    }
}

impl As<'_> {
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.site
            .http
            .request(method, self.site.url(&format!("/api/v1{path}")))
            .bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Got {
        read(self.request("GET", path).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Got {
        read(
            self.request("POST", path)
                .header("idempotency-key", key)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        if_match: &str,
        body: Option<&Value>,
    ) -> Got {
        let mut request = self.request(method, path).header("idempotency-key", uuid_text());
        if !if_match.is_empty() {
            request = request.header("if-match", if_match);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await.unwrap()).await
    }

    pub async fn strategy(&self, name: &str) -> Value {
        let body = json!({"name": name, "config": {"agent": {"algorithm": "dqn"}}});
        self.post("/strategies", &uuid_text(), &body).await.ok(201)
    }

    pub async fn dataset(&self, name: &str) -> Value {
        let body = json!({"name": name, "synthetic": {"seed": 7, "rows": 400}});
        self.post("/datasets", &uuid_text(), &body).await.ok(201)
    }

    /// Starts a session that waits for ever: it wants more cores than there are.
    pub async fn waiting_session(&self, name: &str) -> Value {
        let strategy = self.strategy(&format!("{name} strategy")).await;
        let dataset = self.dataset(&format!("{name} data")).await;
        let body = json!({
            "name": name, "strategy_id": strategy["id"], "dataset_id": dataset["id"],
            "config": {"kind": "training"}, "resources": {"cpu": 8}, "tags": ["test"],
        });
        self.post("/sessions", &uuid_text(), &body).await.ok(201)
    }

    pub async fn ticket(&self) -> String {
        let got = read(self.request("POST", "/ws-tickets").send().await.unwrap()).await;
        got.ok(200)["ticket"].as_str().unwrap().to_owned()
    }
}

/// Returns the Argon2id hash of a password at the lowest cost.
pub fn phc(password: &str) -> String {
    use argon2::password_hash::{PasswordHasher, SaltString};
    let params = argon2::Params::new(16, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let salt = SaltString::encode_b64(b"salt of the test").unwrap();
    hasher.hash_password(password.as_bytes(), &salt).unwrap().to_string()
}

/// Returns a new key.
pub fn uuid_text() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Waits until a condition holds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < DEADLINE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
