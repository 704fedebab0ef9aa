//! A case leaves the house as one file: made by the command line and by the API, opened and checked by ordinary tools, verified without
//! any data.

use crate::herd::two_zones;
use firmware_sim::clock::now_ms;
use firmware_sim::devices::jpeg;
use journeys::{Operator, Platform};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// A case with a picture, in which two herds of sheep are framed.
async fn case(platform: &Platform, operator: &Operator) -> String {
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(platform).await.unwrap();
    let shades: Vec<u8> = (0..64 * 36).map(|at| (at % 251) as u8).collect();
    camera.publish("snapshot/s-0", jpeg::encode(64, 36, &shades)).await.unwrap();
    for _ in 0..3 {
        let sighting = json!({
            "ts": now_ms(), "species": "sheep", "count": 40, "lat": 43.3045, "lon": 117.506, "accuracy_m": 8,
            "snapshot_id": "s-0", "box": {"x": 0.4, "y": 0.6, "w": 0.06, "h": 0.05}
        });
        camera.say("sighting", sighting).await.unwrap();
    }
    let listed = operator.wait_for_items("/incidents", |items| items.len() == 1).await.unwrap();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    operator.wait_for_items(&format!("/incidents/{id}/snapshots"), |kept| kept.len() == 1).await.unwrap();
    id
}

/// A program of somebody else's in a folder; what it said, which was yes.
#[track_caller]
fn tool(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{program} {arguments:?}: {said}");
    said
}

/// The program on a machine where there is nothing else; its status and what it said.
fn verify(arguments: &[&str]) -> (Option<i32>, String) {
    let nowhere = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("steppewatch");
    let mut command = Command::new(program);
    command.args(["evidence", "verify"]).args(arguments).current_dir(nowhere.path());
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "it makes no folder");
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_exported_checked_by_ordinary_tools_and_verified_without_the_platform_until_a_byte_is_flipped() {
    let mut platform = Platform::start(&two_zones()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let id = case(&platform, &operator).await;
    operator.post(&format!("/incidents/{id}/comment"), &json!({"text": "现场核实"})).await.unwrap();
    let bundle = platform.file("case.zip").display().to_string();
    let made = platform.tell(&["--json", "evidence", "export", &id, "--out", &bundle]).await.unwrap();
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["incident"], id.as_str());
    let again = platform.tell(&["evidence", "export", &id, "--out", &bundle]).await.unwrap_err();
    assert!(again.to_string().contains("has to name a file that is not there yet"), "{again}");

    // Whoever was given it has unzip, sha256sum and openssl.
    let folder = platform.file("unpacked");
    std::fs::create_dir(&folder).unwrap();
    assert!(tool(&folder, "unzip", &["-t", &bundle]).contains("No errors detected"));
    tool(&folder, "unzip", &["-q", &bundle]);
    let sums = tool(&folder, "sha256sum", &["--strict", "-c", "SHA256SUMS"]);
    assert!(sums.contains("manifest.json: OK") && sums.contains("case-sheet.pdf: OK"), "{sums}");
    let by =
        ["-verify", "-pubin", "-inkey", "public-key.pem", "-rawin", "-in", "manifest.json", "-sigfile", "manifest.sig"];
    assert!(tool(&folder, "openssl", &[&["pkeyutl"][..], &by].concat()).contains("Signature Verified Successfully"));
    let fingerprint = tool(&folder, "sh", &["-c", "openssl pkey -pubin -in public-key.pem -outform DER | sha256sum"]);
    let fingerprint = fingerprint.split_whitespace().next().unwrap().to_owned();
    assert_eq!(made["key"], fingerprint.as_str(), "as README.txt says");
    let listed: Value = serde_json::from_slice(&std::fs::read(folder.join("pictures.json")).unwrap()).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["boxes"][0]), (1, &json!([0.4, 0.6, 0.06, 0.05])));
    assert!(tool(&folder, "pdfimages", &["-list", "case-sheet.pdf"]).contains("jpeg"), "the sheet shows it");
    assert!(tool(&folder, "pdftotext", &["-layout", "case-sheet.pdf", "-"]).contains("禁牧监测案件单"));
    let messages = std::fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    assert_eq!(messages.matches("\"channel\":\"sighting\"").count(), 3, "{messages}");

    // The same from the API, also while nobody but the audit looks; both exports stand there.
    let answer = operator.download(&format!("/incidents/{id}/bundle")).await.unwrap();
    let by_api = platform.file("by-api.zip").display().to_string();
    std::fs::write(&by_api, &answer).unwrap();
    assert_eq!(verify(&[&by_api, "--key", &fingerprint]).0, Some(0), "one key for both");
    let audit = operator.items(&format!("/audit?what=incident.export%20{id}")).await.unwrap();
    let who: Vec<_> = audit.iter().map(|entry| entry["who"].as_str().unwrap()).collect();
    assert!(who.len() == 2 && who[0] == "admin" && who[1].starts_with("cli:"), "{who:?}");

    platform.stop().await.unwrap();
    let stopped = platform.file("stopped.zip").display().to_string();
    platform.tell(&["evidence", "export", &id, "--out", &stopped]).await.unwrap();
    assert_eq!(verify(&[&stopped]).0, Some(0), "it works whether or not the service runs");
    let nobody =
        platform.tell(&["evidence", "export", "nobody", "--out", &platform.file("no.zip").display().to_string()]).await;
    assert!(nobody.unwrap_err().to_string().contains("there is no incident `nobody`"));
    assert!(!platform.file("no.zip").exists());

    let (status, said) = verify(&[&bundle]);
    assert!(status == Some(0) && said.contains("only the bundle's own word"), "{said}");
    let published = platform.tell(&["--json", "evidence", "key"]).await.unwrap();
    let published: Value = serde_json::from_str(&published).unwrap();
    let pem = platform.file("county.pem").display().to_string();
    std::fs::write(&pem, published["public_key"].as_str().unwrap()).unwrap();
    for key in [&fingerprint, &pem] {
        let (status, said) = verify(&[&bundle, "--key", key]);
        assert!(status == Some(0) && said.contains("as --key says") && said.contains(&id), "{said}");
    }
    assert_eq!(verify(&[&bundle, "--key", &"0".repeat(64)]).0, Some(1), "by another key");
    assert_eq!(verify(&[&bundle, "--key", "no such file"]).0, Some(2));

    // A picture is stored as it is: one bit of it is somewhere in the file.
    let mut bytes = std::fs::read(&bundle).unwrap();
    let picture = std::fs::read(folder.join(listed[0]["file"].as_str().unwrap())).unwrap();
    let at = bytes.windows(picture.len()).position(|window| window == picture).unwrap();
    bytes[at + picture.len() / 2] ^= 1;
    std::fs::write(&bundle, &bytes).unwrap();
    let (status, said) = verify(&[&bundle]);
    assert_eq!(status, Some(1));
    assert!(said.contains(&format!("`{}` is not what was exported", listed[0]["file"].as_str().unwrap())), "{said}");
    std::fs::write(&bundle, &bytes[..bytes.len() / 2]).unwrap();
    let (status, said) = verify(&["--json", &bundle]);
    assert!(status == Some(1) && said.contains("\"ok\":false") && said.contains("no whole ZIP file"), "{said}");
}
