#include "lib/smtp/server_tls.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{

TEST(TlsPairs, AreTheSameAfterTheWay)
{
    const std::vector<TlsPair> pairs{{"one\n2\n", std::string("a\0b", 3)}, {"", "x"}};
    const auto again = unpack_pairs(pack_pairs(pairs));
    ASSERT_EQ(again.size(), 2U);
    EXPECT_EQ(again[0].certificate, pairs[0].certificate);
    EXPECT_EQ(again[0].key, pairs[0].key);
    EXPECT_EQ(again[1].key, "x");
}

TEST(TlsPairs, NothingOfATextThatIsNone)
{
    const auto packed = pack_pairs({{"abc", "def"}});
    for (std::size_t n = 0; n < packed.size(); ++n)
        EXPECT_TRUE(unpack_pairs(std::string_view(packed).substr(0, n)).empty()) << n;
    EXPECT_TRUE(unpack_pairs("99999999999999999999\nx").empty());
    EXPECT_TRUE(unpack_pairs("-1\nx").empty());
}

TEST(ServerTls, NeedsAPairThatCanBeRead)
{
    EXPECT_EQ(ServerTls::make({}).error().status, Status::config);
    EXPECT_EQ(ServerTls::make({{"no certificate", "no key"}}).error().status, Status::config);
}

} // namespace mgw::smtp
