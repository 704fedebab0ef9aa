//! `[webhooks]`, `[sms]`, `[messages]`, `[reports]`: whom messages may go to, by what way phones are reached, in which words people are
//! told, and how long a report may take.
//!
//! In:  the sections.   Out: [`Telling`].   Never: a secret in the file itself, or messages that were not tried.

use super::platform::callback;
use super::section::{ConfigError, Section};
use alerts::deliver::{Aliyun, Params, Sms, Spool, Tencent, Way};
use alerts::message::{Messages, NAMES};
use dashboards::Callback;
use model::Networks;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const PROVIDERS: &str = "aliyun, tencent or smstools";
const TIMEOUT_MIN: Duration = Duration::from_secs(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// A provider's template takes no more.
const PARAMS_MAX: usize = 20;

/// How people and programs are told.
#[derive(Debug, Clone)]
pub struct Telling {
    /// Private networks that receivers may be in.
    pub networks: Networks,
    /// A receiver that answers more slowly is tried again.
    pub timeout: Duration,
    /// By what way phones are reached.
    pub sms: Option<Sms>,
    /// Who may push receipts and replies of text messages; none: nobody.
    pub sms_callback: Option<Callback>,
    /// Messages of the installation, by name; tried when they were read.
    pub messages: Vec<(String, String)>,
    /// Where phones reach this platform: links in messages begin with it. None: messages carry no links.
    pub public_url: Option<String>,
    /// How long both halves of the dual report have to take a case.
    pub report_within: Duration,
}

/// Reads `[webhooks]`, `[sms]`, `[messages]`, `[reports]` and `http.public_url`.
pub(super) fn telling(root: &mut Section, http: &mut Section) -> Result<Telling, ConfigError> {
    let mut webhooks = root.section("webhooks")?;
    let mut messages = root.section("messages")?;
    let mut reports = root.section("reports")?;
    let (sms, sms_callback) = root.optional_section("sms")?.map(sms).transpose()?.unzip();
    let telling = Telling {
        networks: networks(&mut webhooks)?,
        timeout: timeout(&mut webhooks)?,
        sms,
        sms_callback: sms_callback.flatten(),
        messages: self::messages(&mut messages)?,
        public_url: public_url(http)?,
        report_within: reports.duration("within", "2h")?,
    };
    for section in [webhooks, messages, reports] {
        section.finish()?;
    }
    Ok(telling)
}

fn networks(webhooks: &mut Section) -> Result<Networks, ConfigError> {
    let written = webhooks.texts("allow_networks")?;
    Networks::parse(written.iter().map(String::as_str)).map_err(|error| {
        webhooks.invalid("allow_networks", &written.join(", "), &format!("{error}, for example 127.0.0.0/8"))
    })
}

fn timeout(webhooks: &mut Section) -> Result<Duration, ConfigError> {
    let timeout = webhooks.duration("timeout", "15s")?;
    if (TIMEOUT_MIN..=TIMEOUT_MAX).contains(&timeout) {
        return Ok(timeout);
    }
    Err(webhooks.invalid("timeout", &format!("{} s", timeout.as_secs()), "wait 1 s to 60 s for a receiver's answer"))
}

fn public_url(http: &mut Section) -> Result<Option<String>, ConfigError> {
    let Some(url) = http.optional_text("public_url")? else { return Ok(None) };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_one = host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', ' ', '@']));
    if is_one && url.len() <= 100 {
        return Ok(Some(url));
    }
    Err(http.invalid(
        "public_url",
        &url,
        "write the address by which phones reach the console, for example https://watch.example",
    ))
}

/// Reads `[sms]` and, for when that way says no, `[sms.fallback]`; and who may push what comes back.
fn sms(mut section: Section) -> Result<(Sms, Option<Callback>), ConfigError> {
    let callback = callback(&mut section)?;
    let fallback = section.optional_section("fallback")?;
    let daily_max = section.number("daily_max", 500, 1..=100_000)?;
    let mut ways = vec![way(section)?];
    if let Some(fallback) = fallback {
        ways.push(way(fallback)?);
    }
    Ok((Sms::new(ways, u32::try_from(daily_max).unwrap_or(u32::MAX)), callback))
}

fn way(mut section: Section) -> Result<Way, ConfigError> {
    let provider = section.required("provider", PROVIDERS)?;
    let way = match provider.as_str() {
        "aliyun" => Way::Aliyun(Arc::new(Aliyun {
            endpoint: section.text("endpoint", Aliyun::ENDPOINT)?,
            key_id: section.required("access_key_id", "the access key's id")?,
            key_secret: secret(&mut section)?,
            sign_name: section.required("sign_name", "the approved signature, for example 草原禁牧")?,
            template_code: section.required("template_code", "the approved template, for example SMS_000000001")?,
            params: params(&mut section)?,
        })),
        "tencent" => Way::Tencent(Arc::new(Tencent {
            endpoint: section.text("endpoint", Tencent::ENDPOINT)?,
            key_id: section.required("access_key_id", "the key's SecretId")?,
            key_secret: secret(&mut section)?,
            region: section.text("region", "ap-beijing")?,
            sdk_app_id: section.required("sdk_app_id", "the application's SmsSdkAppId")?,
            sign_name: section.required("sign_name", "the approved signature, for example 草原禁牧")?,
            template_code: section.required("template_code", "the approved template, for example 1110")?,
            params: params(&mut section)?,
        })),
        "smstools" => {
            let folder = section.text("spool", "/var/spool/sms/outgoing")?;
            Way::Spool(
                Spool::open(Path::new(&folder))
                    .map_err(|error| section.invalid("spool", &folder, &error.to_string()))?,
            )
        }
        other => {
            return Err(section.invalid("provider", other, &format!("there is no such provider; use {PROVIDERS}")));
        }
    };
    section.finish()?;
    Ok(way)
}

fn secret(section: &mut Section) -> Result<String, ConfigError> {
    let file = PathBuf::from(section.required("access_key_secret_file", "a file that holds the key's secret")?);
    Ok(section.file("access_key_secret_file", file)?.trim().to_owned())
}

/// `["zone", "n=animals"]`: the template's own names, each with the value that it stands for.
fn params(section: &mut Section) -> Result<Params, ConfigError> {
    let mut written = section.texts("params")?;
    if written.is_empty() {
        written = ["clock", "zone", "animals", "place"].map(str::to_owned).into();
    }
    let shown = written.join(", ");
    if written.len() > PARAMS_MAX {
        return Err(section.invalid("params", &shown, &format!("a template takes at most {PARAMS_MAX}")));
    }
    let pairs = written.iter().map(|text| {
        let (name, of) = text.split_once('=').unwrap_or((text, text));
        let (name, of) = (name.trim(), of.trim());
        let is_known = NAMES.contains(&of) && !name.is_empty();
        is_known.then(|| (name.to_owned(), of.to_owned())).ok_or_else(|| {
            let remedy = format!("`{text}` names no value; use one of {}, or NAME=VALUE", NAMES.join(", "));
            section.invalid("params", &shown, &remedy)
        })
    });
    Ok(Params(pairs.collect::<Result<_, _>>()?))
}

/// Reads `[messages] folder`: each file in it is a message by its name, for example `incident.opened.zh`.
fn messages(section: &mut Section) -> Result<Vec<(String, String)>, ConfigError> {
    let Some(folder) = section.optional_text("folder")? else { return Ok(Vec::new()) };
    let unreadable = |path: PathBuf, source| ConfigError::File { key: section.key("folder"), path, source };
    let entries = std::fs::read_dir(&folder).map_err(|source| unreadable(PathBuf::from(&folder), source))?;
    let mut own = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| unreadable(PathBuf::from(&folder), source))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // An editor's own files are no messages.
        if path.is_file() && !name.starts_with('.') && !name.ends_with('~') {
            let text = std::fs::read_to_string(&path).map_err(|source| unreadable(path.clone(), source))?;
            own.push((name, text));
        }
    }
    own.sort_unstable();
    Messages::with(own.clone()).map_err(|error| section.invalid("folder", &folder, &error.to_string()))?;
    Ok(own)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[track_caller]
    fn check(text: &str, why: &str) {
        let told = Config::parse(text).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
    }

    #[test]
    fn whatever_is_wrong_with_telling_is_one_sentence_too() {
        check(
            "[sms]\nprovider = \"pigeon\"",
            "`sms.provider` is `pigeon`, which cannot be used: there is no such provider; use aliyun",
        );
        check("[sms]", "`sms.provider` is missing");
        check("[sms]\nprovider = \"aliyun\"\naccess_key_id = \"k\"", "`sms.access_key_secret_file` is missing");
        check("[sms]\nprovider = \"smstools\"\nspool = \"/nowhere/out\"", "name the folder that smstools reads");
        check("[messages]\nfolder = \"/nowhere\"", "`messages.folder` names /nowhere");
        check("[webhooks]\ntimeout = \"5m\"", "wait 1 s to 60 s");
        check("[http]\npublic_url = \"watch.example\"", "for example https://watch.example");
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "hidden\n").unwrap();
        let aliyun = format!(
            "[sms]\nprovider = \"aliyun\"\naccess_key_id = \"k\"\naccess_key_secret_file = \"{}\"\nsign_name = \"草原禁牧\"\n\
             template_code = \"SMS_1\"\n",
            key.display()
        );
        assert!(Config::parse(&aliyun).unwrap().telling.sms.is_some());
        assert!(Config::parse(&aliyun).unwrap().telling.sms_callback.is_none());
        let called_back = format!("{aliyun}callback_token_file = \"{}\"\n", key.display());
        check(&called_back, "`sms.callback_token_file` is `(not shown)`");
        std::fs::write(&key, "hidden-sms-callback-token\n").unwrap();
        assert!(Config::parse(&called_back).unwrap().telling.sms_callback.is_some());
        check(&format!("{aliyun}params = [\"n=heads\"]"), "`n=heads` names no value; use one of event, severity");
        check(&format!("{aliyun}colour = 1"), "there is no such key");
        let messages = folder.path().join("messages");
        std::fs::create_dir(&messages).unwrap();
        std::fs::write(messages.join("incident.opened.zh"), "{{ zone }}有羊").unwrap();
        let text = format!("[messages]\nfolder = \"{}\"", messages.display());
        assert_eq!(Config::parse(&text).unwrap().telling.messages.len(), 1);
        std::fs::write(messages.join("notice.zh"), "{{ informant }}").unwrap();
        check(&text, "message `notice.zh`: line 1");
    }
}
