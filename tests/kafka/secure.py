"""What a cluster has to be reached securely: certificates, users, an issuer of tokens, and a listener for each way in."""
import pathlib
import shutil
import subprocess
import sys

import process
from jars import Unavailable, number

HOST = "127.0.0.1"
STORES = "changeit"                                 # the password of every key store here
USERS = {"alice": "alice-secret", "bob": "bob-secret"}
SESSION_MS = 2000
LISTENERS = {"TLS": "SSL", "MUTUAL": "SSL", "WRONGNAME": "SSL", "LOGIN": "SASL_SSL", "OAUTH": "SASL_SSL"}
OAUTH = "org.apache.kafka.common.security.oauthbearer."


def run(*command, folder):
    if not shutil.which(command[0]):
        raise Unavailable(f"no `{command[0]}` (Debian: openssl, openjdk-17-jdk-headless)")
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: {result.stdout[-1000:]}")


def make_certificates(folder):
    """ca.crt; broker, stranger (for another host) and client by it: .crt, .key and, for Java, .p12."""
    folder.mkdir()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *key, "-days", "30", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt", folder=folder)
    for name, hosts in {"broker": f"DNS:localhost,IP:{HOST}", "stranger": "DNS:elsewhere.invalid", "client": ""}.items():
        run("openssl", "req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=folder)
        (folder / f"{name}.ext").write_text(f"subjectAltName={hosts}\n" if hosts else "basicConstraints=CA:FALSE\n")
        run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                "-extfile", f"{name}.ext", "-out", f"{name}.crt", folder=folder)
        run("openssl", "pkcs12", "-export", "-in", f"{name}.crt", "-inkey", f"{name}.key", "-certfile", "ca.crt", "-name", name,
                "-passout", f"pass:{STORES}", "-out", f"{name}.p12", folder=folder)
    # not by OpenSSL: Java takes a certificate for trusted only with a mark of its own
    run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", "ca.crt", "-storetype", "PKCS12", "-keystore", "trust.p12",
        "-storepass", STORES, folder=folder)


class Security:
    """Of one cluster. Tokens and SCRAM users need KRaft."""

    def __init__(self, folder, version):
        self.folder, self.modern = folder / "secure", number(version) >= (4, 0)
        make_certificates(self.folder)
        self.listeners = dict(LISTENERS if self.modern else list(LISTENERS.items())[:-1])
        self.issuer = None

    def start(self):
        if not self.modern:
            return
        run("openssl", "genrsa", "-out", "issuer.key", "2048", folder=self.folder)
        self.issuer = process.start([sys.executable, pathlib.Path(__file__).parent / "issuer.py", self.folder / "issuer.key"],
                                    stdout=subprocess.PIPE, text=True)
        self.issuer_url = self.issuer.stdout.readline().strip()

    def stop(self):
        if self.issuer:
            process.stop(self.issuer)

    def jvm_flags(self):
        if not self.modern:
            return []
        return [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.issuer_url}/jwks"]

    def format_flags(self):
        if not self.modern:
            return []
        return [flag for user, password in USERS.items() for bits in (256, 512)
                for flag in ("--add-scram", f"SCRAM-SHA-{bits}=[name={user},password={password}]")]

    def properties(self):
        folder = self.folder
        mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] if self.modern else ["PLAIN"]
        users = " ".join(f'user_{user}="{password}"' for user, password in USERS.items())
        values = {
            "ssl.keystore.type": "PKCS12", "ssl.keystore.location": folder / "broker.p12", "ssl.keystore.password": STORES,
            "ssl.key.password": STORES, "ssl.truststore.type": "PKCS12", "ssl.truststore.location": folder / "trust.p12",
            "ssl.truststore.password": STORES, "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.wrongname.ssl.keystore.location": folder / "stranger.p12",
            "listener.name.wrongname.ssl.keystore.password": STORES, "listener.name.wrongname.ssl.keystore.type": "PKCS12",
            "listener.name.wrongname.ssl.key.password": STORES, "connections.max.reauth.ms": SESSION_MS,
            "listener.name.login.sasl.enabled.mechanisms": ",".join(mechanisms),
            "listener.name.login.plain.sasl.jaas.config":
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};",
        }
        for mechanism in mechanisms[1:]:
            values[f"listener.name.login.{mechanism.lower()}.sasl.jaas.config"] = \
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        if self.issuer:
            values |= {
                "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
                "listener.name.oauth.oauthbearer.sasl.jaas.config": f"{OAUTH}OAuthBearerLoginModule required;",
                "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": f"{OAUTH}OAuthBearerValidatorCallbackHandler",
                "listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url": f"{self.issuer_url}/jwks",
                "listener.name.oauth.sasl.oauthbearer.expected.audience": "kafka"}
        return values
