// What an engine takes beside its executor and its configuration, in any order:
//
//     kurier::codecs<...>   for compression.type, see compression.hpp
//     a log sink            anything that can be called with a log_event, see log.hpp; without one, stderr_log
//     an observer           with on_batch or on_broker, see observer.hpp; there may be several
//     a transport factory   how brokers are connected to; without one, TCP
//     a resolver factory    how names of hosts are looked up; without one, by the operating system
//     a login               kurier::plain, kurier::scram_sha512, kurier::oauthbearer, kurier::sasl::from_config
//
// An object may be several of them, and may have a say about the configuration (checks_config). Each is moved into the engine's state and lives as long as that.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/config/problem.hpp>
#include <kurier/io/driver.hpp>
#include <kurier/log.hpp>
#include <kurier/observer.hpp>
#include <kurier/partitioner.hpp>
#include <kurier/producer_config.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <functional>
#include <memory>

namespace kurier::inline KURIER_ABI {

// Called for each connection, see io/transport.hpp.
template <class F>
concept transport_factory =
    requires(F& factory, const boost::asio::any_io_executor& executor, const producer_config& config) {
        { factory.make_transport(executor, config) } -> std::same_as<std::unique_ptr<io::transport>>;
    };

// Called for each connection to a host that has to be looked up, see io/resolver.hpp.
template <class F>
concept resolver_factory = requires(F& factory, const boost::asio::any_io_executor& executor) {
    { factory.make_resolver(executor) } -> std::same_as<std::unique_ptr<io::resolver>>;
};

// How the engine's connections log in. An io::login with nothing in it: they don't.
template <class L>
concept login_part = requires(const L& part, const producer_config& config) {
    { part.make_login(config) } -> std::same_as<io::login>;
};

// Asked when the engine is made: may add problems, and remember what it needs of the configuration.
template <class P>
concept checks_config = requires(P& part, const producer_config& config, config_problems& problems) {
    part.check(config, problems);
};

// Given a way into the log before the first connection is made.
template <class P>
concept logs_by_engine = requires(P& part, std::function<void(log_event)> log) { part.log_by(log); };

namespace detail {

template <class Part> inline constexpr bool is_codec_list = false;
template <class... Codec> inline constexpr bool is_codec_list<codecs<Codec...>> = true;

template <class P>
concept has_make_transport = requires { &P::make_transport; };
template <class P>
concept has_make_resolver = requires { &P::make_resolver; };
template <class P>
concept has_make_login = requires { &P::make_login; };

// The codec list among the parts; an empty one if there is none.
template <class... Part> struct codec_list_of
{
    using type = codecs<>;
};
template <class First, class... Rest> struct codec_list_of<First, Rest...> : codec_list_of<Rest...>
{};
template <class... Codec, class... Rest> struct codec_list_of<codecs<Codec...>, Rest...>
{
    using type = codecs<Codec...>;
};

} // namespace detail

// Something that an engine may be given.
template <class Part>
concept engine_part =
    detail::is_codec_list<Part> || log_sink<Part> || observes_batches<Part> || observes_brokers<Part> ||
    transport_factory<Part> || resolver_factory<Part> || login_part<Part>;

namespace detail {

template <class Part> consteval void check_engine_part()
{
    check_hooks<Part>();
    static_assert(!compression_codec<Part>,
                  "kurier: codecs are given to an engine as a list: kurier::codecs<kurier::zstd_codec>{}");
    static_assert(!partitioner<Part>,
                  "kurier: a partitioner is no part of an engine; it belongs to a producer, whose template "
                  "argument its type is");
    static_assert(
        !has_make_transport<Part> || transport_factory<Part>,
        "kurier: a transport factory's make_transport must be callable as: "
        "std::unique_ptr<kurier::io::transport> make_transport(const boost::asio::any_io_executor&, "
        "const kurier::producer_config&)");
    static_assert(!has_make_resolver<Part> || resolver_factory<Part>,
                  "kurier: a resolver factory's make_resolver must be callable as: "
                  "std::unique_ptr<kurier::io::resolver> make_resolver(const boost::asio::any_io_executor&)");
    static_assert(
        !has_make_login<Part> || login_part<Part>,
        "kurier: a login has kurier::io::login make_login(const kurier::producer_config&) const and "
        "kurier::config_problems check_login(const kurier::producer_config&) const");
    static_assert(engine_part<Part>,
                  "kurier: this is no part of an engine; those are kurier::codecs<...>, a log sink (callable "
                  "with const log_event&), an observer (on_batch or on_broker), a transport factory "
                  "(make_transport), a resolver factory (make_resolver) and a login (make_login)");
}

} // namespace detail

// Fails to compile with the reason why these are no parts for one engine. Use: static_assert(check_engine_parts<P...>()).
template <class... Part> consteval bool check_engine_parts()
{
    (detail::check_engine_part<Part>(), ...);
    static_assert((0 + ... + int{detail::is_codec_list<Part>}) <= 1,
                  "kurier: an engine takes one list of codecs: kurier::codecs<first_codec, second_codec>{}");
    static_assert((0 + ... + int{log_sink<Part>}) <= 1, "kurier: an engine takes one log sink");
    static_assert((0 + ... + int{transport_factory<Part>}) <= 1,
                  "kurier: an engine takes one transport factory");
    static_assert((0 + ... + int{resolver_factory<Part>}) <= 1,
                  "kurier: an engine takes one resolver factory");
    static_assert((0 + ... + int{login_part<Part>}) <= 1, "kurier: an engine takes one login");
    return true;
}

} // namespace kurier::inline KURIER_ABI
