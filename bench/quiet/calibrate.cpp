// A fixed amount of work on every processor at once; prints the milliseconds of the slowest. A busy host
// under a virtual machine shows in no counter of the guest, but it shows here.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>

namespace {

void pin_to(unsigned processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

// Both of what a client does: copying within the cache, and dependent arithmetic with scattered stores.
void work(std::vector<unsigned char>& from, std::vector<unsigned char>& to, std::uint64_t seed)
{
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 8; ++i) {
            std::memcpy(to.data(), from.data(), from.size());
            std::memcpy(from.data(), to.data(), to.size());
        }
        for (int i = 0; i < 40'000; ++i) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            ++from[seed % from.size()];
        }
    }
}

} // namespace

int main()
{
    const unsigned count = std::max(1u, std::thread::hardware_concurrency());
    std::vector<double> took(count);
    std::barrier together{static_cast<std::ptrdiff_t>(count)};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            pin_to(i);
            std::vector<unsigned char> from(384 << 10, 1);
            std::vector<unsigned char> to(384 << 10, 2);
            together.arrive_and_wait();
            const auto start = std::chrono::steady_clock::now();
            work(from, to, 88'172'645'463'325'252u + i);
            took[i] =
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        });
    }
    threads.clear();
    std::printf("%.3f\n", *std::max_element(took.begin(), took.end()));
}
