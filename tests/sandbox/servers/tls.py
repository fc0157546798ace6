# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's certificate authority, and the certificate that its servers present."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.sandbox.layout import Layout

NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("127.0.0.2")),
)
_LIFETIME = datetime.timedelta(days=30)


def issue(
    layout: Layout, names: tuple[x509.GeneralName, ...] = NAMES, lifetime: datetime.timedelta = _LIFETIME
) -> None:
    """Make a new authority, and a certificate for ``names`` that ends after ``lifetime`` from now."""
    layout.ca_cert.parent.mkdir(parents=True, exist_ok=True)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _certificate in range(2))
    authority = _authority(authority_key)
    certificate = _certificate(authority, authority_key, server_key.public_key(), names, lifetime)
    layout.ca_cert.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    layout.server_cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(layout.server_key, server_key)


def issue_self_signed(layout: Layout, names: tuple[x509.GeneralName, ...] = NAMES) -> None:
    """Make a certificate for ``names`` that nobody but itself vouches for."""
    layout.server_cert.parent.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Self-signed database server")
    certificate = (
        _builder(key.public_key(), _LIFETIME)
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    layout.server_cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(layout.server_key, key)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(key: ec.EllipticCurvePublicKey, lifetime: datetime.timedelta) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + lifetime)
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Sandbox certificate authority")
    usage = x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(key.public_key(), _LIFETIME)
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    names: tuple[x509.GeneralName, ...],
    lifetime: datetime.timedelta,
) -> x509.Certificate:
    return (
        _builder(key, lifetime)
        .subject_name(_name("Sandbox database server"))
        .issuer_name(authority.subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
