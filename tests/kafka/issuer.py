#!/usr/bin/env python3
"""An issuer of signed tokens: `issuer.py RSA_KEY_FILE` prints its URL, and serves

    GET /jwks     the key that brokers check tokens with
    POST /token   for svc and svc-secret, by Basic authentication; the query may bend the token: ?audience=other, ?life=-60
"""
import base64
import http.server
import json
import subprocess
import sys
import time
import urllib.parse

KEY = sys.argv[1]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


MODULUS = bytes.fromhex(openssl("rsa", "-in", KEY, "-noout", "-modulus").decode().strip().split("=")[1])
KEYS = {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "e": "AQAB", "n": encode(MODULUS)}]}


def token(audience="kafka", life="300"):
    now = int(time.time())
    claims = {"iss": "issuer", "sub": "svc", "aud": audience, "iat": now - 120, "exp": now + int(life), "scope": "kafka"}
    text = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT", "kid": "one"}, claims))
    return f"{text}.{encode(openssl('dgst', '-sha256', '-sign', KEY, given=text.encode()))}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, what):
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, KEYS)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"svc:svc-secret").decode():
            return self.answer(401, {"error": "invalid_client"})
        bent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        life = int(bent.get("life", 300))
        self.answer(200, {"access_token": token(**bent), "token_type": "Bearer", "expires_in": max(life, 1)})

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
