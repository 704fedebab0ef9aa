//! One try of one write, through the client crate.
//!
//! In: lines. Out: [`Answer`], which says what can be done next. Never tries twice, never splits, never logs.

use super::config::{InfluxConfig, InfluxConfigError};
use super::schema::SourcedLine;
use flate2::Compression;
use flate2::write::GzEncoder;
use influxdb2::api::write::TimestampPrecision;
use influxdb2::{Client, ClientBuilder, RequestError};
use reqwest_for_influxdb2::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use reqwest_for_influxdb2::redirect::Policy;
use reqwest_for_influxdb2::{ClientBuilder as HttpBuilder, StatusCode};
use std::io::{self, Write};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A full batch is under a megabyte, compressed a tenth of it; a server that needs longer than this is not there.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// What is kept of a server's words.
const REASON_CHARS: usize = 300;

/// What became of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// All of it is on the server.
    Accepted,
    /// Not now: send the same again later. `reason` is a short word for the metric.
    Later { reason: &'static str, said: String },
    /// Send it in smaller pieces.
    TooLarge(String),
    /// Something in it is unacceptable and will stay so.
    Refused(String),
}

pub(super) struct Transport {
    client: Client,
    org: String,
    bucket: String,
}

impl Transport {
    /// `timeout` is that of one write.
    pub(super) fn new(config: &InfluxConfig, timeout: Duration) -> Result<Self, InfluxConfigError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        // No proxy from the environment and no redirect: the token goes to the configured address and nowhere else.
        let http = HttpBuilder::new()
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .no_proxy()
            .redirect(Policy::none());
        let client = ClientBuilder::with_builder(http, config.url.as_str(), &config.org, &config.token)
            .build()
            .map_err(|error| InfluxConfigError::Client(error.to_string()))?;
        Ok(Self { client, org: config.org.clone(), bucket: config.bucket.clone() })
    }

    pub(super) async fn send(&self, lines: &[SourcedLine]) -> Answer {
        let body = match compressed(lines) {
            Ok(body) => body,
            Err(error) => return Answer::Later { reason: "compression", said: error.to_string() },
        };
        let precision = TimestampPrecision::Milliseconds;
        match self.client.write_line_protocol_with_precision(&self.org, &self.bucket, body, precision).await {
            Ok(()) => Answer::Accepted,
            Err(error) => answer_of(&error),
        }
    }
}

/// A full batch takes a few milliseconds at this level, short enough to stay on the async thread.
fn compressed(lines: &[SourcedLine]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        encoder.write_all(line.text.as_bytes())?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

fn answer_of(error: &RequestError) -> Answer {
    let RequestError::Http { status, text } = error else {
        return Answer::Later { reason: "network", said: shortened(&error.to_string()) };
    };
    let said = format!("{}: {}", status.as_u16(), shortened(text));
    match *status {
        StatusCode::PAYLOAD_TOO_LARGE => Answer::TooLarge(said),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(said),
        StatusCode::TOO_MANY_REQUESTS => Answer::Later { reason: "busy", said },
        status if status.is_server_error() => Answer::Later { reason: "server", said },
        // A wrong token, a bucket that is gone, a proxy's page: an operator can repair all of them, so the data waits.
        _ => Answer::Later { reason: "not_accepted", said },
    }
}

fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS).collect()
}
