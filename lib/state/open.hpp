#pragma once

#include "lib/state/store.hpp"

namespace mgw::state
{

/// What open_store() chooses from; see there.
Result<std::unique_ptr<Store>> open_sqlite_store(const StoreOptions& options);
Result<std::unique_ptr<Store>> open_redis_store(const StoreOptions& options);

} // namespace mgw::state
