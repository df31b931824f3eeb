-- One exchange of a process with the quota that it shares with others. The
-- judgement is that of the SDK's own ledger (internal/quota), in small.
--
-- KEYS[1] holds the state, ARGV is the ask in the order of `fields` below; the
-- answer is {interactive, bulk, ask again, opens, turn}. Times are microseconds
-- of Redis' own clock, as the clocks of the processes need not agree.

local MAGIC = 'leedo-quota-1:' -- what a key of ours begins with
local SECOND, HOUR = 1e6, 3600e6
local SILENCE = 30 * SECOND  -- a process that says nothing for so long is gone
local TOLERANCE = 2 * SECOND -- resets that differ by less are the same
local MARGIN = 0.05 * SECOND -- how long after a reset it is believed
local REPROBE = 3 * SECOND   -- for how long the answer to a probe is waited for
local COLD = 4               -- requests under way before anything is known
local LEASE = 32             -- permits for bulk in one answer
local SILENT = 20            -- answers without figures that make a server one that tells none

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
local turn = math.max(now, (s and s.turn or 0) + 1)
if not s or now < s.now - 5 * SECOND then -- nothing there, or a clock that was set back
	s = {born = turn, sure = false, limit = 0, left = 0, booked = 0, observed = 0, reset = 0, opens = 0, length = 0,
		blocked = 0, strikes = 0, struck = 0, probed = 0, silent = 0, total = 0, others = 0, called = 0, calls = 0,
		procs = {}}
end

-- Permits of a process that has died come back.
local out, processes = ask.held, 1
for other, p in pairs(s.procs) do
	if now - p.at > SILENCE then
		s.procs[other] = nil
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
s.total = s.total + served + lost
s.silent = s.silent + lost

local function per(window, part) -- a part of the window
	return (window > 0 and window or HOUR) / part
end

-- What others spend shows in figures that fall faster than all of our
-- requests, those under way included, can explain.
local function compare(at)
	local mark = s.mark
	local elapsed = mark and at - mark.at or 0
	if mark and elapsed >= per(s.length, 60) then
		local spent = math.max(mark.left - ask.remaining - (s.total + out - mark.total), 0)
		-- Faster than the quota comes nobody can go on for long.
		local pace = math.min(spent / elapsed, ask.limit / s.length)
		s.others = s.others + (pace - s.others) * (1 - math.exp(-elapsed / per(s.length, 6)))
		mark = nil
	end
	s.mark = mark or {at = at, left = ask.remaining, total = s.total}
end

-- Figures are news if their request was sent after the newest ones had come.
-- Others may only lower what is left, or be of a later window.
local function book()
	local at, reset = now - ask.age, ask.reset > 0 and now + ask.reset or 0
	local newer = ask.sent >= s.booked
	local later, earlier = reset > 0 and reset - s.reset > TOLERANCE, reset > 0 and s.reset - reset > TOLERANCE
	local over = reset == 0 and s.reset > 0 -- told of a window that has ended since
	if not newer and (ask.limit ~= s.limit or earlier or over or not later and ask.remaining >= s.left) then
		return
	end
	if newer and ask.limit ~= s.limit then -- another plan
		s.mark, s.length = nil, 0
	elseif later then
		s.mark = nil
	end
	if reset > 0 and (s.reset == 0 or later or earlier or reset < s.reset) then
		s.reset = reset
	end
	-- No window is longer than an hour: a later reset is a slip.
	s.opens = s.reset > 0 and math.min(s.reset, now + HOUR + SILENCE) + MARGIN or 0
	s.length = math.max(s.length, math.min(reset - now, HOUR), SECOND)
	s.limit, s.left, s.observed, s.booked, s.silent = ask.limit, ask.remaining, at, turn, 0
	s.sure = s.sure or ask.sent >= s.born
	compare(at)
end

if ask.limit > 0 and (not me or served + refused > 0) then
	book()
end
s.left = math.max(s.left - lost, 0)
if s.silent > SILENT and now >= s.opens then
	s.limit, s.reset, s.opens = 0, 0, 0 -- it has stopped telling
end
if served > 0 and ask.sent >= s.struck then
	s.strikes = 0
end
if refused > 0 and ask.refusedSent >= s.struck then -- those under way together count as one
	s.strikes = s.strikes + 1
	s.blocked = now + math.min(2 ^ (s.strikes - 1), 300) * SECOND
	if ask.retry > 0 then
		s.blocked = now + ask.retry + MARGIN
	elseif s.opens > now then
		s.blocked = s.opens
	end
	s.left, s.opens, s.struck = 0, s.limit > 0 and s.blocked or 0, turn
end

-- Figures without a reset allow one try after a while.
local opens = s.opens > 0 and s.opens or s.observed + HOUR / math.max(s.limit, 1) * 2 ^ math.min(s.strikes, 10)
local rest = math.min(math.max(opens - now, 0), per(s.length, 1)) -- of the window

-- Bulk leaves a share to interactive calls, which melts towards the reset, so
-- that none of it is lost; more if they are seen to need more, and what others
-- are likely to spend.
s.calls = s.calls * math.exp(-(now - s.called) / per(s.length, 6)) + calls
local function kept()
	if ask.reserve == 0 then
		return 0
	end
	local floor, idle, half = ask.reserve * s.limit, now - s.called, per(s.length, 1)
	if ask.reserve == 0.05 then -- the default
		floor = math.max(floor, math.min(10, s.limit / 10))
	end
	if s.called == 0 then -- who was never seen needs less
		idle, half = per(s.length, 1) - rest, per(s.length, 30)
	end
	floor = floor * rest / per(s.length, 1) * 2 ^ (-idle / half)
	local need = 1.5 * s.calls / per(s.length, 6) * rest
	return math.floor(math.min(math.max(floor, need) + math.min(s.others * rest, 0.4 * s.limit), 0.6 * s.limit))
end
if calls > 0 then
	s.called = now
end

local interactive, bulk, again, wait = 0, 0, 0, 0
local poll = math.min(20 + 2 * processes, 250) * 1e3 -- answers that tell are on their way
local tokens, spent, share = s.left - out, 0, 0
if s.limit == 0 then
	tokens = math.huge
	if s.strikes > 0 then
		tokens = 1 - out
	end
else
	share = kept()
	if now < opens and s.others * per(s.length, 12) > 1 then
		-- What others have likely spent is not there, nor is the last request.
		spent = math.floor(s.others * (now - s.observed) + 0.5) + 1
	end
end
if not s.sure and s.silent <= SILENT then
	tokens = math.min(tokens, COLD - out)
end

if now < s.blocked then
	again, wait = s.blocked - now, s.blocked - now
else
	interactive = math.max(math.min(ask.interactive, tokens - spent), 0)
	local free = tokens - spent - interactive - share
	if free >= 1 then
		bulk = math.min(ask.bulk, LEASE, math.max(math.floor(free / (2 * processes)), 1))
	end
	if interactive + bulk == 0 and s.limit > 0 then
		local first = now >= opens and (out == 0 or now - s.probed >= REPROBE)
		-- Long after the last answer it is better to ask than to guess.
		local guess = spent > 0 and out == 0 and now - s.observed > per(s.length, 60) and
			tokens >= math.max(s.limit / 50, ask.interactive > 0 and 1 or 1 + share)
		if first or guess then
			interactive, bulk = math.min(ask.interactive, 1), ask.interactive > 0 and 0 or math.min(ask.bulk, 1)
			s.probed = now
		end
	end
	tokens = tokens - interactive - bulk
	if interactive < ask.interactive or bulk == 0 and ask.bulk > 0 then
		again = poll
		if now >= opens or s.limit == 0 or not s.sure then -- an answer will tell
		elseif tokens < 1 then
			if s.left < 1 or out + interactive + bulk == 0 then
				again, wait = opens - now, opens - now
			end
		elseif tokens - spent >= 1 then -- the share melts, but not for many
			again, wait = (opens - now) / 50, opens - now
		else
			again = s.observed + per(s.length, 60) - now
		end
		again = math.max(again, poll)
		if tokens >= 1 then
			again = math.min(again, 5 * SECOND)
		end
	end
end

s.procs[name] = {number = ask.number, held = ask.held + interactive + bulk, at = now,
	served = ask.served, lost = ask.lost, refused = ask.refused, calls = ask.calls}
s.turn, s.now = turn, now
local life = math.max(2 * s.length, 600 * SECOND, s.blocked - now)
redis.call('SET', KEYS[1], MAGIC .. cmsgpack.pack(s), 'PX', math.ceil(life / 1e3))
return {interactive, bulk, math.floor(again), math.floor(wait), turn}
