//! What we say to an ONVIF camera, and how we prove who says it: SOAP 1.2 with a UsernameToken of WS-Security.
//!
//! In:  a request's body, user and password, the camera's time.   Out: an envelope; and of an answer its body, or the fault in it.

use super::super::camera_link::Failure;
use crate::decode::xml::{self, Document, Element};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;
use sha1::{Digest, Sha1};

/// Namespaces of what we say.
const ENVELOPE: &str = "http://www.w3.org/2003/05/soap-envelope";
const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const DIGEST: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";

/// Who asks, for one request.
pub(super) struct Token<'a> {
    pub user: &'a str,
    pub password: &'a str,
    /// By the camera's clock.
    pub created: Timestamp,
    /// Never used before.
    pub nonce: [u8; 16],
}

impl Token<'_> {
    /// Base64 of SHA-1 over nonce, time and password, as the profile has it.
    fn digest(&self, created: &str) -> String {
        let mut hasher = Sha1::new();
        hasher.update(self.nonce);
        hasher.update(created.as_bytes());
        hasher.update(self.password.as_bytes());
        STANDARD.encode(hasher.finalize())
    }

    fn header(&self) -> String {
        let created = self.created.to_rfc3339();
        let (user, digest, nonce) = (escape(self.user), self.digest(&created), STANDARD.encode(self.nonce));
        format!(
            "<wsse:Security xmlns:wsse=\"{SECURITY}\" xmlns:wsu=\"{UTILITY}\" s:mustUnderstand=\"1\"><wsse:UsernameToken>\
             <wsse:Username>{user}</wsse:Username><wsse:Password Type=\"{DIGEST}\">{digest}</wsse:Password>\
             <wsse:Nonce EncodingType=\"{BASE64}\">{nonce}</wsse:Nonce><wsu:Created>{created}</wsu:Created>\
             </wsse:UsernameToken></wsse:Security>"
        )
    }
}

/// Whither a request goes that is about a subscription.
#[derive(Debug, Clone, Default)]
pub(super) struct To {
    /// The address as the camera wrote it.
    pub address: String,
    /// What the camera wants to hear back beside it, as it wrote it.
    pub parameters: String,
}

/// A request.
pub(super) fn envelope(token: Option<&Token<'_>>, addressed: Option<(&str, &To)>, body: &str) -> String {
    let security = token.map(Token::header).unwrap_or_default();
    let addressing = addressed.map(|(action, to)| {
        let (address, parameters) = (escape(&to.address), &to.parameters);
        format!("<wsa:Action>{action}</wsa:Action><wsa:To>{address}</wsa:To>{parameters}")
    });
    let addressing = addressing.unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"{ENVELOPE}\" xmlns:wsa=\"{ADDRESSING}\">\
         <s:Header>{security}{addressing}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// What an answer's body holds: its one element.
pub(super) fn answer<'d>(document: &'d Document<'_>, wanted: &str) -> Result<&'d Element, Failure> {
    let body = document.root.child("Body").ok_or_else(|| Failure::Malformed("no SOAP".to_owned()))?;
    if let Some(fault) = body.child("Fault") {
        return Err(of_fault(fault));
    }
    body.child(wanted).ok_or_else(|| Failure::Malformed(format!("no {wanted}")))
}

/// Reads an answer.
pub(super) fn read(bytes: &[u8]) -> Result<Document<'_>, Failure> {
    xml::read(bytes).map_err(Failure::Malformed)
}

fn of_fault(fault: &Element) -> Failure {
    let all = fault.all();
    let says = |word: &str| all.iter().any(|one| one.text.to_ascii_lowercase().contains(word));
    // `ter:NotAuthorized` in one of the subcodes; some say it in words only.
    if says("notauthorized") || says("not authorized") || says("failedauthentication") || says("unauthorized") {
        return Failure::Refused;
    }
    let reason = fault.text_at("Reason/Text").or_else(|| fault.text_at("faultstring")).unwrap_or("a fault");
    Failure::Malformed(reason.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_profile() {
        // ONVIF Application Programmer's Guide, 6.1.1.3.
        let nonce = STANDARD.decode("LKqI6G/AikKCQrN0zqZFlg==").unwrap();
        let token = Token {
            user: "user",
            password: "userpassword",
            created: Timestamp::from_millis(0),
            nonce: nonce.try_into().unwrap(),
        };
        assert_eq!(token.digest("2010-09-16T07:50:45Z"), "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
    }

    #[test]
    fn a_fault_is_told_from_an_answer_and_a_login_from_other_faults() {
        let soap = |body: &str| format!("<s:Envelope xmlns:s=\"x\"><s:Body>{body}</s:Body></s:Envelope>");
        let fault = |code: &str| {
            soap(&format!(
                "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>\
                 <s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>"
            ))
        };
        let read = |text: &str| {
            let document = super::read(text.as_bytes())?;
            answer(&document, "PullMessagesResponse").map(|element| element.name.clone())
        };
        assert_eq!(read(&soap("<PullMessagesResponse/>")).unwrap(), "PullMessagesResponse");
        assert!(matches!(read(&fault("ter:NotAuthorized")), Err(Failure::Refused)));
        assert!(matches!(read(&fault("ter:InvalidArgs")), Err(Failure::Malformed(reason)) if reason == "no"));
        assert!(matches!(read(&soap("<RenewResponse/>")), Err(Failure::Malformed(_))));
        assert!(matches!(read("<html>"), Err(Failure::Malformed(_))));
    }
}
