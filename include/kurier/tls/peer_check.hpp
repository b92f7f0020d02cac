// Whom we talk to: the name that the broker is known by goes into the handshake (SNI) and has to be in the broker's
// certificate, and what is wrong with a certificate is kept until somebody asks.
#pragma once

#include <kurier/tls/certificate.hpp>

#include <boost/asio/ip/address.hpp>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <new>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::openssl {

enum class host_check : bool { off, on };
enum class chain_check : bool { off, on };

struct check_rules
{
    chain_check chain = chain_check::on;
    host_check names = host_check::on;
    bool loosen = false; // a verify callback of the context may accept what OpenSSL refuses
};

// As a certificate has it: without the brackets and the zone of an IPv6 address, and without the dot that makes a name
// absolute, which OpenSSL would compare too.
inline std::string certificate_name(std::string_view host)
{
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.find(':') != std::string_view::npos) host = host.substr(0, host.find('%'));
    if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
    return std::string{host};
}

class peer_check
{
public:
    // The SSL must not outlive this object, which stays where it is.
    void attach(SSL* ssl, std::string_view host, const check_rules& rules)
    {
        name_ = certificate_name(host);
        rules_ = rules;
        found_ = {};
        boost::system::error_code not_an_address;
        boost::asio::ip::make_address(name_, not_an_address);
        const bool is_address = !not_an_address;

        X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (!is_address && SSL_set_tlsext_host_name(ssl, name_.c_str()) != 1) throw std::bad_alloc{};
        if (rules.chain == chain_check::on && rules.names == host_check::on) {
            const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, name_.c_str())
                                       : X509_VERIFY_PARAM_set1_host(wanted, name_.c_str(), name_.size());
            if (set != 1) throw std::bad_alloc{};
        }
        SSL_set_ex_data(ssl, place(), this);
        SSL_set_verify(ssl, rules.chain == chain_check::on ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       &peer_check::verify);
    }

    struct fault
    {
        int code = X509_V_OK;
        int depth = 0;         // 0: the broker's own certificate
        int chain_length = 0;  // of what it sent
        bool loosened = false; // the user's callback would have taken it
        certificate_facts certificate;
        std::string detail; // what the code says, in OpenSSL's words
    };
    const fault& found() const noexcept { return found_; }
    const std::string& name() const noexcept { return name_; }

private:
    // Of its own: an Asio stream deletes what it finds as SSL_get_app_data.
    static int place()
    {
        static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        return index;
    }

    // A callback that the user's context has may refuse more, and less only if that is allowed.
    static int verify(int good, X509_STORE_CTX* store) noexcept
    {
        SSL* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
        auto& self = *static_cast<peer_check*>(SSL_get_ex_data(ssl, place()));
        const auto users = SSL_CTX_get_verify_callback(SSL_get_SSL_CTX(ssl));
        bool taken = good != 0;
        if (users) taken = users(good, store) != 0;
        if (self.rules_.chain == chain_check::off || (taken && (good || self.rules_.loosen))) return 1;
        if (self.found_.code == X509_V_OK) self.keep(store, good != 0, taken);
        return 0;
    }

    void keep(X509_STORE_CTX* store, bool good, bool taken) noexcept
    {
        found_.code = X509_STORE_CTX_get_error(store);
        if (found_.code == X509_V_OK && good) found_.code = X509_V_ERR_APPLICATION_VERIFICATION;
        X509_STORE_CTX_set_error(store, found_.code);
        found_.depth = X509_STORE_CTX_get_error_depth(store);
        found_.loosened = taken;
        const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
        found_.chain_length = sent ? sk_X509_num(sent) : 0;
        try {
            found_.detail = X509_verify_cert_error_string(found_.code);
            if (X509* current = X509_STORE_CTX_get_current_cert(store))
                found_.certificate = certificate_facts{current};
        } catch (const std::bad_alloc&) { // the code tells the most
        }
    }

    std::string name_;
    check_rules rules_;
    fault found_;
};

} // namespace kurier::inline KURIER_ABI::openssl
