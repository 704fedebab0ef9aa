//! The console's port with a certificate of its own.

use crate::authority::Authority;
use journeys::{PASSWORD, Platform};
use reqwest::{Certificate, Client, StatusCode};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

fn put(folder: &Path, (certificate, key): &(String, String)) {
    // The key first: a certificate without its key is not taken, and the former pair stays.
    for (name, text) in [("key.pem", key), ("certificate.pem", certificate)] {
        let new = folder.join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, folder.join(name)).unwrap();
    }
}

fn trusting(authority: &Authority) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let root = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    // A connection of its own for each request, so that each sees the certificate of now.
    let client = Client::builder().no_proxy().tls_certs_only([root]).pool_max_idle_per_host(0);
    client.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_the_console_speaks_https_only_and_takes_a_new_one_while_it_runs() {
    let (first, second) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &first.issue_until("watch", 2040));
    let files = folder.path().display();
    let config = format!("[http.tls]\ncertificate = \"{files}/certificate.pem\"\nkey = \"{files}/key.pem\"\n");
    let mut platform = Platform::prepare(&config).unwrap();
    platform.run().await.unwrap();
    let address = format!("https://{}/api/v1/session", platform.http);
    let login = json!({ "username": "admin", "password": PASSWORD });
    let answer = trusting(&first).post(&address).json(&login).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("set-cookie").ends_with("; Secure"), "{}", header("set-cookie"));
    assert!(header("strict-transport-security").starts_with("max-age="));
    assert!(trusting(&second).get(&address).send().await.is_err(), "nobody trusts a stranger's authority");
    assert!(platform.probe("/healthz").await.is_err(), "plain HTTP is not spoken");

    let metrics = format!("https://{}/metrics", platform.http);
    let page = trusting(&first).get(&metrics).send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("\nsteppewatch_certificate_expiry_timestamp_seconds{listener=\"http\"} 2208988800\n"),
        "{page}"
    );

    put(folder.path(), &second.issue_until("watch", 2041));
    let taken = async {
        while trusting(&second).post(&address).json(&login).send().await.is_err() {
            // The pause only spares the server.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), taken).await.unwrap();
    let shown = async {
        let wanted = "{listener=\"http\"} 2240611200\n";
        while !trusting(&second).get(&metrics).send().await.unwrap().text().await.unwrap().contains(wanted) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), shown).await.unwrap();
}
