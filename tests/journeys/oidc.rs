//! People log in by the office's own provider: one that others wrote, and the real binary.

use crate::console::{can_browse, folder};
use crate::readme::repository;
use firmware_sim::clock::now_ms;
use journeys::{Operator, PASSWORD, Platform, http_client};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use totp_rs::{Algorithm, Secret, TOTP};

const CALLBACK: &str = "/api/v1/session/oidc/callback";

/// The provider's process, and where it is; it ends with this.
struct Provider {
    _process: Child,
    /// It goes on giving advice; closed in its face, it would end.
    _said: Lines<BufReader<ChildStdout>>,
    issuer: String,
}

impl Provider {
    async fn start(console: &str) -> Self {
        let mut process = Command::new("node")
            .args(["provider.mjs", &format!("http://{console}{CALLBACK}")])
            .current_dir(repository().join("tests/oidc"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        loop {
            let Some(line) = lines.next_line().await.unwrap() else {
                panic!("the provider ended; tests/install.sh installs it");
            };
            // It has advice for those who serve the world by it, too.
            if let Ok(said) = serde_json::from_str::<Value>(&line) {
                return Self { _process: process, _said: lines, issuer: said["issuer"].as_str().unwrap().to_owned() };
            }
        }
    }
}

/// A browser: it keeps cookies by host and port, and follows nothing by itself.
struct Browser {
    client: Client,
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    /// Somebody who tells the provider this name; `token` is which token it is to sign.
    fn of(provider: &Provider, who: &str, token: &str) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let at = provider.issuer.trim_start_matches("http://").to_owned();
        let said =
            [("who", who), ("token", token)].map(|(name, value)| ((at.clone(), name.to_owned()), value.to_owned()));
        Self { client, cookies: BTreeMap::from(said) }
    }

    async fn get(&mut self, url: &str) -> Response {
        let url = Url::parse(url).unwrap();
        let at = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let shown = self
            .cookies
            .iter()
            .filter(|((host, _), _)| *host == at)
            .map(|((_, name), value)| format!("{name}={value}"));
        let shown = shown.collect::<Vec<_>>().join("; ");
        let answer = self.client.get(url).header(COOKIE, shown).send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert((at.clone(), name.to_owned()), value.to_owned());
        }
        answer
    }

    /// Follows the provider until it sends back to the console; that address.
    async fn until_sent_back(&mut self, console: &str) -> String {
        let begin = self.get(&format!("http://{console}/api/v1/session/oidc")).await;
        assert_eq!(begin.status(), 303, "{}", begin.text().await.unwrap());
        let cookie = begin.headers()[SET_COOKIE].to_str().unwrap();
        for part in ["steppewatch_login=", "HttpOnly", "SameSite=Lax", "Path=/api/v1/session/oidc", "Max-Age=600"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let mut next = begin.headers()[LOCATION].to_str().unwrap().to_owned();
        assert!(next.contains("code_challenge_method=S256") && next.contains("nonce="), "{next}");
        for _ in 0..8 {
            if next.contains(CALLBACK) && next.starts_with(&format!("http://{console}")) {
                return next;
            }
            let answer = self.get(&next).await;
            let base = Url::parse(&next).unwrap();
            next = base.join(answer.headers()[LOCATION].to_str().unwrap()).unwrap().to_string();
        }
        panic!("the provider never sends back: {next}");
    }

    /// The whole way.
    async fn logs_in(&mut self, console: &str) -> Response {
        let back = self.until_sent_back(console).await;
        self.get(&back).await
    }

    async fn me(&mut self, console: &str) -> (u16, Value) {
        let answer = self.get(&format!("http://{console}/api/v1/me")).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// An address of this machine on which nobody listens.
fn free_address() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("127.0.0.1:{port}")
}

/// A platform that listens at `console` and is to ask `issuer`.
async fn platform_of(console: &str, issuer: &str) -> Platform {
    let mut platform = Platform::prepare("").unwrap();
    (platform.http, platform.mqtt) = (console.to_owned(), "127.0.0.1:0".to_owned());
    platform.keep_address().unwrap();
    std::fs::write(platform.file("secret"), "the provider's secret for us, long\n").unwrap();
    let section = format!(
        "\n[http.oidc]\nname = \"旗政务平台\"\nissuer = \"{issuer}\"\nclient_id = \"steppewatch\"\nclient_secret_file = {:?}\n\
         redirect_url = \"http://{console}{CALLBACK}\"\n",
        platform.file("secret").display().to_string()
    );
    let file = platform.file("steppewatch.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, config + &section).unwrap();
    platform.run().await.unwrap();
    platform
}

/// The provider, and a platform that knows it.
async fn platform() -> (Platform, Provider) {
    http_client().unwrap();
    let console = free_address();
    let provider = Provider::start(&console).await;
    (platform_of(&console, &provider.issuer).await, provider)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_the_offices_provider_ends_in_a_session_with_the_roles_that_the_account_has_here() {
    let (platform, provider) = platform().await;
    let console = platform.http.clone();
    let (status, ways) = platform.probe("/api/v1/login-ways").await.unwrap();
    let ways: Value = serde_json::from_str(&ways).unwrap();
    assert_eq!((status, &ways["provider"]["name"]), (200, &json!("旗政务平台")));
    let admin = platform.operator().await.unwrap();
    let li = json!({"username": "li", "password": PASSWORD, "roles": ["operator"], "townships": ["150425100"]});
    assert_eq!(admin.post("/users", &li).await.unwrap().0, 201);

    let mut browser = Browser::of(&provider, "li", "");
    let answer = browser.logs_in(&console).await;
    assert_eq!((answer.status().as_u16(), answer.headers()[LOCATION].to_str().unwrap()), (303, "/"));
    let cookies: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(
        cookies[0].contains("HttpOnly; SameSite=Strict") && cookies[1].contains("steppewatch_login=; "),
        "{cookies:?}"
    );
    let (status, me) = browser.me(&console).await;
    assert_eq!((status, &me["user"]["username"], &me["user"]["roles"]), (200, &json!("li"), &json!(["operator"])));
    assert_eq!(me["user"]["townships"], json!(["150425100"]));
    assert!(me["csrf"].is_string());
    let audit = admin.items("/audit?who=li").await.unwrap();
    assert_eq!((&audit[0]["what"], &audit[0]["after"]["provider"]), (&json!("session.open"), &json!("旗政务平台")));
    assert!(!platform.log().contains("secret for us"), "no secret in the log");

    // The provider goes away: a password works as before, also for those whose provider it was.
    drop(provider);
    Operator::log_in(&console, "li", PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_known_here_and_whatever_cannot_be_believed_is_refused_in_a_sentence() {
    let (platform, provider) = platform().await;
    let console = platform.http.clone();
    let admin = platform.operator().await.unwrap();
    for name in ["li", "gone", "careful"] {
        let user = json!({"username": name, "password": PASSWORD, "roles": ["viewer"], "townships": []});
        assert_eq!(admin.post("/users", &user).await.unwrap().0, 201);
    }
    admin.patch("/users/gone", &json!({"disabled": true})).await.unwrap();
    for (who, token, status, reason) in [
        ("stranger", "", 403, "There is no account `stranger` here"),
        ("gone", "", 403, "The account `gone` is disabled"),
        ("nobody", "", 401, "the provider said no: access_denied"),
        ("li", "nonce", 401, "token is not valid"),
        ("li", "key", 401, "token is not valid"),
        ("li", "audience", 401, "token is not valid"),
    ] {
        let mut browser = Browser::of(&provider, who, token);
        let answer = browser.logs_in(&console).await;
        let (found, page) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(found == status && page.contains(reason), "{who} {token}: {found} {page}");
        assert_eq!(browser.me(&console).await.0, 401, "{who} {token}");
    }

    // Somebody else's answer, an answer without a beginning, and one that comes a second time.
    let mut browser = Browser::of(&provider, "li", "");
    let theirs = Browser::of(&provider, "li", "").until_sent_back(&console).await;
    let own = browser.until_sent_back(&console).await;
    let refused = browser.get(&theirs).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("was not begun by this browser"));
    assert_eq!(Browser::of(&provider, "li", "").get(&own).await.status(), 400);
    let mut again = Browser::of(&provider, "li", "");
    let back = again.until_sent_back(&console).await;
    assert_eq!(again.get(&back).await.status(), 303);
    assert_eq!(again.get(&back).await.status(), 400, "a ticket is used once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_that_somebody_has_here_is_not_stepped_over_unless_the_provider_asked_for_one() {
    let (platform, provider) = platform().await;
    let console = platform.http.clone();
    let admin = platform.operator().await.unwrap();
    let user = json!({"username": "careful", "password": PASSWORD, "roles": ["operator"], "townships": []});
    assert_eq!(admin.post("/users", &user).await.unwrap().0, 201);
    let careful = Operator::log_in(&console, "careful", PASSWORD).await.unwrap();
    let (_, offered) = careful.post("/me/second-factor", &json!({"password": PASSWORD})).await.unwrap();
    let secret = Secret::Encoded(offered["secret"].as_str().unwrap().to_owned()).to_bytes().unwrap();
    let authenticator = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let code = authenticator.generate(u64::try_from(now_ms()).unwrap() / 1_000);
    let (status, done) = careful.post("/me/second-factor/confirm", &json!({"code": code})).await.unwrap();
    assert!(status.is_success(), "{done}");

    let answer = Browser::of(&provider, "careful", "").logs_in(&console).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("log in with password and code"));
    let mut browser = Browser::of(&provider, "careful", "factor");
    assert_eq!(browser.logs_in(&console).await.status(), 303);
    assert_eq!(browser.me(&console).await.1["user"]["username"], "careful");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_says_so_and_keeps_nobody_out_who_has_a_password() {
    http_client().unwrap();
    let console = free_address();
    let platform = platform_of(&console, &format!("http://{}", free_address())).await;
    let (status, page) = platform.probe("/api/v1/session/oidc").await.unwrap();
    assert!(status == 502 && page.contains("Log in with name and password: the provider does not answer"), "{page}");
    platform.operator().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_real_browser_the_button_leads_to_the_desk() {
    if !can_browse() {
        return;
    }
    let (platform, provider) = platform().await;
    let done = Command::new("node")
        .arg("login.mjs")
        .current_dir(folder())
        .env("CONSOLE_URL", format!("http://{}/", platform.http))
        .env("CONSOLE_OUTPUT", repository().join("tests/output"))
        .env("PROVIDER_URL", &provider.issuer)
        .output()
        .await
        .unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
