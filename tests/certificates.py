"""A certificate that vouches for itself, for tests of TLS on this machine."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificates:
    """A certificate for a host and 127.0.0.1 that is good for some hours after `now` (below 0: it expired), and two
    clients: one that trusts it and one that does not."""

    def __init__(self, folder: Path, host: str = "shop.example", now: datetime | None = None, hours: int = 1) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))])
        now = now or datetime.now(UTC)
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(hours=2)).not_valid_after(now + timedelta(hours=hours))
        made = made.add_extension(names, critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.both = folder / "both.pem"  # key and certificate
        self.both.write_bytes(secret + certificate)
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.load_cert_chain(self.both)
        self.trusting = ssl.create_default_context(cadata=certificate.decode())
        self.wary = ssl.create_default_context()
