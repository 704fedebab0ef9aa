//! TLS for the gate: the server's certificate, reloaded when its files change, and the certificates of devices.
//!
//! In:  files.   Out: an acceptor; from a client's certificate the device's name.
//!
//! Never: a stop for want of a new certificate. What does not load is told in the log, and the former one stays.

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at; three questions to the file system cost nothing.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The files of [mqtt.tls].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate and those between it and the authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Authorities whose certificates devices may show instead of a secret, PEM.
    pub client_ca: Option<PathBuf>,
}

/// A file does not hold what it should.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct BadTls {
    path: PathBuf,
    what: String,
}

/// The certificate in use.
pub struct Tls {
    files: TlsFiles,
    loaded: RwLock<Loaded>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    expires_at_s: Option<i64>,
}

impl Tls {
    /// Loads the files.
    pub fn load(files: TlsFiles) -> Result<Self, BadTls> {
        let loaded = RwLock::new(load(&files)?);
        Ok(Self { files, loaded })
    }

    /// An acceptor with the certificate of now.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner).config))
    }

    /// When the certificate of now, or one between it and the authority, ends: the earliest, in seconds since 1970 UTC. `None` where none
    /// states it in a way that can be read.
    pub fn expires_at_s(&self) -> Option<i64> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).expires_at_s
    }

    /// Loads the files again whenever they have changed, for ever.
    pub async fn watch(&self) -> std::convert::Infallible {
        let mut seen = self.stamps();
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = self.stamps();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        match load(&self.files) {
            Ok(loaded) => {
                *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                tracing::info!(certificate = %self.files.certificate.display(), "certificate reloaded");
            }
            // Half of a pair may be written already; the other half makes another change.
            Err(error) => tracing::error!(%error, "certificate not reloaded; the former one stays in use"),
        }
    }

    fn stamps(&self) -> Vec<Option<SystemTime>> {
        let files = [Some(&self.files.certificate), Some(&self.files.key), self.files.client_ca.as_ref()];
        files.into_iter().flatten().map(|path| path.metadata().and_then(|data| data.modified()).ok()).collect()
    }
}

fn load(files: &TlsFiles) -> Result<Loaded, BadTls> {
    let certificates = certificates(&files.certificate)?;
    let expires_at_s = certificates.iter().filter_map(ends_at_s).min();
    Ok(Loaded { config: Arc::new(server_config(files, certificates)?), expires_at_s })
}

fn ends_at_s(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

fn server_config(files: &TlsFiles, certificates: Vec<CertificateDer<'static>>) -> Result<ServerConfig, BadTls> {
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| bad(&files.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(&files.certificate, &error))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in self::certificates(path)? {
                roots.add(certificate).map_err(|error| bad(path, &error))?;
            }
            // A device may still come with its secret.
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| bad(path, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(certificates, key).map_err(|error| bad(&files.certificate, &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| bad(path, &error))?;
    let all = all.collect::<Result<Vec<_>, _>>().map_err(|error| bad(path, &error))?;
    if all.is_empty() { Err(bad(path, &"holds no certificate in PEM form")) } else { Ok(all) }
}

fn bad(path: &Path, what: &dyn std::fmt::Display) -> BadTls {
    BadTls { path: path.to_owned(), what: what.to_string() }
}

/// The common name of a verified certificate: the device's id.
pub fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}
