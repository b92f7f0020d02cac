// Why TLS with a broker failed: an error code, and a sentence with what was seen, the peer's words, the likely cause and
// what to change. OpenSSL gives the same code to a wrong host name and an unknown authority, and none at all to a
// plaintext port; what was known before tells them apart.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/error.hpp>
#include <kurier/tls/peer_check.hpp>
#include <kurier/tls/session.hpp>
#include <kurier/wire/escape.hpp>

#include <boost/asio/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>
#include <openssl/x509_vfy.h>

#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::openssl {

struct failure
{
    error_code code;
    std::string text;
};

// What one has to know to explain a failure.
struct circumstances
{
    const session& connection;
    const peer_check& check;
    std::string trusted;   // "3 authorities of /etc/ssl/certs"
    std::string own;       // our certificate: "CN=client (issued by CN=ca, valid until ...)"; empty: none
    bool answered = false; // plaintext has come
};

// --- the broker's certificate ----------------------------------------------------------------------------------------

inline std::string explain_certificate(const circumstances& seen)
{
    const auto& found = seen.check.found();
    const auto& cert = found.certificate;
    const auto& host = seen.check.name();
    const auto hosts = cert.hosts.empty() ? std::string{"no host at all"} : cert.hosts;
    switch (found.code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "expired on " + cert.valid_until + ", and the clock here says " + time_now() +
               "; renew it, or set the clock";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "is valid from " + cert.valid_from + " only, and the clock here says " + time_now() +
               "; set the clock";
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        if (found.chain_length <= 1)
            return "was issued by " + cert.issuer + ", which is not among " + seen.trusted +
                   ", and came alone; add that authority to ssl.truststore.location, or, if it is an "
                   "intermediate "
                   "one, its certificate to the broker's keystore";
        return "was issued by " + cert.issuer + ", which is not among " + seen.trusted +
               "; add that authority to ssl.truststore.location";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "belongs to a chain that ends in the authority " + cert.subject + ", which is not among " +
               seen.trusted + "; add it to ssl.truststore.location if it is yours";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "is signed by itself and not among " + seen.trusted +
               "; add it to ssl.truststore.location if it is the right one";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        return "was issued by " + cert.issuer +
               ", which is missing; add the root authority to ssl.truststore.location";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "is for " + hosts + ", not for " + host +
               "; use one of its names in bootstrap.servers and in the broker's advertised.listeners, or "
               "have " +
               host + " added to it";
    case X509_V_ERR_INVALID_PURPOSE:
        return "is not for servers (extended key usage)";
    case X509_V_ERR_CERT_REVOKED:
        return "was revoked";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return "can't be checked: ssl.crl.location has no list of " + cert.issuer;
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return "can't be checked: the revocation list of " + cert.issuer + " is out of date; renew it";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        return "has a key that is too short for OpenSSL's security level; have it issued with a longer one";
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return "has a signature by a weak digest (SHA-1 or MD5); have it issued anew";
    case X509_V_ERR_INVALID_CA:
        return "was issued by " + cert.subject + ", which may not issue certificates";
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        return "has a longer chain than " + cert.subject + " allows";
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
        return "has a name for which its authority may not issue certificates (name constraints)";
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return "has a critical extension that is unknown here";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return "has a wrong signature of " + cert.issuer +
               ": an authority of this name is trusted, with another key; is ssl.truststore.location an old "
               "file?";
    default:
        return "is refused: " + found.detail;
    }
}

inline failure certificate_failure(const circumstances& seen)
{
    const auto& found = seen.check.found();
    const bool own = found.depth == 0 || found.code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
    auto text = std::string{own ? "the broker's certificate " : "a certificate in the broker's chain "} +
                explain_certificate(seen);
    if (found.loosened)
        text += "; a callback of the program would take it, which needs "
                "kurier.insecure.allow=unchecked-certificates";
    text += " (certificate " + found.certificate.subject + ", issued by " + found.certificate.issuer +
            ", valid from " + found.certificate.valid_from + " until " + found.certificate.valid_until + ')';
    return {errc::untrusted_broker, std::move(text)};
}

// --- what the peer says ----------------------------------------------------------------------------------------------

inline std::string alert_words(int alert)
{
    const std::string_view name = alert == TLS13_AD_CERTIFICATE_REQUIRED
                                      ? "certificate required" // OpenSSL 3.0 forgets it
                                      : SSL_alert_desc_string_long(alert);
    return '"' + std::string{name} + "\" (TLS alert " + std::to_string(alert) + ')';
}

inline failure alert_failure(int alert, const circumstances& seen)
{
    const auto words = alert_words(alert);
    const bool none = seen.own.empty();
    switch (alert) {
    case TLS13_AD_CERTIFICATE_REQUIRED:
        return {errc::certificate_refused,
                "the broker wants a certificate of this client, and there is none: " + words +
                    "; set ssl.keystore.location"};
    case SSL3_AD_BAD_CERTIFICATE:
    case SSL3_AD_UNSUPPORTED_CERTIFICATE:
    case SSL3_AD_CERTIFICATE_REVOKED:
    case SSL3_AD_CERTIFICATE_EXPIRED:
    case SSL3_AD_CERTIFICATE_UNKNOWN:
    case TLS1_AD_UNKNOWN_CA:
    case TLS1_AD_ACCESS_DENIED:
        if (none)
            return {errc::certificate_refused,
                    "the broker wants a certificate of this client, and there is none: " + words +
                        "; set ssl.keystore.location"};
        return {errc::certificate_refused,
                "the broker refuses this client's certificate " + seen.own + ": " + words +
                    "; it must be valid and issued by an authority in the broker's truststore"};
    case SSL3_AD_HANDSHAKE_FAILURE:
        return {none ? errc::certificate_refused : errc::tls_failed,
                "the broker ended the TLS handshake: " + words + "; " +
                    (none
                         ? "it may want a certificate of this client (ssl.keystore.location), or there is no "
                           "common cipher"
                         : "there is no common cipher, or it refuses this client's certificate " + seen.own)};
    case TLS1_AD_PROTOCOL_VERSION:
        return {errc::tls_failed,
                "the broker has no TLS version in common with this client, which takes 1.2 and 1.3: " +
                    words + "; compare ssl.enabled.protocols of both"};
    case TLS1_AD_INSUFFICIENT_SECURITY:
        return {errc::tls_failed, "the broker wants stronger ciphers: " + words};
    case TLS1_AD_UNRECOGNIZED_NAME:
        return {errc::tls_failed, "whoever answers there has no route for the name " + seen.check.name() +
                                      ": " + words + "; check the host name"};
    case TLS1_AD_INTERNAL_ERROR:
        return {errc::tls_failed, "the broker has trouble of its own: " + words + "; its log says more"};
    case SSL3_AD_BAD_RECORD_MAC:
        return {errc::tls_failed,
                "the broker got a damaged record: " + words + "; something in between changes bytes"};
    default:
        return {errc::tls_failed, "the broker ended TLS: " + words};
    }
}

// --- what it is, if not TLS ------------------------------------------------------------------------------------------

inline bool is_tls_record(bytes_view first) noexcept
{
    return first.size() >= 3 && first[0] >= std::byte{20} && first[0] <= std::byte{23} &&
           first[1] == std::byte{3};
}

inline failure stranger_failure(bytes_view first)
{
    const auto text = as_text(first);
    if (text.starts_with("HTTP") || text.starts_with("<"))
        return {errc::http_peer, "an HTTP server without TLS answered, not Kafka; check the port"};
    if (text.starts_with("SSH-"))
        return {errc::plaintext_peer, "an SSH server answered, not Kafka; check the port"};
    return {errc::plaintext_peer, "the peer answered with bytes that are not TLS (\"" +
                                      wire::escape(text, 16) + "\"); check the port, and security.protocol"};
}

inline failure session_failure(const circumstances& seen)
{
    if (seen.check.found().code != X509_V_OK && !seen.connection.established())
        return certificate_failure(seen);
    const auto error = seen.connection.error();
    const int reason = ERR_GET_REASON(error);
    if (reason >= SSL_AD_REASON_OFFSET) return alert_failure(reason - SSL_AD_REASON_OFFSET, seen);
    if (!is_tls_record(seen.connection.first_bytes())) return stranger_failure(seen.connection.first_bytes());
    const char* words = error ? ERR_reason_error_string(error) : "no memory";
    auto text = std::string{words ? words : "unknown"} + " (OpenSSL " + std::to_string(error) + ')';
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return {errc::tls_failed,
                "the broker has no TLS version in common with this client, which takes 1.2 and 1.3: " + text +
                    "; compare ssl.enabled.protocols of both"};
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE:
        return {errc::tls_failed,
                "the broker ended the TLS handshake without a readable reason, as old brokers on new "
                "Java versions do: " +
                    text + "; check whether it wants a certificate of this client"};
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
        return {errc::tls_failed, "a damaged record came: " + text + "; something in between changes bytes"};
    default:
        return {errc::tls_failed,
                (seen.connection.established() ? "TLS failed: " : "the TLS handshake failed: ") + text};
    }
}

// The connection ended under TLS, without its close_notify: `why` is the socket's error.
inline failure lost_failure(error_code why, const circumstances& seen)
{
    const bool ended = why == boost::asio::error::eof || why == boost::asio::error::connection_reset ||
                       why == boost::asio::error::broken_pipe;
    if (!ended) return {why, {}};
    if (!seen.connection.established() && seen.connection.first_bytes().empty())
        return {errc::plaintext_peer, "the peer closed the connection as soon as TLS was spoken to it: "
                                      "probably a listener without TLS; set "
                                      "security.protocol as the listener has it, or use another port"};
    if (!seen.connection.established())
        return {errc::tls_failed, "the peer closed the connection in the middle of the TLS handshake"};
    if (!seen.answered)
        return {errc::disconnected,
                std::string{"the broker closed the connection after the TLS handshake, before it answered"} +
                    (seen.own.empty() ? "; it may want a certificate of this client (ssl.keystore.location)"
                                      : "; it may refuse this client's certificate " + seen.own)};
    return {why, {}};
}

} // namespace kurier::inline KURIER_ABI::openssl
