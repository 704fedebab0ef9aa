//! `[http.oidc]`: the office's own identity provider, by which people may log in.
//!
//! In: its address and what we are called there; the secret in a file.   Out: [`OidcConfig`]; whether it answers is asked when somebody logs in.

use super::section::{ConfigError, Section};
use dashboards::{Hidden, OidcConfig, OidcError};

/// Where browsers come back to, below the console's address.
const CALLBACK: &str = "/api/v1/session/oidc/callback";

/// `public_url` is the console's address, where it is configured.
pub(super) fn oidc(mut section: Section, public_url: Option<&str>) -> Result<OidcConfig, ConfigError> {
    let issuer =
        section.required("issuer", "the provider's address as it names itself, for example https://id.example")?;
    let client_id = section.required("client_id", "what the provider calls this platform")?;
    let file = section.required("client_secret_file", "a file that holds the secret that the provider gave")?.into();
    let client_secret = Hidden(section.file("client_secret_file", file)?.trim().to_owned());
    if client_secret.0.is_empty() {
        return Err(section.invalid(
            "client_secret_file",
            "empty",
            "put the secret that the provider gave into that file",
        ));
    }
    let own = public_url.map(|url| format!("{}{CALLBACK}", url.trim_end_matches('/')));
    let redirect_url = match (section.optional_text("redirect_url")?, own) {
        (Some(url), _) => url,
        (None, Some(url)) => url,
        (None, None) => {
            return Err(section.missing(
                "redirect_url",
                &format!("the console's address followed by {CALLBACK}, or set `http.public_url`"),
            ));
        }
    };
    if !redirect_url.ends_with(CALLBACK) {
        let remedy = format!("write the console's address followed by {CALLBACK}");
        return Err(section.invalid("redirect_url", &redirect_url, &remedy));
    }
    let host = issuer.split('/').nth(2).unwrap_or(&issuer).to_owned();
    let name = section.text("name", &host)?;
    if name.trim().is_empty() || name.chars().count() > 40 {
        return Err(section.invalid("name", &name, "write 1 to 40 letters for the button"));
    }
    let username_claim = section.text("username_claim", "preferred_username")?;
    let authorities = section.optional_text("ca_file")?.map(|file| section.file("ca_file", file.into())).transpose()?;
    let config = OidcConfig { name, issuer, client_id, client_secret, redirect_url, username_claim, authorities };
    // Tried here, so that `config check` says what the service would.
    if let Err(error) = config.check() {
        let (key, value) = match error {
            OidcError::Issuer => ("issuer", config.issuer.as_str()),
            OidcError::Redirect => ("redirect_url", config.redirect_url.as_str()),
            OidcError::Authorities(_) | OidcError::Random(_) => ("ca_file", "a file"),
        };
        return Err(section.invalid(key, value, &error.to_string()));
    }
    section.finish()?;
    Ok(config)
}
