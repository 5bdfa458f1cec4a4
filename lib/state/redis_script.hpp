#pragma once

/// What must happen in one piece on the server, as Lua (Redis EVAL). Times are microseconds since 1970: below 2^53, so
/// exact in Lua's numbers. They do what memory_store.cpp and grey_step.cpp do.
namespace mgw::state
{

/// KEYS: rates. ARGV: now, then increment and tolerance of each. Returns debt before and 1 or 0 for each.
constexpr const char* take_script = R"(
local now = tonumber(ARGV[1])
local out, granted = {}, true
for i, key in ipairs(KEYS) do
  local increment, tolerance = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local stamp = tonumber(redis.call('GET', key) or 0) or 0
  local before = math.min(math.max(stamp - now, 0), tolerance)
  local fits = increment <= 0 or before + increment <= tolerance
  granted = granted and fits
  out[2 * i - 1] = before
  out[2 * i] = fits and 1 or 0
end
if granted then
  for i, key in ipairs(KEYS) do
    local increment = tonumber(ARGV[2 * i])
    local after = out[2 * i - 1] + increment
    if after <= 0 then
      if increment < 0 then redis.call('DEL', key) end
    elseif increment ~= 0 then
      redis.call('SET', key, string.format('%.0f', now + after), 'PX', string.format('%.0f', math.ceil(after / 1000)))
    end
  end
end
return out
)";

/// KEYS: one entry. ARGV: now, delay, window, white. Returns state (0 fresh, 1 early, 2 passed, 3 known), first, last
/// and uses.
constexpr const char* grey_script = R"(
local now, delay, window, white = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local first, last, uses, ends = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%d+) (%d+)$')
first, last, uses, ends = tonumber(first), tonumber(last), tonumber(uses), tonumber(ends)
local state = 0
if first and ends > now and uses > 0 and now < last + white then
  state = 3
elseif first and ends > now and uses == 0 and now < first + window then
  state = (now >= first + delay) and 2 or 1
else
  first, last, uses = now, now, 0
  if delay == 0 then state = 2 end
end
if state >= 2 then
  uses = uses + 1
  last = now
end
ends = (uses == 0) and first + window or last + white
redis.call('SET', KEYS[1], string.format('%.0f %.0f %.0f %.0f', first, last, uses, ends), 'PX',
           string.format('%.0f', math.max(1, math.ceil((ends - now) / 1000))))
return {state, first, last, uses}
)";

/// KEYS: one count. ARGV: now, what is added, time to live. Returns the sum.
constexpr const char* count_script = R"(
local now, by, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local sum, ends = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
sum = (sum and tonumber(ends) > now) and tonumber(sum) or nil
if not sum and by == 0 then return 0 end
sum = (sum or 0) + by
redis.call('SET', KEYS[1], string.format('%.0f %.0f', sum, now + ttl), 'PX', string.format('%.0f', math.ceil(ttl / 1000)))
return sum
)";

} // namespace mgw::state
