//! Data sets of every kind over REST: import, look at a file before, chart, quality, rows, users, derived sets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use serde_json::{Value, json};
use support::{As, Got, NOWHERE, read, start, uuid_text};

const PANEL: &str = "date,tic,open,high,low,close,volume\n\
    2024-01-01,A,10,12,9,11,5\n2024-01-01,B,20,22,19,21,5\n\
    2024-01-02,A,11,13,10,12,6\n\
    2024-01-03,A,12,14,11,13,7\n2024-01-03,B,21,23,20,22,6\n";
const TRADES: &str = "time,price,quantity,side\n1700000000000,10,1,buy\n\
    1700000061000,12,2,sell\n1700000122000,11,3,buy\n";
const BOOK: &str = "timestamp,bid1_price,bid1_size,ask1_price,ask1_size\n\
    1700000000000,99,1,101,2\n1700000001000,100,1,102,2\n";

async fn send(who: &As<'_>, path: &str, body: impl Into<reqwest::Body>) -> Got {
    let request = who.request("POST", path).header("idempotency-key", uuid_text());
    read(request.header("content-type", "text/csv").body(body).send().await.unwrap()).await
}

async fn import(who: &As<'_>, name: &str, more: &str, body: &str) -> Got {
    send(who, &format!("/datasets?name={name}&format=csv{more}"), body.to_owned()).await
}

fn path(dataset: &Value) -> String {
    format!("/datasets/{}", dataset["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_trades_and_a_book_are_imported_charted_and_shown() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let panel = import(&ann, "panel", "", PANEL).await.ok(201);
    assert_eq!((&panel["kind"], &panel["instrument_count"]), (&json!("panel"), &json!(2)));
    assert_eq!(panel["instruments"], json!(["A", "B"]));
    let bars = ann.get(&format!("{}/bars?instrument=B", path(&panel))).await.ok(200);
    assert_eq!((&bars["close"], &bars["bid"]), (&json!([21.0, 22.0]), &Value::Null));
    let unknown = ann.get(&format!("{}/bars?instrument=C", path(&panel))).await;
    let unknown = unknown.problem(422, "validation_failed");
    assert_eq!(unknown["errors"][0]["params"]["parameter"], "instrument");
    assert_eq!(unknown["errors"][0]["params"]["allowed"], json!(["A", "B"]));
    let rows = ann.get(&format!("{}/preview?rows=2", path(&panel))).await.ok(200);
    assert_eq!((rows["first"].as_array().unwrap().len(), &rows["rows"]), (2, &json!(5)));
    assert_eq!(rows["first"][1][1], "B");
    ann.get(&format!("{}/preview?rows=0", path(&panel))).await.problem(422, "validation_failed");

    let trades = import(&ann, "trades", "&instrument=BTC", TRADES).await.ok(201);
    assert_eq!((&trades["kind"], &trades["instrument"]), (&json!("trades"), &json!("BTC")));
    assert_eq!(trades["dialect"], "trades");
    let bars = ann.get(&format!("{}/bars?bins=1", path(&trades))).await.ok(200);
    assert_eq!((&bars["high"], &bars["volume"]), (&json!([12.0]), &json!([6.0])));
    let book = import(&ann, "book", "", BOOK).await.ok(201);
    assert_eq!((&book["kind"], &book["levels"]), (&json!("book"), &json!(1)));
    let bars = ann.get(&format!("{}/bars", path(&book))).await.ok(200);
    assert_eq!((&bars["bid"], &bars["spread"]), (&json!([99.0, 100.0]), &json!([2.0, 2.0])));
    for route in ["bars", "quality", "preview", "consumers"] {
        ann.get(&format!("/datasets/dst_{NOWHERE}/{route}")).await.problem(404, "not_found");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_a_file_is_named_and_wrong_words_are_refused_with_the_right_ones() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let made = import(&ann, "minutes", "&resample=1m", TRADES).await.ok(201);
    assert_eq!((&made["kind"], &made["rows"]), (&json!("bars"), &json!(2)), "{made}");
    assert_eq!(made["transformations"][0]["name"], "resample");
    let filled = import(&ann, "filled", "&missing=forward_fill:3", PANEL).await.ok(201);
    assert_eq!((&filled["rows"], &filled["filled"]), (&json!(6), &json!(1)));
    let one = import(&ann, "one", "&instruments=B", PANEL).await.ok(201);
    assert_eq!(one["instruments"], json!(["B"]));
    let cases = [
        ("&dialect=excel", "dialect"),
        ("&kind=candles", "kind"),
        ("&timezone=Moon", "timezone"),
        ("&missing=invent", "missing"),
        ("&missing=interpolate", "accept_look_ahead"),
        ("&resample=5%20minutes", "resample"),
        ("&adjust=backward", "actions"),
        ("&calendar=us_equities", "missing"),
        ("&from=soon", "from"),
    ];
    for (query, parameter) in cases {
        let refused = import(&ann, "wrong", query, PANEL).await.problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["params"]["parameter"], parameter, "{query}: {refused}");
    }
    let several = import(&ann, "wrong", "&kind=bars", PANEL).await;
    assert!(several.problem(422, "validation_failed").to_string().contains("instrument"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_a_file_tells_what_would_happen_and_stores_nothing() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let look = "/datasets:inspect?format=csv&file=x";
    let good = send(&ann, look, PANEL).await.ok(200);
    assert_eq!((&good["ok"], &good["file"]), (&json!(true), &json!("x.csv")));
    assert_eq!(good["source"]["columns"][1], "tic");
    assert_eq!(good["source"]["rows"][0][1], "A");
    assert_eq!((&good["data"]["kind"], &good["data"]["rows"]), (&json!("panel"), &json!(5)));
    let broken = PANEL.replace("11,13,10,12", "11,13,10,-12");
    let bad = send(&ann, look, broken).await.ok(200);
    assert_eq!((&bad["ok"], &bad["data"]), (&json!(false), &Value::Null));
    let params = &bad["errors"][0]["params"];
    assert_eq!((&params["line"], &params["column"]), (&json!(4), &json!("close")), "{bad}");
    let minutes = send(&ann, &format!("{look}&resample=1m"), TRADES).await.ok(200);
    assert_eq!(minutes["data"]["transformations"][0]["name"], "resample");
    send(&ann, &format!("{look}&resample=x"), PANEL).await.problem(422, "validation_failed");
    send(&ann, "/datasets:inspect", PANEL).await.problem(422, "validation_failed");
    assert!(ann.get("/datasets").await.ok(200)["items"].as_array().unwrap().is_empty());
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quality_of_bad_data_is_told_with_examples_and_its_split_is_checked() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let mut csv = String::from("date,open,high,low,close\n");
    for day in 1..=28 {
        let price = if day < 15 { 10 } else { 900 };
        csv.push_str(&format!("2024-01-{day:02},{price},{price},{price},{price}\n"));
    }
    let bad = import(&ann, "bad", "", &csv).await.ok(201);
    let report = ann.get(&format!("{}/quality", path(&bad))).await.ok(200);
    assert_eq!(
        (&report["worst"], &report["dataset_id"]),
        (&json!("danger"), &bad["id"]),
        "{report}"
    );
    let jump = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["code"] == "jumps")
        .unwrap();
    assert_eq!(jump["examples"][0]["row"], 14);
    assert_eq!(jump["examples"][0]["time"], "2024-01-15T00:00:00Z");
    let overlap =
        "train:2024-01-01..2024-01-20,valid:2024-01-10..2024-01-22,test:2023-01-01..2023-01-31";
    let split = ann.get(&format!("{}/quality?split={overlap}", path(&bad))).await.ok(200);
    let codes: Vec<&str> = split["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"segment_overlap") && codes.contains(&"segment_order"), "{codes:?}");
    assert_eq!(split["segments"][0]["rows"], 20);
    for query in ["split=all", "calendar=moon", "split=0.5,0.9"] {
        let refused = ann.get(&format!("{}/quality?{query}", path(&bad))).await;
        refused.problem(422, "validation_failed");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_set_names_its_parent_and_who_uses_a_set_is_told() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let parent = import(&ann, "panel", "", PANEL).await.ok(201);
    let body = json!({"name": "common", "from": {"dataset_id": parent["id"], "missing": "drop"}});
    let child = ann.post("/datasets", &uuid_text(), &body).await.ok(201);
    assert_eq!((&child["rows"], &child["parent_sha256"]), (&json!(4), &parent["sha256"]));
    let users = ann.get(&format!("{}/consumers", path(&parent))).await.ok(200);
    assert_eq!(users["datasets"], json!([{"id": child["id"], "name": "common"}]));

    let wrong =
        json!({"name": "w", "from": {"dataset_id": parent["id"], "resample": "x", "to": "y"}});
    let refused = ann.post("/datasets", &uuid_text(), &wrong).await;
    let refused = refused.problem(422, "validation_failed");
    let pointers: Vec<&str> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/from/to", "/from/resample"]);
    for body in [
        json!({"name": "n"}),
        json!({"name": "n", "synthetic": {"seed": 1, "rows": 100}, "from": {"dataset_id": parent["id"]}}),
        json!({"name": "n", "from": {"dataset_id": "nonsense"}}),
    ] {
        ann.post("/datasets", &uuid_text(), &body).await.problem(422, "validation_failed");
    }
    let orphan = json!({"name": "n", "from": {"dataset_id": format!("dst_{NOWHERE}")}});
    ann.post("/datasets", &uuid_text(), &orphan).await.problem(404, "not_found");

    let session = ann.waiting_session("uses").await;
    let used = format!("/datasets/{}/consumers", session["dataset_id"].as_str().unwrap());
    let users = ann.get(&used).await.ok(200);
    assert_eq!((&users["session_count"], &users["sessions"][0]["id"]), (&json!(1), &session["id"]));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_set_is_looked_at_and_a_snapshot_verified_without_storing_anything() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let parent = import(&ann, "panel", "", PANEL).await.ok(201);
    let look = |from: Value| {
        let body = json!({"from": from});
        let ann = &ann;
        async move { ann.post("/datasets:inspect", &uuid_text(), &body).await }
    };
    let view = look(json!({"dataset_id": parent["id"], "missing": "drop"})).await.ok(200);
    assert_eq!((&view["ok"], &view["data"]["rows"]), (&json!(true), &json!(4)), "{view}");
    let view = look(json!({"dataset_id": parent["id"], "from": "2030-01-01"})).await.ok(200);
    assert_eq!((&view["ok"], &view["errors"][0]["code"]), (&json!(false), &json!("data_empty")));
    let wrong = look(json!({"dataset_id": parent["id"], "resample": "x"})).await;
    let wrong = wrong.problem(422, "validation_failed");
    assert_eq!(wrong["errors"][0]["pointer"], "/from/resample");
    look(json!({"dataset_id": format!("dst_{NOWHERE}")})).await.problem(404, "not_found");
    assert_eq!(ann.get("/datasets").await.ok(200)["items"].as_array().unwrap().len(), 1);

    let verified = ann.request("POST", &format!("{}:verify", path(&parent)));
    let verified = read(verified.send().await.unwrap()).await.ok(200);
    assert_eq!((&verified["ok"], &verified["found"]), (&json!(true), &json!("good")));
    let nobody = ann.request("POST", &format!("/datasets/dst_{NOWHERE}:verify"));
    read(nobody.send().await.unwrap()).await.problem(404, "not_found");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_zone_is_taken_by_its_name_and_a_time_that_happens_twice_is_told_with_both_readings() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let text =
        "time,open,high,low,close\n2021-10-31 01:30:00,1,1,1,1\n2021-10-31 02:30:00,1,1,1,1\n";
    let shanghai = import(&ann, "shanghai", "&timezone=Asia/Shanghai", text).await.ok(201);
    assert_eq!(shanghai["from"], "2021-10-30T17:30:00Z");
    assert!(shanghai["transformations"][0]["detail"].as_str().unwrap().contains("Asia/Shanghai"));
    let near = import(&ann, "near", "&timezone=Asia/Honkong", text).await;
    let near = near.problem(422, "validation_failed");
    assert_eq!(near["errors"][0]["code"], "unknown_zone");
    assert_eq!(near["errors"][0]["params"]["near"][0], "Asia/Hong_Kong");
    let twice = import(&ann, "twice", "&timezone=Europe/Berlin", text).await;
    let twice = twice.problem(422, "validation_failed").to_string();
    assert!(twice.contains("2021-10-31T00:30:00Z or 2021-10-31T01:30:00Z"), "{twice}");
    let query = "&timezone=Europe/Berlin&clock_change=later";
    assert_eq!(import(&ann, "later", query, text).await.ok(201)["to"], "2021-10-31T01:30:00Z");
    let query = "&timezone=Europe/Berlin&clock_change=both";
    import(&ann, "both", query, text).await.problem(422, "validation_failed");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_is_refused_and_leaves_no_data_set() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let rubbish: [&[u8]; 5] =
        [b"", b"\x00\x01\x02\x03", b"PK\x03\x04zip", b"\xff\xfe\x00a", b"a,b\n1\n"];
    for bytes in rubbish {
        for format in ["csv", "parquet"] {
            let address = format!("/datasets?name=rubbish&format={format}");
            let refused = send(&ann, &address, bytes.to_vec()).await;
            let refused = refused.problem(422, "validation_failed");
            assert!(refused["errors"][0]["params"]["file"].is_string(), "{refused}");
        }
    }
    assert!(ann.get("/datasets").await.ok(200)["items"].as_array().unwrap().is_empty());
    site.end().await;
}
