//! `[mqtt.tls]` and `[http.tls]`: the files of a certificate, which must be there at the start.

use super::section::{ConfigError, Section};
use ingest::gate::TlsFiles;

/// A server's certificate, and the authorities of those who show one of theirs.
pub(super) fn with_clients(mut section: Section) -> Result<TlsFiles, ConfigError> {
    let client_ca = section.optional_text("client_ca")?.map(Into::into);
    files(section, client_ca)
}

/// A server's certificate.
pub(super) fn server(section: Section) -> Result<TlsFiles, ConfigError> {
    files(section, None)
}

fn files(mut section: Section, client_ca: Option<std::path::PathBuf>) -> Result<TlsFiles, ConfigError> {
    let files = TlsFiles {
        certificate: section.required("certificate", "a PEM file with the server's certificate chain")?.into(),
        key: section.required("key", "a PEM file with its private key")?.into(),
        client_ca,
    };
    for (key, path) in
        [("certificate", Some(&files.certificate)), ("key", Some(&files.key)), ("client_ca", files.client_ca.as_ref())]
    {
        if let Some(path) = path
            && let Err(source) = std::fs::File::open(path)
        {
            return Err(ConfigError::File { key: section.key(key), path: path.clone(), source });
        }
    }
    section.finish()?;
    Ok(files)
}
