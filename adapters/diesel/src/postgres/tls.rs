//! TLS to the server by rustls, in the five modes of libpq (PostgreSQL manual, section "SSL Support").

use crate::OpenError;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::{Url, form_urlencoded};

/// What `sslmode` and `sslrootcert` ask for.
pub(super) struct Security {
    mode: Mode,
    roots: Option<PathBuf>,
    connector: OnceLock<MakeRustlsConnect>,
}

/// How much of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// No TLS.
    Disable,
    /// TLS if the server offers it; the certificate is not looked at.
    Prefer,
    /// TLS or nothing; the certificate is not looked at.
    Require,
    /// Its issuer.
    VerifyCa,
    /// Its issuer, and that it was made for this host.
    VerifyFull,
}

impl Security {
    /// Removes the two parameters from the URL: the driver knows only three of the modes and no file.
    pub(super) fn take_from(url: &mut Url) -> Result<Self, OpenError> {
        let (mut mode, mut roots, mut others) = (Mode::Prefer, None, Vec::new());
        // The others stay as they are: a URL would write a blank as `+`, which the driver does not read as one.
        for pair in url.query().unwrap_or_default().split('&') {
            let (key, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default();
            match &*key {
                "sslmode" => mode = Mode::parse(&value)?,
                "sslrootcert" if value == "system" => roots = None,
                "sslrootcert" => roots = Some(PathBuf::from(value.into_owned())),
                "" => {}
                _ => others.push(pair),
            }
        }
        let others = (!others.is_empty()).then(|| others.join("&"));
        url.set_query(others.as_deref());
        Ok(Self { mode, roots, connector: OnceLock::new() })
    }

    /// What to tell the server.
    pub(super) fn negotiation(&self) -> SslMode {
        match self.mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        }
    }

    /// Reads the certificates at the first use.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, OpenError> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector.clone());
        }
        let made = MakeRustlsConnect::new(self.client_config()?);
        Ok(self.connector.get_or_init(|| made).clone())
    }

    fn client_config(&self) -> Result<ClientConfig, OpenError> {
        let unusable = |error: &dyn std::error::Error| OpenError::Certificates(error.to_string());
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?;
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            Mode::Disable | Mode::Prefer | Mode::Require => Arc::new(Unverified(provider)),
            Mode::VerifyCa | Mode::VerifyFull => {
                let roots = Arc::new(roots(self.roots.as_deref())?);
                let strict = WebPkiServerVerifier::builder_with_provider(roots, provider)
                    .build()
                    .map_err(|error| unusable(&error))?;
                if self.mode == Mode::VerifyFull { strict } else { Arc::new(AnyName(strict)) }
            }
        };
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

impl Mode {
    fn parse(raw: &str) -> Result<Self, OpenError> {
        match raw {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(OpenError::Url(
                "has an unknown sslmode: use disable, prefer, require, verify-ca or verify-full".to_owned(),
            )),
        }
    }
}

/// The certificates of `file`, or the system's.
fn roots(file: Option<&Path>) -> Result<RootCertStore, OpenError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let unreadable = |what: String| OpenError::Certificates(format!("{}: {what}", file.display()));
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(roots)
}

/// Encrypts without asking with whom: what `prefer` and `require` mean in libpq.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

/// Checks the chain and not the name: `verify-ca`.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is the last thing that is checked: if only that is wrong, the chain is right.
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_tls_is_taken_and_the_rest_left_as_it_is() {
        let left = |query: &str| {
            let mut url = Url::parse(&format!("postgres://h/d{query}")).unwrap();
            let security = Security::take_from(&mut url).unwrap();
            (security.mode, security.roots, url.to_string())
        };
        let both = "?sslmode=verify-ca&options=-c%20a%3D1+2&sslrootcert=%2Fa%20b.pem";
        let expected = "postgres://h/d?options=-c%20a%3D1+2".to_owned();
        assert_eq!(left(both), (Mode::VerifyCa, Some(PathBuf::from("/a b.pem")), expected));
        assert_eq!(left("?sslrootcert=system"), (Mode::Prefer, None, "postgres://h/d".to_owned()));
        assert_eq!(left(""), (Mode::Prefer, None, "postgres://h/d".to_owned()));
    }
}
