// Sends what the scenarios against real Kafka ask for, and reports each record's fate. clients.py has the
// commands and the format of the lines.
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>
#include <kurier/oidc.hpp>
#include <kurier/producer.hpp>
#include <kurier/properties.hpp>
#include <kurier/sasl.hpp>
#include <kurier/serializers/uuid.hpp>
#include <kurier/tls.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

class command_line
{
public:
    command_line(int count, char** arguments)
    {
        if (count < 2)
            throw std::runtime_error{"usage: kafka_driver serializers|send|stream --bootstrap-server ..."};
        what = arguments[1];
        for (int i = 2; i + 1 < count; i += 2) {
            const std::string_view name = arguments[i], value = arguments[i + 1];
            if (name == "--command-property")
                properties += std::string{value} + '\n';
            else
                options_[std::string{name}] = value;
        }
    }

    std::string text(const char* name, const char* otherwise = nullptr) const
    {
        if (const auto found = options_.find(name); found != options_.end()) return found->second;
        if (!otherwise) throw std::runtime_error{std::string{name} + " is missing"};
        return otherwise;
    }
    std::int64_t number(const char* name, const char* otherwise) const
    {
        return std::stoll(text(name, otherwise));
    }

    kurier::producer_config config() const
    {
        return kurier::from_properties("bootstrap.servers=" + text("--bootstrap-server") + '\n' + properties);
    }

    kurier::stderr_log log() const
    {
        const bool all = text("--log", "info") == "debug";
        return kurier::stderr_log{all ? kurier::log_level::debug : kurier::log_level::info};
    }

    std::string what;
    std::string properties;

private:
    std::map<std::string, std::string> options_;
};

// Standard output: a line for each record, written when there is much of it and 20 times a second.
class report
{
public:
    void fate(std::string_view id, const kurier::error_code& ec, const kurier::record_metadata& where)
    {
        if (ec) {
            ++failed;
            const auto& failure = *where.failure;
            line("failed\t", id, '\t', to_string(failure.persisted), '\t', kurier::error_name(failure.code),
                 '\t', describe(failure));
        } else {
            ++acked;
            line("ok\t", id, '\t', std::to_string(where.partition), '\t', std::to_string(where.offset), '\t',
                 std::to_string(where.time.time_since_epoch().count()));
        }
    }

    template <class... Parts> void line(const Parts&... parts)
    {
        ((text_ += parts), ...);
        text_ += '\n';
        if (text_.size() > 65536) flush();
    }

    void flush()
    {
        std::fwrite(text_.data(), 1, text_.size(), stdout);
        std::fflush(stdout);
        text_.clear();
    }

    std::int64_t acked = 0, failed = 0;

private:
    std::string text_;
};

asio::awaitable<void> sleep(std::chrono::nanoseconds time)
{
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

// --- serializers -------------------------------------------------------------------------------------------

template <class T> void send_typed(kurier::engine& engine, report& out, const std::string& topic,
                                   std::string_view name, std::string_view java_type, const T& value)
{
    kurier::producer<T, T> producer{engine};
    const kurier::header_view headers[] = {
        {"case", name}, {"key-type", java_type}, {"value-type", java_type}};
    producer.send({.topic = topic, .key = value, .value = value, .headers = headers})(
        [&out, name](kurier::error_code ec, kurier::record_metadata where) { out.fate(name, ec, where); });
}

asio::awaitable<int> serializers(const command_line& arguments, report& out)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::engine engine{executor, arguments.config()};
    const auto topic = arguments.text("--topic");
    const auto send = [&](std::string_view name, std::string_view java_type, const auto& value) {
        send_typed(engine, out, topic, name, java_type, value);
    };
    std::vector<std::byte> raw{std::byte{0}, std::byte{0xff}, std::byte{0x80}, std::byte{0x7f}};
    kurier::uuid id;
    constexpr unsigned char id_bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                          0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = std::byte{id_bytes[i]};

    send("string", "string", std::string{"gr\u00fc\u00dfe \u2603"});
    send("string_view", "string", "view"sv);
    send("c_string", "string", static_cast<const char*>("literal"));
    send("empty_string", "string", std::string{});
    send("int16", "short", std::int16_t{-12345});
    send("int32", "integer", std::int32_t{-1234567890});
    send("int64", "long", std::int64_t{-1234567890123456789});
    send("float", "float", -1.5e-7f);
    send("double", "double", 3.141592653589793);
    send("uuid", "uuid", id);
    send("bytes", "bytes", kurier::bytes_view{raw});
    send("vector", "bytes", std::vector<std::byte>{std::byte{1}, std::byte{2}, std::byte{3}});
    send("null", "void", nullptr);
    send("optional_empty", "string", std::optional<std::string>{});
    send("optional_full", "integer", std::optional<std::int32_t>{42});
    co_await engine.close();
    co_return 0;
}

// --- send --------------------------------------------------------------------------------------------------

// A field of an input line: `-`, `=text`, `xHEX`, `*COUNT`
class field
{
public:
    explicit field(std::string_view code)
    {
        const auto rest = std::string{code.substr(1)};
        switch (code.front()) {
        case '-':
            null_ = true;
            break;
        case '=':
            bytes_ = rest;
            break;
        case '*':
            bytes_.assign(std::stoul(rest), 'x');
            break;
        case 'x':
            for (std::size_t i = 0; i < rest.size(); i += 2)
                bytes_ += static_cast<char>(std::stoi(rest.substr(i, 2), nullptr, 16));
            break;
        default:
            throw std::runtime_error{"cannot read " + std::string{code}};
        }
    }
    kurier::nullable_bytes view() const
    {
        return null_ ? kurier::nullable_bytes{} : kurier::nullable_bytes{std::string_view{bytes_}};
    }

private:
    std::string bytes_;
    bool null_ = false;
};

std::vector<std::string> split(const std::string& text, char separator)
{
    std::vector<std::string> parts{""};
    for (const char c : text) {
        if (c == separator)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

using every_codec =
    kurier::codecs<kurier::gzip_codec, kurier::snappy_codec, kurier::lz4_codec, kurier::zstd_codec>;
using bytes_producer = kurier::producer<kurier::nullable_bytes, kurier::nullable_bytes>;

void send_line(bytes_producer& producer, report& out, const std::string& line, std::string id)
{
    const auto fields = split(line, '\t');
    const field key{fields.at(3)}, value{fields.at(4)};
    std::vector<std::string> names;
    std::vector<field> header_values;
    if (!fields.at(5).empty()) {
        for (const auto& header : split(fields[5], ',')) {
            const auto colon = header.find(':');
            names.push_back(header.substr(0, colon));
            header_values.emplace_back(header.substr(colon + 1));
        }
    }
    std::vector<kurier::header_view> headers;
    for (std::size_t i = 0; i < names.size(); ++i) headers.push_back({names[i], header_values[i].view()});
    std::optional<std::int32_t> partition;
    if (fields[1] != "-") partition = std::stoi(fields[1]);
    std::optional<kurier::timestamp> time;
    if (fields[2] != "-") time = kurier::timestamp{std::chrono::milliseconds{std::stoll(fields[2])}};
    producer.send({.topic = fields[0],
                   .key = key.view(),
                   .value = value.view(),
                   .partition = partition,
                   .headers = headers,
                   .time = time})(
        [&out, id = std::move(id)](kurier::error_code ec, kurier::record_metadata where) {
            out.fate(id, ec, where);
        });
}

asio::awaitable<int> send(const command_line& arguments, report& out)
{
    const auto executor = co_await asio::this_coro::executor;
    bytes_producer producer{kurier::engine{executor, arguments.config(), kurier::tls{},
                                           kurier::sasl::from_config{kurier::oidc{}}}};
    std::int64_t number = 0;
    for (std::string line; std::getline(std::cin, line); ++number)
        send_line(producer, out, line, std::to_string(number));
    co_await producer.close();
    co_return 0;
}

// --- stream ------------------------------------------------------------------------------------------------

class stream
{
public:
    stream(asio::any_io_executor executor, const command_line& arguments, report& out)
        : out_{out}, producer_{kurier::engine{executor, arguments.config(), every_codec{}, arguments.log(),
                                              kurier::tls{}, kurier::sasl::from_config{kurier::oidc{}}}},
          stop_{executor, SIGTERM, SIGINT}, topic_{arguments.text("--topic")},
          prefix_{arguments.text("--prefix", "0") + '.'}, records_{arguments.number("--records", "-1")},
          first_{arguments.number("--first", "0")}, keys_{arguments.number("--keys", "0")},
          window_{arguments.number("--window", "100000")},
          rate_{std::stod(arguments.text("--throughput", "-1"))},
          size_{static_cast<std::size_t>(arguments.number("--value-size", "0"))}
    {
        stop_.async_wait([this](const kurier::error_code& ec, int) { stopping_ |= !ec; });
    }

    asio::awaitable<int> run()
    {
        const auto begin = std::chrono::steady_clock::now();
        while (!stopping_ && sent_ != records_) {
            for (auto piece = allowed(begin); piece > 0 && sent_ != records_; --piece) send_one();
            if (rate_ > 0 || sent_ - out_.acked - out_.failed >= window_)
                co_await sleep(2ms);
            else
                co_await ready();
        }
        co_await producer_.close();
        stop_.cancel();
        out_.line("done\t", std::to_string(sent_), '\t', std::to_string(out_.acked), '\t',
                  std::to_string(out_.failed));
        co_return out_.failed ? 1 : 0;
    }

private:
    // How many may be sent now
    std::int64_t allowed(std::chrono::steady_clock::time_point begin) const
    {
        const auto room = window_ - (sent_ - out_.acked - out_.failed);
        if (rate_ <= 0) return std::min<std::int64_t>(room, 1000);
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
        return std::min(room, static_cast<std::int64_t>(elapsed.count() * rate_) + 1 - sent_);
    }

    // Until there is room for more; what completes meanwhile, and a signal, get their turn first
    asio::awaitable<void> ready()
    {
        co_await sleep(0ms);
        kurier::error_code ignored;
        co_await producer_.ready(asio::redirect_error(asio::use_awaitable, ignored));
    }

    void send_one()
    {
        const auto number = std::to_string(first_ + sent_);
        value_ = prefix_ + number;
        if (value_.size() < size_) value_.append(1, '|').append(size_ - value_.size(), 'x');
        kurier::nullable_bytes key;
        if (keys_) {
            key_ = "key-" + std::to_string((first_ + sent_) % keys_);
            key = std::string_view{key_};
        }
        ++sent_;
        producer_.send({.topic = topic_, .key = key, .value = std::string_view{value_}})(
            [this, number](kurier::error_code ec, kurier::record_metadata where) {
                out_.fate(number, ec, where);
            });
    }

    report& out_;
    bytes_producer producer_;
    asio::signal_set stop_;
    std::string topic_, prefix_, key_, value_;
    std::int64_t records_, first_, keys_, window_, sent_ = 0;
    double rate_;
    std::size_t size_;
    bool stopping_ = false;
};

asio::awaitable<int> perform(const command_line& arguments, report& out)
{
    if (arguments.what == "serializers") co_return co_await serializers(arguments, out);
    if (arguments.what == "send") co_return co_await send(arguments, out);
    if (arguments.what != "stream") throw std::runtime_error{"unknown command " + arguments.what};
    const auto executor = co_await asio::this_coro::executor;
    stream sending{executor, arguments, out};
    co_return co_await sending.run();
}

void flush_often(asio::steady_timer& timer, report& out, const bool& ended)
{
    timer.expires_after(50ms);
    timer.async_wait([&](const kurier::error_code&) { // a cancel may come too late for it
        out.flush();
        if (!ended) flush_often(timer, out, ended);
    });
}

int run(const command_line& arguments)
{
    asio::io_context context{1};
    report out;
    asio::steady_timer flushing{context};
    bool ended = false;
    flush_often(flushing, out, ended);
    int status = 2;
    asio::co_spawn(context, perform(arguments, out), [&](const std::exception_ptr& error, int result) {
        ended = true;
        flushing.cancel();
        if (error) std::rethrow_exception(error);
        status = result;
    });
    context.run();
    out.flush();
    return status;
}

} // namespace

int main(int count, char** arguments)
{
    try {
        return run(command_line{count, arguments});
    } catch (const std::exception& error) {
        std::cerr << "kafka_driver: " << error.what() << '\n';
        return 2;
    }
}
