// Every system call that the producer's connections make fails in turn, in each way that it can; or all of them move
// only a few bytes. Whatever fails, each record is told of once and is written once, in order. The calls are caught by
// the linker (--wrap), so the sockets, Asio and the embedded broker are real.
#include "../support/loopback.hpp"

#include <kurier/producer.hpp>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace {

struct call_failure
{
    int call = 0;         // the how manyth fails; 0: none
    std::size_t way = 0;  // with which of the errors that it can have
    std::size_t most = 0; // bytes that one call moves; 0: no limit
};

// What the calls of the sockets that were made while it is on do.
struct call_desk
{
    bool on = false;
    call_failure failure;
    int calls = 0;
    std::string failed; // the name of the call that did
    std::vector<int> sockets;
    int threads_refused = 0; // so many more can't be started

    bool watches(int socket) const { return on && std::ranges::find(sockets, socket) != sockets.end(); }

    // Shall this one fail? Then errno says how.
    bool fails(const char* name, std::initializer_list<int> errors)
    {
        if (++calls != failure.call) return false;
        failed = name;
        errno = errors.begin()[failure.way % errors.size()];
        return true;
    }

    std::size_t part(std::size_t size) const
    {
        return failure.most > 0 ? std::min(failure.most, size) : size;
    }
};
call_desk desk;

constexpr std::size_t ways = 3; // at most so many errors in the lists below

} // namespace

extern "C" {

int __real_socket(int, int, int);
int __real_connect(int, const sockaddr*, socklen_t);
int __real_setsockopt(int, int, int, const void*, socklen_t);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_epoll_ctl(int, int, int, epoll_event*);
ssize_t __real_send(int, const void*, std::size_t, int);
ssize_t __real_sendmsg(int, const msghdr*, int);
ssize_t __real_recv(int, void*, std::size_t, int);
ssize_t __real_recvmsg(int, msghdr*, int);
int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

int __wrap_socket(int family, int type, int protocol)
{
    if (desk.on && desk.fails("socket", {EMFILE, ENFILE, ENOMEM})) return -1;
    const int made = __real_socket(family, type, protocol);
    if (desk.on && made >= 0) desk.sockets.push_back(made);
    return made;
}

int __wrap_connect(int socket, const sockaddr* to, socklen_t size)
{
    if (desk.watches(socket) && desk.fails("connect", {ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL})) return -1;
    return __real_connect(socket, to, size);
}

int __wrap_setsockopt(int socket, int level, int name, const void* value, socklen_t size)
{
    if (desk.watches(socket) && desk.fails("setsockopt", {EINVAL, ENOPROTOOPT, ENOMEM})) return -1;
    return __real_setsockopt(socket, level, name, value, size);
}

int __wrap_getsockopt(int socket, int level, int name, void* value, socklen_t* size)
{
    if (desk.watches(socket) && desk.fails("getsockopt", {EINVAL, ENOPROTOOPT, ENOMEM})) return -1;
    return __real_getsockopt(socket, level, name, value, size);
}

int __wrap_epoll_ctl(int poll, int operation, int socket, epoll_event* event)
{
    if (operation != EPOLL_CTL_DEL && desk.watches(socket) &&
        desk.fails("epoll_ctl", {ENOMEM, ENOSPC, EINVAL}))
        return -1;
    return __real_epoll_ctl(poll, operation, socket, event);
}

ssize_t __wrap_send(int socket, const void* bytes, std::size_t size, int flags)
{
    if (!desk.watches(socket)) return __real_send(socket, bytes, size, flags);
    if (desk.fails("send", {ECONNRESET, EPIPE, ENOBUFS})) return -1;
    return __real_send(socket, bytes, desk.part(size), flags);
}

ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags)
{
    if (!desk.watches(socket)) return __real_sendmsg(socket, message, flags);
    if (desk.fails("sendmsg", {ECONNRESET, EPIPE, ENOBUFS})) return -1;
    if (desk.failure.most == 0 || message->msg_iovlen == 0) return __real_sendmsg(socket, message, flags);
    return __real_send(socket, message->msg_iov[0].iov_base, desk.part(message->msg_iov[0].iov_len), flags);
}

ssize_t __wrap_recv(int socket, void* bytes, std::size_t size, int flags)
{
    if (!desk.watches(socket)) return __real_recv(socket, bytes, size, flags);
    if (desk.fails("recv", {ECONNRESET, ETIMEDOUT, 0})) return errno == 0 ? 0 : -1; // 0: the peer has closed
    return __real_recv(socket, bytes, desk.part(size), flags);
}

ssize_t __wrap_recvmsg(int socket, msghdr* message, int flags)
{
    if (desk.watches(socket) && desk.fails("recvmsg", {ECONNRESET, ETIMEDOUT, ENOMEM})) return -1;
    return __real_recvmsg(socket, message, flags);
}

int __wrap_pthread_create(pthread_t* made, const pthread_attr_t* attributes, void* (*run)(void*),
                          void* argument)
{
    if (desk.threads_refused == 0) return __real_pthread_create(made, attributes, run, argument);
    --desk.threads_refused;
    return EAGAIN;
}

} // extern "C"

namespace {

using namespace kurier::testing;

struct session
{
    explicit session(call_failure failure)
    {
        net.broker->create_topic("t", 2);
        net.config.socket_connection_setup_timeout =
            300ms; // Asio ignores one failure of epoll_ctl: then that ends it
        net.config.socket_connection_setup_timeout_max = 300ms;
        net.config.request_timeout = 2s;
        net.config.delivery_timeout = 15s;
        desk = {};
        desk.failure = failure;
        desk.on = true;
    }
    ~session() { desk.on = false; }

    void send(kurier::producer<>& producer, std::int32_t partition, std::string value)
    {
        sent[static_cast<std::size_t>(partition)].push_back(value);
        auto& told = outcomes.emplace_back(std::make_unique<outcome>());
        producer.send({.topic = "t", .value = value, .partition = partition})(told->take());
    }

    bool all_told() const
    {
        return std::ranges::all_of(outcomes, [](const auto& one) { return one->told > 0; });
    }

    void run()
    {
        auto producer = net.make_producer();
        for (const char* wave : {"first ", "second ", "third "}) {
            for (int i = 0; i < 4; ++i) send(producer, i % 2, wave + std::to_string(i));
            CHECK(net.until([&] { return all_told(); }));
        }
        bool closed = false;
        producer.close([&](auto&&...) { closed = true; });
        CHECK(net.until([&] { return closed; }));
        for (const auto& one : outcomes) {
            CHECK(one->told == 1);
            CHECK(one->text() == "");
        }
        for (std::int32_t i = 0; i < 2; ++i) CHECK(net.values("t", i) == sent[static_cast<std::size_t>(i)]);
    }

    loopback net;
    std::vector<std::string> sent[2];
    std::vector<std::unique_ptr<outcome>> outcomes;
};

} // namespace

TEST_CASE("Every call of a connection fails in turn, in every way")
{
    int calls = 0;
    {
        session undisturbed{{}};
        undisturbed.run();
        calls = desk.calls;
    }
    REQUIRE(calls > 20);
    std::vector<std::string> failed;
    for (int call = 1; call <= calls; ++call)
        for (std::size_t way = 0; way < ways; ++way) {
            session one{{.call = call, .way = way}};
            CAPTURE(call);
            CAPTURE(way);
            CAPTURE(desk.failed);
            CAPTURE(one.net.log.all());
            one.run();
            if (!desk.failed.empty()) failed.push_back(desk.failed);
        }
    for (const char* name : {"socket", "connect", "sendmsg", "recv", "epoll_ctl"}) {
        CAPTURE(name);
        CHECK(std::ranges::count(failed, name) >= 3);
    }
    MESSAGE(failed.size() << " calls failed");
}

TEST_CASE("Connections that take and give only a few bytes with each call")
{
    for (const std::size_t most : {1U, 2U, 3U, 5U, 64U, 1000U}) {
        CAPTURE(most);
        session one{{.most = most}};
        one.run();
    }
}

TEST_CASE("the thread that looks names up can't be started: the next attempt finds one")
{
    loopback net;
    net.broker->create_topic("t");
    net.config.bootstrap_servers = {"LOCALHOST:" +
                                    std::to_string(net.broker->port())}; // a name, not an address
    desk = {};
    desk.threads_refused = 2;
    auto producer = net.make_producer();
    outcome sent;
    producer.send({.topic = "t", .value = "v"})(sent.take());
    CHECK(net.until([&] { return sent.told > 0; }));
    CHECK(sent.text() == "");
    CHECK(desk.threads_refused == 0);
    CHECK(net.log.has("Resource temporarily unavailable"));
}
