//! The sections `[[isapi]]` and `[[onvif]]`: cameras that the platform asks for their events.

use super::section::{ConfigError, Section};
use ingest::protocol::{CameraConfig, Password, camera_url};
use model::DeviceId;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Each holds a connection and a task; a banner has some hundreds.
const CAMERAS_MAX: usize = 5_000;

/// Every camera of one protocol.
pub(super) fn cameras(sections: Vec<Section>) -> Result<Vec<CameraConfig>, ConfigError> {
    let mut known = BTreeSet::new();
    let mut cameras = Vec::new();
    for mut section in sections {
        let camera = camera(&mut section)?;
        if cameras.len() >= CAMERAS_MAX {
            let reason = format!("there are more than {CAMERAS_MAX} cameras; run a second platform for them");
            return Err(section.invalid("device", camera.device.as_str(), &reason));
        }
        if !known.insert(camera.device.clone()) {
            let reason = "another section has the same device; a camera is asked once";
            return Err(section.invalid("device", camera.device.as_str(), reason));
        }
        section.finish()?;
        cameras.push(camera);
    }
    Ok(cameras)
}

fn camera(section: &mut Section) -> Result<CameraConfig, ConfigError> {
    let device = section.required("device", "the camera's device id")?;
    let device = DeviceId::parse(&device).map_err(|error| section.invalid("device", &device, &error.to_string()))?;
    let url = section.required("url", "the camera's address, for example http://10.0.0.5")?;
    // Not what was written: it may hold a password.
    let url = camera_url(&url).map_err(|error| section.invalid("url", "(not shown)", &error.to_string()))?;
    let user = section.required("user", "a user of the camera who may read events")?;
    if user.chars().any(|c| c.is_control() || c == '"' || c == '\\') {
        return Err(section.invalid("user", &user, "a quote, a backslash or a line end cannot stand in it"));
    }
    let file = PathBuf::from(section.required("password_file", "a file that holds the user's password")?);
    let password = std::fs::read_to_string(&file).map_err(|source| ConfigError::File {
        key: section.key("password_file"),
        path: file.clone(),
        source,
    })?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        let reason = "the file is empty; write the password into it";
        return Err(section.invalid("password_file", &file.display().to_string(), reason));
    }
    Ok(CameraConfig { device, url, user, password: Password::new(password) })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_camera_is_asked_as_it_is_described_and_its_password_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "Grass 2026!\n").unwrap();
        let text = |url: &str, more: &str| {
            format!(
                "[[onvif]]\ndevice = \"cam-1\"\nurl = \"{url}\"\nuser = \"reader\"\npassword_file = {:?}\n{more}",
                file.display().to_string()
            )
        };
        let config = Config::parse(&text("https://10.0.0.5:8443", "")).unwrap();
        let camera = &config.onvif[0];
        assert_eq!((camera.device.as_str(), camera.url.as_str()), ("cam-1", "https://10.0.0.5:8443/"));
        assert_eq!(camera.password, ingest::protocol::Password::new("Grass 2026!"));
        assert!(!format!("{config:?}").contains("Grass"));

        let check = |text: &str, complaint: &str| {
            let said = Config::parse(text).unwrap_err().to_string();
            assert!(said.starts_with(complaint), "{said}");
            assert!(!said.contains("secret"), "{said}");
        };
        check(
            &text("http://admin:secret@10.0.0.5", ""),
            "`onvif[0].url` is `(not shown)`, which cannot be used: write user and password on lines of their own (`user`, `password_file`)",
        );
        check(
            &text("rtsp://10.0.0.5", ""),
            "`onvif[0].url` is `(not shown)`, which cannot be used: write http:// or https:// and the camera's address, for example http://10.0.0.5",
        );
        check(
            &text("http://10.0.0.5", "port = 80"),
            "`onvif[0].port` is `80`, but there is no such key; known here: device, password_file, url, user",
        );
        check(
            &format!("{}{}", text("http://10.0.0.5", ""), text("http://10.0.0.6", "")),
            "`onvif[1].device` is `cam-1`, which cannot be used: another section has the same device; a camera is asked once",
        );
        check(
            "[[isapi]]\ndevice = \"cam-1\"",
            "`isapi[0].url` is missing; write the camera's address, for example http://10.0.0.5",
        );
        check(&text("http://10.0.0.5", "").replace("password\"", "nowhere\""), "`onvif[0].password_file` names ");
        std::fs::write(&file, "\n").unwrap();
        let empty = Config::parse(&text("http://10.0.0.5", "")).unwrap_err().to_string();
        assert!(empty.ends_with("which cannot be used: the file is empty; write the password into it"), "{empty}");
    }
}
