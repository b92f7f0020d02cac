// What a source of tokens gives (KIP-255).
#pragma once

#include <kurier/sasl/oauthbearer.hpp>
#include <kurier/secret.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

class oauth_token
{
public:
    using extensions_type = std::vector<sasl::token_extension>;

    oauth_token() = default;

    // Without a lifetime it is used for one login. The string is overwritten.
    explicit oauth_token(std::string value, std::chrono::seconds expires_in = {},
                         extensions_type extensions = {})
        : credential_{sasl::encode_token(value, extensions)}, expires_in_{expires_in}
    {
        wipe(value);
    }

    bytes_view credential() const noexcept { return credential_.view(); }
    std::chrono::seconds expires_in() const noexcept { return expires_in_; }

private:
    secret_bytes credential_;
    std::chrono::seconds expires_in_{};
};

} // namespace kurier::inline KURIER_ABI
