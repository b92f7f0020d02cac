// Which expressions around co_await a compiler gets right. g++ 12.2 and 11.3 copy some temporaries of such an
// expression bit by bit into the coroutine's frame and destroy both copies, without a warning. kurier's API is
// made of shapes that are right everywhere (the `safe` ones, a failure if not); the others are in the README's
// warning and are only counted here, so that a new compiler is seen for what it is. A second fault of g++ 12: in
// a coroutine that declares no variable at all, co_await in the condition of if, while or switch uses memory
// behind the end of the frame.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace {

// Knows its own address: a bitwise copy has the wrong one, and its destruction is counted
struct tracked
{
    tracked() { ++alive; }
    tracked(const char*) : tracked{} {}
    tracked(const tracked&) : tracked{} {}
    tracked(tracked&&) noexcept : tracked{} {}
    tracked& operator=(const tracked&) = default;
    ~tracked()
    {
        if (self != this) ++faults;
        --alive;
    }

    const tracked* self = this;
    static inline int alive = 0;
    static inline int faults = 0;
};

struct task
{
    struct promise_type
    {
        task get_return_object() { return task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };

    explicit task(std::coroutine_handle<promise_type> h) : handle{h} {}
    task(task&& other) noexcept : handle{std::exchange(other.handle, nullptr)} {}
    task& operator=(task&&) = delete;
    ~task()
    {
        if (handle) handle.destroy();
    }

    std::coroutine_handle<promise_type> handle;
};

// What send returns: it has copied all it needs, so the record's views may be gone when it is awaited
struct [[nodiscard]] delivery
{
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const
    {
        if (fails) throw std::runtime_error{"delivery"};
        return 1;
    }

    bool fails = false;
};

template <class T> struct in // a reference to the caller's value, as kurier's typed records hold it
{
    in(const T& value) : pointer{&value} {}
    const T* pointer;
};

struct header
{
    std::string_view name, value;
};

struct view_record
{
    std::string_view topic{};
    std::optional<std::string_view> key{};
    std::string_view value{};
    std::optional<int> partition{};
    std::span<const header> headers{};
};

struct order // a user's own aggregate
{
    tracked id{};
    int amount = 0;
};

struct typed_record
{
    std::string_view topic{};
    in<order> value;
};

struct owning_record
{
    tracked topic{};
    tracked value{};
};

struct constructed_record // owns memory, but isn't an aggregate
{
    constructed_record(const char* t, const char* v) : topic{t}, value{v} {}
    constructed_record with_key(const char*) && { return std::move(*this); }
    tracked topic, value;
};

struct owning_options
{
    tracked name{};
};

delivery send(view_record) { return {}; }
delivery send_typed(typed_record) { return {}; }
delivery send_owning(owning_record) { return {}; }
delivery send_owning_reference(const owning_record&) { return {}; }
delivery send_constructed(constructed_record) { return {}; }
delivery send_with_options(view_record, owning_options = {}) { return {}; }
delivery failing(view_record) { return {true}; }
template <class F> delivery call(F f) { return f(), delivery{}; }
delivery take(tracked) { return {}; }
order make_order() { return {"id", 1}; }

// --- right with every compiler -----------------------------------------------------------------------------

task view_record_inline() { co_await send({.topic = "t", .value = "v"}); }
task view_record_with_key() { co_await send({.topic = "t", .key = "k", .value = "v", .partition = 3}); }
task result_in_if()
{
    if (auto n = co_await send({.topic = "t", .value = "v"}); n != 1) std::terminate();
}
task in_loop()
{
    for (int i = 0; i < 3; ++i) co_await send({.topic = "t", .value = "v"});
}
task in_condition()
{
    int rounds = 0;
    while (co_await send({.topic = "t"}) == 1 && co_await send({.topic = "u"}) == 1) {
        if (++rounds == 2) co_return;
    }
}
task string_temporary() { co_await send({.topic = "t", .value = std::string(36, 'v') + "v"}); }
task value_from_function() { co_await send_typed({.topic = "t", .value = make_order()}); }
task value_from_local()
{
    order local{"id", 1};
    co_await send_typed({.topic = "t", .value = local});
}
task named_record()
{
    owning_record record{"t", "v"};
    co_await send_owning(std::move(record));
}
task operation_first()
{
    auto operation = send_owning({"t", "v"});
    co_await std::move(operation);
}
task constructed_inline() { co_await send_constructed(constructed_record("t", "v")); }
task constructed_fluent() { co_await send_constructed(constructed_record("t", "v").with_key("k")); }
task lambda_by_reference()
{
    tracked local;
    co_await [&] { return take(local); }();
}
task headers_from_array()
{
    const header headers[] = {{"a", "1"}, {"b", "2"}};
    co_await send({.topic = "t", .value = "v", .headers = headers});
}
task failing_in_try()
{
    try {
        co_await failing({.topic = "t", .value = std::string(40, 'v')});
    } catch (const std::runtime_error&) {
    }
}
task assigned()
{
    std::optional<int> n;
    n = co_await send({.topic = "t"});
    if (!n) std::terminate();
}
task abandoned()
{
    tracked local;
    co_await send({.topic = "t", .value = std::string(40, 'v')});
    co_await std::suspend_always{};
    std::terminate(); // never resumed
}

// --- wrong with g++ 12 -------------------------------------------------------------------------------------

task owning_inline() { co_await send_owning({"t", "v"}); }
task owning_named_type() { co_await send_owning(owning_record{"t", "v"}); }
task owning_by_reference() { co_await send_owning_reference({"t", "v"}); }
task users_aggregate_inline() { co_await send_typed({.topic = "t", .value = order{"id", 1}}); }
task owning_default_argument() { co_await send_with_options({.topic = "t"}); }
task capturing_lambda_inline()
{
    tracked local;
    co_await call([local] { (void)local; });
}
task conditional(bool first = true) { co_await take(first ? tracked{"a"} : tracked{"b"}); }
task condition_without_locals()
{
    if (co_await send({.topic = "t"}) == 1) co_return;
}
task loop_without_locals()
{
    while (co_await send({.topic = "t"}) == 1) break;
}
task braces_around_await()
{
    struct pair
    {
        int n;
        tracked name;
    };
    pair p{co_await send({.topic = "t"}), "name"};
    (void)p;
}

struct shape
{
    const char* name;
    task (*make)();
    bool safe;
};

const shape shapes[] = {
    {"view record inline", view_record_inline, true},
    {"view record with key and partition", view_record_with_key, true},
    {"result in if", result_in_if, true},
    {"in a loop", in_loop, true},
    {"in a condition, twice", in_condition, true},
    {"temporary string as value", string_temporary, true},
    {"aggregate value from a function", value_from_function, true},
    {"aggregate value from a local", value_from_local, true},
    {"owning record from a local", named_record, true},
    {"operation first, awaited later", operation_first, true},
    {"record with constructor inline", constructed_inline, true},
    {"record with constructor, fluent", constructed_fluent, true},
    {"invoked lambda, by reference", lambda_by_reference, true},
    {"headers from an array", headers_from_array, true},
    {"exception in try", failing_in_try, true},
    {"assigned to an optional", assigned, true},
    {"abandoned while suspended", abandoned, true},
    {"owning aggregate inline", owning_inline, false},
    {"owning aggregate, type named", owning_named_type, false},
    {"owning aggregate by reference", owning_by_reference, false},
    {"user's aggregate as value inline", users_aggregate_inline, false},
    {"owning aggregate as default argument", owning_default_argument, false},
    {"capturing lambda inline", capturing_lambda_inline, false},
    {"conditional between class temporaries", [] { return conditional(); }, false},
    {"if (co_await ..) without any local", condition_without_locals, false},
    {"while (co_await ..) without any local", loop_without_locals, false},
    {"braces around co_await", braces_around_await, false},
};

bool leaves_no_trace(const shape& s)
{
    {
        task t = s.make();
        for (int step = 0; step < 8 && !t.handle.done(); ++step) {
            if (s.make == abandoned && step == 2) break;
            t.handle.resume();
        }
    }
    return tracked::faults == 0 && tracked::alive == 0;
}

// In a process of its own: a miscompiled shape may do anything
bool wrong(const shape& s)
{
    const pid_t child = fork();
    if (child == 0) _exit(leaves_no_trace(s) ? 0 : 1);
    int status = -1;
    return waitpid(child, &status, 0) != child || status != 0;
}

} // namespace

int main()
{
#ifdef __clang__
    constexpr bool all_must_be_right = true;
#else
    constexpr bool all_must_be_right = false;
#endif
    std::setvbuf(stdout, nullptr, _IONBF, 0); // a crash shows which
    int passed = 0, failed = 0, miscompiled = 0;
    for (const shape& s : shapes) {
        const bool bad = wrong(s);
        const bool fails = bad && (s.safe || all_must_be_right);
        ++(fails ? failed : bad ? miscompiled : passed);
        std::printf("%-10s %s\n", fails ? "FAILED" : bad ? "miscompiled" : "right", s.name);
    }
    std::printf("%d of the shapes to avoid are miscompiled\n%d passed, %d failed\n", miscompiled, passed, failed);
    return failed != 0;
}
