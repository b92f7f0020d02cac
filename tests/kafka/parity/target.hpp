// The two things that are compared: a Kafka broker somewhere, and the embedded one. Both are asked over
// sockets; what has no request in kurier's protocol (creating topics and the like) each does in its own way.
#pragma once

#include "../../unit/testing/batch_builder.hpp"
#include "raw_client.hpp"

#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace kurier::parity {

// Asks again and again; throws when the answer is still no after a minute.
template <class Predicate> void wait_until(const std::string& what, Predicate is_so)
{
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > give_up)
            throw std::runtime_error("not within a minute: " + what);
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
}

class target
{
public:
    virtual ~target() = default;
    virtual std::uint16_t port() const = 0;
    virtual void create_topic(const std::string& name, const testing::topic_options& options) = 0;
    virtual void delete_topic(const std::string& name) = 0;
    virtual void delete_records(const std::string& topic, std::int64_t before) = 0;

    raw_client connect() const { return raw_client{port()}; }

    // Waits until it is there and led.
    uuid topic_id(const std::string& name)
    {
        uuid id;
        wait_until("topic " + name + " is led", [&] {
            raw_client client = connect();
            const auto told = metadata_of(client, name);
            if (!told || told->error_code != 0 || !is_led(client, name, told->partitions.size()))
                return false;
            id = told->topic_id;
            return true;
        });
        return id;
    }

protected:
    std::optional<protocol::metadata_response_topic> metadata_of(raw_client& client, const std::string& topic)
    {
        protocol::metadata_request request;
        request.topics.emplace().push_back({{}, topic});
        request.allow_auto_topic_creation = false;
        const auto response = client.ask<protocol::metadata_response>(request, metadata_version());
        if (!response || response->topics.empty()) return std::nullopt;
        return response->topics[0];
    }

private:
    std::int16_t metadata_version()
    {
        if (metadata_version_ >= 0) return metadata_version_;
        const auto response =
            connect().ask<protocol::api_versions_response>(protocol::api_versions_request{}, 0);
        for (const auto& range : response.value().api_keys) {
            if (range.api_key == protocol::metadata_request::api_key)
                metadata_version_ = std::min<std::int16_t>(range.max_version, 12);
        }
        return metadata_version_;
    }

    // Metadata may tell of a leader that doesn't know yet: ask it to append what it will refuse.
    static bool is_led(raw_client& client, const std::string& name, std::size_t partitions)
    {
        protocol::produce_request request;
        request.acks = 1;
        request.timeout_ms = 5000;
        bytes refused = testing::batch_builder{0}.records(1);
        refused.back() ^= std::byte{1}; // the CRC is looked at after leadership
        protocol::produce_request_topic& topic = request.topic_data.emplace_back();
        topic.name = name;
        for (std::size_t i = 0; i != partitions; ++i)
            topic.partition_data.push_back(
                {static_cast<std::int32_t>(i), nullable_bytes{bytes_view{refused}}});
        const auto response = client.ask<protocol::produce_response>(request, 3);
        if (!response) return false;
        const auto& answers = response->responses.at(0).partition_responses;
        const auto refused_it = [](const auto& told) {
            return told.error_code == static_cast<std::int16_t>(broker_errc::corrupt_message);
        };
        return std::ranges::all_of(answers, refused_it);
    }

    std::int16_t metadata_version_ = -1;
};

class embedded_target final : public target
{
public:
    explicit embedded_target(bool before_kip_360 = false)
        : work_{context_.get_executor()}, before_kip_360_{before_kip_360}
    {
        testing::cluster_options options;
        options.before_kip_360 = before_kip_360;
        // What the cases call compressed is not.
        options.decompress = [](int, bytes_view, std::size_t, bytes&) { return false; };
        broker_ = std::make_unique<testing::embedded_broker>(context_.get_executor(), std::move(options));
        port_ = broker_->port();
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~embedded_target() override
    {
        perform([](testing::embedded_broker& broker) { broker.stop(); });
        work_.reset();
        thread_.join();
    }

    std::uint16_t port() const override { return port_; }
    void create_topic(const std::string& name, const testing::topic_options& wanted) override
    {
        auto options = wanted;
        if (before_kip_360_) // timestamps far ahead are refused since 3.6
            options.message_timestamp_after_max_ms = std::numeric_limits<std::int64_t>::max();
        perform([&](testing::embedded_broker& broker) { broker.cluster().create_topic(name, options); });
    }
    void delete_topic(const std::string& name) override
    {
        perform([&](testing::embedded_broker& broker) { broker.cluster().state().delete_topic(name); });
    }
    void delete_records(const std::string& topic, std::int64_t before) override
    {
        perform([&](testing::embedded_broker& broker) {
            broker.cluster().state().delete_records_before(topic, 0, before);
        });
    }

private:
    void perform(const std::function<void(testing::embedded_broker&)>& function)
    {
        std::promise<void> done;
        boost::asio::post(context_, [&] {
            function(*broker_);
            done.set_value();
        });
        done.get_future().get();
    }

    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    bool before_kip_360_;
    std::unique_ptr<testing::embedded_broker> broker_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

// One broker, since topics are led by the one that is asked.
class kafka_target final : public target
{
public:
    explicit kafka_target(std::uint16_t port) : port_{port} {}
    std::uint16_t port() const override { return port_; }

    // CreateTopics v2
    void create_topic(const std::string& name, const testing::topic_options& options) override
    {
        request body{19, 2};
        body.array(1).text(name).int32(options.partitions).int16(1).array(0);
        std::map<std::string, std::string> settings; // those that old brokers don't know only where needed
        const testing::topic_options usual;
        if (options.max_message_bytes != usual.max_message_bytes)
            settings["max.message.bytes"] = std::to_string(options.max_message_bytes);
        if (options.log_append_time) settings["message.timestamp.type"] = "LogAppendTime";
        if (options.compact) settings["cleanup.policy"] = "compact";
        if (options.message_timestamp_before_max_ms != usual.message_timestamp_before_max_ms)
            settings["message.timestamp.before.max.ms"] =
                std::to_string(options.message_timestamp_before_max_ms);
        body.array(static_cast<std::int32_t>(settings.size()));
        for (const auto& [key, value] : settings) body.text(key).text(value);
        body.int32(10'000).int8(0);
        // Asked for again until it is there: a broker that has just started may refuse it, since it doesn't know
        // itself yet (INVALID_REPLICATION_FACTOR).
        wait_until("topic " + name + " is made", [&] {
            perform(body, "CreateTopics");
            raw_client client = connect();
            const auto told = metadata_of(client, name);
            return told && told->error_code == 0;
        });
        topic_id(name);
    }

    // DeleteTopics v1
    void delete_topic(const std::string& name) override
    {
        request body{20, 1};
        body.array(1).text(name).int32(10'000);
        perform(body, "DeleteTopics");
        wait_until("topic " + name + " is gone", [&] {
            raw_client client = connect();
            const auto told = metadata_of(client, name);
            return told && told->error_code != 0;
        });
    }

    // DeleteRecords v0
    void delete_records(const std::string& topic, std::int64_t before) override
    {
        request body{21, 0};
        body.array(1).text(topic).array(1).int32(0).int64(before).int32(10'000);
        perform(body, "DeleteRecords");
    }

private:
    class request // in an inflexible version
    {
    public:
        request(std::int16_t api_key, std::int16_t version)
        {
            protocol::put_request_header(out_, api_key, version, 1, "parity", false);
        }
        request& int8(std::int8_t value) { return out_.put_int(value), *this; }
        request& int16(std::int16_t value) { return out_.put_int(value), *this; }
        request& int32(std::int32_t value) { return out_.put_int(value), *this; }
        request& int64(std::int64_t value) { return out_.put_int(value), *this; }
        request& array(std::int32_t elements) { return int32(elements); }
        request& text(const std::string& value)
        {
            int16(static_cast<std::int16_t>(value.size()));
            out_.put(value.data(), value.size());
            return *this;
        }
        bytes frame() const
        {
            bytes whole(4);
            whole.insert(whole.end(), bytes_.begin(), bytes_.end());
            protocol::overwrite_size(whole, 0, bytes_.size());
            return whole;
        }

    private:
        bytes bytes_;
        wire::writer out_{bytes_};
    };

    void perform(const request& asked, const std::string& what)
    {
        raw_client client = connect();
        if (!client.send(asked.frame()) || !client.receive()) throw std::runtime_error(what + " was refused");
    }

    std::uint16_t port_;
};

} // namespace kurier::parity
