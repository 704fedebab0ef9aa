use crate::config::Config;
use alerts::deliver::Auth;
use alerts::upstream::Form;
use serde_json::json;

/// A folder with files that a configuration may name as `DIR/…`.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("token", "hidden-token\n"),
        ("blank", "hidden token"),
        ("empty", "\n"),
        ("callback", "hidden-callback-token\n"),
        ("template", "{\"id\": {{ delivery }}}"),
        ("wrong.template", "{\"id\": {{ delivery }},\n\"a\": {{ informant }}}"),
        ("no.pem", "nothing"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn parse(text: &str) -> Result<Config, String> {
    let folder = files();
    let text = text.replace("DIR", &folder.path().display().to_string());
    Config::parse(&text).map_err(|error| error.to_string())
}

#[track_caller]
fn check(more: &str, why: &str) {
    let told = parse(&format!("[platform]\nendpoint = \"http://10.1.0.8/api\"\n{more}")).unwrap_err();
    assert!(told.contains(why), "{told}");
    assert!(!told.contains("hidden"), "no secret in an error: {told}");
}

#[test]
fn whatever_is_wrong_with_the_platform_is_one_sentence_too() {
    let told = parse("[platform]").unwrap_err();
    assert_eq!(
        told,
        "`platform.endpoint` is missing; write the system's address, for example https://10.1.0.8/api/alerts"
    );
    let told = parse("[platform]\nendpoint = \"ftp://10.1.0.8\"").unwrap_err();
    assert!(told.starts_with("`platform.endpoint` is `ftp://10.1.0.8`, which cannot be used: write an http"), "{told}");
    let told = parse("[platform]\nendpoint = \"http://li:geheim@10.1.0.8/\"").unwrap_err();
    assert!(told.contains("leave user and password out") && !told.contains("geheim"), "{told}");
    check("colour = 1", "`platform.colour` is `1`, but there is no such key; known here: accept_path");
    check("auth = \"ntlm\"", "`platform.auth` is `ntlm`, which cannot be used: use none, token, hmac or mtls");
    check("auth = \"token\"", "`platform.token_file` is missing; write a file that holds the token");
    check("token_file = \"DIR/token\"", "`token_file` is for auth = \"token\"");
    check("auth = \"token\"\ntoken_file = \"DIR/none\"", "`platform.token_file` names");
    check("auth = \"token\"\ntoken_file = \"DIR/blank\"", "has a blank");
    check("auth = \"token\"\ntoken_file = \"DIR/empty\"", "the file is empty");
    check("auth = \"mtls\"", "a certificate is shown by https only");
    check("client_key = \"DIR/no.pem\"", "`platform.client_certificate` is missing");
    check("client_certificate = \"DIR/no.pem\"\nclient_key = \"DIR/no.pem\"", "no certificate and key in PEM");
    check("ca = \"DIR/no.pem\"", "`platform.ca` is `(not shown)`, which cannot be used: it holds no certificate");
    check("payload = \"xml\"", "use json or cap");
    check("payload = \"cap\"\ntemplate = \"DIR/template\"", "a CAP document has its own form");
    check("template = \"DIR/wrong.template\"", "line 2: undefined value");
    check("timeout = \"5min\"", "`platform.timeout` is `300s`, which cannot be used: write a duration from 1s to 60s");
    check("sender = \"a b\"", "without blanks");
    check("callback_token_file = \"DIR/token\"", "use 16 characters or more");
}

#[test]
fn whatever_is_wrong_with_a_signature_or_a_yes_is_too() {
    let hmac = |more: &str, why: &str| check(&format!("auth = \"hmac\"\nhmac_key_file = \"DIR/token\"\n{more}"), why);
    check("auth = \"hmac\"", "`platform.hmac_key_file` is missing");
    hmac("hmac_signs = \"{body}\"", "`platform.hmac_signs` is `{body}`, which cannot be used: it names no {timestamp}");
    hmac("hmac_signs = \"{client_id}{timestamp}\"", "add hmac_client_id");
    hmac("hmac_encoding = \"hexa\"", "use hex or base64");
    hmac("hmac_time = \"min\"", "use ms or s");
    hmac("hmac_header = \"X Sign\"", "`X Sign` is no name of a header");
    check("accept_status = [\"ok\"]", "write statuses of HTTP, for example [200]");
    check("accept_status = []", "write statuses of HTTP");
    check("accept_path = \"code\"", "write a JSON pointer, for example /code");
    check("accept_value = [0, 1]", "write one value");
    check("accept_value = {a = 1}", "is no text, number or true or false");
    check("refuse_values = [1, 0]", "it is the yes of accept_value");
}

#[test]
fn a_platform_and_a_fire_warning_system_are_read_each_with_its_own_keys() {
    let text = "[platform]\nendpoint = \"https://10.1.0.8/api\"\nauth = \"token\"\ntoken_file = \"DIR/token\"\n\
                template = \"DIR/template\"\naccept_status = [200, 201]\naccept_path = \"/result/ok\"\naccept_value = true\n\
                refuse_values = [4001, \"DUPLICATE\"]\ncallback_token_file = \"DIR/callback\"\n\
                [platform.fire]\nendpoint = \"http://10.1.0.9/cap\"\npayload = \"cap\"\nexercise = true\n";
    let config = parse(text).unwrap();
    let (adapters, payloads) = (&config.upstream.adapters, &config.upstream.payloads);
    let (platform, fire) = (adapters.platform.as_ref().unwrap(), adapters.fire.as_ref().unwrap());
    assert!(matches!(&platform.auth, Auth::Token(token) if token == "hidden-token"));
    assert_eq!((&platform.accept.status, platform.accept.path.as_str()), (&vec![200, 201], "/result/ok"));
    assert_eq!(
        (&platform.accept.value, &platform.accept.refuse),
        (&json!(true), &vec![json!(4001), json!("DUPLICATE")])
    );
    assert!(matches!(fire.auth, Auth::None) && fire.accept == alerts::deliver::Accept::default());
    assert!(matches!(payloads.platform.form, Form::Json(_)) && matches!(payloads.fire.form, Form::Cap));
    assert_eq!((payloads.fire.sender.as_str(), payloads.fire.exercise), ("steppewatch.hexigten", true));
    assert!(config.upstream.callback.is_some());
    let shown = format!("{config:?}");
    assert!(!shown.contains("hidden"), "no secret in what is shown of a configuration");
}

#[test]
fn a_fire_warning_system_may_stand_alone() {
    let config = parse("[platform.fire]\nendpoint = \"http://10.1.0.9/cap\"\npayload = \"cap\"").unwrap();
    assert!(config.upstream.adapters.platform.is_none() && config.upstream.adapters.fire.is_some());
    let told = parse("[platform.fire]\npayload = \"cap\"").unwrap_err();
    assert!(told.starts_with("`platform.fire.endpoint` is missing"), "{told}");
}

#[test]
fn the_page_about_upstream_platforms_shows_a_template_and_keys_that_work() {
    let page = include_str!("../../../docs/upstream.md");
    let block = |language: &str| {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("\n```").unwrap().0
    };
    alerts::upstream::Template::parse(block("jinja")).unwrap();
    let named = block("toml").replace("/etc/steppewatch/platform.token", "DIR/token");
    let named = named.replace("/etc/steppewatch/platform-callback.token", "DIR/callback");
    // Certificates are the journey's matter; the first section stands for both.
    let (first, fire) = named.split_once("[platform.fire]").unwrap();
    parse(first).unwrap();
    let told = parse(&format!("[platform.fire]{fire}")).unwrap_err();
    assert!(told.starts_with("`platform.fire.client_certificate` names"), "{told}");
    // Every key of the code stands in the table.
    for key in
        parse("[platform.fire]\nendpoint = \"http://a/\"\nauth = \"hmac\"\nhmac_key_file = \"DIR/token\"\ncolour = 1")
            .unwrap_err()
            .split_once("known here: ")
            .unwrap()
            .1
            .split(", ")
    {
        assert!(page.contains(&format!("`{key}`")), "{key} is missing on the page");
    }
}
