//! Tencent Cloud SMS, API 2021-01-11, signed by TC3-HMAC-SHA256 (cloud.tencent.com, API document 382/55981).
//!
//! In: a phone and a template's values.   Out: the state of each number in the answer: HTTP 200 alone says nothing.
//! Never: the secret in a message.

use super::super::sender::{Answer, Http, Reply};
use super::{Params, Taken, hex, hmac_sha256, sha256_hex};
use crate::message::Said;
use model::Timestamp;
use serde_json::{Value, json};

const VERSION: &str = "2021-01-11";
const CONTENT_TYPE: &str = "application/json";

/// An account at Tencent Cloud.
pub struct Tencent {
    /// `https://sms.tencentcloudapi.com`.
    pub endpoint: String,
    /// The key's id.
    pub key_id: String,
    /// The key's secret. Never logged.
    pub key_secret: String,
    /// `ap-beijing` and the like.
    pub region: String,
    /// The application's id.
    pub sdk_app_id: String,
    /// The approved signature, 签名.
    pub sign_name: String,
    /// The approved template.
    pub template_code: String,
    /// Which values it takes, in its order.
    pub params: Params,
}

impl Tencent {
    /// Where it is, unless a test or a private cloud says otherwise.
    pub const ENDPOINT: &str = "https://sms.tencentcloudapi.com";

    pub(super) async fn send(&self, http: &Http, phone: &str, body: &Said, id: &str, now: Timestamp) -> Taken {
        let values: Vec<String> = self.params.filled(&body.values).into_iter().map(|(_, value)| value).collect();
        let payload = json!({
            "PhoneNumberSet": [phone], "SmsSdkAppId": self.sdk_app_id, "TemplateId": self.template_code,
            "SignName": self.sign_name, "TemplateParamSet": values, "SessionContext": id,
        });
        match self.ask(http, "SendSms", &payload.to_string(), now).await {
            Ok(reply) => judge(&reply),
            Err(Answer::Refused(reason)) => Taken::No { reason, for_good: false },
            Err(answer) => Taken::Unknown(format!("{answer:?}")),
        }
    }

    /// Looks for an earlier attempt among what was sent to the phone since then.
    pub(super) async fn receipt(&self, http: &Http, phone: &str, id: &str, since: Timestamp, now: Timestamp) -> Taken {
        let seconds = |at: Timestamp| at.as_millis().div_euclid(1_000);
        let payload = json!({
            "BeginTime": seconds(since) - 60, "EndTime": seconds(now) + 60, "Offset": 0, "Limit": 100, "PhoneNumber": phone,
            "SmsSdkAppId": self.sdk_app_id,
        });
        let reply = match self.ask(http, "PullSmsSendStatusByPhoneNumber", &payload.to_string(), now).await {
            Ok(reply) => reply,
            Err(answer) => return Taken::Unknown(format!("{answer:?}")),
        };
        let said = reply.json();
        let Some(sent) = said.pointer("/Response/PullSmsSendStatusSet").and_then(Value::as_array) else {
            return Taken::Unknown(reply.told());
        };
        let ours = sent.iter().find(|one| one.get("SessionContext").and_then(Value::as_str) == Some(id));
        match ours.and_then(|one| one.get("ReportStatus")).and_then(Value::as_str) {
            Some("FAIL") | None => Taken::No { reason: String::new(), for_good: false },
            Some(status) => Taken::Yes(format!("sent by an earlier attempt, status {status}")),
        }
    }

    async fn ask(&self, http: &Http, action: &str, payload: &str, now: Timestamp) -> Result<Reply, Answer> {
        let seconds = now.as_millis().div_euclid(1_000);
        let host = self.endpoint.split("://").last().unwrap_or_default().trim_end_matches('/');
        let headers = [("content-type", CONTENT_TYPE), ("host", host), ("x-tc-action", &action.to_lowercase())];
        let authorization = authorization(&self.key_id, &self.key_secret, "sms", &headers, payload, now);
        let request = http
            .post(&self.endpoint)?
            .header("content-type", CONTENT_TYPE)
            .header("x-tc-action", action)
            .header("x-tc-version", VERSION)
            .header("x-tc-region", &self.region)
            .header("x-tc-timestamp", seconds.to_string())
            .header("authorization", authorization)
            .body(payload.to_owned());
        http.ask(request).await
    }
}

fn judge(reply: &Reply) -> Taken {
    let said = reply.json();
    if let Some(code) = said.pointer("/Response/Error/Code").and_then(Value::as_str) {
        return Taken::No { reason: format!("{code}: {}", reply.told()), for_good: false };
    }
    match said.pointer("/Response/SendStatusSet/0/Code").and_then(Value::as_str) {
        Some("Ok") => Taken::Yes(reply.told()),
        Some(code) => {
            Taken::No { reason: reply.told(), for_good: code == "InvalidParameterValue.IncorrectPhoneNumber" }
        }
        None => Taken::Unknown(reply.told()),
    }
}

/// The `Authorization` header over these headers, which stand in the order of their names.
fn authorization(
    key_id: &str,
    secret: &str,
    service: &str,
    headers: &[(&str, &str)],
    payload: &str,
    now: Timestamp,
) -> String {
    let date = now.to_rfc3339().get(..10).unwrap_or_default().to_owned();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{}", sha256_hex(payload));
    let scope = format!("{date}/{service}/tc3_request");
    let seconds = now.as_millis().div_euclid(1_000);
    let text = format!("TC3-HMAC-SHA256\n{seconds}\n{scope}\n{}", sha256_hex(&canonical));
    let key = hmac_sha256(format!("TC3{secret}").as_bytes(), &date);
    let key = hmac_sha256(&hmac_sha256(&key, service), "tc3_request");
    let signature = hex(&hmac_sha256(&key, &text));
    format!("TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";

    fn signature(service: &str, headers: &[(&str, &str)], payload: &str, seconds: i64) -> String {
        let now = Timestamp::from_millis(seconds * 1_000);
        authorization("AKIDEXAMPLE", SECRET, service, headers, payload, now).rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn the_makers_vector_and_ours_are_reproduced() {
        let payload = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
        let headers = [("content-type", "application/json; charset=utf-8"), ("host", "cvm.tencentcloudapi.com")];
        assert_eq!(
            signature("cvm", &headers, payload, 1_551_113_065),
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
        );
        let payload = "{\"PhoneNumberSet\":[\"+8613900000000\"],\"SmsSdkAppId\":\"1400000000\",\"TemplateId\":\"1110\",\
                       \"SignName\":\"草原禁牧\",\"TemplateParamSet\":[\"A1\",\"12\"]}";
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("host", "sms.tencentcloudapi.com"),
            ("x-tc-action", "sendsms"),
        ];
        assert_eq!(
            signature("sms", &headers, payload, 1_795_313_700),
            "161ed9794fed7d37459a4ca3e3249678f5a0630c0f1f86bed5716692f248c5b3"
        );
    }
}
