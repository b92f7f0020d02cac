// Compressed batches and large values, for the scenarios against real Kafka (cases_codecs.py).
//
//     codec_driver send --bootstrap-server B --topic T --partition P --largest BYTES [--threads N]
//                       [--command-property k=v]...
//         Records of every kind of data, from one byte to BYTES. Prints `sent COUNT CRC BYTES CODEC`: the CRC-32 of
//         all values, each with a newline behind it; the codec that the topic had in the end.
//     codec_driver read SEGMENT...
//         Reads segment files of brokers. Prints `read COUNT CRC BYTES CODEC[,CODEC]...`.
//     codec_driver large --bootstrap-server B --topic T --bytes BYTES [--command-property k=v]...
//         One value of so many bytes, not copied. Prints `large CRC PEAK`: by how many bytes the process's peak memory
//         is above what it had when it was idle.
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>
#include <kurier/producer.hpp>
#include <kurier/properties.hpp>
#include <kurier/record/batch_reader.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <zlib.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace asio = boost::asio;

namespace {

using every_codec =
    kurier::codecs<kurier::gzip_codec, kurier::snappy_codec, kurier::lz4_codec, kurier::zstd_codec>;

// CRC-32 and count of values, each with a newline behind it: what a consumer's output has.
class digest
{
public:
    void add(std::string_view value)
    {
        put(value);
        put("\n");
        ++count_;
        bytes_ += value.size();
    }
    std::uint32_t sum() const { return static_cast<std::uint32_t>(sum_); }
    std::string text() const
    {
        return std::to_string(count_) + ' ' + std::to_string(sum()) + ' ' + std::to_string(bytes_);
    }

private:
    void put(std::string_view text)
    {
        sum_ = ::crc32_z(sum_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }

    unsigned long sum_ = ::crc32(0, nullptr, 0);
    std::uint64_t count_ = 0, bytes_ = 0;
};

// --- data ------------------------------------------------------------------------------------------------------------

std::string json(std::mt19937_64& random, std::size_t size)
{
    std::string text;
    while (text.size() < size)
        text += R"({"time":)" + std::to_string(1700000000000 + random() % 100000) +
                R"(,"level":"info","user":"u)" + std::to_string(random() % 5000) + R"(","path":"/item/)" +
                std::to_string(random() % 100) + "\"}";
    text.resize(size);
    return text;
}

std::string noise(std::mt19937_64& random, std::size_t size)
{
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>(random() & 0xffU);
    return text;
}

std::string zeros(std::mt19937_64&, std::size_t size)
{
    return std::string(size, '\0');
}

std::string small_fields(std::mt19937_64& random, std::size_t size)
{
    std::string text;
    while (text.size() < size) {
        text += "\x08";
        text += static_cast<char>(random() % 128);
        text += "\x12\x06sensor\x1d";
        for (int i = 0; i < 4; ++i) text += static_cast<char>(i == 3 ? 0x41 : random() & 0xffU);
    }
    text.resize(size);
    return text;
}

std::string half_packed(std::mt19937_64& random, std::size_t size)
{
    return json(random, size / 2) + noise(random, size - size / 2);
}

// --- commands --------------------------------------------------------------------------------------------------------

struct command_line
{
    std::string what, properties;
    std::map<std::string, std::string> options;
    std::vector<std::string> files;

    std::string text(const std::string& name, const char* otherwise = nullptr) const
    {
        if (const auto found = options.find(name); found != options.end()) return found->second;
        if (!otherwise) throw std::runtime_error{name + " is missing"};
        return otherwise;
    }
    std::size_t number(const std::string& name, const char* otherwise = nullptr) const
    {
        return std::stoul(text(name, otherwise));
    }
    kurier::producer_config config() const
    {
        return kurier::from_properties("bootstrap.servers=" + text("--bootstrap-server") + '\n' + properties);
    }
};

command_line parse(int count, char** arguments)
{
    if (count < 2) throw std::runtime_error{"usage: codec_driver send|read|large ..."};
    command_line made;
    made.what = arguments[1];
    for (int i = 2; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (!name.starts_with("--"))
            made.files.emplace_back(name);
        else if (i + 1 == count)
            throw std::runtime_error{"a value is missing"};
        else if (name == "--command-property")
            made.properties += std::string{arguments[++i]} + '\n';
        else
            made.options[std::string{name}] = arguments[++i];
    }
    return made;
}

asio::awaitable<void> send(const command_line& arguments)
{
    const auto topic = arguments.text("--topic");
    const auto largest = arguments.number("--largest");
    const auto partition = static_cast<std::int32_t>(arguments.number("--partition", "0"));
    const auto threads = arguments.number("--threads", "0");
    asio::thread_pool pool{std::max<std::size_t>(threads, 1)};
    const auto executor = co_await asio::this_coro::executor;
    kurier::engine engine{executor, arguments.config(), every_codec{}};
    if (threads > 0) engine.compress_on(pool.get_executor());
    kurier::producer<> producer{engine};
    digest sum;
    std::string failed;
    std::mt19937_64 random{largest};
    for (std::size_t step = 1, size = 1; step / 10 < largest; size = std::min(step *= 10, largest))
        for (const auto make : {json, noise, zeros, small_fields, half_packed})
            for (std::size_t many = size > 100'000 ? 1 : size > 1000 ? 3 : 20; many > 0; --many) {
                const auto value = make(random, size);
                sum.add(value);
                producer.send({.topic = topic, .value = value, .partition = partition})(
                    [&failed](kurier::error_code ec, const kurier::record_metadata& where) {
                        if (ec) failed = describe(*where.failure);
                    });
                co_await producer.ready();
            }
    co_await producer.close();
    if (!failed.empty()) throw std::runtime_error{failed};
    const auto codec = compression_name(engine.compression_of(topic).choice.id);
    std::cout << "sent " << sum.text() << ' ' << codec << '\n';
}

void read(const command_line& arguments)
{
    every_codec codecs;
    digest sum;
    std::set<std::string_view> used;
    for (const auto& name : arguments.files) {
        std::ifstream file{name, std::ios::binary};
        const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
        kurier::batch_reader reader{kurier::as_bytes(bytes), kurier::batch_origin::log,
                                    kurier::codecs_ref{codecs}};
        kurier::record_view record;
        while (reader.next_batch()) {
            used.insert(compression_name(static_cast<kurier::compression>(reader.header().codec())));
            while (reader.next_record(record)) sum.add(kurier::as_text(record.value.view()));
        }
        if (reader.error() != kurier::batch_error::none)
            throw std::runtime_error{name + ": " + std::string{text(reader.error())}};
    }
    std::cout << "read " << sum.text() << ' ';
    for (const char* comma = ""; const auto name : used) std::cout << std::exchange(comma, ",") << name;
    std::cout << '\n';
}

std::size_t status_kib(std::string_view name)
{
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name)) return std::stoul(line.substr(name.size() + 1));
    throw std::runtime_error{"no such line in /proc/self/status"};
}

asio::awaitable<void> large(const command_line& arguments)
{
    const auto topic = arguments.text("--topic");
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> producer{executor, arguments.config()};
    co_await producer.send({.topic = topic, .value = "idle", .partition = 0});
    std::ofstream{"/proc/self/clear_refs"} << 5; // the peak starts anew
    const auto idle = status_kib("VmRSS");
    digest sum;
    sum.add("idle");
    std::vector<std::byte> value(arguments.number("--bytes"));
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<std::byte>(i * i >> 8U & 0xffU);
    sum.add(kurier::as_text(value));
    co_await producer.send_large({.topic = topic, .partition = 0}, kurier::large_value{std::move(value)});
    co_await producer.close();
    std::cout << "large " << sum.sum() << ' ' << (status_kib("VmHWM") - idle) * 1024 << '\n';
}

void run(const command_line& arguments)
{
    if (arguments.what == "read") return read(arguments);
    asio::io_context context{1};
    asio::co_spawn(context, arguments.what == "large" ? large(arguments) : send(arguments),
                   [](const std::exception_ptr& error) {
                       if (error) std::rethrow_exception(error);
                   });
    context.run();
}

} // namespace

int main(int count, char** arguments)
{
    try {
        run(parse(count, arguments));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "codec_driver: " << error.what() << '\n';
        return 1;
    }
}
