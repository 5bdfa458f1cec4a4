#include "lib/smtp/milter_edits.hpp"
#include "lib/smtp/milter_header.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace mgw::smtp
{

namespace
{

using namespace std::literals;

/// A mail server that does as it is told: its message below a Received field of its own.
struct Server {
    struct Field {
        std::string name;
        std::string value; ///< LF line ends, without the last
    };
    std::vector<Field> fields{{"Received", " from x by y"}}; ///< of its own, hidden
    std::string body;
    std::vector<std::string> to;
    std::string from = "<a@example.net>";
    std::string reply;
    std::string quarantine;
    std::string last; ///< final answers
    std::size_t edits = 0;
    bool new_body = false;

    explicit Server(std::string_view octets)
    {
        const auto split = split_message(octets);
        for (const auto field : split.fields) {
            const auto colon = field.find(':');
            std::string value(field.substr(colon + 1, field.size() - colon - 3));
            for (auto at = value.find("\r\n"); at != std::string::npos; at = value.find("\r\n"))
                value.erase(at, 1);
            fields.push_back({std::string(field.substr(0, colon)), value});
        }
        body = octets.substr(split.body_begin);
    }

    std::string octets() const
    {
        std::string out;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (fields[i].value == " from x by y")
                continue;
            out += fields[i].name + ':';
            for (const char c : fields[i].value)
                out.append(c == '\n' ? "\r" : "").push_back(c);
            out += "\r\n";
        }
        return out + "\r\n" + body;
    }

    void obey(std::string_view packets)
    {
        MilterPackets reader;
        for (;;) {
            auto packet = reader.next(packets);
            ASSERT_TRUE(packet);
            if (!*packet)
                return;
            obey(static_cast<MilterAnswer>((*packet)->command), (*packet)->data);
        }
    }

    void obey(MilterAnswer answer, std::string_view data)
    {
        ++edits;
        std::uint32_t number = 0;
        if (answer == MilterAnswer::insert_header || answer == MilterAnswer::change_header)
            number = *take_milter_number(data);
        const auto texts =
            answer == MilterAnswer::replace_body ? std::vector<std::string_view>{} : milter_texts(data).value();
        switch (answer) {
        case MilterAnswer::add_header:
            fields.push_back({std::string(texts.at(0)), std::string(texts.at(1))});
            break;
        case MilterAnswer::insert_header:
            fields.insert(fields.begin() + std::min<std::ptrdiff_t>(number, std::ssize(fields)),
                          {std::string(texts.at(0)), std::string(texts.at(1))});
            break;
        case MilterAnswer::change_header:
            change(number, texts.at(0), texts.at(1));
            break;
        case MilterAnswer::replace_body:
            if (!new_body)
                body.clear();
            new_body = true;
            body += data;
            break;
        case MilterAnswer::add_recipient:
        case MilterAnswer::add_recipient_with_parameters:
            to.emplace_back(texts.at(0));
            break;
        case MilterAnswer::remove_recipient:
            EXPECT_EQ(std::erase(to, std::string(texts.at(0))), 1U) << texts.at(0);
            break;
        case MilterAnswer::change_from:
            from = texts.at(0);
            break;
        case MilterAnswer::quarantine:
            quarantine = texts.at(0);
            break;
        default:
            --edits;
            last += static_cast<char>(answer);
            if (answer == MilterAnswer::reply)
                reply = texts.at(0);
        }
    }

    void change(std::uint32_t nth, std::string_view name, std::string_view value)
    {
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (fields[i].value == " from x by y" || !iequals(trim(fields[i].name), name) || --nth > 0)
                continue;
            if (value.empty())
                fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(i));
            else
                fields[i] = {std::string(name), std::string(value)};
            return;
        }
        ADD_FAILURE() << "no such field: " << name;
    }
};

struct Case {
    MilterMessage original;
    std::string octets;
    mail::Frame frame;
    std::uint32_t actions = 0xff;
    MilterRules rules;

    explicit Case(std::string_view message, const std::vector<std::string>& to = {"b@example.org"}) : octets(message)
    {
        const auto split = split_message(octets);
        for (const auto field : split.fields) {
            const auto begin = static_cast<std::size_t>(field.data() - octets.data());
            original.fields.push_back({begin, field.find(':'), begin + field.size()});
        }
        original.body_begin = split.body_begin;
        original.envelope.from = "a@example.net";
        mail::Block block;
        block.set_id("ID");
        block.set_from("a@example.net");
        for (const auto& path : to) {
            original.envelope.to.push_back({path, ""});
            original.to.push_back('<' + path + '>');
            block.add_recipient(std::to_string(original.to.size()), path);
        }
        frame = {"ID", {{block, octets}}};
    }
    mail::Block& block() { return frame.members[0].block; }
    Case& made(std::string_view message)
    {
        frame.members[0].message = message;
        return *this;
    }
    Case& verdict(mail::Action action, const char* recipients, int code = 0, const char* text = "why")
    {
        mail::Verdict verdict;
        verdict.action = action;
        verdict.recipients = recipients;
        verdict.code = code;
        verdict.cls = "content";
        verdict.text = text;
        block().add_verdict(verdict);
        return *this;
    }
    MilterDecision decided() const { return decide(original, octets, frame, actions, rules); }
    Server server() const
    {
        Server out(octets);
        out.to = original.to;
        out.obey(decided().packets);
        return out;
    }
};

constexpr std::string_view plain = "From: a\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: 3\r\n\r\nbody\r\n";
using mail::Action;

} // namespace

TEST(MilterEdits, NothingForAMessageThatDidNotChange)
{
    const auto decision = Case(plain).decided();
    EXPECT_EQ(decision.packets, milter_packet(MilterAnswer::go_on));
    EXPECT_EQ(decision.action, "accept");
    EXPECT_EQ(decision.edits, 0U);
}

struct Edit {
    const char* name;
    std::string_view made;
    std::size_t edits;
};
class MilterEdit : public testing::TestWithParam<Edit> {};
TEST_P(MilterEdit, LeavesTheServerWithTheOctetsThatWereMade)
{
    Case one(plain);
    one.made(GetParam().made);
    const auto server = one.server();
    EXPECT_EQ(server.octets(), GetParam().made);
    EXPECT_EQ(server.last, "c");
    EXPECT_EQ(server.edits, GetParam().edits);
    EXPECT_EQ(one.decided().edits, GetParam().edits);
}
INSTANTIATE_TEST_SUITE_P(
    All, MilterEdit,
    testing::Values(
        Edit{"top", "A: 1\r\n\tf\r\nB:2\r\nFrom: a\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: 3\r\n\r\nbody\r\n", 2},
        Edit{"end", "From: a\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: 3\r\nA: 1\r\nB: 2\r\n\r\nbody\r\n", 2},
        Edit{"middle", "From: a\r\nA: 1\r\nB: 2\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: 3\r\n\r\nbody\r\n", 2},
        Edit{"change", "From: other\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: three\r\n\r\nbody\r\n", 2},
        Edit{"change_second", "From: a\r\nTo: b\r\n\tc\r\nX: 1\r\nX:  \tnew\r\nX: 3\r\n\r\nbody\r\n", 2},
        Edit{"change_blank_name", "From: a\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 9\r\nX: 3\r\n\r\nbody\r\n", 2},
        Edit{"remove", "From: a\r\nX: 1\r\nX: 3\r\n\r\nbody\r\n", 2}, Edit{"remove_all", "\r\nbody\r\n", 5},
        Edit{"swap", "To: b\r\n\tc\r\nFrom: a\r\nX: 3\r\nx : 2\r\nX: 1\r\n\r\nbody\r\n", 6},
        Edit{"empty_value", "From:\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: 3\r\n\r\nbody\r\n", 2},
        Edit{"body", "From: a\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: 3\r\n\r\nother\r\n", 1},
        Edit{"no_body", "From: a\r\nTo: b\r\n\tc\r\nX: 1\r\nx : 2\r\nX: 3\r\n\r\n", 1},
        Edit{"everything", "Z: 1\r\n\r\nz", 7}),
    [](const auto& info) { return info.param.name; });

TEST(MilterEdits, LargeBodiesGoInPieces)
{
    Case one(plain);
    const auto header = plain.substr(0, plain.find("\r\n\r\n") + 4);
    one.made(std::string(header) + std::string(200'000, 'x'));
    const auto server = one.server();
    EXPECT_EQ(server.body, std::string(200'000, 'x'));
    EXPECT_EQ(server.edits, 4U);
}

TEST(MilterEdits, AnyHeaderBecomesAnyOther)
{
    std::mt19937 random(1);
    const auto header = [&] {
        std::string out;
        for (unsigned n = random() % 9; n > 0; --n)
            out += std::string{"AaBC"[random() % 4]} + ':' + std::string(random() % 3, ' ') +
                   std::string{"xyz"[random() % 3]} + (random() % 4 == 0 ? "\r\n\tf" : "") + "\r\n";
        return out + "\r\nbody\r\n";
    };
    for (int i = 0; i < 3000; ++i) {
        const auto before = header();
        const auto after = header();
        Case one(before);
        one.made(after);
        ASSERT_EQ(one.server().octets(), after) << before;
    }
}

TEST(MilterEdits, ManyFieldsTakeLinearTime)
{
    std::string before;
    std::string after = "New: 1\r\n";
    for (int i = 0; i < 20'000; ++i) {
        before += "Mgw-X: " + std::to_string(i) + "\r\n";
        after += "Y: " + std::to_string(i) + "\r\n";
    }
    Case one(before + "\r\nbody\r\n");
    one.made(after + "\r\nbody\r\n");
    EXPECT_EQ(one.decided().edits, 40'001U);
    one.made("\r\nbody\r\n");
    EXPECT_EQ(one.decided().edits, 20'000U);
}

TEST(MilterEdits, ALineThatIsNoFieldIsAFailure)
{
    const std::vector<std::string_view> bad{"no colon\r\n\r\nbody\r\n", " x\r\nFrom: a\r\n\r\nbody\r\n",
                                            ": x\r\n\r\nbody\r\n", "A: b\0c\r\n\r\nbody\r\n"sv};
    for (const auto made : bad) {
        Case one(plain);
        one.made(made);
        EXPECT_TRUE(one.server().reply.starts_with("451 4.3.0")) << made;
        EXPECT_EQ(one.server().edits, 0U);
    }
}

TEST(MilterVerdicts, OneReplyWhereAllAreRefused)
{
    Case one(plain, {"b@x", "c@x"});
    one.verdict(Action::reject, "*", 554, "100% bad");
    EXPECT_EQ(one.server().reply, "554 5.7.1 100%% bad ID");
    EXPECT_EQ(one.server().last, "y");
    Case defer(plain, {"b@x", "c@x"});
    defer.verdict(Action::defer, "2", 450).verdict(Action::reject, "1");
    EXPECT_EQ(defer.server().reply, "450 4.7.1 why ID");
    Case wrong(plain);
    wrong.verdict(Action::reject, "*", 250);
    EXPECT_EQ(wrong.server().reply, "550 5.7.1 why ID");
}

TEST(MilterVerdicts, RefusedAndDiscardedRecipientsAreRemoved)
{
    for (const auto action : {Action::reject, Action::discard}) {
        Case one(plain, {"b@x", "c@x", "d@x"});
        one.verdict(action, "2");
        EXPECT_EQ(one.server().to, (std::vector<std::string>{"<b@x>", "<d@x>"}));
        EXPECT_EQ(one.decided().removed, std::vector<std::string>{"c@x"});
    }
    Case apart(plain, {"b@x", "c@x"});
    apart.verdict(Action::reject, "2");
    apart.rules.mixed = MilterMixed::defer;
    EXPECT_EQ(apart.server().reply, "451 4.5.3 Recipients differ, send to them apart ID");
}

TEST(MilterVerdicts, ADiscardedMessageGoesNowhere)
{
    Case one(plain, {"b@x", "c@x"});
    one.made("Other: 1\r\n\r\n").verdict(Action::discard, "*");
    EXPECT_EQ(one.decided().packets, milter_packet(MilterAnswer::discard));
    Case mixed(plain, {"b@x", "c@x"}); // nobody is left: the refused one was accepted for none
    mixed.verdict(Action::discard, "1").verdict(Action::reject, "2");
    EXPECT_EQ(mixed.decided().action, "discard");
}

TEST(MilterVerdicts, AQuarantineHoldsTheMessage)
{
    Case one(plain, {"b@x", "c@x"});
    one.verdict(Action::quarantine, "2", 0, "look\nhere");
    const auto server = one.server();
    EXPECT_EQ(server.quarantine, "look?here");
    EXPECT_EQ(server.last, "c");
    EXPECT_EQ(one.decided().action, "quarantine");
}

TEST(MilterEnvelope, FollowsAliasesAndSenders)
{
    Case one(plain, {"b@x", "c@x"});
    one.block().add_recipient("1.1", "robert@y", "NOTIFY=NEVER");
    one.block().add_recipient("1.2", "c@x");
    one.block().add_recipient("0.1", "copy@y", "for=2");
    one.block().set_from("srs=a@x");
    const auto server = one.server();
    EXPECT_EQ(server.to, (std::vector<std::string>{"<c@x>", "<robert@y>", "<copy@y>"}));
    EXPECT_EQ(server.from, "<srs=a@x>");
    EXPECT_TRUE(one.decided().packets.contains("<robert@y>\0NOTIFY=NEVER\0"sv));
    EXPECT_FALSE(one.decided().packets.contains("for="));
    one.actions &= ~static_cast<std::uint32_t>(milter_may_add_recipients_with_parameters);
    EXPECT_FALSE(one.decided().packets.contains("NOTIFY"));
}

TEST(MilterEnvelope, ADestinationThatIsAnErrorRefuses)
{
    Case one(plain);
    one.block().add_hop("1", "error:5.1.1 no such user");
    EXPECT_EQ(one.server().reply, "550 5.1.1 no such user ID");
    Case later(plain);
    later.block().add_hop("1", "error:4.2.2 full");
    EXPECT_EQ(later.server().reply, "451 4.2.2 full ID");
    Case elsewhere(plain);
    elsewhere.block().add_hop("1", "smtp:[192.0.2.1]:25");
    EXPECT_EQ(elsewhere.decided().edits, 0U);
}

TEST(MilterMembers, ThatCannotBeSentDeferOrAreDropped)
{
    Case one(plain);
    mail::Block notice;
    notice.set_id("ID.1");
    notice.set_from("");
    notice.add_recipient("0.1", "a@example.net", "for=1");
    one.frame.members.push_back({notice, "Subject: away\r\n\r\n"});
    EXPECT_TRUE(one.server().reply.starts_with("451 4.3.0 A copy or notice was made"));
    one.rules.drop_made = true;
    EXPECT_EQ(one.decided().packets, milter_packet(MilterAnswer::go_on));
    EXPECT_EQ(one.decided().unsent, 1U);
    one.rules.drop_made = false;
    one.verdict(Action::reject, "1"); // it was for a recipient that is refused
    EXPECT_TRUE(one.server().reply.starts_with("550"));
}

TEST(MilterMembers, WithTheSameOctetsAreRecipients)
{
    Case one(plain);
    auto copy = one.block();
    copy.set_id("ID.1");
    copy.remove_lines("Mgw-To");
    copy.add_recipient("0.1", "copy@y", "for=1");
    one.frame.members.push_back({copy, std::string(plain)});
    one.verdict(Action::discard, "1"); // a redirect without a copy
    EXPECT_EQ(one.server().to, std::vector<std::string>{"<copy@y>"});
}

TEST(MilterDecision, WhatTheServerDoesNotAllowIsOurFailure)
{
    const auto refused = [](Case& one, std::uint32_t action) {
        one.actions = 0xff & ~action;
        return one.decided().action == "defer" && one.decided().reply.enhanced == "4.3.0";
    };
    Case header(plain);
    header.made("New: 1\r\n" + std::string(plain));
    EXPECT_TRUE(refused(header, milter_may_add_headers));
    Case body(plain);
    body.made(std::string(plain) + "more\r\n");
    EXPECT_TRUE(refused(body, milter_may_change_body));
    Case held(plain);
    held.verdict(Action::quarantine, "*");
    EXPECT_TRUE(refused(held, milter_may_quarantine));
    Case fewer(plain, {"b@x", "c@x"});
    fewer.verdict(Action::reject, "1");
    EXPECT_TRUE(refused(fewer, milter_may_remove_recipients));
    Case sender(plain);
    sender.block().set_from("other@x");
    EXPECT_TRUE(refused(sender, milter_may_change_from));
}

TEST(MilterDecision, AFrameWithoutTheMessageIsOurFailure)
{
    Case one(plain);
    one.frame.members.clear();
    EXPECT_TRUE(one.decided().reply.code == 451);
    Case nobody(plain, {});
    EXPECT_TRUE(nobody.decided().reply.code == 451);
}

} // namespace mgw::smtp
