#pragma once

namespace mgw
{

/// What the machine's processor can do. Asked once, and only by who has much to work on: each question leaves a virtual
/// machine, tens of microseconds in all. False on other architectures.
bool has_avx2();
bool has_sse42();

} // namespace mgw
