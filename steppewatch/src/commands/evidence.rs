//! `steppewatch evidence`: a case as one file for outside the house, and whether such a file is what was exported.
//!
//! In: a case's id, or a file.   Out: a bundle and an entry in the audit; or what a bundle is, or the first thing in it that does not fit.
//!
//! `verify` needs no data folder: whoever was given a bundle checks it wherever the program is. Never: a file written over another.

use super::{Misuse, operator, print};
use crate::config::{Config, ConfigError};
use crate::stores::{export_files, open_registry};
use ::evidence::Store;
use ::evidence::bundle::{Fingerprint, Manifest, PublicKey, SigningKey, Verified, verify};
use anyhow::{Context, Result};
use clap::Subcommand;
use dashboards::{ExportParts, export_case};
use journal::alert_log::AlertLog;
use model::{Clock, Timestamp};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::BufReader;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A public key's file is a few lines.
const KEY_FILE_MAX_BYTES: u64 = 4_096;

/// What can be done with evidence.
#[derive(Subcommand)]
pub enum EvidenceCommand {
    /// Write everything of a case into one ZIP file that is opened and checked without this program.
    Export {
        /// The case's id.
        incident: String,
        /// The file to write; it must not be there yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Say whether a bundle is what was exported, or name the first thing that does not fit; needs no data folder.
    Verify {
        /// The bundle.
        file: PathBuf,
        /// Insist on this key: its fingerprint, or a file with the public key.
        #[arg(long, value_name = "FINGERPRINT_OR_FILE")]
        key: Option<String>,
    },
    /// Print the public key that this platform's bundles are signed by, to be published where others find it.
    Key,
}

/// Carries the command out; the configuration is only looked for where it is needed.
pub fn run(
    command: EvidenceCommand,
    config: impl FnOnce() -> Result<Config, ConfigError>,
    as_json: bool,
) -> Result<()> {
    match command {
        EvidenceCommand::Export { incident, out } => export(&config()?, &incident, &out, as_json),
        EvidenceCommand::Verify { file, key } => check(&file, key.as_deref(), as_json),
        EvidenceCommand::Key => {
            let config = config()?;
            is_there(&config, "registry.db")?;
            show_key(SigningKey::open_or_make(&export_files(&config.data).signing_key)?.public(), as_json)
        }
    }
}

/// A command that only looks makes no data folder.
fn is_there(config: &Config, name: &str) -> Result<PathBuf, Misuse> {
    let path = config.data.join(name);
    if path.exists() {
        return Ok(path);
    }
    Err(Misuse(format!("there is no {name} in {}; `data` has to name the service's folder", config.data.display())))
}

fn export(config: &Config, incident: &str, out: &Path, as_json: bool) -> Result<()> {
    is_there(config, "registry.db")?;
    let alerts = is_there(config, "alerts.db")?;
    is_there(config, "evidence/index.db")?;
    let parts = ExportParts {
        tenant: config.tenant.clone(),
        registry: open_registry(&config.data)?,
        alert_log: AlertLog::open(&alerts)?,
        evidence: Store::open_read_only(&config.data.join("evidence"))?,
        files: export_files(&config.data),
        now: Clock::system().now(),
    };
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(out).with_context(|| {
        Misuse(format!("{} cannot be written; --out has to name a file that is not there yet", out.display()))
    })?;
    let written = export_case(&parts, incident, &operator(), file)
        .map_err(anyhow::Error::from)
        .and_then(|(file, manifest)| file.sync_all().map(|()| manifest).map_err(anyhow::Error::from));
    match written {
        Ok(manifest) => show_exported(out, &manifest, as_json),
        Err(error) => {
            // Half a bundle is none; that it could not be removed either is the smaller complaint.
            std::fs::remove_file(out).ok();
            Err(error.context(format!("incident {incident} was not exported")))
        }
    }
}

fn show_exported(out: &Path, manifest: &Manifest, as_json: bool) -> Result<()> {
    let key = PublicKey::parse_hex(&manifest.public_key).map(|key| key.fingerprint().to_string()).unwrap_or_default();
    if as_json {
        let (file, files) = (out.display().to_string(), manifest.files.len());
        let absent = manifest.absent.len();
        let found = json!({"file": file, "incident": manifest.incident, "files": files, "absent": absent,
                           "chain_tip": manifest.chain_tip, "key": key});
        return print(&found.to_string());
    }
    print(&format!(
        "{}: 事件 incident {}，{} 个文件 files，链尾 chain ends at {}\n公钥指纹 key {key}",
        out.display(),
        manifest.incident,
        manifest.files.len(),
        manifest.chain_tip
    ))?;
    absent(manifest)
}

fn absent(manifest: &Manifest) -> Result<()> {
    manifest.absent.iter().try_for_each(|line| print(&format!("缺少 absent: {}: {}", line.what, line.why)))
}

fn show_key(key: PublicKey, as_json: bool) -> Result<()> {
    let (fingerprint, pem) = (key.fingerprint().to_string(), key.to_pem());
    if as_json {
        return print(&json!({"fingerprint": fingerprint, "public_key": pem}).to_string());
    }
    print(&format!("{pem}公钥指纹 fingerprint {fingerprint}"))
}

fn check(path: &Path, key: Option<&str>, as_json: bool) -> Result<()> {
    let expected = key.map(trusted).transpose()?;
    let file = File::open(path).with_context(|| Misuse(format!("{} cannot be read; name a bundle", path.display())))?;
    match verify(BufReader::new(file), expected.as_ref()) {
        Ok(verified) => show_verified(path, &verified, expected.is_some(), as_json),
        Err(fault) => {
            if as_json {
                let reason = fault.to_string();
                print(&json!({"ok": false, "file": path.display().to_string(), "reason": reason}).to_string())?;
            }
            Err(fault).with_context(|| format!("{} is not what was exported", path.display()))
        }
    }
}

/// The key that is insisted on.
fn trusted(key: &str) -> Result<Fingerprint, Misuse> {
    if let Some(fingerprint) = Fingerprint::parse(key) {
        return Ok(fingerprint);
    }
    let wrong = |why: String| {
        let form = "write the 64 hexadecimal digits that `steppewatch evidence key` printed, or name a file with a public key in PEM";
        Misuse(format!("--key is `{key}`, {why}; {form}"))
    };
    let size =
        std::fs::metadata(key).map_err(|error| wrong(format!("which is no fingerprint, and no file: {error}")))?.len();
    if size > KEY_FILE_MAX_BYTES {
        return Err(wrong("which is too large for a public key".to_owned()));
    }
    let text = std::fs::read_to_string(key).map_err(|error| wrong(format!("which cannot be read: {error}")))?;
    let found = PublicKey::parse_pem(&text).ok_or_else(|| wrong("which holds no Ed25519 public key".to_owned()))?;
    Ok(found.fingerprint())
}

fn show_verified(path: &Path, verified: &Verified, is_trusted: bool, as_json: bool) -> Result<()> {
    let Verified { manifest, fingerprint, bytes } = verified;
    if as_json {
        let absent: Vec<_> = manifest.absent.iter().map(|line| json!({"what": line.what, "why": line.why})).collect();
        let found = json!({"ok": true, "file": path.display().to_string(), "tenant": manifest.tenant,
                           "incident": manifest.incident, "exported_at": manifest.exported_at,
                           "exported_by": manifest.exported_by, "software": manifest.software,
                           "files": manifest.files.len(), "bytes": bytes, "chain_tip": manifest.chain_tip,
                           "absent": absent, "key": fingerprint.to_string(), "key_trusted": is_trusted});
        return print(&found.to_string());
    }
    let at = Timestamp::parse_rfc3339(&manifest.exported_at)
        .map_or_else(|| manifest.exported_at.clone(), Timestamp::to_legal);
    let word = if is_trusted {
        "与 --key 一致 as --key says"
    } else {
        "仅为包内自述，请向导出单位索取指纹并以 --key 核对 only the bundle's own word: ask whoever exported it, and check with --key"
    };
    print(&format!(
        "{}: 完好 everything in it is as it was exported\n事件 incident {}，平台 platform {}\n\
         导出 exported {at}（北京时间 Beijing）{}，{}\n{} 个文件 files，{bytes} 字节 bytes，链尾 chain ends at {}\n公钥指纹 key {fingerprint}，{word}",
        path.display(),
        manifest.incident,
        manifest.tenant,
        manifest.exported_by,
        manifest.software,
        manifest.files.len(),
        manifest.chain_tip,
    ))?;
    absent(manifest)
}
