// A Kafka cluster inside your program, behind sockets on 127.0.0.1: for tests and examples.
//
//     kurier::testing::embedded_broker broker{context.get_executor()};
//     kurier::producer_config config{broker.bootstrap_servers()};
//     kurier::producer<> producer{context.get_executor(), config};
//
// It accepts what producers ask (ApiVersions, Metadata, InitProducerId, Produce), checks it as a real broker
// would, and keeps the records for log(). cluster() is the model behind it: topics, faults, leaders,
// versions.
//
// Lifetimes: the object refers to itself from pending operations, which end with stop() or with its
// destruction. Thread safety: none; use it on its executor, which must not run two handlers at once.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/config.hpp>
#include <kurier/testing/cluster_model.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing::inline KURIER_TESTING_ABI {

// What lies between a socket and its broker, for one connection: TLS, see testing/tls_broker.hpp.
class connection_filter
{
public:
    virtual ~connection_filter() = default;
    // Bytes came from the client. Appends what they say to the broker, and what the filter itself replies. False: this
    // is the end of the connection.
    virtual bool receive(bytes_view raw, std::vector<std::byte>& plain, std::vector<std::byte>& reply) = 0;
    virtual void send(bytes_view plain, std::vector<std::byte>& raw) = 0;
    virtual void end(std::vector<std::byte>& raw) = 0;
};

class embedded_broker
{
public:
    KURIER_TESTING_DECL explicit embedded_broker(boost::asio::any_io_executor executor,
                                                 cluster_options options = {});
    embedded_broker(embedded_broker&&) noexcept = default;
    embedded_broker& operator=(embedded_broker&&) noexcept = default;
    KURIER_TESTING_DECL ~embedded_broker();

    // "127.0.0.1:PORT,..." of all brokers.
    KURIER_TESTING_DECL std::string bootstrap_servers() const;
    KURIER_TESTING_DECL std::uint16_t port(broker_id broker = 1) const;

    KURIER_TESTING_DECL cluster_model& cluster() noexcept;
    KURIER_TESTING_DECL void create_topic(std::string_view name, std::int32_t partitions = 1);
    KURIER_TESTING_DECL std::int32_t partition_count(std::string_view topic); // 0: there is no such topic
    KURIER_TESTING_DECL std::vector<stored_record> log(std::string_view topic, std::int32_t partition = 0);

    // Closes its connections and refuses new ones, until it is started again on the same port.
    KURIER_TESTING_DECL void stop_broker(broker_id broker);
    KURIER_TESTING_DECL void start_broker(broker_id broker);

    // Connections that are accepted from now on go through such a filter.
    KURIER_TESTING_DECL void filter_by(std::function<std::unique_ptr<connection_filter>()> make_filter);

    // After changes through cluster() that give connections something to do at once.
    KURIER_TESTING_DECL void poll();

    // Ends everything: the event loop is no longer held. Logs stay readable.
    KURIER_TESTING_DECL void stop();

private:
    struct client; // one connection
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace kurier::inline KURIER_ABI::testing::inline KURIER_TESTING_ABI

#if !defined(KURIER_SEPARATE_TESTING)
#include <kurier/testing/impl/embedded_broker.ipp>
#endif
