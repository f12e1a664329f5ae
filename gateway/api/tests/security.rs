//! Credentials, cookies, origins, limits, slow and oversized clients, headers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::{GatewayConfig, GatewayError, Rate};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use support::{
    As, CHEAP, DEADLINE, Got, NOWHERE, PASSWORD, Site, read, start, start_with, uuid_text,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_open_nothing() {
    let site = start().await;
    let ann = site.user("ann", "admin").await;
    let with = |token: String| {
        let caller = As { site: &site, token };
        async move { caller.get("/me").await }
    };
    with(ann.token.clone()).await.ok(200);
    let parts: Vec<&str> = ann.token.split('.').collect();
    let claims = parts[1];
    let header = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let other = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let forged_message = format!("{}.{claims}", parts[0]);
    let forged = format!(
        "{forged_message}.{}",
        URL_SAFE_NO_PAD.encode(other.sign(forged_message.as_bytes()))
    );
    let mut raised: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    raised["exp"] = json!(9_999_999_999_i64);
    let raised =
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(raised.to_string()), parts[2]);
    for bad in [
        format!("{}.{claims}.", header(r#"{"alg":"none","typ":"JWT","kid":"x"}"#)),
        format!("{}.{claims}.{}", header(r#"{"alg":"HS256","typ":"JWT","kid":"x"}"#), parts[2]),
        format!("{}.{claims}.{}", header(r#"{"alg":"EdDSA","typ":"JWT"}"#), parts[2]),
        forged,
        raised,
        String::new(),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(5000),
    ] {
        with(bad).await.problem(401, "unauthenticated");
    }
    let basic = site
        .http
        .get(site.url("/api/v1/me"))
        .basic_auth("ann", Some(PASSWORD))
        .send()
        .await
        .unwrap();
    read(basic).await.problem(401, "unauthenticated");
    site.clock.forward(Duration::from_secs(601));
    with(ann.token.clone()).await.problem(401, "token_expired");
    site.end().await;
}

fn cookie(got: &Got) -> String {
    got.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

async fn with_cookie(site: &Site, path: &str, cookie: &str) -> Got {
    let request = site.http.post(site.url(path)).header("cookie", cookie).header("tm-csrf", "1");
    read(request.header("origin", site.url("")).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_rotates_and_a_stolen_token_ends_the_login() {
    let site = start().await;
    site.user("ann", "ordinary").await;
    let signed_in = site.login("ann", PASSWORD).await;
    let attributes = signed_in.header("set-cookie").to_owned();
    assert!(
        attributes.starts_with("tm_refresh=") && attributes.contains("HttpOnly; SameSite=Strict"),
        "{attributes}"
    );
    assert!(
        !attributes.contains("Secure")
            && !signed_in.text.contains(cookie(&signed_in).split_once('=').unwrap().1)
    );
    let first = cookie(&signed_in);
    let rotated = with_cookie(&site, "/api/v1/auth/refresh", &first).await;
    assert_eq!(rotated.ok(200)["user"]["name"], "ann");
    let second = cookie(&rotated);
    assert_ne!(first, second);
    let grace = with_cookie(&site, "/api/v1/auth/refresh", &first).await;
    grace.ok(200);
    assert_eq!(grace.header("set-cookie"), "", "another tab gets a token and keeps the cookie");
    site.clock.forward(Duration::from_secs(11));
    let stolen = with_cookie(&site, "/api/v1/auth/refresh", &first).await;
    stolen.problem(401, "unauthenticated");
    assert!(stolen.header("set-cookie").contains("Max-Age=0"));
    with_cookie(&site, "/api/v1/auth/refresh", &second).await.problem(401, "unauthenticated");

    let signed_in = site.login("ann", PASSWORD).await;
    let out = with_cookie(&site, "/api/v1/auth/logout", &cookie(&signed_in)).await;
    assert_eq!(out.status.as_u16(), 204);
    with_cookie(&site, "/api/v1/auth/refresh", &cookie(&signed_in))
        .await
        .problem(401, "unauthenticated");
    with_cookie(&site, "/api/v1/auth/refresh", "tm_refresh=nonsense")
        .await
        .problem(401, "unauthenticated");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cookie_routes_serve_our_own_pages_only() {
    let site = start().await;
    site.user("ann", "ordinary").await;
    let cookie = cookie(&site.login("ann", PASSWORD).await);
    let ours = site.url("");
    let attempts: [&[(&str, &str)]; 5] = [
        &[("origin", &ours)],
        &[("tm-csrf", "1")],
        &[("tm-csrf", "1"), ("origin", "http://evil.example")],
        &[("tm-csrf", "1"), ("origin", "null")],
        &[("tm-csrf", "1"), ("origin", &ours), ("sec-fetch-site", "cross-site")],
    ];
    for headers in attempts {
        let mut request =
            site.http.post(site.url("/api/v1/auth/refresh")).header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await.problem(403, "forbidden");
    }
    with_cookie(&site, "/api/v1/auth/refresh", &cookie).await.ok(200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_and_unknown_users_look_the_same_and_wait() {
    let site = start().await;
    site.user("ann", "ordinary").await;
    site.user("bob", "ordinary").await;
    let wrong = site.login("ann", "not the password").await.problem(401, "unauthenticated");
    let unknown = site.login("nobody", "not the password").await.problem(401, "unauthenticated");
    assert_eq!(wrong["detail"], unknown["detail"]);
    for _ in 0..3 {
        let answer = site.login("ann", "not the password").await;
        assert!([401, 429].contains(&answer.status.as_u16()));
    }
    let locked = site.login("ann", PASSWORD).await;
    locked.problem(429, "rate_limited");
    let seconds: u64 = locked.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&seconds));
    site.login("bob", PASSWORD).await.ok(200);
    support::until("the end of the wait", || async {
        site.login("ann", PASSWORD).await.status.as_u16() == 200
    })
    .await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_held_by_class_and_caller() {
    let site = start_with(|config| {
        config.rates.write = Rate::new(0.01, 2.0);
        config.rates.auth_user = Rate::new(0.01, 2.0);
    })
    .await;
    let ann = site.user("ann", "ordinary").await;
    let bob = site.user("bob", "ordinary").await;
    ann.strategy("a").await;
    ann.strategy("b").await;
    let refused = ann.post("/strategies", &uuid_text(), &json!({})).await;
    refused.problem(429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 1);
    assert!(
        refused.header("ratelimit").contains("write")
            && refused.header("ratelimit-policy").contains("q=2")
    );
    ann.get("/me").await.ok(200);
    bob.strategy("c").await;
    site.login("ann", PASSWORD).await.ok(200);
    site.login("ann", PASSWORD).await.problem(429, "rate_limited");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_bodies_are_refused_announced_or_chunked() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let big = vec![b' '; 300 * 1024];
    let request = |body: reqwest::Body| {
        let request = ann.request("POST", "/strategies").header("idempotency-key", uuid_text());
        request.header("content-type", "application/json").body(body).send()
    };
    read(request(big.clone().into()).await.unwrap()).await.problem(413, "too_large");
    let pieces =
        big.chunks(10_000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    match request(chunked).await {
        Ok(response) => {
            read(response).await.problem(413, "too_large");
        }
        // The answer may cut off the upload before it is read.
        Err(error) => assert!(!error.is_timeout(), "{error}"),
    }
    assert_eq!(ann.get("/strategies").await.ok(200)["items"], json!([]));
    site.end().await;
}

async fn raw(site: &Site, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(text).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap_or_default();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_silent_and_oversized_heads_are_cut_off() {
    let site = start_with(|config| {
        config.connections.head = Duration::from_millis(300);
        config.connections.idle = Duration::from_millis(600);
        config.connections.body = Duration::from_millis(500);
    })
    .await;
    let half = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    assert!(!raw(&site, half).await.contains("200"), "half a head");
    assert_eq!(raw(&site, b"").await, "", "silence");
    let idle = raw(&site, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(idle.contains("200 OK"), "served, then closed when idle: {idle}");
    let mut huge = b"GET /livez HTTP/1.1\r\nHost: x\r\n".to_vec();
    for number in 0..60 {
        huge.extend(format!("X-{number}: {}\r\n", "y".repeat(500)).bytes());
    }
    huge.extend(b"\r\n");
    let refused = raw(&site, &huge).await;
    assert!(!refused.contains("200 OK"), "{refused}");
    let ann = site.user("ann", "ordinary").await;
    let slow_body = format!(
        "POST /api/v1/strategies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: k\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        ann.token
    );
    assert!(raw(&site, slow_body.as_bytes()).await.contains("deadline_exceeded"));
    site.get("/livez").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_limited() {
    let site = start_with(|config| config.connections.per_address = 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(site.address).await.unwrap());
    }
    support::until("the refusal of a fourth", || async {
        let mut fourth = TcpStream::connect(site.address).await.unwrap();
        let mut byte = [0u8; 1];
        matches!(
            tokio::time::timeout(Duration::from_millis(200), fourth.read(&mut byte)).await,
            Ok(Ok(0) | Err(_))
        )
    })
    .await;
    drop(held);
    support::until("room again", || async {
        site.http.get(site.url("/livez")).send().await.is_ok()
    })
    .await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_under_a_strict_policy_and_never_under_api() {
    let site = start().await;
    let page = site.get("/sessions/anything").await;
    assert!(page.status.is_success() && page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    for wanted in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "connect-src 'self'"]
    {
        assert!(policy.contains(wanted), "{policy}");
    }
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(page.text.contains(nonce) && !page.text.contains("__CSP_NONCE__"));
    assert_eq!((page.header("cache-control"), page.header("etag")), ("no-store", ""));
    assert_ne!(
        site.get("/").await.header("content-security-policy"),
        policy,
        "a new nonce each time"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value);
        assert_eq!(site.get("/api/v1/me").await.header(name), value);
    }
    let asset = site.get("/assets/app.js").await;
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    let known = site
        .http
        .get(site.url("/assets/app.js"))
        .header("if-none-match", asset.header("etag"))
        .send()
        .await
        .unwrap();
    assert_eq!(known.status().as_u16(), 304);
    let packed = site
        .http
        .get(site.url("/assets/app.js"))
        .header("accept-encoding", "gzip, br")
        .send()
        .await
        .unwrap();
    assert_eq!(packed.headers()["content-encoding"], "br");
    site.get("/missing.js").await.problem(404, "not_found");
    site.get("/api/missing").await.problem(404, "not_found");
    let head = site.http.head(site.url("/")).send().await.unwrap();
    assert!(head.status().is_success() && head.text().await.unwrap().is_empty());
    read(site.http.post(site.url("/")).send().await.unwrap())
        .await
        .problem(405, "method_not_allowed");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_only_whether() {
    let site = start().await;
    for path in ["/livez", "/readyz", "/startupz"] {
        let got = site.get(path).await;
        assert_eq!((got.status.as_u16(), got.text.as_str()), (200, "ok\n"), "{path}");
    }
    let ann = site.user("ann", "ordinary").await;
    site.gateway.drain();
    assert_eq!(site.get("/readyz").await.status.as_u16(), 503);
    assert_eq!(site.get("/livez").await.status.as_u16(), 200);
    ann.get("/me").await.ok(200);
    ann.post("/strategies", "k", &json!({"name": "x", "config": {}}))
        .await
        .problem(503, "draining");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_stays_on_this_machine_and_a_taken_port_is_told() {
    let site = start().await;
    for listen in ["0.0.0.0:0", "[::]:0", "10.0.0.1:8080"] {
        let config =
            GatewayConfig { passwords: CHEAP, ..GatewayConfig::new(listen.parse().unwrap()) };
        let error =
            gateway::serve(config, site.platform.clone(), Arc::new(NoPages)).await.unwrap_err();
        assert!(matches!(error, GatewayError::NotLoopback { .. }), "{error}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
    let config = GatewayConfig { passwords: CHEAP, ..GatewayConfig::new(site.address) };
    let error = gateway::serve(config, site.platform.clone(), Arc::new(NoPages)).await.unwrap_err();
    assert!(matches!(error, GatewayError::Listen { .. }), "{error}");
    site.end().await;
}

struct NoPages;

impl gateway::Pages for NoPages {
    fn lookup(&self, _: &str, _: gateway::Encodings) -> Option<gateway::PageFile> {
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_is_made_once() {
    let site = start().await;
    let admin = gateway::ensure_first_admin_at_cost(&site.platform, CHEAP).await.unwrap().unwrap();
    assert!(admin.password.len() >= 20 && !format!("{admin:?}").contains(&admin.password));
    let signed_in = site.login(&admin.user, &admin.password).await.ok(200);
    assert_eq!(
        (&signed_in["user"]["role"], &signed_in["user"]["must_change_password"]),
        (&json!("admin"), &json!(true))
    );
    assert!(gateway::ensure_first_admin_at_cost(&site.platform, CHEAP).await.unwrap().is_none());
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_opens_nothing_until_it_is_changed() {
    let site = start().await;
    let made = gateway::ensure_first_admin_at_cost(&site.platform, CHEAP).await.unwrap().unwrap();
    let signed_in = site.login(&made.user, &made.password).await;
    let token = signed_in.ok(200)["access_token"].as_str().unwrap().to_owned();
    let admin = As { site: &site, token };
    for route in gateway::route_summaries().into_iter().filter(|route| {
        !route.before_password_change && !matches!(route.access, "public" | "cookie")
    }) {
        let path = route.path.strip_prefix("/api/v1").unwrap().replace(['{', '}'], "");
        let got = admin.send(route.method, &path, "\"r1\"", None).await;
        let problem = got.problem(403, "password_change_required");
        assert!(problem["detail"].as_str().unwrap().contains("/me/password"), "{problem}");
    }
    assert_eq!(admin.get("/me").await.ok(200)["user"]["must_change_password"], true);
    let again = with_cookie(&site, "/api/v1/auth/refresh", &cookie(&signed_in)).await;
    let refreshed =
        As { site: &site, token: again.ok(200)["access_token"].as_str().unwrap().to_owned() };
    refreshed.get("/nodes").await.problem(403, "password_change_required");

    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    for (body, field, code) in [
        (change("not the password", "quiet-harbour-31"), "/current", "wrong_password"),
        (change(&made.password, &made.password), "/new", "unchanged"),
        (change(&made.password, "too short"), "/new", "weak_password"),
        (change(&made.password, "xx admin xx yy"), "/new", "weak_password"),
    ] {
        let refused = admin.send("POST", "/me/password", "", Some(&body)).await;
        let problem = refused.problem(422, "validation_failed");
        assert_eq!(
            (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
            (&json!(field), &json!(code)),
            "{problem}"
        );
    }
    let changed = admin
        .send("POST", "/me/password", "", Some(&change(&made.password, "quiet-harbour-31")))
        .await;
    assert_eq!(changed.status.as_u16(), 204, "{}", changed.text);
    admin.get("/nodes").await.ok(200);
    with_cookie(&site, "/api/v1/auth/refresh", &cookie(&again))
        .await
        .problem(401, "unauthenticated");
    site.login(&made.user, &made.password).await.problem(401, "unauthenticated");
    let own = site.login(&made.user, "quiet-harbour-31").await.ok(200);
    assert_eq!(own["user"]["must_change_password"], false);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_never_leave() {
    let site = start().await;
    let root = site.user("root", "admin").await;
    let session = root.waiting_session("s").await;
    let mut seen = String::new();
    for route in gateway::route_summaries().into_iter().filter(|route| route.method == "GET") {
        let path = route.path.replace("{id}", session["id"].as_str().unwrap()).replace("{n}", "1");
        let path = path.replace("{algo}", "dqn").replace("{kind}", "training").replace(NOWHERE, "");
        seen.push_str(&root.get(path.strip_prefix("/api/v1").unwrap()).await.text);
    }
    for secret in [PASSWORD, "$argon2id$", &support::phc(PASSWORD), root.token.as_str()] {
        assert!(!seen.contains(secret), "{secret}");
    }
    site.end().await;
}
