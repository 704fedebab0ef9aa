use super::manifest::sha256;
use super::*;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

type Files = Vec<(String, Vec<u8>)>;

fn key() -> (tempfile::TempDir, SigningKey) {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::open_or_make(&folder.path().join("bundle.key")).unwrap();
    (folder, key)
}

fn about() -> About {
    About {
        tenant: "hexigten".into(),
        incident: "i-1".into(),
        exported_at: "2026-05-01T00:00:00.000Z".into(),
        exported_by: "admin".into(),
        software: "steppewatch 0.1.0".into(),
    }
}

fn packed(key: &SigningKey) -> Vec<u8> {
    let mut packer = Packer::new(Cursor::new(Vec::new()), about(), key);
    packer.add("README.txt", "说明 read this first", b"read me").unwrap();
    packer.add("incident.json", "案件 the case", b"{\"id\":\"i-1\"}").unwrap();
    packer.add("pictures/a.jpg", "图像 a picture", b"\xFF\xD8\xFF one").unwrap();
    packer.absent("journal/17.bin", "已过保存期 no longer kept");
    packer.finish().unwrap().0.into_inner()
}

fn unpacked(bundle: &[u8]) -> Files {
    let mut archive = ZipArchive::new(Cursor::new(bundle)).unwrap();
    let all = 0..archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    };
    all.map(read).collect()
}

fn zipped(files: &Files) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn verified(bundle: &[u8]) -> Result<Verified, Fault> {
    verify(Cursor::new(bundle), None)
}

/// What is said of a bundle whose files were changed by somebody with a program for ZIP files.
#[track_caller]
fn check(change: impl FnOnce(&mut Files), want: &str) {
    let (_folder, key) = key();
    let mut files = unpacked(&packed(&key));
    change(&mut files);
    let fault = verified(&zipped(&files)).unwrap_err().to_string();
    assert!(fault.contains(want), "{fault}");
}

fn content<'a>(files: &'a mut Files, name: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(one, _)| one == name).unwrap().1
}

/// The manifest, changed as text.
fn edit(files: &mut Files, from: &str, to: &str) {
    let manifest = content(files, MANIFEST);
    let text = String::from_utf8(manifest.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *manifest = text.replace(from, to).into_bytes();
}

#[test]
fn a_bundle_is_verified_anywhere_and_says_what_is_in_it_and_what_is_not() {
    let (_folder, key) = key();
    let bundle = packed(&key);
    assert_eq!(bundle, packed(&key), "the same again is the same bytes");
    let found = verify(Cursor::new(&bundle), Some(&key.public().fingerprint())).unwrap();
    let paths: Vec<_> = found.manifest.files.iter().map(|line| line.path.as_str()).collect();
    assert_eq!(paths, ["README.txt", "incident.json", "pictures/a.jpg"]);
    assert_eq!((found.bytes, &found.fingerprint), (26, &key.public().fingerprint()));
    assert_eq!(found.manifest.absent[0].what, "journal/17.bin");
    assert_eq!(verified(&zipped(&unpacked(&bundle))).unwrap(), found, "packed anew by another program it is the same");
}

#[test]
fn every_kind_of_damage_is_named() {
    check(|files| content(files, "pictures/a.jpg")[3] ^= 1, "`pictures/a.jpg` is not what was exported");
    check(|files| content(files, "pictures/a.jpg").push(0), "`pictures/a.jpg` is not what was exported");
    check(|files| content(files, "incident.json").truncate(3), "`incident.json` is not what was exported");
    check(|files| files.retain(|(name, _)| name != "pictures/a.jpg"), "`pictures/a.jpg` is missing");
    check(|files| files.retain(|(name, _)| name != MANIFEST), "`manifest.json` is missing");
    check(|files| files.retain(|(name, _)| name != SIGNATURE), "`manifest.sig` is missing");
    check(|files| files.push(("pictures/b.jpg".into(), b"new".to_vec())), "`pictures/b.jpg` is in the bundle and not");
    check(|files| files.swap(1, 2), "`incident.json` does not stand where");
    check(|files| content(files, SUMS)[0] ^= 1, "`SHA256SUMS` is not what was exported");
    check(|files| content(files, PUBLIC_KEY)[40] ^= 1, "`public-key.pem` is not what was exported");
    check(|files| content(files, SIGNATURE)[0] ^= 1, "the signature is not of this manifest");
    check(|files| edit(files, "\"admin\"", "\"adnin\""), "the signature is not of this manifest");
    check(|files| edit(files, "no longer kept", "never was"), "the signature is not of this manifest");
    check(|files| edit(files, "\"i-1\"", "\"i-2\""), "the hash chain breaks at `README.txt`");
    check(|files| edit(files, "pictures/a.jpg", "pictures/c.jpg"), "the hash chain breaks at `pictures/c.jpg`");
    check(|files| edit(files, "evidence/1", "evidence/9"), "`steppewatch-evidence/9`; this program knows");
    check(|files| edit(files, "pictures/a.jpg", "../a.jpg"), "`../a.jpg` is no path");
    check(|files| edit(files, "\"files\"", "\"fills\""), "`manifest.json` is not what the program writes");
}

#[test]
fn a_chain_in_another_order_and_files_swapped_with_their_digests_are_named() {
    let reorder = |files: &mut Files| {
        let mut manifest: Manifest = serde_json::from_slice(content(files, MANIFEST)).unwrap();
        manifest.files.swap(0, 1);
        *content(files, MANIFEST) = serde_json::to_vec(&manifest).unwrap();
    };
    check(reorder, "the hash chain breaks at `incident.json`");
    let forge = |files: &mut Files| {
        let picture = content(files, "pictures/a.jpg");
        picture[3] ^= 1;
        let digest = sha256(picture);
        let mut manifest: Manifest = serde_json::from_slice(content(files, MANIFEST)).unwrap();
        manifest.files[2].sha256 = digest;
        *content(files, MANIFEST) = serde_json::to_vec(&manifest).unwrap();
    };
    check(forge, "the hash chain breaks at `pictures/a.jpg`");
}

#[test]
fn a_bundle_that_somebody_signed_anew_is_told_by_whoever_knows_the_key() {
    let ((_one, ours), (_two, theirs)) = (key(), key());
    let (bundle, trusted) = (packed(&theirs), ours.public().fingerprint());
    assert_eq!(verified(&bundle).unwrap().fingerprint, theirs.public().fingerprint());
    let fault = verify(Cursor::new(&bundle), Some(&trusted)).unwrap_err();
    assert!(fault.to_string().ends_with(&format!("and not by {trusted}")), "{fault}");
}

#[test]
fn cut_anywhere_and_flipped_anywhere_it_is_refused() {
    let (_folder, key) = key();
    let bundle = packed(&key);
    for length in 0..bundle.len() {
        assert!(verified(&bundle[..length]).is_err(), "cut at {length}");
    }
    assert!(verified(&bundle[..bundle.len() - 1]).unwrap_err().to_string().contains("no whole ZIP file"));
    // What a ZIP says beside the contents (times, rights) may differ; then all that is read is what was signed.
    for at in 0..bundle.len() {
        let mut flipped = bundle.clone();
        flipped[at] ^= 0x10;
        if let Ok(found) = verified(&flipped) {
            assert_eq!(found, verified(&bundle).unwrap(), "{at}");
            assert_eq!(unpacked(&flipped), unpacked(&bundle), "{at}");
        }
    }
}

#[test]
fn bytes_that_no_program_lists_are_found() {
    let (_folder, key) = key();
    let bundle = packed(&key);
    let behind = [&bundle[..], b"more"].concat();
    assert!(verified(&behind).is_err());
    let before = [b"more", &bundle[..]].concat();
    assert!(verified(&before).is_err());
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let (_folder, key) = key();
    let mut files = unpacked(&packed(&key));
    *content(&mut files, "pictures/a.jpg") = vec![0; 64 * 1024 * 1024];
    assert!(verified(&zipped(&files)).unwrap_err().to_string().contains("`pictures/a.jpg` is not what was exported"));
    *content(&mut files, MANIFEST) = vec![b' '; 64 * 1024 * 1024];
    let fault = verified(&zipped(&files)).unwrap_err().to_string();
    assert!(fault.contains("`manifest.json` has more than 4194304 bytes"), "{fault}");
    let many = (0..=FILES_MAX + SEALS.len()).map(|number| (format!("f{number}"), Vec::new())).collect();
    assert!(verified(&zipped(&many)).unwrap_err().to_string().contains("more than 4000 files"));
}

#[test]
fn what_does_not_belong_into_a_bundle_is_not_packed() {
    let (_folder, key) = key();
    let mut packer = Packer::new(Cursor::new(Vec::new()), about(), &key);
    packer.add("a.txt", "", b"").unwrap();
    for path in ["a.txt", "", "/a", "../a", "a//b", "a/.b", "a b", "文", MANIFEST, &"a".repeat(300)] {
        assert!(matches!(packer.add(path, "", b""), Err(PackError::Path { .. })), "{path}");
    }
    let large = vec![0; usize::try_from(FILE_MAX_BYTES).unwrap() + 1];
    assert!(matches!(packer.add("large", "", &large), Err(PackError::Full { .. })));
}

#[test]
fn a_key_is_made_once_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.key");
    let makers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| SigningKey::open_or_make(&path).unwrap().public())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(makers.iter().all(|public| *public == makers[0]), "whoever came first made it for all");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let left: Vec<PathBuf> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&path));
    let shown = format!("{:?}", SigningKey::open_or_make(&path).unwrap());
    assert_eq!(shown, format!("SigningKey({})", makers[0].fingerprint()));
    std::fs::write(&path, b"no key").unwrap();
    assert!(SigningKey::open_or_make(&path).unwrap_err().to_string().contains("holds no Ed25519 key"));
}

#[test]
fn a_public_key_comes_back_from_its_file_and_a_fingerprint_however_it_is_written() {
    let (_folder, key) = key();
    let public = key.public();
    assert_eq!(PublicKey::parse_pem(&public.to_pem()), Some(public));
    assert_eq!(PublicKey::parse_hex(&public.to_hex()), Some(public));
    let fingerprint = public.fingerprint();
    let spaced: String = fingerprint.to_string().to_uppercase().chars().flat_map(|digit| [digit, ':']).collect();
    assert_eq!(Fingerprint::parse(&spaced), Some(fingerprint));
    for wrong in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!((Fingerprint::parse(wrong), PublicKey::parse_pem(wrong)), (None, None), "{wrong}");
    }
}

#[test]
fn pictures_are_stored_as_they_are_and_the_rest_is_deflated() {
    let (_folder, key) = key();
    let mut archive = ZipArchive::new(Cursor::new(packed(&key))).unwrap();
    assert_eq!(archive.by_name("pictures/a.jpg").unwrap().compression(), CompressionMethod::Stored);
    let file = archive.by_name("incident.json").unwrap();
    assert_eq!(file.compression(), CompressionMethod::Deflated);
    assert_eq!(file.last_modified().unwrap().hour(), 8, "by the clock in Beijing");
}
