#pragma once

#include "lib/cli/stream.hpp"
#include "lib/mail/block.hpp"

#include <string_view>

namespace mgw::cli
{

/// The envelope of a message that brings none: from the options, else from Return-Path, Delivered-To and the Received
/// fields that --trust-received admits. Makes a new Mgw-Id
/// from the tool's clock and `random`.
mail::Block make_block(const Tool& tool, Random& random, const EnvelopeOptions& options, std::string_view message);

/// Puts what the options know into a believed block that does not: client address, sender, recipients. What an earlier
/// stage said stays.
void complete_block(const EnvelopeOptions& options, mail::Block& block);

} // namespace mgw::cli
