//! Handing over a shift, a season's figures, and playing back what moved.

use crate::support::{Server, Session, TOWNSHIP, alert_of, incident_json, problem};
use journal::alert_log::RecordBody;
use model::{
    AlertKind, Body, DeviceId, DeviceKind, DeviceTime, Offset, Position, Reading, ReceivedAt, Timestamp, Track,
};
use registry::{NewDevice, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::process::Command;

const SEASON: &str = "/api/v1/reports/season?from=2026-04-01&to=2026-07-01";

fn case(id: &str, township: &str, status: &str, outcome: Option<&str>) -> Value {
    let mut case = incident_json(id, township, status);
    case["outcome"] = json!(outcome);
    for (what, at) in [("acknowledged", "2026-05-01T00:14:00.000Z"), ("resolved", "2026-05-01T02:10:00.000Z")] {
        if status == "resolved" || status == what {
            let line = json!({ "at": at, "what": what, "by": "li", "text": null });
            case["timeline"].as_array_mut().unwrap().push(line);
        }
    }
    case
}

fn logged(case: Value) -> RecordBody {
    alert_of(AlertKind::IncidentOpened, case)
}

/// Three of one township, one of another, one drill.
fn cases() -> Vec<RecordBody> {
    let mut drill = case("drill-1", TOWNSHIP, "open", None);
    drill["drill"] = json!(true);
    let mut at_least = case("i-4", "150425200", "open", None);
    at_least["sheep_units"] = json!({ "low": 10, "high": null });
    vec![
        logged(case("i-1", TOWNSHIP, "resolved", Some("violation"))),
        logged(case("i-2", TOWNSHIP, "resolved", Some("false_positive"))),
        logged(case("i-3", TOWNSHIP, "acknowledged", None)),
        logged(at_least),
        logged(drill),
    ]
}

async fn bytes(session: &Session<'_>, path: &str, content_type: &str) -> Vec<u8> {
    let response = session.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(response.headers()["content-type"].to_str().unwrap(), content_type);
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename="));
    response.bytes().await.unwrap().to_vec()
}

/// What another program reads in a file; `None` where it is not here.
fn read_by(program: &str, arguments: &[&str], file: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    std::fs::write(&path, file).unwrap();
    match Command::new(program).args(arguments).arg(&path).args((program == "pdftotext").then_some("-")).output() {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("No module named"), "{program}: {said}");
            eprintln!("SKIPPED: {said}; tests/install.sh installs it");
            None
        }
        Err(error) => {
            eprintln!("SKIPPED: {program} is not here ({error}); tests/install.sh installs it");
            None
        }
    }
}

#[tokio::test]
async fn a_season_is_counted_by_township_and_sums_say_what_is_only_at_least() {
    let server = Server::start_after(&cases()).await;
    let session = server.login("admin").await;
    let season = session.get_json(SEASON).await;
    let rows = season["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{season}");
    let ours = &rows[0];
    assert_eq!(ours["township"], TOWNSHIP);
    let counts = ["incidents", "open", "violation", "lawful", "false_positive", "unfounded", "late"];
    assert_eq!(counts.map(|name| ours[name].as_u64().unwrap()), [3, 1, 1, 0, 1, 0, 0]);
    // Without the false alarm.
    assert_eq!(ours["sheep_units"], json!({ "low": 60, "high": 100 }));
    assert_eq!(ours["fine_yuan"], json!({ "low": 7200, "high": 12000 }));
    assert_eq!((&ours["acknowledged_median_s"], &ours["resolved_median_s"]), (&json!(240.0), &json!(7200.0)));
    assert_eq!(season["total"]["sheep_units"], json!({ "low": 70, "high": null }));
    assert_eq!(season["total"]["incidents"], 4, "a drill is no case");
    let earlier = session.get_json("/api/v1/reports/season?from=2026-01-01&to=2026-02-01").await;
    assert_eq!((&earlier["rows"], &earlier["total"]["incidents"]), (&json!([]), &json!(0)));
    problem(session.get("/api/v1/reports/season?format=doc").await, StatusCode::BAD_REQUEST).await;
    problem(session.get("/api/v1/reports/season?from=2020-01-01").await, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn whoever_sees_one_township_gets_its_figures_only() {
    let server = Server::start_after(&cases()).await;
    server.add_user("bayan", &[Role::Viewer], &["150425200"]);
    let session = server.login("bayan").await;
    let season = session.get_json(SEASON).await;
    assert_eq!((&season["total"]["incidents"], season["rows"].as_array().unwrap().len()), (&json!(1), 1));
    let shift = session.get_json("/api/v1/reports/shift").await;
    assert_eq!(shift["incidents"]["open"].as_array().unwrap().len(), 1);
    assert_eq!(shift["deliveries"], Value::Null);
    assert!(!shift.to_string().contains("i-3"));
}

#[tokio::test]
async fn other_programs_read_the_files() {
    let server = Server::start_after(&cases()).await;
    let session = server.login("admin").await;
    let csv = bytes(&session, &format!("{SEASON}&format=csv"), "text/csv; charset=utf-8").await;
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("\u{feff}苏木乡镇,事件,未办结"), "{csv}");
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.lines().last().unwrap().starts_with("合计,4,2,1,0,1,0,0,70,不详,"), "{csv}");

    let pdf = bytes(&session, &format!("{SEASON}&format=pdf"), "application/pdf").await;
    if let Some(text) = read_by("pdftotext", &["-layout"], &pdf) {
        for words in ["禁牧事件分苏木乡镇统计", "未办结", "合计", "均为估算", "第 1 页，共 1 页"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
    const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let xlsx = bytes(&session, &format!("{SEASON}&format=xlsx"), SHEET).await;
    let script = "import sys, openpyxl
sheet = openpyxl.load_workbook(sys.argv[1]).active
print(sheet.title, sheet.cell(sheet.max_row, 1).value, sheet.cell(sheet.max_row, 2).value + 1)";
    let folder = tempfile::tempdir().unwrap();
    let reader = folder.path().join("read.py");
    std::fs::write(&reader, script).unwrap();
    let path = folder.path().join("season.xlsx");
    std::fs::write(&path, &xlsx).unwrap();
    if let Some(said) = read_by("python3", &[reader.to_str().unwrap(), path.to_str().unwrap()], &[]) {
        assert_eq!(said.trim(), "统计表 合计 5");
    }
}

#[tokio::test]
async fn a_shift_hands_over_what_is_open_and_what_was_written_down() {
    let server = Server::start_after(&cases()).await;
    server.add_user("looker", &[Role::Viewer], &[]);
    let (chief, looker) = (server.login("admin").await, server.login("looker").await);
    let text = json!({ "text": "3 号摄像机有水雾\n十点再看" });
    let refused = looker.post("/api/v1/reports/shift/notes", text.clone()).await;
    problem(refused, StatusCode::FORBIDDEN).await;
    problem(chief.post("/api/v1/reports/shift/notes", json!({ "text": " " })).await, StatusCode::BAD_REQUEST).await;
    assert_eq!(chief.post("/api/v1/reports/shift/notes", text).await.status(), StatusCode::CREATED);

    let shift = looker.get_json("/api/v1/reports/shift").await;
    let ids = |status: &str| -> Vec<String> {
        let list = shift["incidents"][status].as_array().unwrap();
        list.iter().map(|brief| brief["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids("open"), ids("acknowledged")), (vec!["drill-1".into(), "i-4".into()], vec!["i-3".into()]));
    assert_eq!(ids("resolved"), Vec::<String>::new(), "they were closed before this shift");
    assert_eq!(shift["incidents"]["acknowledged"][0]["species"], "绵羊 30 至 50 只");
    assert_eq!(
        (&shift["notes"][0]["by"], &shift["notes"][0]["text"]),
        (&json!("admin"), &json!("3 号摄像机有水雾\n十点再看"))
    );
    let then = looker.get_json("/api/v1/reports/shift?from=2026-05-01T00:00:00Z&to=2026-05-01T12:00:00Z").await;
    assert_eq!(then["incidents"]["resolved"].as_array().unwrap().len(), 2);

    let pdf = bytes(&looker, "/api/v1/reports/shift?format=pdf", "application/pdf").await;
    if let Some(text) = read_by("pdftotext", &["-layout"], &pdf) {
        for words in ["值班交接记录", "未签收（2）", "本班办结（0）", "水雾"] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}

#[tokio::test]
async fn what_moved_is_played_back_to_who_may_see_it() {
    let server = Server::start().await;
    for (name, township) in [("drone-1", TOWNSHIP), ("drone-2", "150425200")] {
        let mut new = NewDevice::new(DeviceId::parse(name).unwrap(), DeviceKind::Drone);
        new.township = Some(model::TownshipCode::parse(township).unwrap());
        server.registry.add_device(new, "test").unwrap();
    }
    let begun = Timestamp::parse_rfc3339("2026-05-01T00:00:00Z").unwrap();
    let fix = |name: &str, second: i64| Reading {
        device: DeviceId::parse(name).unwrap(),
        offset: Offset(1),
        received_at: ReceivedAt(Timestamp::from_millis(begun.as_millis() + second * 1_000)),
        device_time: Some(DeviceTime(Timestamp::from_millis(begun.as_millis() + second * 1_000))),
        seq: None,
        body: Body::Track(Track {
            position: Position::parse(43.0, 117.0 + second as f64 / 1e4).ok(),
            ..Track::default()
        }),
    };
    let fixes: Vec<_> = (0..60).flat_map(|second| [fix("drone-1", second), fix("drone-2", second)]).collect();
    server.history.append(&fixes, Offset(120)).unwrap();
    server.add_user("ranger", &[Role::Viewer], &[TOWNSHIP]);
    let path = "/api/v1/playback?from=2026-05-01T00:00:10Z&to=2026-05-01T00:00:20Z";
    let seen = server.login("ranger").await.get_json(path).await;
    assert_eq!((&seen["step_s"], &seen["cut"]), (&json!(1), &json!(false)));
    let movers = seen["movers"].as_array().unwrap();
    assert_eq!((movers.len(), &movers[0]["id"]), (1, &json!("drone-1")));
    let first = &movers[0]["points"][0];
    assert_eq!(first, &json!([begun.as_millis() + 10_000, 43.0, 117.001]));
    assert_eq!(server.login("admin").await.get_json(path).await["movers"].as_array().unwrap().len(), 2);
    let long = server.login("admin").await.get("/api/v1/playback?from=2026-05-01&to=2026-06-01").await;
    assert!(problem(long, StatusCode::BAD_REQUEST).await.contains("7 days"));
}
