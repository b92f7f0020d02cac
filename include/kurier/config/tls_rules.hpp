// Which settings of TLS exclude or need each other, and which are refused unless kurier.insecure.allow names them.
#pragma once

#include <kurier/config/print.hpp>
#include <kurier/config/problem.hpp>
#include <kurier/config/table.hpp>
#include <kurier/producer_config.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::detail {

class tls_rules
{
public:
    tls_rules(const producer_config& config, config_problems& problems) : config_{config}, problems_{problems}
    {}

    void check()
    {
        if (!config_.uses_tls()) return check_idle();
        check_trust();
        check_identity();
    }

private:
    void error(std::string_view key, std::string text)
    {
        problems_.emplace_back(config_severity::error, std::string{key}, std::move(text));
    }
    void warning(std::string_view key, std::string text)
    {
        problems_.emplace_back(config_severity::warning, std::string{key}, std::move(text));
    }

    bool is_set(const setting_row& row) const
    {
        if (row.hidden) return static_cast<bool>(config_.*row.hidden);
        return print_setting(config_, row) != print_setting(producer_config{}, row);
    }

    // Whoever names files of TLS means to use it.
    void check_idle()
    {
        for (const auto& row : setting_rows) {
            if (!row.key.starts_with("ssl.") || !is_set(row)) continue;
            return warning("security.protocol", std::string{row.key} +
                                                    " has no effect, because security.protocol is "
                                                    "without TLS; set it to SSL or SASL_SSL, or "
                                                    "remove the ssl settings");
        }
    }

    void check_trust()
    {
        if (!config_.ssl_truststore_location.empty() && !config_.ssl_truststore_certificates.empty())
            error("ssl.truststore.location",
                  "ssl.truststore.location and ssl.truststore.certificates are both set; remove one of them");
        const auto& verify = "enable.ssl.certificate.verification";
        const auto& names = "ssl.endpoint.identification.algorithm";
        if (!config_.enable_ssl_certificate_verification)
            acknowledge(
                verify, insecure::unchecked_certificates, "unchecked-certificates",
                "enable.ssl.certificate.verification=false: anybody may be the broker, and read and change "
                "everything");
        else if (config_.ssl_endpoint_identification_algorithm == endpoint_identification::none)
            acknowledge(
                names, insecure::unchecked_names, "unchecked-names",
                "ssl.endpoint.identification.algorithm=none: any host with a certificate of the trusted "
                "authorities may be the broker, and read and change everything");
    }

    void acknowledge(std::string_view key, insecure what, const char* word, std::string text)
    {
        if (config_.allows(what))
            warning(key, std::move(text));
        else
            error(key, text + "; if that is meant, add kurier.insecure.allow=" + word);
    }

    void check_identity()
    {
        const bool file = !config_.ssl_keystore_location.empty();
        const bool chain = !config_.ssl_keystore_certificate_chain.empty();
        const bool key = static_cast<bool>(config_.ssl_keystore_key),
                   key_file = !config_.ssl_key_location.empty();
        if (file && (chain || key))
            error("ssl.keystore.location",
                  "ssl.keystore.location excludes ssl.keystore.certificate.chain and "
                  "ssl.keystore.key; remove one or the others");
        else if (chain && !key && !key_file)
            error("ssl.keystore.certificate.chain",
                  "ssl.keystore.certificate.chain has no key; set ssl.keystore.key or ssl.key.location");
        else if (!chain && !file && (key || key_file))
            error(key ? "ssl.keystore.key" : "ssl.key.location",
                  std::string{key ? "ssl.keystore.key" : "ssl.key.location"} +
                      " has no certificate; set ssl.keystore.certificate.chain or ssl.keystore.location");
        if (key && key_file)
            error("ssl.keystore.key",
                  "ssl.keystore.key and ssl.key.location are both set; remove one of them");
    }

    const producer_config& config_;
    config_problems& problems_;
};

} // namespace kurier::inline KURIER_ABI::detail
