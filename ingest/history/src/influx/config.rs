//! Where the server is and who we are there, checked before the client crate sees it (it panics on a bad URL).
//!
//! In: what the operator wrote. Out: [`InfluxConfig`]; having one means it was valid. Never shows the token.

use reqwest_for_influxdb2::Url;
use std::fmt;

/// Why the settings were refused: key, value and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InfluxConfigError {
    /// Not a URL at all.
    #[error("[influx] url `{url}` is not a URL ({reason}); write it like http://127.0.0.1:8086")]
    NotAUrl {
        /// As written.
        url: String,
        /// What the parser said.
        reason: String,
    },
    /// A URL, but not of a server's root.
    #[error("[influx] url has {found}; write only scheme, host and port, like http://127.0.0.1:8086")]
    NotARoot {
        /// What is there and may not be, or is not there and must be; without the URL, which may hold a password.
        found: String,
    },
    /// Nothing was written.
    #[error("[influx] {key} is empty; write the name as the server shows it")]
    Empty {
        /// Which key.
        key: &'static str,
    },
    /// It would not fit in an HTTP header.
    #[error("[influx] token holds a space, a line break or a character beyond ASCII; check the end of the token file")]
    Token,
    /// The HTTP client could not be made.
    #[error("[influx] client could not be made: {0}")]
    Client(String),
}

/// A checked address of a bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct InfluxConfig {
    pub(super) url: Url,
    pub(super) org: String,
    pub(super) bucket: String,
    pub(super) token: String,
}

impl InfluxConfig {
    /// The only way in. The token may be empty for a server that asks for none; white space around it, as a file's last line
    /// has, is dropped.
    pub fn parse(url: &str, org: &str, bucket: &str, token: &str) -> Result<Self, InfluxConfigError> {
        let url = root_url(url.trim())?;
        for (key, value) in [("org", org), ("bucket", bucket)] {
            if value.trim().is_empty() {
                return Err(InfluxConfigError::Empty { key });
            }
        }
        let token = token.trim();
        if !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(InfluxConfigError::Token);
        }
        Ok(Self { url, org: org.trim().to_owned(), bucket: bucket.trim().to_owned(), token: token.to_owned() })
    }
}

/// The client crate replaces path and query by its own, so a URL that has them would silently lead elsewhere.
fn root_url(text: &str) -> Result<Url, InfluxConfigError> {
    let not_a_root = |found: String| Err(InfluxConfigError::NotARoot { found });
    let url = Url::parse(text)
        .map_err(|error| InfluxConfigError::NotAUrl { url: text.to_owned(), reason: error.to_string() })?;
    if !matches!(url.scheme(), "http" | "https") {
        return not_a_root(format!("the scheme `{}` instead of http or https", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return not_a_root("no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return not_a_root("a user name or password, which belong in token_file".to_owned());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return not_a_root(format!("the path `{}` or a query", url.path()));
    }
    Ok(url)
}

impl fmt::Debug for InfluxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InfluxConfig")
            .field("url", &self.url.as_str())
            .field("org", &self.org)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, token: &str, says: &str) {
        let said = InfluxConfig::parse(url, "o", "b", token).unwrap_err().to_string();
        assert!(said.contains(says), "{said}");
    }

    #[test]
    fn a_url_that_the_client_would_choke_on_or_bend_is_refused_with_a_remedy() {
        check("/3242/23", "t", "is not a URL");
        check("", "t", "is not a URL");
        check("127.0.0.1:8086", "t", "is not a URL");
        check("localhost:8086", "t", "scheme `localhost`");
        check("ftp://host", "t", "scheme `ftp`");
        check("http://host/influx", "t", "the path `/influx`");
        check("http://host?db=x", "t", "or a query");
        check("http://user:secret@host", "t", "belong in token_file");
    }

    #[test]
    fn a_token_that_fits_no_header_is_refused_and_no_token_is_ever_shown() {
        check("http://host", "two words", "token holds");
        check("http://host", "line\nbreak", "token holds");
        let config = InfluxConfig::parse("http://host:8086", "o", "b", " s3cret\n").unwrap();
        assert_eq!(config.token, "s3cret");
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn an_empty_bucket_is_refused_by_its_name() {
        assert_eq!(InfluxConfig::parse("http://host", "o", " ", "t"), Err(InfluxConfigError::Empty { key: "bucket" }));
    }
}
