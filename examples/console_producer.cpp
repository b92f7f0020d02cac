// Sends the lines of standard input to a topic: tail -f access.log | console_producer --bootstrap-server ... --topic ...
//
// As Kafka's console producer: --reader-property parse.key=true, key.separator=..., parse.headers=true,
// headers.delimiter, headers.separator, headers.key.separator, null.marker=..., ignore.error=true.
// --print-metadata writes one JSON object for each line to standard output, in the order of the input.
// Exit status: 0 when every line was delivered, 1 when one was not, 2 for a mistake on the command line.
#include <kurier/oidc.hpp>
#include <kurier/producer.hpp>
#include <kurier/properties.hpp>
#include <kurier/sasl.hpp>
#include <kurier/tls.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using text_producer = kurier::producer<std::optional<std::string_view>, std::optional<std::string_view>>;

struct options
{
    std::string topic;
    kurier::producer_config config;
    std::map<std::string, std::string> reader;
    bool print_metadata = false;

    std::string reader_property(const std::string& key, const std::string& otherwise) const
    {
        const auto found = reader.find(key);
        return found == reader.end() ? otherwise : found->second;
    }
};

std::string json_text(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (static_cast<unsigned char>(c) >= 0x20)
            out += c;
        else {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            out += escaped;
        }
    }
    return out += '"';
}

// Takes a line apart. The views refer to the line.
class line_parser
{
public:
    explicit line_parser(const options& o)
        : parse_key_{o.reader_property("parse.key", "false") == "true"},
          parse_headers_{o.reader_property("parse.headers", "false") == "true"},
          ignore_error_{o.reader_property("ignore.error", "false") == "true"},
          key_separator_{o.reader_property("key.separator", "\t")},
          headers_delimiter_{o.reader_property("headers.delimiter", "\t")},
          headers_separator_{o.reader_property("headers.separator", ",")},
          header_separator_{o.reader_property("headers.key.separator", ":")}
    {
        if (const auto marker = o.reader.find("null.marker"); marker != o.reader.end())
            null_marker_ = marker->second;
    }

    std::optional<std::string_view> key, value;
    std::vector<kurier::header_view> headers;

    // An empty text, or what is wrong with the line.
    std::string parse(std::string_view line)
    {
        key.reset();
        headers.clear();
        std::string_view part;
        if (parse_headers_) {
            if (!cut(line, headers_delimiter_, part)) {
                if (!ignore_error_) return "no headers delimiter";
            } else if (auto wrong = parse_headers(part); !wrong.empty()) {
                return wrong;
            }
        }
        if (parse_key_) {
            if (cut(line, key_separator_, part))
                key = nullable(part);
            else if (!ignore_error_)
                return "no key separator";
        }
        value = nullable(line);
        return {};
    }

private:
    static bool cut(std::string_view& rest, std::string_view separator, std::string_view& before)
    {
        const auto at = rest.find(separator);
        if (at == std::string_view::npos) return false;
        before = rest.substr(0, at);
        rest.remove_prefix(at + separator.size());
        return true;
    }

    std::optional<std::string_view> nullable(std::string_view text) const
    {
        return null_marker_ && text == *null_marker_ ? std::nullopt : std::optional{text};
    }

    std::string parse_headers(std::string_view text)
    {
        if (null_marker_ && text == *null_marker_) return {};
        // Empty pairs at the end don't count, as Java's String.split has it.
        const bool several = text.find(headers_separator_) != std::string_view::npos;
        while (text.ends_with(headers_separator_)) text.remove_suffix(headers_separator_.size());
        if (several && text.empty()) return {};
        for (bool more = true; more;) {
            std::string_view one, name;
            more = cut(text, headers_separator_, one);
            if (!more) one = text;
            if (!cut(one, header_separator_, name)) {
                if (!ignore_error_) return "no header key separator in '" + std::string{one} + "'";
                headers.push_back({one, kurier::nullable_bytes{}});
                continue;
            }
            if (null_marker_ && name == *null_marker_) return "a header's key can't be the null marker";
            const auto content = nullable(one);
            headers.push_back({name, content ? kurier::nullable_bytes{*content} : kurier::nullable_bytes{}});
        }
        return {};
    }

    bool parse_key_, parse_headers_, ignore_error_;
    std::string key_separator_, headers_delimiter_, headers_separator_, header_separator_;
    std::optional<std::string> null_marker_;
};

// Counts, and prints results in the order of the lines though they come in another.
class report
{
public:
    explicit report(bool print) : print_{print} {}

    std::size_t sent = 0, delivered = 0, failed = 0;
    std::string first_failure;

    void line_done(std::size_t line, kurier::error_code ec, const kurier::record_metadata& where)
    {
        if (!ec)
            ++delivered;
        else
            fail(where.failure ? kurier::describe(*where.failure) : ec.message());
        if (!print_) return;
        std::ostringstream json;
        json << "{\"line\":" << line;
        if (!ec) {
            json << ",\"topic\":" << json_text(where.topic) << ",\"partition\":" << where.partition
                 << ",\"offset\":" << where.offset
                 << ",\"timestamp\":" << where.time.time_since_epoch().count();
        } else {
            const auto written = where.failure ? where.failure->persisted : kurier::persisted::possibly;
            json << ",\"error\":" << json_text(kurier::error_name(ec)) << ",\"persisted\":\""
                 << kurier::to_string(written) << "\",\"message\":"
                 << json_text(where.failure ? kurier::describe(*where.failure) : ec.message());
        }
        json << "}\n";
        print_in_order(line, json.str());
    }

    void bad_line(std::size_t line, const std::string& wrong)
    {
        fail("line " + std::to_string(line) + ": " + wrong);
        if (print_)
            print_in_order(line, "{\"line\":" + std::to_string(line) +
                                     ",\"error\":\"INVALID_RECORD\",\"persisted\":\"no\",\"message\":" +
                                     json_text(wrong) + "}\n");
    }

    void progress(bool last) const
    {
        static const bool terminal = isatty(STDERR_FILENO) != 0;
        if (!terminal) return;
        std::cerr << '\r' << delivered << " delivered, " << failed << " failed, " << sent - delivered - failed
                  << " on the way " << (last ? "\n" : "") << std::flush;
    }

private:
    void fail(const std::string& why)
    {
        if (failed++ == 0) first_failure = why;
    }

    void print_in_order(std::size_t line, std::string text)
    {
        const auto at = line - next_;
        if (pending_.size() <= at) pending_.resize(at + 1);
        pending_[at] = std::move(text);
        for (; !pending_.empty() && !pending_.front().empty(); ++next_) {
            std::fwrite(pending_.front().data(), 1, pending_.front().size(), stdout);
            pending_.pop_front();
        }
        std::fflush(stdout);
    }

    bool print_;
    std::size_t next_ = 1;
    std::deque<std::string> pending_;
};

// Standard input, whatever it is: Asio waits for pipes and terminals, a file is always ready.
class input
{
public:
    explicit input(asio::any_io_executor executor)
    {
        try {
            stream_.emplace(executor, ::dup(STDIN_FILENO));
        } catch (const boost::system::system_error&) {
            stream_.reset();
        }
    }

    void stop()
    {
        stopped_ = true;
        if (stream_) stream_->cancel();
    }

    asio::awaitable<std::size_t> read(std::span<char> space) // 0: the end
    {
        if (stopped_) co_return 0;
        if (!stream_) {
            const auto size = ::read(STDIN_FILENO, space.data(), space.size());
            co_return size > 0 ? static_cast<std::size_t>(size) : 0;
        }
        boost::system::error_code ec;
        const auto size = co_await stream_->async_read_some(asio::buffer(space.data(), space.size()),
                                                            asio::redirect_error(asio::use_awaitable, ec));
        co_return size;
    }

private:
    std::optional<asio::posix::stream_descriptor> stream_;
    bool stopped_ = false;
};

// Sends a line; false ends the program, as Kafka's tool does at a line that it can't read.
bool send_line(text_producer& to, const options& o, line_parser& parser, std::string_view line,
               std::shared_ptr<report> results)
{
    const auto number = ++results->sent;
    if (const auto wrong = parser.parse(line); !wrong.empty()) {
        results->bad_line(number, wrong);
        std::cerr << "console_producer: line " << number << ": " << wrong << '\n';
        return false;
    }
    to.send({.topic = o.topic, .key = parser.key, .value = parser.value, .headers = parser.headers})(
        [results, number](kurier::error_code ec, const kurier::record_metadata& where) {
            results->line_done(number, ec, where);
        });
    return true;
}

asio::awaitable<void> run(const options& o, std::shared_ptr<report> results)
{
    const auto executor = co_await asio::this_coro::executor;
    text_producer to{executor, o.config, kurier::tls{}, kurier::sasl::from_config{kurier::oidc{}}};
    input lines{executor};
    asio::signal_set signals{executor, SIGINT, SIGTERM};
    signals.async_wait([&lines](boost::system::error_code ec, int) {
        if (!ec) lines.stop(); // what was sent is drained and reported
    });

    line_parser parser{o};
    std::string pending;
    std::vector<char> space(1 << 16);
    bool going = true, after_return = false;
    while (going) {
        const auto size = co_await lines.read(space);
        if (size == 0) break;
        pending.append(space.data(), size);
        std::size_t begin = 0;
        for (std::size_t end; going && (end = pending.find_first_of("\r\n", begin)) != std::string::npos;
             begin = end + 1) {
            const bool rest_of_crlf = after_return && end == begin && pending[end] == '\n';
            after_return = pending[end] == '\r'; // which alone ends a line too
            if (!rest_of_crlf)
                going =
                    send_line(to, o, parser, std::string_view{pending}.substr(begin, end - begin), results);
        }
        pending.erase(0, begin);
        results->progress(false);
        co_await to.ready(asio::use_awaitable);
    }
    if (going && !pending.empty()) send_line(to, o, parser, pending, results);
    co_await to.close(asio::use_awaitable);
    signals.cancel();
    results->progress(true);
}

constexpr std::string_view usage =
    R"(console_producer --bootstrap-server HOST:PORT[,...] --topic TOPIC [option...]
  --command-config FILE          settings of the producer, as a .properties file
  --command-property KEY=VALUE   one of them; may be repeated, and wins over the file
  --reader-property KEY=VALUE    how lines are read: parse.key, key.separator, parse.headers, headers.delimiter,
                                 headers.separator, headers.key.separator, null.marker, ignore.error
  --print-metadata               one JSON object for each line to standard output
)";

// File first, then the single settings, then the brokers: the last one wins.
kurier::producer_config configuration(const std::string& file,
                                      const std::vector<std::pair<std::string, std::string>>& single)
{
    kurier::producer_config config;
    kurier::config_problems problems;
    kurier::apply_properties(config, file, problems);
    for (const auto& [key, value] : single) kurier::set_property(config, key, value, problems);
    if (kurier::has_errors(problems)) throw kurier::config_error{std::move(problems)};
    return config;
}

options parse_options(int count, char** arguments)
{
    options o;
    std::string properties, servers;
    std::vector<std::pair<std::string, std::string>> single;
    const auto split = [](const std::string& text) {
        const auto at = text.find('=');
        if (at == std::string::npos)
            throw std::invalid_argument{"'" + text + "' is not of the form key=value"};
        return std::pair{text.substr(0, at), text.substr(at + 1)};
    };
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        if (name == "--help") {
            std::cout << usage;
            std::exit(0);
        }
        if (name == "--print-metadata") {
            o.print_metadata = true;
            continue;
        }
        if (i + 1 == count) throw std::invalid_argument{name + " needs a value"};
        const std::string value = arguments[++i];
        if (name == "--bootstrap-server")
            servers = value;
        else if (name == "--topic")
            o.topic = value;
        else if (name == "--reader-property" || name == "--property")
            o.reader.insert_or_assign(split(value).first, split(value).second);
        else if (name == "--command-property" || name == "--producer-property")
            single.push_back(split(value));
        else if (name == "--command-config" || name == "--producer.config") {
            std::ifstream file{value};
            if (!file) throw std::invalid_argument{"can't read " + value};
            std::stringstream text;
            text << file.rdbuf();
            properties = text.str();
        } else {
            throw std::invalid_argument{"unknown option " + name};
        }
    }
    if (o.topic.empty() || servers.empty())
        throw std::invalid_argument{"--bootstrap-server and --topic are needed"};
    single.emplace_back("bootstrap.servers", servers);
    o.config = configuration(properties, single);
    return o;
}

int main(int count, char** arguments)
{
    try {
        const auto o = parse_options(count, arguments);
        auto results = std::make_shared<report>(o.print_metadata);
        asio::io_context context{1};
        std::exception_ptr error;
        asio::co_spawn(context, run(o, results), [&error](std::exception_ptr thrown) { error = thrown; });
        context.run();
        if (error) std::rethrow_exception(error);
        if (results->failed == 0) return 0;
        std::cerr << "console_producer: " << results->failed << " of " << results->sent
                  << " lines failed; the first: " << results->first_failure << '\n';
        return 1;
    } catch (const std::exception& error) {
        std::cerr << "console_producer: " << error.what() << '\n';
        return 2;
    }
}
