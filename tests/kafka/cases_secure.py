"""TLS and logins: each way in, and what is said when it is closed."""
import time

import secure
from checker import Failed
from clients import Stream, send
from harness import SECURE, SECURE_OLD, scenario


def settings(cluster, protocol, **more):
    return {"security.protocol": protocol, "ssl.truststore.location": cluster.security.folder / "ca.crt"} | {
        key.replace("_", "."): value for key, value in more.items()}


def login(cluster, mechanism, user="alice", password=None):
    return settings(cluster, "SASL_SSL", sasl_mechanism=mechanism, sasl_username=user,
                    sasl_password=password or secure.USERS[user])


def tokens(cluster, query="", client_secret="svc-secret"):
    return settings(cluster, "SASL_SSL", sasl_mechanism="OAUTHBEARER") | {
        "sasl.oauthbearer.token.endpoint.url": f"{cluster.security.issuer_url}/token{query}",
        "sasl.oauthbearer.client.id": "svc", "sasl.oauthbearer.client.secret": client_secret,
        "kurier.insecure.allow": "http-endpoints"}


def delivers(bench, cluster, listener, properties):
    topic = bench.topic("secure", partitions=4)
    sender = Stream(bench.client, cluster.listener(listener), topic, "s", keys=500, value_size=200, records=20000,
                    properties=properties).finish(90)
    bench.judge(topic, [sender])
    assert sender.counts()[0] == 20000, sender.counts()


def refused(bench, cluster, listener, properties, words):
    topic = bench.topic("refused", partitions=1)
    short = {"max.block.ms": 3000, "delivery.timeout.ms": 3000, "request.timeout.ms": 2000}
    (outcome,), _ = send(bench.client, cluster.listener(listener), [(topic, "-", "-", "-", "=v", "")], properties | short)
    assert isinstance(outcome, Failed) and outcome.persisted == "no" and words in outcome.text, outcome
    for password in (*secure.USERS.values(), "svc-secret", "hunter2"):
        assert password not in outcome.text, outcome
    assert not bench.kafka.read(topic)


def own(cluster):
    folder = cluster.security.folder
    return settings(cluster, "SSL", ssl_keystore_location=folder / "client.p12", ssl_keystore_password=secure.STORES)


for name, of in (("", SECURE), (" 2.1.1", SECURE_OLD)):
    scenario(f"11 TLS{name}", of)(lambda bench, cluster: delivers(bench, cluster, "TLS", settings(cluster, "SSL")))
    scenario(f"11 mutual TLS{name}", of)(lambda bench, cluster: delivers(bench, cluster, "MUTUAL", own(cluster)))
    scenario(f"11 PLAIN over TLS{name}", of)(lambda bench, cluster: delivers(bench, cluster, "LOGIN", login(cluster, "PLAIN")))
    scenario(f"11 a wrong password{name}", of)(
        lambda bench, cluster: refused(bench, cluster, "LOGIN", login(cluster, "PLAIN", password="hunter2"), "refuses the login with PLAIN"))

for bits in (256, 512):
    scenario(f"11 SCRAM-SHA-{bits} over TLS", SECURE)(
        lambda bench, cluster, bits=bits: delivers(bench, cluster, "LOGIN", login(cluster, f"SCRAM-SHA-{bits}")))


@scenario("11 tokens of an identity provider", SECURE)
def identity_provider(bench, cluster):
    delivers(bench, cluster, "OAUTH", tokens(cluster))


@scenario("11 ways in that are closed, each with its words", SECURE)
def closed(bench, cluster):
    def case(listener, properties, words):
        refused(bench, cluster, listener, properties, words)
    case("WRONGNAME", settings(cluster, "SSL"), "elsewhere.invalid")
    case("TLS", {"security.protocol": "SSL"}, "not among the system's")
    case("TLS", {}, "security.protocol")
    case("CLIENT", settings(cluster, "SSL"), "without TLS")
    case("MUTUAL", settings(cluster, "SSL"), "ssl.keystore.location")
    case("LOGIN", login(cluster, "SCRAM-SHA-256", password="hunter2"), "refuses the login with SCRAM-SHA-256")
    case("OAUTH", login(cluster, "PLAIN"), "OAUTHBEARER")
    case("OAUTH", tokens(cluster, client_secret="hunter2"), "check the client's id and secret")
    case("OAUTH", tokens(cluster, "?audience=other"), "refuses the login with OAUTHBEARER")
    case("OAUTH", tokens(cluster, "?life=-60"), "refuses the login with OAUTHBEARER")


@scenario("11 sessions that end every two seconds, under load", SECURE)
def sessions(bench, cluster):
    topic = bench.topic("sessions", partitions=4)
    streams = [Stream(bench.client, cluster.listener(listener), topic, prefix, keys=100, value_size=200, throughput=2000,
                      properties=properties)
               for prefix, listener, properties in (("plain", "LOGIN", login(cluster, "PLAIN")),
                                                    ("scram", "LOGIN", login(cluster, "SCRAM-SHA-512", "bob")),
                                                    ("oauth", "OAUTH", tokens(cluster)))]
    time.sleep(5 * secure.SESSION_MS / 1000)
    senders = [stream.end() for stream in streams]
    bench.judge(topic, senders)
    for sender in senders:
        acked, failed = sender.counts()
        assert acked and not failed, (sender.prefix, acked, failed)
