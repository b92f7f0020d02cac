// Drives the core on an Asio executor: performs its actions on connections, one timer and the compression workers. It
// makes no decisions about Kafka.
#pragma once

#include <kurier/core/dump.hpp>
#include <kurier/io/compression_workers.hpp>
#include <kurier/io/cpu_clock.hpp>
#include <kurier/io/impl/connection.ipp>
#include <kurier/io/impl/loop_registry.hpp>
#include <kurier/io/impl/turn_loop.ipp>
#include <kurier/io/system_resolver.hpp>
#include <kurier/io/tcp_transport.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

class event_loop final : public turn_loop
{
public:
    event_loop(asio::any_io_executor executor, producer_config config, std::uint64_t seed,
               surroundings around)
        : turn_loop{std::move(executor), std::move(config), seed}, around_{std::move(around)},
          registry_{
              &asio::use_service<loop_registry<event_loop>>(asio::query(executor_, asio::execution::context))}
    {
        registry_->add(*this);
        if (around_.login.mechanism) core_.authenticate_by(*around_.login.mechanism);
    }
    ~event_loop() override
    {
        if (registry_) registry_->remove(*this);
        completions_.abandon(core_);
    }

    // The executor's context is being destroyed before the producers: it must not be used from now on.
    void context_ended()
    {
        const auto self = keep();
        registry_ = nullptr;
        for (auto& workers : workers_) workers->end();
        if (around_.login.credentials) around_.login.credentials->abandon();
        end_turns();
        for (auto& [id, open] : connections_) open->context_ended();
        executor_ = {};
    }

    void keep_codecs(kept_codecs first, codec_factory more) override
    {
        core_.set_codecs(first.codecs, &thread_cpu_time);
        codecs_ = std::move(first.list);
        more_codecs_ = more;
    }

    void compress_on(asio::any_io_executor workers) override
    {
        if (!more_codecs_ || core_.closing()) return;
        workers_.push_back(std::make_unique<compression_workers<event_loop>>(*this, std::move(workers),
                                                                             executor_, more_codecs_));
        core_.compress_elsewhere(true);
    }

    // A job has come back from the workers.
    void compressed(core::compression_job& job)
    {
        read_clock();
        core_.compressed(job);
        turn();
    }

    void observe(observer_hooks hooks) override
    {
        if (hooks.on_broker) core_.observe_brokers();
        completions_.observe(std::move(hooks));
    }

    std::string dump() const override
    {
        return core::dump(core_, {std::chrono::steady_clock::now().time_since_epoch(), 0});
    }

    void log(log_event event) override
    {
        event.when = now();
        if (around_.log) around_.log(event);
    }

private:
    void end_all() override
    {
        read_clock();
        core_.abort(errc::aborted);
        wake_if_possible();
    }

    void perform_actions() override
    {
        core::action next;
        while (core_.poll(next)) perform(next);
    }

    void report() override
    {
        core::log_entry entry;
        std::array<log_field, log_fields_max> fields;
        while (core_.poll(entry))
            if (around_.log) around_.log(entry.view(clock_.now(), fields));
        core::broker_event_queue::entry happened;
        while (core_.poll(happened)) completions_.tell(happened.event);
    }

    void perform(const core::action& wanted)
    {
        switch (wanted.kind) {
        case core::action_kind::connect:
            connect(wanted);
            break;
        case core::action_kind::write:
            if (auto* open = find(wanted.link)) open->write();
            break;
        case core::action_kind::close:
            if (auto* open = find(wanted.link)) open->close({});
            break;
        case core::action_kind::credential:
            obtain_credential(wanted.link);
            break;
        case core::action_kind::compute:
            compute_later(wanted.link);
            break;
        case core::action_kind::compress:
            compress(*wanted.job);
            break;
        }
    }

    // Without memory, or a thread to resolve on, the attempt has failed, and the core's backoff decides about the next.
    void connect(const core::action& wanted)
    {
        try {
            auto made = std::make_unique<connection>(*this, wanted.link, make_transport());
            auto& added = *connections_.emplace(wanted.link, std::move(made)).first->second;
            added.connect(wanted, make_resolver(), rotation_);
        } catch (...) {
            connection_over(wanted.link, thrown_error(), {});
        }
    }

    std::unique_ptr<transport> make_transport()
    {
        if (around_.make_transport) return around_.make_transport(executor_, core_.config());
        return std::make_unique<tcp_transport>(executor_, core_.config());
    }

    std::unique_ptr<resolver> make_resolver()
    {
        if (around_.make_resolver) return around_.make_resolver(executor_);
        return std::make_unique<system_resolver>(executor_);
    }

    void obtain_credential(core::connection_id id)
    {
        try {
            around_.login.credentials->obtain(
                executor_, [this, kept = keep(), id](credential got) { obtained(id, std::move(got)); });
        } catch (...) { // the current turn handles the consequences
            core_.credential(id, {}, errc::credential_unavailable, {}, clock_.now());
            again_ = true;
        }
    }

    void obtained(core::connection_id id, credential got)
    {
        if (!executor_) return; // its context has ended
        core_.credential(id, got.bytes.view(), got.why, got.words, read_clock());
        turn();
    }

    // In a handler of its own, so that other handlers run between two slices.
    void compute_later(core::connection_id id)
    {
        try {
            asio::post(executor_, [this, kept = keep(), id] {
                core_.compute(id, read_clock());
                turn();
            });
        } catch (...) {
            if (auto* open = find(id)) open->close(thrown_error());
        }
    }

    void compress(core::compression_job& job)
    {
        try {
            workers_.back()->start(job);
        } catch (const std::bad_alloc&) {
            core_.compressed(job); // undone
            again_ = true;
        }
    }

    connection* find(core::connection_id id) const
    {
        const auto found = connections_.find(id);
        return found == connections_.end() ? nullptr : found->second.get();
    }

    // The turn follows later: this may be inside the user's call to send.
    void connection_over(core::connection_id id, error_code why, std::string words) override
    {
        connections_.erase(id);
        if (!clock_.fresh()) clock_.read();
        core_.closed(id, why, clock_.now(), std::move(words));
        wake_if_possible();
    }

    surroundings around_;
    codec_factory more_codecs_ = nullptr;
    std::vector<std::unique_ptr<compression_workers<event_loop>>> workers_; // the last ones get the jobs
    std::map<core::connection_id, std::unique_ptr<connection>> connections_;
    std::size_t rotation_ = 0;
    loop_registry<event_loop>* registry_; // nullptr: the context has ended
};

} // namespace kurier::inline KURIER_ABI::io
