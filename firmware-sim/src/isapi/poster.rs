//! The camera that posts.

use anyhow::{Context, Result, bail};
use reqwest::{Client, Response, StatusCode};
use sha2::{Digest, Sha256};

/// A boundary as firmware uses it.
const BOUNDARY: &str = "-------------------------7e13971310878";
/// What the camera adds to the platform's nonce; a simulator has no secrets.
const OWN: &str = "0a4f113b";

/// Posts to one address, and proves by Digest with SHA-256 who it is.
pub struct IsapiPoster {
    client: Client,
    url: String,
    user: String,
    password: String,
}

impl IsapiPoster {
    /// A camera whose page says: this address, this user, this password.
    pub fn new(url: &str, user: &str, password: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, url: url.to_owned(), user: user.to_owned(), password: password.to_owned() })
    }

    /// Posts an event, with a picture if there is one; an error if the answer is not 200.
    pub async fn post(&self, event: &str, jpeg: Option<&[u8]>) -> Result<()> {
        let (content_type, body) = match jpeg {
            None => ("application/xml; charset=\"UTF-8\"".to_owned(), event.as_bytes().to_vec()),
            Some(jpeg) => (format!("multipart/form-data; boundary={BOUNDARY}"), form(event, jpeg)),
        };
        let send = |proof: Option<String>| {
            let request = self.client.post(&self.url).header("content-type", &content_type).body(body.clone());
            proof.into_iter().fold(request, |request, proof| request.header("authorization", proof)).send()
        };
        let asked = send(None).await?;
        let answer =
            if asked.status() == StatusCode::UNAUTHORIZED { send(Some(self.proof(&asked)?)).await? } else { asked };
        if answer.status() == StatusCode::OK { Ok(()) } else { bail!("answered with {}", answer.status()) }
    }

    /// The answer to the challenge for SHA-256.
    fn proof(&self, asked: &Response) -> Result<String> {
        let ways = asked.headers().get_all("www-authenticate").iter().filter_map(|way| way.to_str().ok());
        let way = ways.into_iter().find(|way| way.contains("algorithm=SHA-256")).context("no digest with SHA-256")?;
        let field = |name: &str| -> Result<String> {
            let after = way.split_once(&format!("{name}=\"")).context("a field is missing")?.1;
            Ok(after.split('"').next().unwrap_or_default().to_owned())
        };
        let (realm, nonce, uri) = (field("realm")?, field("nonce")?, asked.url().path().to_owned());
        let who = hash(&format!("{}:{realm}:{}", self.user, self.password));
        let what = hash(&format!("POST:{uri}"));
        let response = hash(&format!("{who}:{nonce}:00000001:{OWN}:auth:{what}"));
        Ok(format!(
            "Digest username=\"{}\",realm=\"{realm}\",nonce=\"{nonce}\",uri=\"{uri}\",cnonce=\"{OWN}\",nc=00000001,algorithm=SHA-256,\
             response=\"{response}\",qop=\"auth\"",
            self.user
        ))
    }
}

fn form(event: &str, jpeg: &[u8]) -> Vec<u8> {
    let head = |name: &str, kind: &str, length: usize| {
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let mut body = head("fielddetection.xml", "application/xml", event.len()).into_bytes();
    body.extend_from_slice(event.as_bytes());
    body.extend_from_slice(b"\r\n");
    body.extend_from_slice(head("fieldDetectionImage.jpg", "image/jpeg", jpeg.len()).as_bytes());
    body.extend_from_slice(jpeg);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
