"""Certificates that end when a test wants it."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key


def signed_again(certificate: str, authority: str, key: str, end: datetime) -> str:
    """The same certificate with another end, signed by an authority with its key; all are PEM."""
    old = x509.load_pem_x509_certificate(certificate.encode())
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(x509.load_pem_x509_certificate(authority.encode()).subject)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=365))
        .not_valid_after(end)
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    signer = load_pem_private_key(key.encode(), None)
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM).decode()  # type: ignore[arg-type]
