#include "lib/lists/iprev.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::lists;

namespace
{

TEST(Iprev, NeedsANameThatLeadsBack)
{
    auto zone = dns::open_zone(MGW_TEST_DATA "/auth/zone.db");
    ASSERT_TRUE(zone) << zone.error().message;
    EXPECT_EQ(check_iprev("192.0.2.7", **zone).result, "pass");
    EXPECT_EQ(check_iprev("::ffff:192.0.2.7", **zone).name, "mail.example.net");
    EXPECT_EQ(check_iprev("192.0.2.66", **zone).result, "fail");
    EXPECT_EQ(check_iprev("192.0.2.99", **zone).result, "permerror");
    EXPECT_EQ(check_iprev("", **zone).result, "none");
    EXPECT_EQ(check_iprev("no address", **zone).result, "none");
}

} // namespace
