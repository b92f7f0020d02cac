// What is said about a certificate: whose it is, who issued it, when and for which hosts it is valid. All of it comes from
// the peer or from a file, so it is escaped.
#pragma once

#include <kurier/wire/escape.hpp>

#include <boost/asio/ip/address.hpp>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::openssl {

template <auto Free> struct freed_by
{
    template <class T> void operator()(T* object) const noexcept { Free(object); }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<&BIO_free_all>>;
using x509_ptr = std::unique_ptr<X509, freed_by<&X509_free>>;

inline constexpr std::size_t shown_name_max = 200;

// What `print` writes.
template <class Print> std::string printed(Print print)
{
    const bio_ptr out{BIO_new(BIO_s_mem())};
    if (!out) return {};
    print(out.get());
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &data);
    return wire::escape({data, static_cast<std::size_t>(std::max(size, 0L))}, shown_name_max);
}

inline std::string text_of(const X509_NAME* name)
{
    auto text =
        printed([&](BIO* out) { X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB); });
    return text.empty() ? "(no name)" : text;
}
inline std::string text_of(const ASN1_TIME* time)
{
    return printed([&](BIO* out) { ASN1_TIME_print_ex(out, time, ASN1_DTFLGS_ISO8601); });
}
inline std::string time_now()
{
    const std::unique_ptr<ASN1_TIME, freed_by<&ASN1_TIME_free>> now{
        ASN1_TIME_set(nullptr, std::time(nullptr))};
    return now ? text_of(now.get()) : std::string{};
}

// "a.example.com, 10.0.0.1": the names that it is valid for, and not more of them than one wants to read.
inline std::string hosts_of(X509* certificate)
{
    constexpr int shown_max = 8;
    const std::unique_ptr<GENERAL_NAMES, freed_by<&GENERAL_NAMES_free>> names{
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
    std::string list;
    const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
    for (int i = 0; i < std::min(count, shown_max); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        const ASN1_STRING* value = name->type == GEN_DNS     ? name->d.dNSName
                                   : name->type == GEN_IPADD ? name->d.iPAddress
                                                             : nullptr;
        if (!value) continue;
        const auto* data = ASN1_STRING_get0_data(value);
        const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
        std::string text;
        if (name->type == GEN_DNS) {
            text = wire::escape({reinterpret_cast<const char*>(data), size}, shown_name_max);
        } else if (boost::asio::ip::address_v4::bytes_type v4; size == v4.size()) {
            std::memcpy(v4.data(), data, size);
            text = boost::asio::ip::address_v4{v4}.to_string();
        } else if (boost::asio::ip::address_v6::bytes_type v6; size == v6.size()) {
            std::memcpy(v6.data(), data, size);
            text = boost::asio::ip::address_v6{v6}.to_string();
        }
        list += (list.empty() ? "" : ", ") + text;
    }
    if (count > shown_max) list += " and others";
    return list;
}

// Of one certificate, so that its owner finds it.
struct certificate_facts
{
    certificate_facts() = default;
    explicit certificate_facts(X509* certificate)
        : subject{text_of(X509_get_subject_name(certificate))},
          issuer{text_of(X509_get_issuer_name(certificate))},
          valid_from{text_of(X509_get0_notBefore(certificate))},
          valid_until{text_of(X509_get0_notAfter(certificate))}, hosts{hosts_of(certificate)}
    {}

    std::string subject, issuer, valid_from, valid_until, hosts;
};

} // namespace kurier::inline KURIER_ABI::openssl
