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
		blocked = 0, strikes = 0, struck = 0, probed = 0, silent = 0, total = 0, others = 0,
		part = 0.9, called = 0, calls = 0, procs = {}} -- nobody knows yet who else there is
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

-- What others spend shows in figures that have fallen, since the first of the
-- window, more than our requests can explain. Those under way may have been
-- counted or not: what was believed stays, within what is possible.
local function compare(at)
	local function within(x, least, most)
		return math.min(math.max(x, least), most)
	end
	local elapsed, all, ours = at - s.first.at, s.first.left - ask.remaining, s.total - s.first.total
	if all * 10 >= s.limit then
		s.part = within(s.part, math.min(ours / all, 1), math.min((ours + out) / all, 1))
	end
	if elapsed >= per(s.length, 60) then
		local pace = within(s.others * elapsed, math.max(all - ours - out, 0), math.max(all - ours, 0)) / elapsed
		s.others = math.min(pace, s.limit / s.length) -- faster nobody can go on for long
	end
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
	local plan = ask.limit ~= s.limit
	if plan then
		s.length = 0
	end
	if reset > 0 and (s.reset == 0 or later or earlier or reset < s.reset) then
		s.reset = reset
	end
	-- No window is longer than an hour: a later reset is a slip.
	s.opens = s.reset > 0 and math.min(s.reset, now + HOUR + SILENCE) + MARGIN or 0
	s.length = math.max(s.length, math.min(reset - now, HOUR), SECOND)
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
local spent, share = 0, 0
if s.limit > 0 then
	share = kept()
	if now < opens and s.others * per(s.length, 12) > 1 then
		-- What others have likely spent is not there, nor is the last request.
		spent = math.floor(s.others * (now - s.observed) + 0.5) + 1
	end
end

local enough = ask.interactive > 0 and math.max(s.limit / 50, 1) or math.max(s.limit / 20, 1 + share) -- to be worth a refusal

-- room returns how many permits may be out if there are n requests to be sent:
-- not all, as others send meanwhile.
local function room(n)
	local most = n < 1 and 0 or math.max(math.floor(n * s.part), 1)
	if s.limit == 0 then
		most = s.strikes > 0 and 1 or math.huge
	end
	if not s.sure and s.silent <= SILENT then
		most = math.min(most, COLD)
	end
	return most - out
end

if now < s.blocked then
	again, wait = s.blocked - now, s.blocked - now
else
	interactive = math.max(math.min(ask.interactive, room(s.left - spent)), 0)
	local free = room(s.left - spent - share) - interactive
	if free >= 1 then
		bulk = math.min(ask.bulk, LEASE, math.max(math.floor(free / (2 * processes)), 1))
	end
	if interactive + bulk == 0 and s.limit > 0 then
		local over = now >= opens and (out == 0 or now - s.probed >= REPROBE)
		-- Long after the last answer it is better to ask than to guess.
		local guess = spent > 0 and out == 0 and now - s.observed > per(s.length, 60) and s.left >= enough
		if over or guess then
			interactive, bulk = math.min(ask.interactive, 1), ask.interactive > 0 and 0 or math.min(ask.bulk, 1)
			s.probed = now
		end
	end
	if interactive < ask.interactive or bulk == 0 and ask.bulk > 0 then
		again = poll
		out = out + interactive + bulk
		local free = s.left - out - spent
		if now >= opens or s.limit == 0 or not s.sure then -- an answer will tell
		elseif interactive == ask.interactive and free >= 1 and free < 1 + share then
			-- The share melts, but not for many.
			again, wait = math.min((opens - now) / 50, 5 * SECOND), opens - now
		elseif s.left < 1 or out == 0 and s.left < enough then
			again, wait = opens - now, opens - now
		elseif out == 0 then
			again = s.observed + per(s.length, 60) - now
		end
		again = math.max(again, poll)
	end
end

s.procs[name] = {number = ask.number, held = ask.held + interactive + bulk, at = now,
	served = ask.served, lost = ask.lost, refused = ask.refused, calls = ask.calls}
s.turn, s.now = turn, now
local life = math.max(2 * s.length, 600 * SECOND, s.blocked - now)
redis.call('SET', KEYS[1], MAGIC .. cmsgpack.pack(s), 'PX', math.ceil(life / 1e3))
return {interactive, bulk, math.floor(again), math.floor(wait), turn}
