//! What is installed on other machines, as far as it can be held against the program here.

use crate::metrics::is_settled;
use crate::readme::{read, repository};
use journeys::Platform;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

const UNIT: &str = "packaging/steppewatch.service";

/// `None`, said aloud, where the program is not installed.
fn systemd_analyze(arguments: &[&str]) -> Option<Output> {
    match Command::new("systemd-analyze").args(arguments).current_dir(repository()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("SKIPPED: systemd-analyze cannot be started ({error})");
            None
        }
    }
}

/// The values of a setting of the unit, in its order.
fn settings(name: &str) -> Vec<String> {
    let head = format!("{name}=");
    read(UNIT).lines().filter_map(|line| line.strip_prefix(&head)).map(str::to_owned).collect()
}

#[test]
fn the_units_exposure_is_below_two() {
    // In tenths; above it the command fails.
    let arguments = ["security", "--offline=true", "--threshold=19", UNIT];
    let Some(Output { status, stdout, .. }) = systemd_analyze(&arguments) else { return };
    let said = String::from_utf8_lossy(&stdout);
    assert!(status.success(), "{said}");
    assert!(said.contains("Overall exposure level"), "{said}");
}

/// The system calls of a set, sets within it included.
fn calls_of(set: &str) -> Option<BTreeSet<String>> {
    let output = systemd_analyze(&["syscall-filter", set])?;
    let said = String::from_utf8(output.stdout).unwrap();
    let mut calls = BTreeSet::new();
    for line in said.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('@') { calls.extend(calls_of(line)?) } else { calls.extend([line.to_owned()]) }
    }
    Some(calls)
}

/// What the unit's filter leaves, put together as systemd does: the first line says that it is a list of what may be.
fn allowed() -> Option<BTreeSet<String>> {
    let mut allowed = BTreeSet::new();
    for line in settings("SystemCallFilter") {
        let (denies, words) = line.strip_prefix('~').map_or((false, line.as_str()), |rest| (true, rest));
        for word in words.split_whitespace() {
            let calls = if word.starts_with('@') { calls_of(word)? } else { BTreeSet::from([word.to_owned()]) };
            if denies { allowed.retain(|call| !calls.contains(call)) } else { allowed.extend(calls) }
        }
    }
    Some(allowed)
}

/// The program's own system calls, a line each, without the process id in front.
fn calls(trace: &str) -> impl Iterator<Item = &str> {
    let lines = trace.lines().filter_map(|line| line.split_once(' ')).map(|(_, rest)| rest.trim_start());
    lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '_'))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_the_program_asks_of_the_kernel_is_what_the_unit_lets_it() {
    let Some(allowed) = allowed() else { return };
    if Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success()) {
        let mut platform = Platform::prepare("").unwrap();
        let trace = platform.file("trace");
        // With -D the program keeps the process id, and so hears what is meant for it.
        platform.start_by(&["strace", "-D", "-f", "-qq", "-s", "0", "-o", trace.to_str().unwrap()]);
        platform.run().await.unwrap();
        platform.start_by(&[]);
        let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
        camera.connect(&platform).await.unwrap();
        camera.say("heartbeat", json!({"ts": firmware_sim::clock::now_ms(), "status": "ok"})).await.unwrap();
        platform.operator().await.unwrap();
        platform.wait_for_metrics(is_settled).await.unwrap();
        assert!(platform.stop().await.unwrap().success());

        let trace = std::fs::read_to_string(trace).unwrap();
        let name = |call: &str| call.split('(').next().unwrap_or_default().to_owned();
        // `execve` starts it; SQLite gives its files to the folder's owner where root runs it, as here, and else does not ask.
        let started = |name: &String| !["execve", "fchown"].contains(&name.as_str());
        let made: BTreeSet<String> = calls(&trace).map(name).filter(started).collect();
        assert!(made.contains("fsync") && made.contains("accept4"), "nothing was traced: {made:?}");
        let refused: Vec<_> = made.difference(&allowed).collect();
        assert!(refused.is_empty(), "{UNIT} would refuse {refused:?}");
        // MemoryDenyWriteExecute
        let makes_code = |call: &&str| {
            (call.starts_with("mmap(") && call.contains("PROT_WRITE|PROT_EXEC"))
                || (call.starts_with("mprotect(") && call.contains("PROT_EXEC"))
        };
        assert_eq!(calls(&trace).filter(makes_code).collect::<Vec<_>>(), [] as [&str; 0]);
        let families = settings("RestrictAddressFamilies").join(" ");
        let families: BTreeSet<&str> = families.split(' ').collect();
        for socket in calls(&trace).filter_map(|call| call.strip_prefix("socket(")) {
            let family = socket.split(',').next().unwrap();
            assert!(families.contains(family), "{UNIT} would refuse a socket of {family}");
        }
    } else {
        eprintln!("SKIPPED: strace cannot trace here; tests/install.sh installs it, and the machine has to allow it");
    }
}

#[test]
fn the_unit_waits_longer_than_the_drain_and_hears_the_program() {
    assert_eq!(settings("Type"), ["notify"]);
    let seconds = |name: &str| settings(name)[0].parse::<u64>().unwrap();
    assert!(seconds("TimeoutStopSec") > 10 && seconds("WatchdogSec") >= 60);
    assert_eq!(settings("CapabilityBoundingSet"), [""]);
}

#[tokio::test]
async fn what_is_shipped_as_configuration_is_valid() {
    let platform = Platform::prepare("").unwrap();
    for file in ["packaging/steppewatch.toml", "packaging/container.toml", "steppewatch/example.toml"] {
        let path = repository().join(file);
        platform
            .tell(&["config", "check", path.to_str().unwrap()])
            .await
            .unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

#[test]
fn every_file_of_the_package_is_there() {
    let manifest = read("steppewatch/Cargo.toml");
    let package = manifest.split("[package.metadata.deb]").nth(1).unwrap();
    let assets: Vec<&str> = package
        .split("assets = [")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\"")?.split('"').next())
        .collect();
    assert!(assets.len() >= 10, "{assets:?}");
    for asset in assets.iter().filter(|asset| !asset.starts_with("target/")) {
        let path = repository().join("steppewatch").join(asset);
        let found = match asset.rsplit_once("*.") {
            None => path.is_file(),
            Some((_, ending)) => std::fs::read_dir(path.parent().unwrap())
                .unwrap()
                .any(|entry| entry.unwrap().path().extension().is_some_and(|this| this == ending)),
        };
        assert!(found, "{asset} is not there");
    }
    for script in ["postinst", "postrm"] {
        let text = read(&format!("packaging/debian/{script}"));
        assert!(text.contains("#DEBHELPER#"), "{script} leaves out what cargo-deb adds");
        let file = repository().join("packaging/debian").join(script);
        assert!(Command::new("sh").arg("-n").arg(file).status().unwrap().success(), "{script} is no shell script");
    }
}

#[test]
fn the_containers_files_are_all_that_the_program_needs() {
    let root = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(Path::parent).unwrap().join("steppewatch");
    let made = Command::new("packaging/root.sh").arg(&binary).arg(root.path()).current_dir(repository()).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let within = |arguments: &[&str]| {
        Command::new("unshare")
            .args(["--map-root-user", "--net", "chroot"])
            .arg(root.path())
            .arg("/usr/bin/steppewatch")
            .args(["--config", "/etc/steppewatch/steppewatch.toml"])
            .args(arguments)
            .output()
    };
    let version = within(&["--version"]).unwrap();
    if !version.status.success() && String::from_utf8_lossy(&version.stderr).contains("unshare") {
        eprintln!("SKIPPED: this machine gives no name space: {}", String::from_utf8_lossy(&version.stderr));
        return;
    }
    assert!(version.stdout.starts_with(b"steppewatch "), "{}", String::from_utf8_lossy(&version.stderr));
    // Before the first start, without a network: everything that doctor looks at is as it should be.
    let doctor = within(&["doctor"]).unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(doctor.status.success() && said.contains("http port"), "{said}");
}

#[test]
fn the_container_runs_as_nobody_says_when_it_is_not_well_and_holds_the_program_only() {
    let file = read("packaging/Containerfile");
    let last = file.rsplit("\nFROM ").next().unwrap();
    assert!(last.starts_with("scratch\n"));
    for line in ["USER 10001:10001\n", "HEALTHCHECK ", "\"doctor\"]", "VOLUME /var/lib/steppewatch\n"] {
        assert!(last.contains(line), "{line} is gone");
    }
    assert!(!last.contains("\nRUN "), "there is no shell in it");
    for line in file.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--")) {
        let sources = line.split(' ').collect::<Vec<_>>();
        for source in &sources[..sources.len() - 1] {
            assert!(repository().join(source).exists(), "{source} is not there");
        }
    }
}
