//! A configuration that cannot be stops the service at its start, with one sentence that names key, value and remedy.

use journeys::Platform;
use std::net::TcpListener;
use std::process::Output;

async fn run_with(configuration: &str) -> Output {
    let platform = Platform::prepare("").unwrap();
    std::fs::write(platform.file("steppewatch.toml"), configuration).unwrap();
    platform.command(&["run"]).output().await.unwrap()
}

#[track_caller]
fn check(output: &Output, status: i32, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.trim_end(), format!("steppewatch: {sentence}"));
    assert_eq!(output.status.code(), Some(status));
    assert!(output.stdout.is_empty(), "a service that did not start says nothing on standard output");
}

#[tokio::test]
async fn an_unknown_key_is_named_with_the_keys_there_are() {
    let output = run_with("[mqtt]\nlistn = \"127.0.0.1:0\"\n").await;
    check(
        &output,
        2,
        "`mqtt.listn` is `127.0.0.1:0`, but there is no such key; known here: frigate, frigate_topic, limits, listen, proxy_protocol, tls, tls_listen, ws_listen",
    );
}

#[tokio::test]
async fn a_bad_address_is_named_with_a_good_one() {
    let output = run_with("[http]\nlisten = \"everywhere\"\n").await;
    check(
        &output,
        2,
        "`http.listen` is `everywhere`, which is no address; write host and port, for example 127.0.0.1:8080",
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_with_its_key() {
    let text = "[influx]\nurl = \"http://127.0.0.1:1\"\norg = \"o\"\nbucket = \"b\"\ntoken_file = \"/nowhere/token\"\n";
    let sentence = "`influx.token_file` names /nowhere/token, which cannot be read (No such file or directory (os error 2)); \
                    name an existing file that the service's user may read";
    check(&run_with(text).await, 2, sentence);
}

#[tokio::test]
async fn a_port_in_use_stops_the_start_and_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let platform = Platform::prepare("").unwrap();
    let data = platform.data();
    let text = format!(
        "data = {:?}\n[mqtt]\nlisten = \"{address}\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
        data.display().to_string()
    );
    std::fs::write(platform.file("steppewatch.toml"), text).unwrap();
    let output = platform.command(&["run"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&address.to_string()) && said.contains("choose another [mqtt] listen address"), "{said}");
}

#[tokio::test]
async fn the_example_is_itself_valid() {
    let platform = Platform::prepare("").unwrap();
    let example = platform.tell(&["config", "example"]).await.unwrap();
    std::fs::write(platform.file("example.toml"), example).unwrap();
    let said = platform.tell(&["config", "check", &platform.file("example.toml").display().to_string()]).await.unwrap();
    assert!(said.trim_end().ends_with("is valid"), "{said}");
}
