// A SASL mechanism of one message: a ticket, for brokers with a server callback of your own.
#pragma once

#include <kurier/engine_parts.hpp>
#include <kurier/io/login.hpp>

namespace shop {
namespace sasl = kurier::sasl;

struct ticket_mechanism
{
    class login
    {
    public:
        sasl::progress start(kurier::secret_bytes ticket)
        {
            message_ = std::move(ticket);
            return message_.view().empty() ? sasl::progress::fail : sasl::progress::send;
        }
        sasl::progress step(kurier::bytes_view) { return sasl::progress::done; } // the broker has agreed
        kurier::bytes_view message() const noexcept { return message_.view(); }
        std::string_view problem() const noexcept { return "the ticket is empty"; }

    private:
        kurier::secret_bytes message_;
    };
    std::string_view name() const noexcept { return "SHOP-TICKET"; } // as in sasl.enabled.mechanisms
    login begin() const { return {}; }
};
static_assert(sasl::mechanism<ticket_mechanism>);
struct ticket_login
{
    kurier::secret ticket;
    kurier::io::login make_login(const kurier::producer_config&) const
    {
        return kurier::io::login_with(ticket_mechanism{}, ticket);
    }
};
static_assert(kurier::login_part<ticket_login>);
} // namespace shop
