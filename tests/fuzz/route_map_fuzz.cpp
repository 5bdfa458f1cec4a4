// Tables are the administrator's, but included files and generated tables are not always: every text must end in a
// table or in an error.
#include "lib/route/router.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::route;
    using namespace mgw::lists;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = text.substr(0, text.find('\n'));
    Tables tables;
    tables.local_domains = {"x"};
    tables.origin = "x";
    tables.srs.emplace(std::vector<std::string>{"secret"}, "x");
    if (const auto map = parse_map(text, "fuzz", MapForm::aliases))
        if (!text.contains(":include:"))
            (void)tables.aliases.add(*map);
    if (const auto map = parse_map(text, "fuzz", MapForm::transport))
        (void)tables.transports.add(*map);
    if (const auto map = parse_map(text, "fuzz", MapForm::users))
        tables.users.add(*map);
    const Router router(std::move(tables));
    const auto routing = router.route(line, mgw::Time{});
    if (routing.targets.empty() || routing.targets.size() > router.tables().most_addresses)
        __builtin_trap();
    return 0;
}
