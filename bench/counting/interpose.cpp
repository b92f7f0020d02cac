// Loaded in front of a client (LD_PRELOAD), it counts what the client asks of libc: allocations, clock reads,
// timers, calls that enter the kernel for I/O, and the Produce requests among the bytes that it sends. The
// counts go to the file $KURIER_COUNTS when the process ends.
//
// A run of N records and one of M differ in start-up by nothing: the difference of their counts, divided by M
// - N, is what a record costs. Except for allocations: what is kept and used again grows to what the busiest
// moment of a run needs, which is never the same. late_allocations are those between the middle one of the
// late_requests * 2 Produce requests and the last. Not counted: what libc does inside itself (futex, brk,
// mmap); strace shows those.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// glibc's own allocator, under the names that can't be taken from it
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

struct counter
{
    const char* name;
    std::atomic<std::uint64_t> value{0};

    void add(std::uint64_t n = 1) noexcept { value.fetch_add(n, std::memory_order_relaxed); }
};

counter allocations{"allocations"}, allocated_bytes{"allocated_bytes"}, frees{"frees"},
    clock_reads{"clock_reads"}, timer_arms{"timer_arms"}, event_waits{"event_waits"}, writes{"writes"},
    reads{"reads"}, empty_reads{"empty_reads"}, other_calls{"other_calls"},
    produce_requests{"produce_requests"}, sent_bytes{"sent_bytes"};
counter* const counters[] = {&allocations,      &allocated_bytes, &frees, &clock_reads, &timer_arms,
                             &event_waits,      &writes,          &reads, &empty_reads, &other_calls,
                             &produce_requests, &sent_bytes};

// How many allocations there were when each Produce request was sent
std::array<std::uint64_t, 65536> allocations_before;

void count_request() noexcept
{
    const auto number = produce_requests.value.fetch_add(1, std::memory_order_relaxed);
    if (number < allocations_before.size()) allocations_before[number] = allocations.value;
}

template <class Function> Function next(const char* name) noexcept
{
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// Follows the frames of one connection: 4 bytes of size, 2 of API key, the rest.
struct frame_follower
{
    std::array<unsigned char, 6> head{};
    std::size_t have = 0;
    std::uint64_t left = 0; // of the current frame, behind its head

    void follow(const unsigned char* bytes, std::size_t size) noexcept
    {
        while (size > 0) {
            if (left > 0) {
                const std::size_t skipped = std::min<std::uint64_t>(left, size);
                left -= skipped;
                bytes += skipped;
                size -= skipped;
                continue;
            }
            head[have++] = *bytes++;
            --size;
            if (have == head.size()) begin();
        }
    }

private:
    void begin() noexcept
    {
        std::uint64_t frame = 0;
        for (std::size_t i = 0; i < 4; ++i) frame = frame << 8 | head[i];
        left = frame > 2 ? frame - 2 : 0;
        have = 0;
        if (head[4] == 0 && head[5] == 0) count_request();
    }
};

std::array<frame_follower, 256> followers;

bool is_socket(int fd) noexcept
{
    struct stat status{};
    return fd >= 0 && static_cast<std::size_t>(fd) < followers.size() && ::fstat(fd, &status) == 0 &&
           S_ISSOCK(status.st_mode);
}

void count_written(int fd, const iovec* pieces, std::size_t count, ssize_t written) noexcept
{
    writes.add();
    if (written <= 0 || !is_socket(fd)) return;
    sent_bytes.add(static_cast<std::uint64_t>(written));
    auto left = static_cast<std::size_t>(written);
    for (std::size_t i = 0; i < count && left > 0; ++i) {
        const std::size_t size = std::min(left, pieces[i].iov_len);
        followers[static_cast<std::size_t>(fd)].follow(static_cast<const unsigned char*>(pieces[i].iov_base),
                                                       size);
        left -= size;
    }
}

ssize_t count_read(ssize_t result) noexcept
{
    reads.add();
    if (result < 0 && errno == EAGAIN) empty_reads.add();
    return result;
}

[[gnu::destructor]] void report()
{
    const char* const path = std::getenv("KURIER_COUNTS");
    std::FILE* const file = path ? std::fopen(path, "w") : nullptr;
    if (file == nullptr) return;
    std::array<std::uint64_t, std::size(counters)> values{};
    for (std::size_t i = 0; i < values.size(); ++i) // before printing, which allocates
        values[i] = counters[i]->value;
    for (std::size_t i = 0; i < values.size(); ++i)
        std::fprintf(file, "%s %llu\n", counters[i]->name, static_cast<unsigned long long>(values[i]));
    const auto requests = std::min<std::uint64_t>(produce_requests.value, allocations_before.size());
    const auto late = requests / 2;
    std::fprintf(file, "late_requests %llu\nlate_allocations %llu\n", static_cast<unsigned long long>(late),
                 static_cast<unsigned long long>(
                     late ? allocations_before[requests - 1] - allocations_before[requests - 1 - late] : 0));
    std::fclose(file);
}

} // namespace

extern "C" {

void* malloc(std::size_t size)
{
    allocations.add();
    allocated_bytes.add(size);
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size)
{
    allocations.add();
    allocated_bytes.add(count * size);
    return __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size)
{
    allocations.add();
    allocated_bytes.add(size);
    return __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size)
{
    allocations.add();
    allocated_bytes.add(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size)
{
    *result = aligned_alloc(alignment, size);
    return *result == nullptr ? ENOMEM : 0;
}

void free(void* memory)
{
    if (memory != nullptr) frees.add();
    __libc_free(memory);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept
{
    static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
    clock_reads.add();
    return real(clock, time);
}

int gettimeofday(timeval* time, void* zone) noexcept
{
    static const auto real = next<int (*)(timeval*, void*)>("gettimeofday");
    clock_reads.add();
    return real(time, zone);
}

int timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* old) noexcept
{
    static const auto real = next<int (*)(int, int, const itimerspec*, itimerspec*)>("timerfd_settime");
    timer_arms.add();
    return real(fd, flags, value, old);
}

int epoll_wait(int fd, epoll_event* events, int size, int timeout)
{
    static const auto real = next<int (*)(int, epoll_event*, int, int)>("epoll_wait");
    event_waits.add();
    return real(fd, events, size, timeout);
}

int poll(pollfd* fds, nfds_t count, int timeout)
{
    static const auto real = next<int (*)(pollfd*, nfds_t, int)>("poll");
    event_waits.add();
    return real(fds, count, timeout);
}

int epoll_ctl(int fd, int operation, int target, epoll_event* event) noexcept
{
    static const auto real = next<int (*)(int, int, int, epoll_event*)>("epoll_ctl");
    other_calls.add();
    return real(fd, operation, target, event);
}

ssize_t send(int fd, const void* bytes, std::size_t size, int flags)
{
    static const auto real = next<ssize_t (*)(int, const void*, std::size_t, int)>("send");
    const ssize_t result = real(fd, bytes, size, flags);
    const iovec piece{const_cast<void*>(bytes), size};
    count_written(fd, &piece, 1, result);
    return result;
}

ssize_t sendmsg(int fd, const msghdr* message, int flags)
{
    static const auto real = next<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
    const ssize_t result = real(fd, message, flags);
    count_written(fd, message->msg_iov, message->msg_iovlen, result);
    return result;
}

ssize_t write(int fd, const void* bytes, std::size_t size)
{
    static const auto real = next<ssize_t (*)(int, const void*, std::size_t)>("write");
    const ssize_t result = real(fd, bytes, size);
    const iovec piece{const_cast<void*>(bytes), size};
    count_written(fd, &piece, 1, result);
    return result;
}

ssize_t writev(int fd, const iovec* pieces, int count)
{
    static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
    const ssize_t result = real(fd, pieces, count);
    count_written(fd, pieces, static_cast<std::size_t>(count), result);
    return result;
}

ssize_t recv(int fd, void* bytes, std::size_t size, int flags)
{
    static const auto real = next<ssize_t (*)(int, void*, std::size_t, int)>("recv");
    return count_read(real(fd, bytes, size, flags));
}

ssize_t recvmsg(int fd, msghdr* message, int flags)
{
    static const auto real = next<ssize_t (*)(int, msghdr*, int)>("recvmsg");
    return count_read(real(fd, message, flags));
}

ssize_t read(int fd, void* bytes, std::size_t size)
{
    static const auto real = next<ssize_t (*)(int, void*, std::size_t)>("read");
    return count_read(real(fd, bytes, size));
}

} // extern "C"
