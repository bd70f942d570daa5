"""A reverse proxy before the local Weave server, for what that server does not do itself: TLS with a certificate of an
authority of its own, and access tokens in exchange for an identity token.

  python front.py --backend PORT --key KEY [--tls DIRECTORY] [--jwt TEXT]

It prints its port. With --tls it writes the authority's certificate to DIRECTORY/ca.pem. With --jwt, POST /oidc/token
exchanges that JWT for the access tokens token-1, token-2 and so on; the last one alone is accepted as bearer token.
/test/revoke ends it."""
import argparse
import base64
import datetime
import http.client
import http.server
import ipaddress
import json
import pathlib
import ssl
import urllib.parse

parser = argparse.ArgumentParser()
parser.add_argument("--backend", type=int, required=True)
parser.add_argument("--key", required=True)
parser.add_argument("--tls", type=pathlib.Path)
parser.add_argument("--jwt")
opts = parser.parse_args()
granted = 0


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.handle_any()

    def do_POST(self):
        self.handle_any()

    def handle_any(self):
        global granted
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if opts.jwt and self.path == "/oidc/token":
            form = urllib.parse.parse_qs(body.decode())
            want = {"grant_type": ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "assertion": [opts.jwt]}
            if form != want or self.headers.get("content-type") != "application/x-www-form-urlencoded":
                return self.answer(400, {"error": "invalid_grant"})
            granted += 1
            return self.answer(200, {"access_token": f"token-{granted}", "expires_in": 3600, "token_type": "Bearer"})
        if opts.jwt and self.path == "/test/revoke":
            granted += 1
            return self.answer(200, {})
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        if opts.jwt:
            if headers.get("authorization") != f"Bearer token-{granted}":
                return self.answer(401, {"detail": "the access token is not valid"})
            headers["authorization"] = "Basic " + base64.b64encode(f"api:{opts.key}".encode()).decode()
        backend = http.client.HTTPConnection("127.0.0.1", opts.backend)
        backend.request(self.command, self.path, body, headers)
        got = backend.getresponse()
        self.answer(got.status, got.read(), got.headers.get("content-type"))

    def answer(self, status, body, content_type="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", content_type or "application/octet-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def certificate(subject, issuer, public, signer, authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = builder if authority else builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
if opts.tls:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority for tests")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    pem = serialization.Encoding.PEM
    opts.tls.joinpath("ca.pem").write_bytes(
        certificate(root, root, root_key.public_key(), root_key, True).public_bytes(pem))
    opts.tls.joinpath("server.pem").write_bytes(
        certificate(name, root, key.public_key(), root_key, False).public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(opts.tls / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
