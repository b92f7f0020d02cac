// A loopback world whose broker wants a login.
#pragma once

#include "loopback.hpp"

#include <kurier/plain.hpp>
#include <kurier/scram.hpp>
#include <kurier/testing/scram_users.hpp>

namespace kurier::inline KURIER_ABI::testing {

struct guarded : loopback
{
    explicit guarded(cluster_options options = {}) : loopback{std::move(options)}
    {
        config.security_protocol = security_protocol::sasl_plaintext;
        config.insecure_allow = insecure::cleartext_secrets;
        broker->create_topic("t");
    }

    login_desk& logins() { return cluster().logins(); }
    void takes_plain() { logins().add(plain_users{{{"alice", "secret"}, {"bob", "other"}}}); }
    void takes_scram()
    {
        logins().add(scram_users<sasl::sha256>{{{"alice", "secret"}}});
        logins().add(scram_users<sasl::sha512>{{{"alice", "secret"}}, 8192});
    }

    template <class Login> kurier::producer<> make_producer(Login login)
    {
        return kurier::producer<>{kurier::engine{context.get_executor(), config, log, std::move(login)}};
    }

    // Sends a record, and what became of it.
    template <class Producer> outcome send(Producer& producer, std::string_view value = "v")
    {
        outcome result;
        producer.send({.topic = "t", .value = value})(result.take());
        REQUIRE(until([&] { return result.told > 0; }));
        return result;
    }

    void expect_no_violation()
    {
        for (const auto& text : cluster().violations().texts()) FAIL_CHECK(text);
    }
};

inline plain alice()
{
    return plain{"alice", secret::literal("secret")};
}

} // namespace kurier::inline KURIER_ABI::testing
