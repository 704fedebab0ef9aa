//! The ways together, against servers that answer as the providers do.

use super::*;
use crate::deliver::tests::{http, subscriber};
use model::ChannelKind;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

/// A server on a free port that gives these answers, one for each request, and tells what it was asked. `None`: it hangs up.
fn server(answers: Vec<Option<String>>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::sync_channel(8);
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let request = whole(&mut stream);
            asked.send(request).ok();
            if let Some(body) = answer {
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
                    .ok();
            }
        }
    });
    (url, requests)
}

/// One request: its head, and as much body as the head says.
fn whole(stream: &mut std::net::TcpStream) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

fn params() -> Params {
    Params(vec![("zone".into(), "zone".into()), ("n".into(), "animals".into()), ("by".into(), "by".into())])
}

fn aliyun(endpoint: &str) -> Way {
    Way::Aliyun(Arc::new(Aliyun {
        endpoint: endpoint.to_owned(),
        key_id: "key".into(),
        key_secret: "hidden".into(),
        sign_name: "草原禁牧".into(),
        template_code: "SMS_1".into(),
        params: params(),
    }))
}

fn tencent(endpoint: &str) -> Way {
    Way::Tencent(Arc::new(Tencent {
        endpoint: endpoint.to_owned(),
        key_id: "key".into(),
        key_secret: "hidden".into(),
        region: "ap-beijing".into(),
        sdk_app_id: "1400000000".into(),
        sign_name: "草原禁牧".into(),
        template_code: "1110".into(),
        params: params(),
    }))
}

fn due(attempts: u32) -> Due {
    let values = [("zone", "北坡"), ("animals", "绵羊 12 只"), ("by", "")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let body = Said { text: "北坡发现绵羊 12 只".into(), values, link: None }.kept();
    Due {
        id: "msg_1".into(),
        subscriber: "s".into(),
        body,
        attempts,
        first_at: now(),
        next_at: now(),
        kind: String::new(),
        with: vec![],
    }
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T02:15:00Z").unwrap()
}

async fn send(ways: Vec<Way>, attempts: u32) -> Answer {
    let http = http();
    Sms::new(ways, 100).send(&http, &subscriber("s", ChannelKind::Sms), &due(attempts), now()).await
}

fn ok(body: &str) -> Option<String> {
    Some(body.to_owned())
}

#[tokio::test]
async fn a_provider_is_asked_in_its_own_words_and_its_yes_is_read_in_the_body() {
    let (url, asked) = server(vec![ok(r#"{"Code":"OK","BizId":"9006","Message":"OK"}"#)]);
    assert!(matches!(send(vec![aliyun(&url)], 0).await, Answer::Accepted(told) if told.contains("9006")));
    let request = asked.recv().unwrap();
    assert!(request.starts_with("POST /?OutId=msg_1&PhoneNumbers=13900000000&SignName=%E8%8D%89"), "{request}");
    assert!(request.contains("TemplateParam=%7B%22by%22%3A%22-%22%2C%22n%22"), "an empty value is a dash: {request}");
    assert!(request.contains("x-acs-action: SendSms") && !request.contains("hidden"), "{request}");

    let (url, asked) =
        server(vec![ok(r#"{"Response":{"SendStatusSet":[{"Code":"Ok","SerialNo":"5000"}],"RequestId":"r"}}"#)]);
    assert!(matches!(send(vec![tencent(&url)], 0).await, Answer::Accepted(told) if told.contains("5000")));
    let request = asked.recv().unwrap();
    assert!(request.contains(r#""PhoneNumberSet":["+8613900000000"]"#), "{request}");
    assert!(request.contains(r#""TemplateParamSet":["北坡","绵羊 12 只","-"]"#), "{request}");
    assert!(request.contains(r#""SessionContext":"msg_1""#), "{request}");
}

#[tokio::test]
async fn when_one_says_no_the_other_is_asked_and_a_number_that_is_none_is_refused_by_the_first() {
    let (first, _asked) = server(vec![ok(r#"{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"limit"}"#)]);
    let (second, asked) = server(vec![ok(r#"{"Response":{"SendStatusSet":[{"Code":"Ok"}]}}"#)]);
    assert!(matches!(send(vec![aliyun(&first), tencent(&second)], 0).await, Answer::Accepted(_)));
    assert!(asked.recv().unwrap().contains("SendSms"));

    let (first, _asked) = server(vec![ok(r#"{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}"#)]);
    assert!(matches!(send(vec![aliyun(&first), tencent("http://127.0.0.1:1")], 0).await, Answer::Refused(_)));
}

#[tokio::test]
async fn when_nobody_knows_whether_it_was_sent_the_other_is_not_asked() {
    let (first, _asked) = server(vec![None]);
    let (second, asked) = server(vec![ok(r#"{"Response":{"SendStatusSet":[{"Code":"Ok"}]}}"#)]);
    let answer = send(vec![aliyun(&first), tencent(&second)], 0).await;
    assert!(matches!(&answer, Answer::Later { reason, .. } if reason.contains("may have been sent")), "{answer:?}");
    assert!(asked.try_recv().is_err(), "a second message would be one too many");
}

#[tokio::test]
async fn before_a_second_attempt_the_receipt_of_the_first_is_asked_for() {
    let sent = r#"{"Code":"OK","SmsSendDetailDTOs":{"SmsSendDetailDTO":[{"OutId":"other","SendStatus":3},{"OutId":"msg_1","SendStatus":1}]}}"#;
    let (url, asked) = server(vec![ok(sent)]);
    assert!(matches!(send(vec![aliyun(&url)], 1).await, Answer::Accepted(told) if told.contains("earlier attempt")));
    let request = asked.recv().unwrap();
    assert!(request.contains("PhoneNumber=13900000000&SendDate=20261122"), "{request}");

    let none = r#"{"Response":{"PullSmsSendStatusSet":[{"SessionContext":"other","ReportStatus":"SUCCESS"}]}}"#;
    let (url, asked) = server(vec![ok(none), ok(r#"{"Response":{"SendStatusSet":[{"Code":"Ok"}]}}"#)]);
    assert!(matches!(send(vec![tencent(&url)], 2).await, Answer::Accepted(_)));
    assert!(asked.recv().unwrap().contains("x-tc-action: PullSmsSendStatusByPhoneNumber"));
    assert!(asked.recv().unwrap().contains("x-tc-action: SendSms"));

    let (url, asked) = server(vec![ok("<html>busy</html>")]);
    assert!(matches!(send(vec![aliyun(&url)], 1).await, Answer::Later { .. }), "who cannot ask does not send");
    asked.recv().unwrap();
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn no_more_than_a_days_share_is_sent_and_the_rest_waits_for_midnight() {
    let yes = || ok(r#"{"Code":"OK"}"#);
    let (url, _asked) = server(vec![yes(), yes()]);
    let http = http();
    let sms = Sms::new(vec![aliyun(&url)], 1);
    let to = subscriber("s", ChannelKind::Sms);
    assert!(matches!(sms.send(&http, &to, &due(0), now()).await, Answer::Accepted(_)));
    let answer = sms.send(&http, &to, &due(0), now()).await;
    // 10:15 in Beijing.
    let wait = Duration::from_secs(13 * 3_600 + 45 * 60);
    assert!(matches!(&answer, Answer::Later { reason, after } if reason.contains("daily_max") && *after == Some(wait)));
    let tomorrow = now().plus(wait);
    assert!(matches!(sms.send(&http, &to, &due(0), tomorrow).await, Answer::Accepted(_)));
}
