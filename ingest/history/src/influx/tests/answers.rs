//! What the sink does with each answer a server can give.

use super::server::Server;
use super::*;
use std::collections::BTreeSet;

fn walk(device: &str, offsets: std::ops::RangeInclusive<u64>) -> Vec<Reading> {
    offsets.map(|offset| moved(device, offset)).collect()
}

#[tokio::test]
async fn a_write_says_who_we_are_where_it_goes_and_that_it_is_compressed() {
    let server = Server::start(|_, _| Some((204, ""))).await;
    let report = sink(&server.url).0.push(&walk("d", 1..=2)).await;
    assert_eq!((report.accepted, report.refused.len(), report.retries), (2, 0, 0));
    let [request] = &server.requests()[..] else { panic!("one request") };
    for part in [
        "post /api/v2/write?bucket=telemetry&org=steppe&precision=ms http/1.1",
        "authorization: token s3cret",
        "content-encoding: gzip",
    ] {
        assert!(request.head.contains(part), "{part} is not in {}", request.head);
    }
    assert_eq!(request.lines.len(), 2);
}

#[tokio::test]
async fn readings_without_telemetry_need_no_write() {
    let server = Server::start(|_, _| Some((500, ""))).await;
    let report = sink(&server.url).0.push(&[reading("d", 1, Body::Clock)]).await;
    assert_eq!((report.accepted, server.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_long_list_goes_in_batches_of_five_thousand_lines() {
    let server = Server::start(|_, _| Some((204, ""))).await;
    let report = sink(&server.url).0.push(&walk("d", 1..=5_001)).await;
    assert_eq!(report.accepted, 5_001);
    assert_eq!(server.requests().iter().map(|request| request.lines.len()).collect::<Vec<_>>(), [5_000, 1]);
}

#[tokio::test]
async fn whatever_may_pass_is_waited_out_and_the_same_batch_is_sent_again() {
    const PASSING: [super::server::Answer; 8] = [
        Some((429, "slow down")),
        Some((500, "oops")),
        Some((503, "starting")),
        None,
        Some((401, "token expired")),
        Some((404, "bucket not found")),
        Some((302, "elsewhere")),
        Some((200, "a proxy's page")),
    ];
    let server = Server::start(|_, number| PASSING.get(number).copied().unwrap_or(Some((204, "")))).await;
    let (sink, registry) = sink(&server.url);
    let report = sink.push(&walk("d", 1..=20)).await;
    assert_eq!((report.accepted, report.refused.len(), report.retries), (20, 0, 8));
    let requests = server.requests();
    assert_eq!(requests.len(), 9);
    assert!(requests.iter().all(|request| request.lines == requests[0].lines));
    assert_eq!(counted(&registry, "steppewatch_influx_retries_total"), 8);
    assert_eq!(counted(&registry, "steppewatch_influx_lines_total"), 20);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved_until_it_fits_and_stays_in_order() {
    let server = Server::start(|lines, _| Some(if lines.len() > 3 { (413, "too large") } else { (204, "") })).await;
    let report = sink(&server.url).0.push(&walk("d", 1..=10)).await;
    assert_eq!((report.accepted, report.refused.len()), (10, 0));
    let requests = server.requests();
    let stored: Vec<&String> = requests.iter().filter(|one| one.lines.len() <= 3).flat_map(|one| &one.lines).collect();
    assert_eq!(stored.len(), 10);
    assert_eq!(stored, requests[0].lines.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_single_line_that_is_too_large_is_refused_and_not_sent_for_ever() {
    let server = Server::start(|_, _| Some((413, "too large"))).await;
    let report = sink(&server.url).0.push(&walk("d", 1..=1)).await;
    assert_eq!(report.refused[0].reason, "413: too large");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_bad_line_is_found_by_halving_and_handed_back_with_the_servers_reason() {
    for status in [400, 422] {
        let bad = |line: &String| line.contains("device=bad");
        let server = Server::start(move |lines, _| {
            Some(if lines.iter().any(bad) { (status, "field type\nconflict") } else { (204, "") })
        })
        .await;
        let mut readings = walk("good", 1..=100);
        readings[16] = moved("bad", 17);
        readings[80] = moved("bad", 81);
        let (sink, registry) = sink(&server.url);
        let report = sink.push(&readings).await;
        assert_eq!(report.refused.iter().map(|one| one.offset).collect::<Vec<_>>(), [Offset(17), Offset(81)]);
        assert_eq!(report.refused[0].reason, format!("{status}: field type conflict"));
        assert!(report.refused[0].line.starts_with("track,device=bad lat="));
        assert_eq!((report.accepted, counted(&registry, "steppewatch_influx_lines_total")), (98, 100));
        let requests = server.requests();
        let stored =
            requests.iter().filter(|request| !request.lines.iter().any(bad)).flat_map(|request| &request.lines);
        assert_eq!(stored.collect::<BTreeSet<_>>().len(), 98);
    }
}

#[tokio::test]
async fn a_push_can_be_dropped_at_any_time_and_repeated() {
    let server = Server::start(|_, number| Some(if number < 3 { (503, "") } else { (204, "") })).await;
    let (sink, _) = sink(&server.url);
    let readings = walk("d", 1..=5);
    tokio::select! {
        report = sink.push(&readings) => assert_eq!(report.accepted, 5),
        () = until("it was tried once", async || !server.requests().is_empty()) => {}
    }
    assert_eq!(sink.push(&readings).await.accepted, 5);
}
