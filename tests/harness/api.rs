//! An operator at the API: logs in, looks, acts, listens to the live socket.

use crate::PATIENCE;
use anyhow::{Context, Result, bail};
use firmware_sim::receiver::{Behaviour, Receiver};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// A client for HTTP on this machine.
pub fn http_client() -> reqwest::Result<Client> {
    // A second call only means that the provider is chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().no_proxy().build()
}

/// A session.
pub struct Operator {
    http: String,
    client: Client,
    cookie: String,
    csrf: String,
}

impl Operator {
    /// Logs in.
    pub async fn log_in(http: &str, username: &str, password: &str) -> Result<Self> {
        let client = http_client()?;
        let answer = client
            .post(format!("http://{http}/api/v1/session"))
            .json(&json!({"username": username, "password": password}))
            .send()
            .await?;
        if !answer.status().is_success() {
            bail!("login answered {}: {}", answer.status(), answer.text().await?);
        }
        let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).context("no cookie")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let body: Value = answer.json().await?;
        let csrf = body.get("csrf").and_then(Value::as_str).context("no csrf")?.to_owned();
        Ok(Self { http: http.into(), client, cookie, csrf })
    }

    async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value)> {
        let mut request = self
            .client
            .request(method, format!("http://{}/api/v1{path}", self.http))
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// GET; the body of a 200, an error otherwise.
    pub async fn get(&self, path: &str) -> Result<Value> {
        match self.request(Method::GET, path, None).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, body) => bail!("GET {path} answered {status}: {body}"),
        }
    }

    /// GET of a file; its bytes.
    pub async fn download(&self, path: &str) -> Result<Vec<u8>> {
        let url = format!("http://{}/api/v1{path}", self.http);
        let answer = self.client.get(url).header("cookie", &self.cookie).send().await?;
        Ok(answer.error_for_status()?.bytes().await?.to_vec())
    }

    /// POST; status and body, whatever they are.
    pub async fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        self.request(Method::POST, path, Some(body)).await
    }

    /// PATCH; status and body, whatever they are.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        self.request(Method::PATCH, path, Some(body)).await
    }

    /// DELETE; the status, whatever it is.
    pub async fn delete(&self, path: &str) -> Result<StatusCode> {
        Ok(self.request(Method::DELETE, path, None).await?.0)
    }

    /// POST of files as a browser's form sends them: file name and bytes; status and body, whatever they are.
    pub async fn upload(&self, path: &str, files: &[(String, Vec<u8>)]) -> Result<(StatusCode, Value)> {
        const EDGE: &str = "edge-of-a-part";
        let mut body = Vec::new();
        for (name, bytes) in files {
            let head =
                format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{EDGE}--\r\n").as_bytes());
        let request = self
            .client
            .post(format!("http://{}/api/v1{path}", self.http))
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf)
            .header("content-type", format!("multipart/form-data; boundary={EDGE}"))
            .body(body);
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// The items of a list.
    pub async fn items(&self, path: &str) -> Result<Vec<Value>> {
        Ok(self.get(path).await?.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Asks again until `wanted` finds what it looks for in the list.
    pub async fn wait_for_items(&self, path: &str, wanted: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let list = |body: &Value| body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(list(&self.wait_for(path, |body| wanted(&list(body))).await?))
    }

    /// Asks again until `wanted` finds what it looks for in the answer. The pause only spares the server.
    pub async fn wait_for(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let asking = async {
            loop {
                let body = self.get(path).await?;
                if wanted(&body) {
                    return Ok(body);
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(found) => found,
            Err(_) => bail!("GET {path} never answered what was waited for; last: {}", self.get(path).await?),
        }
    }

    /// Registers a webhook receiver; its secret.
    pub async fn subscribe(&self, name: &str, url: &str) -> Result<String> {
        let (status, body) =
            self.post("/subscribers", &json!({"name": name, "channel": "webhook", "url": url})).await?;
        let secret = body.get("secret").and_then(Value::as_str);
        secret.map(str::to_owned).with_context(|| format!("POST /subscribers answered {status}: {body}"))
    }

    /// Registers a webhook receiver of all that happens, and starts it; its first requests are treated as the script says.
    pub async fn receiver(&self, script: impl IntoIterator<Item = Behaviour>) -> Result<Receiver> {
        // The receiver's address is known before its secret, and the secret only after subscribing.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let secret = self.subscribe("receiver", &format!("http://{address}/")).await?;
        Ok(Receiver::scripted(address, &secret, script).await?)
    }

    /// Opens the live socket, as a page does.
    pub async fn socket(&self) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>> {
        let mut request = format!("ws://{}/api/v1/live", self.http).into_client_request()?;
        request.headers_mut().insert("cookie", self.cookie.parse()?);
        request.headers_mut().insert("origin", format!("http://{}", self.http).parse()?);
        Ok(tokio_tungstenite::connect_async(request).await?.0)
    }

    /// Listens to the live socket until a message is what is wanted, giving credit for positions.
    pub async fn hears(&self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut socket = self.socket().await?;
        let listening = async {
            while let Some(message) = socket.next().await {
                let Message::Text(text) = message? else { continue };
                let message: Value = serde_json::from_str(&text)?;
                if wanted(&message) {
                    return Ok(message);
                }
                if message.get("type").and_then(Value::as_str) == Some("positions") {
                    socket.send(Message::text(r#"{"type":"credit"}"#)).await?;
                }
            }
            bail!("the live socket was closed")
        };
        tokio::time::timeout(PATIENCE, listening).await?
    }
}
