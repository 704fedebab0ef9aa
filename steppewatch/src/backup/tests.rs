use super::*;
use evidence::{Item, Looking, Store, Why};
use journal::Journal;
use journal::sqlite::SqliteOptions;
use model::{DeviceId, IncidentId, SnapshotId, TenantId, Timestamp};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

fn config(data: &Path) -> Config {
    Config::parse(&format!("data = {:?}\ntenant = \"hexigten\"\n", data.display().to_string())).unwrap()
}

fn quiet(_: &str, _: u64) {}

/// A data folder with a journal, a picture, a plain file, and what is not to be copied.
fn data(folder: &Path) -> Config {
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    let options = SqliteOptions {
        tenant: Some(TenantId::parse("hexigten").unwrap()),
        consumers: vec!["detect"],
        ..SqliteOptions::default()
    };
    let journal = SqliteJournal::open(&data.join("journal.db"), options).unwrap();
    assert_eq!(*journal.head().borrow(), Offset(0));
    fs::write(data.join("bundle.key"), "a key").unwrap();
    fs::create_dir_all(data.join("terrain")).unwrap();
    fs::write(data.join("terrain/tile.bin"), vec![7; 100_000]).unwrap();
    let store = Store::open(&data.join("evidence"), 1 << 20).unwrap();
    for (snapshot, jpeg) in [("s-1", b"one"), ("s-2", b"two")] {
        let item = Item {
            incident: IncidentId::parse("i-1").unwrap(),
            device: DeviceId::parse("cam-1").unwrap(),
            snapshot: SnapshotId::parse(snapshot).unwrap(),
            why: Why::Named,
            taken_at: Timestamp::from_millis(1),
            offset: Offset(1),
            looking: Looking::default(),
            hash: String::new(),
            bytes: 0,
        };
        store.keep(&item, jpeg, &BTreeSet::new()).unwrap();
    }
    config(&data)
}

fn picture(config: &Config, content: &[u8]) -> PathBuf {
    let name = blake3::hash(content).to_hex().to_string();
    config.data.join("evidence").join(&name[..2]).join(format!("{name}.jpg"))
}

#[test]
fn what_is_derived_comes_before_what_it_is_made_from() {
    let names = [
        "journal.db",
        "registry.db",
        "bundle.key",
        "evidence/ab/x.jpg",
        "evidence/index.db",
        "history/2026-11-22.sqlite",
        "history/tail.sqlite",
        "alerts.db",
        "detection.db",
        "commands.db",
    ];
    let files = names.map(|name| Found { name: name.to_owned(), kind: Kind::Plain, bytes: 0 });
    let ordered: Vec<String> = in_order(files.into()).into_iter().map(|file| file.name).collect();
    let wanted = [
        "detection.db",
        "history/tail.sqlite",
        "history/2026-11-22.sqlite",
        "alerts.db",
        "commands.db",
        "evidence/index.db",
        "evidence/ab/x.jpg",
        "bundle.key",
        "registry.db",
        "journal.db",
    ];
    assert_eq!(ordered, wanted);
}

#[test]
fn a_backup_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let config = data(folder.path());
    let to = folder.path().join("backup");
    let made = make(&config, &to, &Clock::system(), &quiet).unwrap();
    let names: BTreeSet<&str> = made.files.iter().map(|file| file.name.as_str()).collect();
    assert!(
        names.contains("terrain/tile.bin") && names.contains("bundle.key") && names.contains("journal.db"),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.ends_with(".lock") || name.ends_with("-wal")), "{names:?}");
    assert_eq!(Manifest::read(&to).unwrap(), made);
    made.check(&to).unwrap();
    for path in [to.clone(), to.join("bundle.key"), to.join("journal.db"), to.join("backup.json")] {
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o077,
            0,
            "{} is for its owner only",
            path.display()
        );
    }

    let elsewhere = super::tests::config(&folder.path().join("elsewhere"));
    restore(&elsewhere, &to, &quiet).unwrap();
    assert!(!is_half_restored(&elsewhere.data));
    assert_eq!(fs::read(elsewhere.data.join("terrain/tile.bin")).unwrap(), vec![7; 100_000]);
    let store = Store::open(&elsewhere.data.join("evidence"), 1 << 20).unwrap();
    let kept = store.of_incident(&IncidentId::parse("i-1").unwrap()).unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(store.content(&kept[0].hash).unwrap().unwrap(), b"one");
}

#[test]
fn a_database_is_copied_as_it_is_at_one_moment_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, stop) = (folder.path().join("ledger.db"), AtomicBool::new(false));
    let mut writer = Connection::open(&path).unwrap();
    writer.pragma_update(None, "journal_mode", "WAL").unwrap();
    writer.execute_batch("CREATE TABLE debit (n INTEGER); CREATE TABLE credit (n INTEGER, filler BLOB)").unwrap();
    std::thread::scope(|scope| {
        let (writing, stopping) = (&mut writer, &stop);
        scope.spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                let both = writing.transaction().unwrap();
                both.execute("INSERT INTO debit VALUES (1)", []).unwrap();
                both.execute("INSERT INTO credit VALUES (1, randomblob(3000))", []).unwrap();
                both.commit().unwrap();
            }
        });
        for round in 0..20 {
            let to = folder.path().join(format!("copy-{round}.db"));
            copy::copy(&path, &to, Kind::Database).unwrap();
            let rows = |table: &str| -> i64 {
                let copied = Connection::open(&to).unwrap();
                copied.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
            };
            assert_eq!(rows("debit"), rows("credit"));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_picture_that_went_while_it_was_copied_is_not_in_the_index_either() {
    let folder = tempfile::tempdir().unwrap();
    let config = data(folder.path());
    fs::remove_file(picture(&config, b"two")).unwrap();
    let to = folder.path().join("backup");
    make(&config, &to, &Clock::system(), &quiet).unwrap();
    let store = Store::open(&to.join("evidence"), 1 << 20).unwrap();
    assert_eq!(store.of_incident(&IncidentId::parse("i-1").unwrap()).unwrap().len(), 1);
}

#[test]
fn what_is_not_a_whole_backup_of_this_tenant_is_refused_and_leaves_no_folder_to_start_from() {
    let folder = tempfile::tempdir().unwrap();
    let config = data(folder.path());
    let to = folder.path().join("backup");
    make(&config, &to, &Clock::system(), &quiet).unwrap();
    let refused = |config: &Config| format!("{:#}", restore(config, &to, &quiet).unwrap_err());

    assert!(refused(&config).contains("is not empty"), "a folder with data stays as it is");
    assert!(format!("{:#}", make(&config, &to, &Clock::system(), &quiet).unwrap_err()).contains("is not empty"));
    let other =
        Config::parse(&format!("data = {:?}\ntenant = \"ujimqin\"", folder.path().join("x").display().to_string()))
            .unwrap();
    assert!(refused(&other).contains("is of `hexigten`"));

    let list = fs::read_to_string(to.join("backup.json")).unwrap();
    let elsewhere = |name: &str| super::tests::config(&folder.path().join(name));
    fs::write(to.join("backup.json"), list.replace("bundle.key", "../bundle.key")).unwrap();
    assert!(refused(&elsewhere("a")).contains("outside the folder"));
    fs::write(to.join("backup.json"), list.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(refused(&elsewhere("b")).contains("format 2"));
    fs::write(to.join("backup.json"), &list).unwrap();

    fs::write(to.join("terrain/tile.bin"), vec![8; 100_000]).unwrap();
    let half = elsewhere("c");
    assert!(refused(&half).contains("terrain/tile.bin is not what the backup wrote"));
    assert!(is_half_restored(&half.data), "the service does not start from it");
    assert!(Manifest::read(&to).unwrap().check(&to).is_err());
    fs::remove_file(to.join("backup.json")).unwrap();
    assert!(refused(&elsewhere("d")).contains("it is no backup"));
}

#[test]
fn a_journal_that_let_go_of_what_a_stage_needs_makes_no_backup() {
    let held = |head: u64, entries: u64| Held { head: Offset(head), entries, bytes: 0, newest_received: None };
    assert!(whole_enough(&held(0, 0), Offset(0)).is_ok(), "nothing was said yet");
    assert!(whole_enough(&held(500, 500), Offset(0)).is_ok());
    assert!(whole_enough(&held(500, 100), Offset(400)).is_ok(), "401 is the next that is needed");
    let refused = whole_enough(&held(500, 99), Offset(400)).unwrap_err().to_string();
    assert!(refused.contains("entries 401 to 401"), "{refused}");
}
