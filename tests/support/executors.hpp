// Executors for tests: one that counts what it is given, and one that any_io_executor can't hold. An allocator that
// counts, too.
#pragma once

#include <kurier/config.hpp>

#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace kurier::inline KURIER_ABI::testing {

// Another executor, and how often something was submitted to it. A counter that throws refuses what is submitted.
template <class Inner, class Counter = std::atomic<int>> class counting_executor
{
public:
    counting_executor(Inner inner, Counter& count) noexcept : inner_{std::move(inner)}, count_{&count} {}

    template <class Property>
        requires boost::asio::can_query<const Inner&, Property>::value
    decltype(auto) query(const Property& property) const noexcept
    {
        return boost::asio::query(inner_, property);
    }
    template <class Property>
        requires boost::asio::can_require<const Inner&, Property>::value
    auto require(const Property& property) const noexcept
    {
        return counted(boost::asio::require(inner_, property));
    }
    template <class Property>
        requires boost::asio::can_prefer<const Inner&, Property>::value
    auto prefer(const Property& property) const noexcept
    {
        return counted(boost::asio::prefer(inner_, property));
    }
    template <class Function> void execute(Function&& function) const
    {
        ++*count_;
        inner_.execute(std::forward<Function>(function));
    }
    friend bool operator==(const counting_executor&, const counting_executor&) noexcept = default;

private:
    template <class Other> auto counted(Other&& other) const noexcept
    {
        return counting_executor<std::decay_t<Other>, Counter>{std::forward<Other>(other), *count_};
    }

    Inner inner_;
    Counter* count_;
};

// The least that Asio takes for an executor: it can only run things at once.
class bare_executor
{
public:
    explicit bare_executor(int& count) noexcept : count_{&count} {}

    template <class Function> void execute(Function&& function) const
    {
        ++*count_;
        std::forward<Function>(function)();
    }
    friend bool operator==(const bare_executor&, const bare_executor&) noexcept = default;

private:
    int* count_;
};

template <class T> class counting_allocator
{
public:
    using value_type = T;

    explicit counting_allocator(int& count, int limit = 1000) noexcept : count_{&count}, limit_{limit} {}
    template <class U> counting_allocator(const counting_allocator<U>& other) noexcept
        : count_{other.count_}, limit_{other.limit_}
    {}

    T* allocate(std::size_t n)
    {
        if (*count_ >= limit_) throw std::bad_alloc{};
        ++*count_;
        return std::allocator<T>{}.allocate(n);
    }
    void deallocate(T* memory, std::size_t n) noexcept { std::allocator<T>{}.deallocate(memory, n); }

    friend bool operator==(const counting_allocator&, const counting_allocator&) = default;

private:
    template <class> friend class counting_allocator;

    int* count_;
    int limit_; // so many, and then there is no memory
};

} // namespace kurier::inline KURIER_ABI::testing
