//! Alibaba Cloud SMS, API 2017-05-25, signed by ACS3-HMAC-SHA256 (help.aliyun.com, documents 55284 and 2593177).
//!
//! In: a phone and a template's values.   Out: `Code` of the answer: HTTP 200 alone says nothing.   Never: the secret in a message.

use super::super::sender::{Answer, Http, Reply};
use super::{Params, Taken, hex, hmac_sha256, sha256_hex, utc_seconds};
use crate::message::Said;
use model::{LegalDate, Timestamp};
use serde_json::{Map, Value};

const VERSION: &str = "2017-05-25";

/// An account at Alibaba Cloud.
pub struct Aliyun {
    /// `https://dysmsapi.aliyuncs.com`.
    pub endpoint: String,
    /// The access key's id.
    pub key_id: String,
    /// The access key's secret. Never logged.
    pub key_secret: String,
    /// The approved signature, 签名.
    pub sign_name: String,
    /// The approved template.
    pub template_code: String,
    /// Which values it takes.
    pub params: Params,
}

impl Aliyun {
    /// Where it is, unless a test or a private cloud says otherwise.
    pub const ENDPOINT: &str = "https://dysmsapi.aliyuncs.com";

    pub(super) async fn send(&self, http: &Http, phone: &str, body: &Said, id: &str, now: Timestamp) -> Taken {
        let values: Map<String, Value> =
            self.params.filled(&body.values).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let values = Value::Object(values).to_string();
        let query = [
            ("OutId", id),
            ("PhoneNumbers", national(phone)),
            ("SignName", &self.sign_name),
            ("TemplateCode", &self.template_code),
            ("TemplateParam", &values),
        ];
        match self.ask(http, "SendSms", &query, now).await {
            Ok(reply) => judge(&reply),
            Err(Answer::Refused(reason)) => Taken::No { reason, for_good: false },
            Err(answer) => Taken::Unknown(format!("{answer:?}")),
        }
    }

    /// Looks for an earlier attempt among what was sent to the phone since its day.
    pub(super) async fn receipt(&self, http: &Http, phone: &str, id: &str, since: Timestamp, now: Timestamp) -> Taken {
        let not_sent = Taken::No { reason: String::new(), for_good: false };
        let mut day = LegalDate::of(since);
        // Three days of attempts, and the day on which they began.
        for _ in 0..4 {
            let Some(date) = day.filter(|date| date.begins_at().is_some_and(|begins| begins <= now)) else { break };
            let send_date = date.to_string().replace('-', "");
            let query =
                [("CurrentPage", "1"), ("PageSize", "50"), ("PhoneNumber", national(phone)), ("SendDate", &send_date)];
            let reply = match self.ask(http, "QuerySendDetails", &query, now).await {
                Ok(reply) => reply,
                Err(answer) => return Taken::Unknown(format!("{answer:?}")),
            };
            let said = reply.json();
            if said.get("Code").and_then(Value::as_str) != Some("OK") {
                return Taken::Unknown(reply.told());
            }
            let sent = said.pointer("/SmsSendDetailDTOs/SmsSendDetailDTO").and_then(Value::as_array);
            let ours = sent.into_iter().flatten().find(|one| one.get("OutId").and_then(Value::as_str) == Some(id));
            // 1: on its way, 3: arrived.
            if let Some(status @ (1 | 3)) = ours.and_then(|one| one.get("SendStatus")).and_then(Value::as_i64) {
                return Taken::Yes(format!("sent by an earlier attempt, status {status}"));
            }
            day = date.next();
        }
        not_sent
    }

    async fn ask(&self, http: &Http, action: &str, query: &[(&str, &str)], now: Timestamp) -> Result<Reply, Answer> {
        let nonce = format!("{:032x}", rand::random::<u128>());
        let host = self.endpoint.split("://").last().unwrap_or_default().trim_end_matches('/').to_owned();
        let signed = Signed { action, host: &host, version: VERSION, date: &utc_seconds(now), nonce: &nonce, query };
        let url = format!("{}/?{}", self.endpoint.trim_end_matches('/'), canonical_query(query));
        let request = http
            .post(&url)?
            .header("x-acs-action", action)
            .header("x-acs-version", VERSION)
            .header("x-acs-date", signed.date)
            .header("x-acs-signature-nonce", &nonce)
            .header("x-acs-content-sha256", sha256_hex(""))
            .header("authorization", signed.authorization(&self.key_id, &self.key_secret));
        http.ask(request).await
    }
}

/// `13900000000` of `+8613900000000`; numbers of other countries keep their code, without the sign.
fn national(phone: &str) -> &str {
    phone.strip_prefix("+86").or_else(|| phone.strip_prefix('+')).unwrap_or(phone)
}

fn judge(reply: &Reply) -> Taken {
    let said = reply.json();
    match said.get("Code").and_then(Value::as_str) {
        Some("OK") => Taken::Yes(reply.told()),
        Some(code) => Taken::No { reason: reply.told(), for_good: code == "isv.MOBILE_NUMBER_ILLEGAL" },
        // A proxy's page, or an answer that broke off: nobody knows.
        None => Taken::Unknown(reply.told()),
    }
}

/// What a signature is over.
struct Signed<'a> {
    action: &'a str,
    host: &'a str,
    version: &'a str,
    date: &'a str,
    nonce: &'a str,
    query: &'a [(&'a str, &'a str)],
}

impl Signed<'_> {
    fn authorization(&self, key_id: &str, secret: &str) -> String {
        const HEADERS: &str = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
        let nothing = sha256_hex("");
        let canonical = format!(
            "POST\n/\n{}\nhost:{}\nx-acs-action:{}\nx-acs-content-sha256:{nothing}\nx-acs-date:{}\nx-acs-signature-nonce:{}\n\
             x-acs-version:{}\n\n{HEADERS}\n{nothing}",
            canonical_query(self.query),
            self.host,
            self.action,
            self.date,
            self.nonce,
            self.version,
        );
        let text = format!("ACS3-HMAC-SHA256\n{}", sha256_hex(&canonical));
        let signature = hex(&hmac_sha256(secret.as_bytes(), &text));
        format!("ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={HEADERS},Signature={signature}")
    }
}

/// Sorted by name, in the encoding of RFC 3986.
fn canonical_query(query: &[(&str, &str)]) -> String {
    let mut pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(signed: &Signed<'_>) -> String {
        let told = signed.authorization("YourAccessKeyId", "YourAccessKeySecret");
        told.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn the_makers_vector_and_ours_are_reproduced() {
        let nonce = "3156853299f313e23d1673dc12e1703d";
        let makers = Signed {
            action: "RunInstances",
            host: "ecs.cn-shanghai.aliyuncs.com",
            version: "2014-05-26",
            date: "2023-10-26T10:22:32Z",
            nonce,
            query: &[("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"), ("RegionId", "cn-shanghai")],
        };
        assert_eq!(signature(&makers), "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
        let ours = Signed {
            action: "SendSms",
            host: "dysmsapi.aliyuncs.com",
            version: VERSION,
            date: "2026-11-22T02:15:00Z",
            nonce,
            query: &[
                ("PhoneNumbers", "13900000000"),
                ("SignName", "草原禁牧"),
                ("TemplateCode", "SMS_000000001"),
                ("TemplateParam", r#"{"zone":"A1","n":"12"}"#),
            ],
        };
        assert_eq!(signature(&ours), "82a6e27ab7c7defaa9ea023eaf6627610ca422c6f824b2301b3dbd3e459e8952");
    }
}
