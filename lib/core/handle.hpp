#pragma once

#include <memory>

namespace mgw
{

/// Deleter that calls a C library's free function.
template <auto Free> struct Freed {
    template <class T> void operator()(T* p) const noexcept { Free(p); }
};

/// Owning pointer to an object of a C library: `using Cert = Handle<X509, X509_free>;`
template <class T, auto Free> using Handle = std::unique_ptr<T, Freed<Free>>;

} // namespace mgw
