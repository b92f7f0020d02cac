// A doubly linked list through hooks inside its elements: no allocation, O(1) removal, and an element can be
// in several lists at once. The list does not own its elements.
#pragma once

#include <kurier/config.hpp>

#include <cstddef>

namespace kurier::inline KURIER_ABI::core {

template <class T> struct list_hook
{
    T* previous = nullptr;
    T* next = nullptr;
    bool linked = false;
};

template <class T, list_hook<T> T::* Hook> class intrusive_list
{
public:
    intrusive_list() = default;
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }
    std::size_t size() const noexcept { return size_; }
    T* front() const noexcept { return first_; }
    T* back() const noexcept { return last_; }
    static T* next(const T& element) noexcept { return (element.*Hook).next; }
    static T* previous(const T& element) noexcept { return (element.*Hook).previous; }
    static bool linked(const T& element) noexcept { return (element.*Hook).linked; }

    void push_back(T& element) noexcept { insert_before(nullptr, element); }
    void push_front(T& element) noexcept { insert_before(first_, element); }

    void insert_before(T* position, T& element) noexcept // position nullptr: at the end
    {
        auto& hook = element.*Hook;
        hook.next = position;
        hook.previous = position ? (position->*Hook).previous : last_;
        hook.linked = true;
        (hook.previous ? (hook.previous->*Hook).next : first_) = &element;
        (position ? (position->*Hook).previous : last_) = &element;
        ++size_;
    }

    void erase(T& element) noexcept
    {
        auto& hook = element.*Hook;
        (hook.previous ? (hook.previous->*Hook).next : first_) = hook.next;
        (hook.next ? (hook.next->*Hook).previous : last_) = hook.previous;
        hook = {};
        --size_;
    }

    void remove(T& element) noexcept // erases it if it is in the list
    {
        if (linked(element)) erase(element);
    }

    T* pop_front() noexcept
    {
        T* element = first_;
        if (element) erase(*element);
        return element;
    }

private:
    T* first_ = nullptr;
    T* last_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace kurier::inline KURIER_ABI::core
