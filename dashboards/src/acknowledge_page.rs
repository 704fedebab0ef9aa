//! The page behind a link in a message: a case in a few words, and one button. No signing in: the link itself says who.
//!
//! In: a link's token.   Out: a page that a phone shows; by its button a command, as from the console.   Never: a case acknowledged by
//! looking at it (messengers fetch links by themselves), a link that works twice, or anything on the page but what the message said.

use crate::app::{App, blocking};
use crate::commands::{EFFECT_MAX, append, effect};
use crate::problem::Problem;
use crate::view::Incident;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use journal::wire::{DeliveryJson, IncidentJson, words};
use model::{Action, Command, IncidentId, IncidentStatus, Language, Timestamp};
use registry::BadLink;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

/// Whom and what a link is about.
struct Linked {
    delivery: Arc<DeliveryJson>,
    incident: Arc<Incident>,
    language: Language,
    is_used: bool,
}

/// The page behind a link in a message.
#[utoipa::path(
    get, path = "/a/{token}", tag = "links",
    responses(
        (status = 200, body = String, content_type = "text/html", description = "a page"),
        (status = 404, body = String, content_type = "text/html", description = "a page: not a link of ours"),
        (status = 410, body = String, content_type = "text/html", description = "a page: the link has expired"),
    ),
    security(()),
)]
pub(crate) async fn show(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    match find(&app, &token).await {
        Ok(linked) => page(StatusCode::OK, &linked, can_take(&linked)),
        Err(refusal) => refusal,
    }
}

/// Its button: the case is acknowledged, once.
#[utoipa::path(
    post, path = "/a/{token}", tag = "links",
    responses(
        (status = 200, body = String, content_type = "text/html", description = "a page"),
        (status = 404, body = String, content_type = "text/html", description = "a page: not a link of ours"),
        (status = 410, body = String, content_type = "text/html", description = "a page: the link has expired"),
    ),
    security(()),
)]
pub(crate) async fn take(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    let linked = match find(&app, &token).await {
        Ok(linked) => linked,
        Err(refusal) => return refusal,
    };
    if !can_take(&linked) {
        return page(StatusCode::OK, &linked, false);
    }
    match acknowledge(&app, linked).await {
        Ok(after) => page(StatusCode::OK, &after, false),
        Err(problem) => problem.into_response(),
    }
}

/// The command first, then the link's end: a crash between them leaves a link that works once more, and taking twice is taking once.
async fn acknowledge(app: &App, linked: Linked) -> Result<Linked, Problem> {
    let by = format!("{}（链接）", linked.delivery.subscriber_name);
    let id = IncidentId::parse(&linked.incident.json.id).map_err(|error| Problem::internal("reading a link", error))?;
    let command = Command { incident: Some(id), by: by.clone(), at: app.now(), action: Action::Acknowledge };
    append(app, None, command.clone()).await?;
    let (registry, delivery) = (app.parts.registry.clone(), linked.delivery.id.clone());
    let by: String = by.chars().take(100).collect();
    blocking("using up a link", move || registry.use_link(&delivery, &by)).await?;
    let view = app.view().await?;
    let done = effect(view, &linked.incident.json.id, &linked.incident, &command);
    let incident = tokio::time::timeout(EFFECT_MAX, done).await.unwrap_or_else(|_| Arc::clone(&linked.incident));
    Ok(Linked { incident, is_used: true, ..linked })
}

fn can_take(linked: &Linked) -> bool {
    !linked.is_used && linked.incident.json.status == IncidentStatus::Open.as_str()
}

async fn find(app: &App, token: &str) -> Result<Linked, Response> {
    let links = app.parts.registry.links("");
    let delivery = links.read(token, app.now()).map_err(refused)?;
    let view = app.view().await.map_err(IntoResponse::into_response)?;
    let found = view.delivery(&delivery).and_then(|delivery| {
        let incident = view.incident(delivery.incident.as_deref()?)?;
        Some((delivery, incident))
    });
    let Some((record, incident)) = found else { return Err(refused(BadLink::Expired)) };
    let registry = app.parts.registry.clone();
    let is_used = blocking("looking for a link", move || registry.link_is_used(&delivery)).await;
    let is_used = is_used.map_err(IntoResponse::into_response)?;
    let subscribers = app.registry_view();
    let told = subscribers.subscribers.iter().find(|one| one.id == record.subscriber);
    let language = told.map(|one| one.language).unwrap_or_default();
    Ok(Linked { delivery: record, incident, language, is_used })
}

fn refused(why: BadLink) -> Response {
    let (status, zh, en) = match why {
        BadLink::Forged => (StatusCode::NOT_FOUND, "链接无效，请检查是否完整。", "The link is not valid; is it whole?"),
        BadLink::Expired => {
            (StatusCode::GONE, "链接已过期，请到值守台处理。", "The link has expired; use the console.")
        }
    };
    let body = format!("<h1>{zh}</h1><p>{en}</p>");
    answer(status, "zh-CN", "草原哨", &body)
}

fn page(status: StatusCode, linked: &Linked, with_button: bool) -> Response {
    let json = &linked.incident.json;
    let is_chinese = linked.language == Language::Zh;
    let say = |zh: &'static str, en: &'static str| if is_chinese { zh } else { en };
    let zones: Vec<&str> = json.zones.iter().map(|zone| zone.name.as_str()).collect();
    let kind = if json.drill { say("演练", "Drill") } else { say("放牧事件", "Grazing case") };
    let mut body = format!("<p class=kind>{kind}</p>");
    let add = |body: &mut String, tag: &str, text: &str| {
        // Writing into a text cannot fail.
        write!(body, "<{tag}>{}</{tag}>", escaped(text)).ok();
    };
    add(&mut body, "h1", &zones.join(if is_chinese { "、" } else { ", " }));
    let seen = Timestamp::parse_rfc3339(&json.last_seen).unwrap_or_default().to_legal();
    let (animals, units) = herd(json, is_chinese);
    let rows = [
        (say("牲畜", "Animals"), animals),
        (say("羊单位", "Sheep units"), units),
        (say("最近发现", "Last seen"), seen.chars().take(16).collect()),
        (say("位置", "Place"), format!("{:.5}, {:.5}", json.position.lat, json.position.lon)),
    ];
    body.push_str("<dl>");
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        add(&mut body, "dt", name);
        add(&mut body, "dd", value);
    }
    body.push_str("</dl>");
    if with_button {
        let who = escaped(&linked.delivery.subscriber_name);
        let button = say("我已收到，前往处理", "I take it");
        write!(body, "<form method=post><button>{button}</button></form><p class=small>{who}</p>").ok();
    } else {
        write!(body, "<p class=done>{}</p>", escaped(&taken(json, is_chinese))).ok();
    }
    answer(status, say("zh-CN", "en"), &zones.join("、"), &body)
}

/// How many of which animals, as the message said it. The chain of reasoning stays in the console: it names households.
fn herd(json: &IncidentJson, is_chinese: bool) -> (String, String) {
    let Ok(incident) = model::Incident::try_from(json) else { return Default::default() };
    let [animals, units] = [words::animals(&incident.case.species), words::interval(incident.case.sheep_units)]
        .map(|both| if is_chinese { both.zh } else { both.en });
    (animals, units)
}

/// Who has it.
fn taken(json: &IncidentJson, is_chinese: bool) -> String {
    let by = json.timeline.iter().rev().find(|line| line.what == "acknowledged").and_then(|line| line.by.clone());
    match (json.status.as_str(), by, is_chinese) {
        ("resolved", _, true) => "事件已办结。".to_owned(),
        ("resolved", _, false) => "The case is closed.".to_owned(),
        ("open", _, true) => "这个链接已用过。事件又打开了，请到值守台处理。".to_owned(),
        ("open", _, false) => "This link was used. The case is open again; use the console.".to_owned(),
        (_, Some(by), true) => format!("已签收：{by}。"),
        (_, Some(by), false) => format!("Taken by {by}."),
        (_, None, true) => "已在处理。".to_owned(),
        (_, None, false) => "It is being dealt with.".to_owned(),
    }
}

/// As text of a page.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str = "body{font:17px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;margin:0;padding:24px 20px;background:#f6f7f4;color:#1d2a21}\
main{max-width:30rem;margin:0 auto}h1{font-size:1.4rem;line-height:1.3;margin:.1em 0 .6em}.kind,.small,dt{color:#5c6a60;font-size:.9rem;margin:0}\
dl{display:grid;grid-template-columns:auto 1fr;gap:4px 16px;margin:16px 0 28px}dd{margin:0}\
button{width:100%;padding:16px;font:inherit;font-weight:600;border:0;border-radius:10px;background:#1f6b3a;color:#fff}\
.done{padding:14px 16px;border-radius:10px;background:#e2eedf}\
@media(prefers-color-scheme:dark){body{background:#121813;color:#e6ece7}.kind,.small,dt{color:#9aa89e}.done{background:#22352a}}";

/// The page may be styled by [`STYLE`] and by nothing else, and nothing in it runs.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
});

/// A small page, as phones show it; nothing in it runs.
pub(crate) fn answer(status: StatusCode, language: &str, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <meta name=robots content=noindex><title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>",
        escaped(title)
    );
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_SECURITY_POLICY, POLICY.as_str())];
    (status, headers, Html(html)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_has_the_one_style_that_its_policy_admits() {
        let response = answer(StatusCode::OK, "zh-CN", "草原哨", "<h1>x</h1>");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let page = std::str::from_utf8(&bytes).unwrap();
        let styles: Vec<_> = page.split("<style>").skip(1).map(|rest| rest.split("</style>").next().unwrap()).collect();
        let [style] = styles[..] else { panic!("{page}") };
        assert!(
            policy.contains(&format!("style-src 'sha256-{}';", STANDARD.encode(Sha256::digest(style)))),
            "{policy}"
        );
        assert!(!page.contains("style=") && !policy.contains("unsafe"), "{page} {policy}");
    }
}
