//! The pages about tasks, in a real browser.

use plinth_tests::{Browser, Setup, TestApp, on_chromium, within};
use serde_json::{Value, json};
use std::time::Duration;

on_chromium!(
    a_running_import_is_watched_and_cancelled_without_loading_the_page_again,
    a_failed_task_is_found_and_retried_by_keyboard,
    everything_works_without_scripts,
    what_a_reader_does_is_not_disturbed,
    a_phone_never_scrolls_sideways,
    the_dark_scheme_is_dark,
    a_server_that_is_gone_is_told,
    a_form_of_another_site_is_refused,
    a_page_that_breaks_its_own_policy_complains,
);

const OVERVIEW: &str = "/mon/tasks";

async fn a_running_import_is_watched_and_cancelled_without_loading_the_page_again(setup: Setup) {
    // With leases of their usual length: an import of this size keeps the one writer of SQLite busy for a while.
    let app = setup.arguments(&["all"]).start().await;
    let id = links(&import(&app, &rows(40_000)).await)[1].clone();
    let mut browser = Browser::open(&page(&app, &format!("/mon/tasks/{id}"))).await;
    browser.value("window.kept = document.querySelector('h1')").await;
    let share = "(document.querySelector('#progress progress')?.value ?? 0)";
    browser.until(&format!("{share} > 0")).await;
    let seen = browser.value(share).await;
    browser.until(&format!("{share} > {seen}")).await;
    assert_eq!(
        browser.value("window.kept === document.querySelector('h1')").await,
        true,
        "it is the same page"
    );
    assert!(
        browser.value("document.title").await.as_str().is_some_and(|title| title.starts_with("Running "))
    );
    browser.click("#cancel").await;
    browser.says("its worker is asked to end it").await;
    browser.value("window.kept = document.querySelector('h1')").await;
    browser.says("Somebody has cancelled it").await;
    let cancelled =
        "[...document.querySelectorAll('li.cancelled strong')].map((step) => step.innerText).join()";
    browser.until(&format!("{cancelled} == 'INSERT_PERSONS_IMPORT,REPORT_PERSONS_IMPORT'")).await;
    assert_eq!(
        browser.value("window.kept === document.querySelector('h1')").await,
        true,
        "it is the same page"
    );
}

async fn a_failed_task_is_found_and_retried_by_keyboard(setup: Setup) {
    let app = TestApp::all(setup).await;
    let id = failed(&app).await;
    let mut browser = Browser::open(&page(&app, OVERVIEW)).await;
    browser.press("/").await;
    browser.until("document.activeElement.id == 'search'").await;
    browser.write(&id).await;
    browser.press("Enter").await;
    browser.says("What happened").await;
    browser.says("No retry could have helped; run 1 of 4.").await;
    browser.press("Tab").await;
    browser.until("document.activeElement.className == 'skip'").await;
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    for _ in 0..20 {
        assert_eq!(browser.value(outline).await, "solid", "what has the focus is seen to have it");
        if browser.value("document.activeElement.id").await == "retry" {
            break;
        }
        browser.press("Tab").await;
    }
    browser.press("Enter").await;
    browser.says("The task is queued again").await;
    browser.until("document.querySelectorAll('.events .bad').length >= 2").await;
}

async fn everything_works_without_scripts(setup: Setup) {
    let app = TestApp::all(setup).await;
    let mut browser = Browser::open(&page(&app, OVERVIEW)).await;
    browser.refuses_scripts().await;
    browser.go(&page(&app, OVERVIEW)).await;
    browser.click("form[action$='prune-tasks/run'] button").await;
    browser.says("The task of the schedule is queued.").await;
    browser.until("document.querySelector('h1').innerText == 'PRUNE_TASKS'").await;
    browser.until("document.getElementById('live').hidden").await;
    let id = failed(&app).await;
    browser.go(&page(&app, "/mon/tasks/list?state=failed")).await;
    browser.click(&format!("a.kind[href$='{id}']")).await;
    browser.says("What happened").await;
    browser.click("#retry").await;
    browser.says("The task is queued again").await;
}

async fn what_a_reader_does_is_not_disturbed(setup: Setup) {
    let app = TestApp::all(setup).await;
    let id = failed(&app).await;
    let mut browser = Browser::open(&page(&app, "/mon/tasks/list")).await;
    browser.click("input[name=kind]").await;
    browser.write("NAP").await;
    refreshed(&mut browser).await;
    assert_eq!(
        browser.value("document.activeElement.name + '=' + document.activeElement.value").await,
        "kind=NAP"
    );
    browser.go(&page(&app, &format!("/mon/tasks/{id}"))).await;
    browser.click("#payload-json summary").await;
    browser.value("document.getElementById('retry').focus()").await;
    browser.value("getSelection().selectAllChildren(document.getElementById('id'))").await;
    refreshed(&mut browser).await;
    assert_eq!(browser.value("document.getElementById('payload-json').open").await, false);
    assert_eq!(browser.value("document.activeElement.id").await, "retry");
    assert_eq!(browser.value("getSelection().toString()").await, id.as_str());
    assert_eq!(browser.value("document.querySelector('.copy').hidden").await, false);
    browser.click("#live").await;
    browser.until("document.getElementById('live').innerText == 'Paused'").await;
}

async fn a_phone_never_scrolls_sideways(setup: Setup) {
    let app = TestApp::all(setup).await;
    let id = failed(&app).await;
    let mut browser = Browser::open(&page(&app, OVERVIEW)).await;
    browser.becomes_a_phone(360).await;
    for path in
        [OVERVIEW, "/mon/tasks/list", "/mon/tasks/list?kind=-", &format!("/mon/tasks/{id}"), "/mon/tasks/x"]
    {
        // The last ones are answered 422 and 404.
        browser.may_complain();
        browser.go(&page(&app, path)).await;
        let widths = browser.value("[document.documentElement.scrollWidth, innerWidth]").await;
        assert_eq!(widths, json!([360, 360]), "{path}");
    }
}

async fn the_dark_scheme_is_dark(setup: Setup) {
    let app = setup.start().await;
    let mut browser = Browser::open(&page(&app, OVERVIEW)).await;
    let ground = "getComputedStyle(document.body).backgroundColor";
    browser.prefers("light").await;
    assert_eq!(browser.value(ground).await, "rgb(255, 255, 255)");
    browser.prefers("dark").await;
    assert_eq!(browser.value(ground).await, "rgb(20, 24, 29)");
}

async fn a_server_that_is_gone_is_told(setup: Setup) {
    let mut app = setup.start().await;
    let mut browser = Browser::open(&page(&app, OVERVIEW)).await;
    browser.until("document.getElementById('live').innerText == 'Live'").await;
    app.die().await;
    browser.may_complain();
    browser.says("The server does not answer. This page is stale since ").await;
    browser.until("document.getElementById('live').innerText == 'Stale'").await;
}

async fn a_form_of_another_site_is_refused(setup: Setup) {
    let app = TestApp::all(setup).await;
    let id = failed(&app).await;
    let mut browser = Browser::open(&page(&app, &format!("/mon/tasks/{id}"))).await;
    let token = browser.value("document.getElementById('retry').form.elements.token.value").await;
    browser.go("about:blank").await;
    let form = format!(
        "document.body.innerHTML = '<form method=post><input name=token><button>'; \
         const form = document.querySelector('form'); form.action = {}; form.elements.token.value = {token}",
        json!(page(&app, &format!("/mon/tasks/{id}/retry")))
    );
    browser.value(&form).await;
    browser.may_complain(); // of the answer 403
    browser.click("button").await;
    browser.says("This form was refused").await;
}

/// Every other test here relies on it.
async fn a_page_that_breaks_its_own_policy_complains(setup: Setup) {
    let app = setup.start().await;
    let mut browser = Browser::open(&page(&app, OVERVIEW)).await;
    assert_eq!(browser.complaints(), [""; 0]);
    browser.value("document.body.setAttribute('style', 'color: red')").await;
    browser.value("new Promise((done) => setTimeout(done))").await;
    assert!(browser.complaints().iter().any(|said| said.contains("Content Security Policy")));
    browser.may_complain();
}

/// Waits until the script has brought a newer state of the page, which it does at once when one comes back to it.
async fn refreshed(browser: &mut Browser) {
    let clock = browser.value("document.querySelector('main').dataset.clock").await;
    browser.value("document.dispatchEvent(new Event('visibilitychange'))").await;
    browser.until(&format!("document.querySelector('main').dataset.clock != {clock}")).await;
}

fn page(app: &TestApp, path: &str) -> String {
    format!("{}{path}", app.monitor.url())
}

/// The id of a task that has failed: the first of an import of something else than persons.
async fn failed(app: &TestApp) -> String {
    let id = links(&import(app, "first,second\n1,2\n").await)[0].clone();
    let path = format!("/v1/tasks/{id}");
    within(Duration::from_secs(20), "it has failed", async || {
        app.get(&path).await.expect(200).json()["state"] == "failed"
    })
    .await;
    id
}

async fn import(app: &TestApp, file: &str) -> Value {
    let head = "content-disposition: form-data; name=\"file\"; filename=\"p.csv\"\r\ncontent-type: text/csv";
    let form = format!("--b\r\n{head}\r\n\r\n{file}\r\n--b--\r\n");
    let request = app.client.request("POST", "/v1/persons/imports");
    request.body("multipart/form-data; boundary=b", form).await.expect(202).json()
}

fn links(task: &Value) -> Vec<String> {
    let links = task["chain"]["links"].as_array().expect("a chain");
    links.iter().map(|link| link["id"].as_str().expect("an id").to_owned()).collect()
}

fn rows(number: u32) -> String {
    let rows: String = (0..number).map(|n| format!("Person {n},p{n}@example.com,{}\n", n % 100)).collect();
    format!("name,email,age\n{rows}")
}
