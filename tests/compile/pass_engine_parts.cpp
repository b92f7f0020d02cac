// An engine's parts come in any order, and a producer with an engine of its own takes them too.
#include <kurier/compression/gzip.hpp>
#include <kurier/io/resolver.hpp>
#include <kurier/io/transport.hpp>
#include <kurier/producer.hpp>

struct watcher
{
    void on_batch(const kurier::batch_event&) noexcept {}
};

struct own_log // and no copies of it
{
    own_log() = default;
    own_log(own_log&&) = default;
    void operator()(const kurier::log_event&) {}
};

struct own_network // several parts in one
{
    std::unique_ptr<kurier::io::transport> make_transport(const boost::asio::any_io_executor&,
                                                          const kurier::producer_config&);
    std::unique_ptr<kurier::io::resolver> make_resolver(const boost::asio::any_io_executor&);
    void on_broker(const kurier::broker_event&) noexcept;
};

struct first_partition
{
    std::int32_t partition(const kurier::partition_query&) noexcept { return 0; }
};

void engines(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine plain{executor, config};
    kurier::engine logging{executor, config, own_log{}};
    kurier::engine codecs{executor, config, kurier::codecs<kurier::gzip_codec>{}};
    kurier::engine both{executor, config, kurier::codecs<kurier::gzip_codec>{}, kurier::null_log{}};
    kurier::engine turned{executor, config, kurier::null_log{}, kurier::codecs<kurier::gzip_codec>{}};
    kurier::engine all{executor, config, own_network{}, watcher{}, kurier::codecs<>{}, own_log{}, watcher{}};
}

void producers(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::producer<> plain{executor, config};
    kurier::producer<> logging{executor, config, own_log{}};
    kurier::producer<> all{executor, config, kurier::codecs<kurier::gzip_codec>{}, own_network{}, own_log{}};
    using own = kurier::producer<std::string_view, std::string_view, first_partition>;
    own partitioned{executor, config, first_partition{}};
    own defaulted{executor, config, {}};
    own with_log{executor, config, own_log{}};
}
