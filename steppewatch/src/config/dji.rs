//! The section `[dji]`: what DJI's docks and remote controls ask for when they join.

use super::section::{ConfigError, Section};
use ingest::gate::{DjiApp, DjiCloud};
use model::TenantId;
use std::path::PathBuf;

/// Without the section a device that is registered may bind, under the tenant's name, and gets no licence.
pub(super) fn dji(mut section: Section, tenant: &TenantId) -> Result<DjiCloud, ConfigError> {
    let app = match section.optional_text("app_id")? {
        None => None,
        Some(id) => Some(DjiApp {
            id,
            key: secret(&mut section, "app_key_file", "a file that holds the application's key")?,
            licence: secret(&mut section, "app_licence_file", "a file that holds the application's basic licence")?,
        }),
    };
    let binding_code = match section.optional_text("binding_code_file")? {
        None => None,
        Some(file) => Some(read(&section, "binding_code_file", file)?),
    };
    let cloud = DjiCloud {
        app,
        organisation_id: section.text("organisation_id", tenant.as_str())?,
        organisation_name: section.text("organisation_name", tenant.as_str())?,
        binding_code,
        ntp_host: section.text("ntp_host", "ntp.ntsc.ac.cn")?,
    };
    section.finish()?;
    Ok(cloud)
}

fn secret(section: &mut Section, key: &'static str, remedy: &str) -> Result<String, ConfigError> {
    let file = section.required(key, remedy)?;
    read(section, key, file)
}

fn read(section: &Section, key: &str, file: String) -> Result<String, ConfigError> {
    let path = PathBuf::from(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(source) => Err(ConfigError::File { key: section.key(key), path, source }),
    }
}
