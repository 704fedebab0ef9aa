//! `[platform]` and `[platform.fire]`: where the systems above us are, and how they want to be spoken to.
//!
//! In:  the section.   Out: [`Upstream`]: adapters for `deliver`, payloads for the outbox, the token of acknowledgements.   Never: a
//! secret in the file itself or in an error, a template that was not tried, or a key that the chosen `auth` has no use for.

use super::section::{ConfigError, Section};
use alerts::deliver::{Accept, Adapter, Adapters, Auth, BadHmac, BadTls, Hmac, HmacSettings, SIGNS, Tls};
use alerts::upstream::{Form, Payload, Payloads, Template};
use dashboards::Callback;
use model::TenantId;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use toml::Value;

const AUTHS: &str = "none, token, hmac or mtls";
/// A shorter token could be guessed.
const CALLBACK_TOKEN_MIN: usize = 16;
/// An attempt holds one of a few places.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// Which keys belong to which `auth`.
const KEYS_OF_AUTH: [(&str, &str); 10] = [
    ("token_file", "token"),
    ("hmac_key_file", "hmac"),
    ("hmac_signs", "hmac"),
    ("hmac_encoding", "hmac"),
    ("hmac_time", "hmac"),
    ("hmac_client_id", "hmac"),
    ("hmac_header", "hmac"),
    ("hmac_timestamp_header", "hmac"),
    ("hmac_nonce_header", "hmac"),
    ("hmac_client_header", "hmac"),
];

/// The systems above us.
#[derive(Debug, Clone, Default)]
pub struct Upstream {
    /// Where they are.
    pub adapters: Adapters,
    /// What they are told.
    pub payloads: Payloads,
    /// Who may acknowledge; none: nobody.
    pub callback: Option<Callback>,
}

/// Reads `[platform]` and, within it, `[platform.fire]`.
pub(super) fn platform(mut section: Section, tenant: &TenantId) -> Result<Upstream, ConfigError> {
    let mut upstream = Upstream::default();
    if let Some(fire) = section.optional_section("fire")? {
        let (adapter, payload) = system(fire, tenant)?;
        (upstream.adapters.fire, upstream.payloads.fire) = (Some(adapter), payload);
        // Who only has a fire warning system writes nothing else.
        if section.is_empty() {
            return Ok(upstream);
        }
    }
    upstream.callback = callback(&mut section)?;
    let (adapter, payload) = system(section, tenant)?;
    (upstream.adapters.platform, upstream.payloads.platform) = (Some(adapter), payload);
    Ok(upstream)
}

/// Who may call back, by a token in a file; without the key nobody.
pub(super) fn callback(section: &mut Section) -> Result<Option<Callback>, ConfigError> {
    if !section.has("callback_token_file") {
        return Ok(None);
    }
    let token = secret(section, "callback_token_file", "a file that holds the token of who calls back")?;
    if token.len() < CALLBACK_TOKEN_MIN {
        let remedy = format!("the token in it is too short; use {CALLBACK_TOKEN_MIN} characters or more");
        return Err(section.invalid("callback_token_file", "(not shown)", &remedy));
    }
    Ok(Some(Callback::new(&token)))
}

fn system(mut section: Section, tenant: &TenantId) -> Result<(Adapter, Payload), ConfigError> {
    let endpoint = section.required("endpoint", "the system's address, for example https://10.1.0.8/api/alerts")?;
    let (auth, is_mutual) = auth(&mut section)?;
    Adapter::check_endpoint(&endpoint, is_mutual)
        .map_err(|remedy| section.invalid("endpoint", before_query(&endpoint), remedy))?;
    let tls = tls(&mut section, is_mutual)?;
    let accept = accept(&mut section)?;
    let timeout = section.duration("timeout", "15s")?;
    if timeout < Duration::from_secs(1) || timeout > TIMEOUT_MAX {
        let written = format!("{}s", timeout.as_secs_f64());
        return Err(section.invalid("timeout", &written, "write a duration from 1s to 60s"));
    }
    let payload = payload(&mut section, tenant)?;
    section.finish()?;
    Ok((Adapter { endpoint, auth, tls, accept, timeout }, payload))
}

/// What stands before a query or a password, which may be a secret.
fn before_query(endpoint: &str) -> &str {
    let shown = endpoint.split(['?', '#']).next().unwrap_or_default();
    if shown.contains('@') { "…" } else { shown }
}

/// What proves that it is us; and whether a certificate has to.
fn auth(section: &mut Section) -> Result<(Auth, bool), ConfigError> {
    let word = section.text("auth", "none")?;
    for (key, of) in KEYS_OF_AUTH {
        if section.has(key) && word != of {
            return Err(section.invalid(
                "auth",
                &word,
                &format!("`{key}` is for auth = \"{of}\"; write that, or leave it out"),
            ));
        }
    }
    let auth = match word.as_str() {
        "none" | "mtls" => Auth::None,
        "token" => {
            let token = secret(section, "token_file", "a file that holds the token")?;
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                let remedy = "the token in it has a blank or a letter that no header may hold";
                return Err(section.invalid("token_file", "(not shown)", remedy));
            }
            Auth::Token(token)
        }
        "hmac" => Auth::Hmac(hmac(section)?),
        other => return Err(section.invalid("auth", other, &format!("use {AUTHS}"))),
    };
    Ok((auth, word == "mtls"))
}

fn hmac(section: &mut Section) -> Result<Hmac, ConfigError> {
    let settings = HmacSettings {
        key: secret(section, "hmac_key_file", "a file that holds the key")?.into_bytes(),
        client_id: section.optional_text("hmac_client_id")?,
        signs: section.text("hmac_signs", SIGNS)?,
        is_base64: one_of(section, "hmac_encoding", "hex", "base64")?,
        is_seconds: one_of(section, "hmac_time", "ms", "s")?,
        header: section.text("hmac_header", "X-Signature")?,
        timestamp_header: section.text("hmac_timestamp_header", "X-Timestamp")?,
        nonce_header: section.text("hmac_nonce_header", "X-Nonce")?,
        client_header: section.text("hmac_client_header", "X-Client-Id")?,
    };
    let (signs, client_id) = (settings.signs.clone(), settings.client_id.clone().unwrap_or_default());
    Hmac::parse(settings).map_err(|error| {
        let (key, value) = match &error {
            BadHmac::NoTimestamp | BadHmac::Unknown => ("hmac_signs", signs.as_str()),
            BadHmac::NoClient => ("hmac_client_id", client_id.as_str()),
            BadHmac::Header(name) => ("hmac_header", name.as_str()),
        };
        section.invalid(key, value, &error.to_string())
    })
}

/// Whether the second of two words stands there.
fn one_of(section: &mut Section, key: &'static str, first: &str, second: &str) -> Result<bool, ConfigError> {
    let word = section.text(key, first)?;
    if word == first || word == second {
        return Ok(word == second);
    }
    Err(section.invalid(key, &word, &format!("use {first} or {second}")))
}

fn tls(section: &mut Section, is_mutual: bool) -> Result<Tls, ConfigError> {
    let certificate = optional_file(section, "client_certificate")?;
    let key = optional_file(section, "client_key")?;
    let authorities = optional_file(section, "ca")?;
    let identity = match (&certificate, &key) {
        (Some(certificate), Some(key)) => Some((certificate.as_str(), key.as_str())),
        (None, None) if !is_mutual => None,
        (Some(_), None) => return Err(section.missing("client_key", "the file of the certificate's key, PEM")),
        (None, _) => return Err(section.missing("client_certificate", "the file of our certificate, PEM")),
    };
    Tls::parse(identity, authorities.as_deref()).map_err(|bad| match bad {
        BadTls::Identity => section.invalid(
            "client_certificate",
            "(not shown)",
            "it and `client_key` are no certificate and key in PEM",
        ),
        BadTls::Authorities => section.invalid("ca", "(not shown)", "it holds no certificate in PEM"),
    })
}

fn accept(section: &mut Section) -> Result<Accept, ConfigError> {
    let usual = Accept::default();
    let status = match section.scalars("accept_status")? {
        None => usual.status,
        Some(written) => {
            let shown = json!(written.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
            let number = |value: &Value| value.as_integer().and_then(|number| u16::try_from(number).ok());
            let statuses: Option<Vec<u16>> =
                written.iter().map(|value| number(value).filter(|status| (200..600).contains(status))).collect();
            statuses.filter(|statuses| !statuses.is_empty()).ok_or_else(|| {
                let shown = shown.as_str().unwrap_or_default();
                section.invalid("accept_status", shown, "write statuses of HTTP, for example [200]")
            })?
        }
    };
    let path = section.text("accept_path", &usual.path)?;
    if !path.is_empty() && !path.starts_with('/') {
        let remedy =
            "write a JSON pointer, for example /code or /result/success, or \"\" where the status alone decides";
        return Err(section.invalid("accept_path", &path, remedy));
    }
    let values = section.scalars("accept_value")?;
    let value = match values.as_deref() {
        None => usual.value,
        Some([one]) => json!(one),
        Some(_) => return Err(section.invalid("accept_value", "a list", "write one value, for example 0")),
    };
    let refuse: Vec<_> =
        section.scalars("refuse_values")?.unwrap_or_default().iter().map(|value| json!(value)).collect();
    if refuse.contains(&value) {
        return Err(section.invalid("refuse_values", &value.to_string(), "it is the yes of accept_value"));
    }
    Ok(Accept { status, path, value, refuse })
}

fn payload(section: &mut Section, tenant: &TenantId) -> Result<Payload, ConfigError> {
    let usual = Payload::default();
    let form = section.text("payload", "json")?;
    let template = section.optional_text("template")?;
    let form = match (form.as_str(), template) {
        ("cap", None) => Form::Cap,
        ("cap", Some(file)) => {
            return Err(section.invalid(
                "template",
                &file,
                "a CAP document has its own form; leave it out or use payload = \"json\"",
            ));
        }
        ("json", None) => usual.form,
        ("json", Some(file)) => {
            let text = section.file("template", PathBuf::from(&file))?;
            let template =
                Template::parse(&text).map_err(|error| section.invalid("template", &file, &error.to_string()))?;
            Form::Json(Arc::new(template))
        }
        (other, _) => return Err(section.invalid("payload", other, "use json or cap")),
    };
    let sender = section.text("sender", &format!("steppewatch.{tenant}"))?;
    let is_word = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, ',' | '<' | '&');
    if !(1..=100).contains(&sender.chars().count()) || !sender.chars().all(is_word) {
        return Err(section.invalid("sender", &sender, "use 1 to 100 characters without blanks, commas, < and &"));
    }
    let sender_name = section.text("sender_name", &usual.sender_name)?;
    Ok(Payload { form, sender, sender_name, exercise: section.flag("exercise", false)? })
}

fn secret(section: &mut Section, key: &'static str, remedy: &str) -> Result<String, ConfigError> {
    let file = PathBuf::from(section.required(key, remedy)?);
    let text = section.file(key, file)?.trim().to_owned();
    if text.is_empty() { Err(section.invalid(key, "(not shown)", "the file is empty")) } else { Ok(text) }
}

fn optional_file(section: &mut Section, key: &'static str) -> Result<Option<String>, ConfigError> {
    section.optional_text(key)?.map(|file| section.file(key, PathBuf::from(file))).transpose()
}

#[cfg(test)]
#[path = "platform_tests.rs"]
mod tests;
