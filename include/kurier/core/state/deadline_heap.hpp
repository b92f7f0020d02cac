// Elements by a time of theirs, the earliest first: a turn looks only at what is due, however much waits. A pairing heap
// through hooks inside the elements, so nothing is allocated and nothing throws; it does not own them.
#pragma once

#include <kurier/instant.hpp>

#include <utility>

namespace kurier::inline KURIER_ABI::core {

template <class T> struct heap_hook
{
    nanoseconds at{0};
    T* child = nullptr;    // the first of those that are later
    T* next = nullptr;     // their siblings
    T* previous = nullptr; // the sibling before, or the parent of the first
    bool linked = false;
};

template <class T, heap_hook<T> T::* Hook> class deadline_heap
{
public:
    deadline_heap() = default;
    deadline_heap(const deadline_heap&) = delete;
    deadline_heap& operator=(const deadline_heap&) = delete;

    bool empty() const noexcept { return !first_; }
    T* earliest() const noexcept { return first_; }
    nanoseconds deadline() const noexcept { return first_ ? hook(*first_).at : never; }

    void put(T& element, nanoseconds at) noexcept // it may be in here already
    {
        remove(element);
        hook(element).at = at;
        hook(element).linked = true;
        first_ = join(first_, &element);
    }

    void remove(T& element) noexcept // if it is in here
    {
        auto& its = hook(element);
        if (!its.linked) return;
        T* later = join_all(std::exchange(its.child, nullptr));
        if (&element == first_) {
            first_ = later;
        } else {
            auto& before = hook(*its.previous);
            (before.child == &element ? before.child : before.next) = its.next;
            if (its.next) hook(*its.next).previous = its.previous;
            first_ = join(first_, later);
        }
        its = {};
    }

private:
    static heap_hook<T>& hook(T& element) noexcept { return element.*Hook; }

    // Two heaps, of which one may be empty, make one.
    static T* join(T* a, T* b) noexcept
    {
        if (!a || !b) return a ? a : b;
        if (hook(*b).at < hook(*a).at) std::swap(a, b);
        auto &above = hook(*a), &below = hook(*b);
        below.next = above.child;
        below.previous = a;
        if (above.child) hook(*above.child).previous = b;
        above.child = b;
        return a;
    }

    // So do siblings: in pairs first, which is what keeps the heap flat.
    static T* join_all(T* siblings) noexcept
    {
        T* pairs = nullptr; // the last one first
        while (siblings) {
            T* a = detach(siblings);
            T* pair = join(a, siblings ? detach(siblings) : nullptr);
            hook(*pair).next = pairs;
            pairs = pair;
        }
        T* all = nullptr;
        while (pairs) all = join(all, detach(pairs));
        return all;
    }

    static T* detach(T*& siblings) noexcept
    {
        T* one = siblings;
        siblings = std::exchange(hook(*one).next, nullptr);
        hook(*one).previous = nullptr;
        return one;
    }

    T* first_ = nullptr;
};

} // namespace kurier::inline KURIER_ABI::core
