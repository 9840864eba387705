//! A CSV file of persons is uploaded, validated, inserted and reported, by a chain of tasks that can be followed.

use plinth_tests::{Reply, Setup, TestApp, on_both_stacks, person};
use serde_json::{Value, json};

on_both_stacks!(
    a_file_is_imported_and_followed,
    every_bad_row_is_told,
    an_address_that_is_taken_is_told,
    a_file_of_something_else_ends_the_chain,
    a_form_without_a_file_is_refused,
    a_file_beyond_the_limit_is_refused,
    the_path_has_no_other_method,
    an_import_in_v2_is_the_same_chain,
);

async fn a_file_is_imported_and_followed(setup: Setup) {
    let app = TestApp::all(setup).await;
    let rows: String = (0..3_000).map(|n| format!("Person {n},p{n}@example.com,{}\n", n % 100)).collect();
    let scheduled = upload(&app, "/v1/persons/imports", &format!("name,email,age\n{rows}")).await.expect(202);
    let kinds: Vec<Value> = links(&scheduled.json()).iter().map(|link| link["kind"].clone()).collect();
    assert_eq!(kinds, ["VALIDATE_PERSONS_IMPORT", "INSERT_PERSONS_IMPORT", "REPORT_PERSONS_IMPORT"]);
    let events = app.events(scheduled.required("location")).await;
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id));
    let report = &events[events.len() - 1].task;
    let result = json!({"rows": 3_000, "inserted": 3_000, "refused": 0, "errors": [], "errors_omitted": 0});
    assert_eq!(report["result"], result, "{report}");
    assert!(links(report).iter().all(|link| link["state"] == "succeeded"), "{report}");
    let found = app.get("/v1/persons?email=p2999@example.com").await.expect(200).json();
    assert_eq!(found["objects"][0]["name"], "Person 2999");
}

async fn every_bad_row_is_told(setup: Setup) {
    let app = TestApp::all(setup).await;
    let file = "Email;Name;Age\r\nada@example.com;Ada;36\r\nnobody;Bob;20\r\neve@example.com;\"Eve\r\n\";200\r\nADA@example.com;Ada;37\r\nshort@example.com;Al\r\n";
    let report = imported(&app, file).await;
    let result = &report["result"];
    assert_eq!((&result["rows"], &result["inserted"], &result["refused"]), (&json!(5), &json!(1), &json!(4)));
    let told: Vec<(i64, &str)> = result["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (error["line"].as_i64().expect("a line"), error["code"].as_str().expect("a code")))
        .collect();
    assert_eq!(told, [(3, "email"), (4, "range"), (6, "duplicate"), (7, "fields")], "{result}");
}

async fn an_address_that_is_taken_is_told(setup: Setup) {
    let app = TestApp::all(setup).await;
    app.person(&person(json!({"email": "ada@example.com"}))).await;
    let result =
        imported(&app, "name,email,age\nAda,Ada@example.com,36\nBob,bob@example.com,1\n").await["result"]
            .clone();
    assert_eq!((&result["inserted"], &result["refused"]), (&json!(1), &json!(1)));
    let error = &result["errors"][0];
    assert_eq!(
        (&error["line"], &error["field"], &error["code"]),
        (&json!(2), &json!("email"), &json!("taken"))
    );
}

async fn a_file_of_something_else_ends_the_chain(setup: Setup) {
    let app = TestApp::all(setup).await;
    let report = imported(&app, "first,second\n1,2\n").await;
    assert_eq!((&report["state"], &report["reason"]), (&json!("cancelled"), &json!("predecessor_ended")));
    let id = links(&report)[0]["id"].as_str().expect("an id").to_owned();
    let validation = app.get(&format!("/v1/tasks/{id}")).await.expect(200).json();
    assert_eq!((&validation["state"], &validation["attempt"]), (&json!("failed"), &json!(1)));
    assert!(
        validation["errors"][0]["message"].as_str().is_some_and(|said| said.contains("email")),
        "{validation}"
    );
}

async fn a_form_without_a_file_is_refused(setup: Setup) {
    let app = setup.start().await;
    let nothing = form(
        &app,
        "/v1/persons/imports",
        "--b\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n",
    );
    nothing.await.expect(422).problem().fields(&["x"]);
    let missing = form(&app, "/v1/persons/imports", "--b--\r\n").await.expect(422).problem();
    missing.fields(&["file"]);
    let broken = form(&app, "/v1/persons/imports", "--b\r\nnonsense").await;
    broken.expect(400).problem();
    app.post("/v1/persons/imports", &json!({})).await.expect(415).problem();
}

async fn a_file_beyond_the_limit_is_refused(setup: Setup) {
    let app = setup.with("http.limits.upload_bytes", 300_000).start().await;
    let reply = upload(&app, "/v1/persons/imports", &"x".repeat(400_000)).await;
    reply.expect(413).problem();
    upload(&app, "/v1/persons/imports", &"x".repeat(200_000)).await.expect(202);
}

async fn the_path_has_no_other_method(setup: Setup) {
    let app = setup.start().await;
    let reply = app.get("/v1/persons/imports").undocumented().await.expect(405).problem();
    assert_eq!(reply.required("allow"), "POST, OPTIONS");
}

async fn an_import_in_v2_is_the_same_chain(setup: Setup) {
    let app = TestApp::all(setup).await;
    let scheduled =
        upload(&app, "/v2/persons/imports", "name,email,age\nAda,ada@example.com,36\n").await.expect(202);
    let location = scheduled.required("location").to_owned();
    assert!(location.contains("/v2/tasks/"), "{location}");
    app.events(&location).await;
    let report = app.get(&location.replace("/v2/", "/v1/")).await.expect(200).json();
    assert_eq!(report["result"]["inserted"], 1);
}

/// The last link of the chain that imports `file`, at its end.
async fn imported(app: &TestApp, file: &str) -> Value {
    let scheduled = upload(app, "/v1/persons/imports", file).await.expect(202);
    app.ended_task(scheduled.required("location")).await
}

async fn upload(app: &TestApp, path: &str, file: &str) -> Reply {
    let head =
        "content-disposition: form-data; name=\"file\"; filename=\"persons.csv\"\r\ncontent-type: text/csv";
    form(app, path, &format!("--b\r\n{head}\r\n\r\n{file}\r\n--b--\r\n")).await
}

async fn form(app: &TestApp, path: &str, body: &str) -> Reply {
    app.client.request("POST", path).body("multipart/form-data; boundary=b", body.to_owned()).await
}

fn links(task: &Value) -> Vec<Value> {
    task["chain"]["links"].as_array().expect("a chain").clone()
}
