-- One exchange of a process with the quota that it shares with others. The
-- judgement is that of the SDK's own ledger (internal/quota), in small.
--
-- KEYS[1] holds the state, ARGV is the ask in the order of `fields`; the answer
-- is {interactive, bulk, ask again, opens, turn}. Times are microseconds of
-- Redis' own clock, as the clocks of the processes need not agree.

local MAGIC = 'leedo-quota-1:' -- what our keys hold begins with it
local SECOND, HOUR = 1e6, 3600e6
local SILENCE = 30 * SECOND  -- a process that says nothing for so long is gone
local TOLERANCE = 2 * SECOND -- resets that differ by less are the same
local MARGIN = SECOND / 20   -- how long after a reset it is believed
local REPROBE = 3 * SECOND   -- for how long the answer to a probe is waited for
local COLD, LEASE = 4, 32    -- permits out before anything is known; for bulk in one answer
local SILENT = 20            -- answers without figures from a server that tells none
local min, max, floor = math.min, math.max, math.floor

local fields = {'number', 'interactive', 'bulk', 'reserve', 'held', 'served', 'lost', 'refused', 'calls',
	'limit', 'remaining', 'reset', 'age', 'sent', 'retry', 'refusedSent', 'now'}
local ask, name = {}, ARGV[1]
for i, field in ipairs(fields) do
	ask[field] = tonumber(ARGV[i + 1])
end

local blob = redis.call('GET', KEYS[1])
if blob and string.sub(blob, 1, #MAGIC) ~= MAGIC then
	return redis.error_reply('ERR the key holds something else than a quota')
end
local s = blob and cmsgpack.unpack(string.sub(blob, #MAGIC + 1))
local now = ask.now -- only tests tell the time
if not now then
	local time = redis.call('TIME')
	now = time[1] * SECOND + time[2]
end

-- Turns number the exchanges, across a loss of the state, too: a request that
-- was sent before the turn in which the state was born says little of now.
local turn = max(now, (s and s.turn or 0) + 1)
if not s or now < s.now - 5 * SECOND then -- nothing there, or the clock was set back
	s = {born = turn, sure = false, now = now, procs = {}, limit = 0, left = 0, reset = 0, opens = 0, length = 0,
		observed = 0, booked = 0, blocked = 0, strikes = 0, struck = 0, probed = 0, silent = 0, total = 0,
		called = 0, calls = 0, others = 0, part = 0.9} -- nobody knows yet who else there is
end

local out, processes = ask.held, 1
for other, p in pairs(s.procs) do
	if now - p.at > SILENCE then
		s.procs[other] = nil -- its permits come back
	elseif other ~= name then
		out, processes = out + p.held, processes + 1
	end
end

-- Counters are totals: an exchange that got lost is made up for by the next.
local me = s.procs[name]
if me and ask.number <= me.number then
	return {0, 0, 0, 0, s.turn} -- it came twice, or late
end
local served, lost, refused, calls = 0, 0, ask.retry > 0 and 1 or 0, ask.interactive
if me then
	served, lost = ask.served - me.served, ask.lost - me.lost
	refused, calls = ask.refused - me.refused, ask.calls - me.calls
end
s.total, s.silent = s.total + served + lost, s.silent + lost

local function window(part) -- a part of the window
	return (s.length > 0 and s.length or HOUR) / part
end

local function within(x, least, most)
	return min(max(x, least), most)
end

-- What others spend shows in figures that have fallen, since the first of the
-- window, more than our requests can explain. Those under way may have been
-- counted or not: what was believed stays, within what is possible.
local function compare(at)
	local elapsed, all, ours = at - s.first.at, s.first.left - ask.remaining, s.total - s.first.total
	if all * 10 >= s.limit then
		s.part = within(s.part, min(ours / all, 1), min((ours + out) / all, 1))
	end
	if elapsed >= window(60) then
		local pace = within(s.others * elapsed, max(all - ours - out, 0), max(all - ours, 0)) / elapsed
		s.others = min(pace, s.limit / s.length) -- faster nobody can go on for long
	end
end

-- Figures are news if their request was sent after the newest ones had come.
-- Others may only lower what is left, or be of a later window.
local function book()
	local at, reset = now - ask.age, ask.reset > 0 and now + ask.reset or 0
	local newer, plan = ask.sent >= s.booked, ask.limit ~= s.limit
	local later, earlier = reset - s.reset > TOLERANCE, s.reset - reset > TOLERANCE -- no reset: it is over
	if not newer and (plan or earlier or not later and ask.remaining >= s.left) then
		return
	end
	s.length = max(plan and 0 or s.length, min(reset - now, HOUR), SECOND)
	if reset > 0 and (later or earlier or reset < s.reset) then
		s.reset = reset
		s.opens = min(reset, now + HOUR + SILENCE) + MARGIN -- a later reset is a slip
	end
	s.limit, s.left, s.observed, s.booked, s.silent = ask.limit, ask.remaining, at, turn, 0
	s.sure = s.sure or ask.sent >= s.born
	if plan or later then
		s.first = {at = at, left = ask.remaining, total = s.total}
	else
		compare(at)
	end
end

if ask.limit > 0 and (not me or served + refused > 0) then
	book()
end
s.left = max(s.left - lost, 0)
if s.silent > SILENT and now >= s.opens then
	s.limit, s.reset, s.opens = 0, 0, 0 -- it has stopped telling
end
if served > 0 and ask.sent >= s.struck or lost > 0 and now >= s.blocked then
	s.strikes = 0
end
if refused > 0 and ask.refusedSent >= s.struck then -- those under way together count as one
	s.strikes = s.strikes + 1
	s.blocked = now + min(2 ^ (s.strikes - 1), 300) * SECOND
	if ask.retry > 0 then
		s.blocked = now + ask.retry + MARGIN
	elseif s.opens > now then
		s.blocked = s.opens
	end
	s.left, s.opens, s.struck = 0, s.limit > 0 and s.blocked or 0, turn
end

-- Figures without a reset allow one try after a while.
local opens = s.opens > 0 and s.opens or s.observed + HOUR / max(s.limit, 1) * 2 ^ min(s.strikes, 10)

-- Bulk leaves a share to interactive calls, which melts towards the reset, so
-- that none of it is lost; more if they are seen to need more, and what others
-- are likely to spend.
s.calls = s.calls * math.exp((s.now - now) / window(6)) + calls
s.called = calls > 0 and now or s.called
local function kept()
	local rest = within(opens - now, 0, window(1))
	local least, idle, half = ask.reserve * s.limit, now - s.called, window(1)
	if ask.reserve == 0.05 then -- the default
		least = max(least, min(10, s.limit / 10))
	end
	if s.called == 0 then -- who was never seen needs less
		idle, half = window(1) - rest, window(30)
	end
	least = least * rest / window(1) * 2 ^ (-idle / half)
	local need = 1.5 * s.calls / window(6) * rest
	return floor(min(max(least, need) + min(s.others * rest, 0.4 * s.limit), 0.6 * s.limit))
end
local spent, share = 0, s.limit > 0 and ask.reserve > 0 and kept() or 0
if s.limit > 0 and now < opens and s.others * window(12) > 1 then
	-- What others have likely spent is not there, nor is the last request.
	spent = floor(s.others * (now - s.observed) + 0.5) + 1
end

-- room returns how many permits there are if n requests may be sent: not all,
-- as others send while they are out.
local function room(n)
	local most = n < 1 and 0 or max(floor(n * s.part), 1)
	if s.limit == 0 then
		most = s.strikes > 0 and 1 or math.huge
	end
	if not s.sure and s.silent <= SILENT then
		most = min(most, COLD)
	end
	return max(most - out, 0)
end

local interactive, bulk = 0, 0
local again, wait = max(s.blocked - now, 0), max(s.blocked - now, 0)
if wait == 0 then
	interactive = min(ask.interactive, room(s.left - spent))
	local free = room(s.left - spent - share) - interactive
	if free >= 1 then
		bulk = min(ask.bulk, LEASE, max(floor(free / (2 * processes)), 1))
	end
	-- A new window begins with a probe. Long after the last answer it is better
	-- to ask than to guess what others have spent, if it is worth a refusal.
	local enough = ask.interactive > 0 and max(s.limit / 50, 1) or max(s.limit / 20, 1 + share)
	local probe = now >= opens and (out == 0 or now - s.probed >= REPROBE) or
		out == 0 and s.left >= enough and now - s.observed > window(60)
	if probe and interactive + bulk == 0 and s.limit > 0 then
		interactive = min(ask.interactive, 1)
		bulk = min(ask.bulk, 1 - interactive)
		s.probed = now
	end
	out, free = out + interactive + bulk, s.left - out - interactive - bulk - spent
	again = min(20 + 2 * processes, 250) * 1e3 -- answers that tell are on their way
	if now < opens and s.limit > 0 then
		if interactive == ask.interactive and free >= 1 and free < 1 + share then
			again, wait = within((opens - now) / 50, again, 5 * SECOND), opens - now -- the share melts, but not for many
		elseif s.left < 1 or out == 0 and s.left < enough then
			again, wait = max(opens - now, again), opens - now
		elseif out == 0 then
			again = max(s.observed + window(60) - now, again)
		end
	end
end
if interactive == ask.interactive and (bulk > 0 or ask.bulk == 0) then
	again, wait = 0, 0 -- there may be more at once
end

s.procs[name] = {number = ask.number, held = ask.held + interactive + bulk, at = now,
	served = ask.served, lost = ask.lost, refused = ask.refused, calls = ask.calls}
s.turn, s.now = turn, now
redis.call('SET', KEYS[1], MAGIC .. cmsgpack.pack(s),
	'PX', math.ceil(max(2 * s.length, 600 * SECOND, s.blocked - now) / 1000))
return {interactive, bulk, floor(again), floor(wait), turn}
