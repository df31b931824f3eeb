-- One exchange of a process with the quota that it shares with others. The
-- judgement is that of the SDK's own ledger (internal/quota), in small.
--
-- KEYS[1] is a hash of what is known of the quota and what each process told
-- last, as packed doubles. ARGV is the field of a process and its ask, the answer
-- interactive, bulk, ask again, opens, turn and hints, all packed so. Times are
-- microseconds of Redis' own clock, as the clocks of the processes need not agree.

local QUOTA = 'leedo-quota-1' -- no other hash has such a field
local SECOND, HOUR = 1e6, 3600e6
local SILENCE = 5 * SECOND   -- a process with permits reports every 2 s: one silent for so long is gone
local SWEEP = SECOND         -- how often such processes are looked for
local SETBACK = 5 * SECOND   -- a clock that is so far behind was set back
local AFRESH = 3 * SECOND    -- within which processes that live have reported to a state that is new
local PROMPT = 30 * SECOND   -- how soon after a reset figures show what it restored
local TOLERANCE = 2 * SECOND -- resets that differ by less are the same
local MARGIN = SECOND / 20   -- how long after a reset it is believed
local REPROBE = 3 * SECOND   -- for how long the answer to a probe is waited for
local COLD, LEASE = 4, 32    -- permits out before anything is known; for bulk in one answer
local SILENT = 20            -- responses without figures after which old ones are no longer believed
local TURNS = 3              -- so often a limit is reported again within an hour: two limits in turn
local NEVER_SEEN = 120 * SECOND -- how fast the default reserve shrinks before any interactive call
local min, max, floor = math.min, math.max, math.floor
local call, pack, unpack = redis.call, struct.pack, struct.unpack

local key, name = KEYS[1], ARGV[1]
local number, wantInteractive, wantBulk, reserve, held, allServed, allLost, allSilent, allRefused, allCalls,
	toldLimit, toldLeft, toldReset, age, sent, retry, refusedSent = unpack('>ddddddddddddddddd', ARGV[2])
local now = ARGV[3] and tonumber(ARGV[3]) -- only tests tell the time
if not now then
	local time = call('TIME')
	now = time[1] * SECOND + time[2]
end

local stored = call('HMGET', key, QUOTA, name)
local state, mine = stored[1], stored[2]
if not state and call('EXISTS', key) == 1 then
	return redis.error_reply('ERR the key holds something else than a quota')
end
-- Turns number the exchanges, across a loss of the state, too: a request that
-- was sent before the turn in which the state was born says little of now.
local turn, last = 0, now
if state then
	turn, last = unpack('>dd', state)
end
if not state or now < last - SETBACK then -- nothing there, or the clock was set back
	call('DEL', key)
	turn = max(turn, sent) -- or what processes know from before would be news
	-- part is 0.9, as nobody knows yet who else there is. called is when the newest
	-- interactive call came, or if there was none, since when: as a negative number.
	state = pack('>ddddd', turn, now, max(now, turn + 1), 0, 0.9) .. string.rep('\0', 8 * 14) ..
		pack('>d', -now) .. string.rep('\0', 8 * 8) .. pack('>d', now) .. string.rep('\0', 8 * 4)
	mine = nil
end
local born, swept, part, processes, out, limit, left, reset, opens, length, observed, booked,
	blocked, strikes, struck, probed, silent, called, recent, others,
	firstAt, firstLeft, ours, rolled, waiting, pace, apart, unheard, former, turned, turns =
	unpack('>ddddddddddddddddddddddddddddddd', state, 17)

local myNumber, myHeld, myWaiting, _, fed, served, lost, wordless, refused, calls = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
if mine then
	myNumber, myHeld, myWaiting, _, fed, served, lost, wordless, refused, calls = unpack('>dddddddddd', mine)
	if number <= myNumber then
		return pack('>dddddd', 0, 0, 0, 0, turn, 0) -- it came twice, or late
	end
end
turn = max(now, turn + 1)
if now - swept >= SWEEP then
	swept, processes, out, waiting = now, 0, 0, 0
	local all = call('HGETALL', key)
	for i = 1, #all, 2 do
		if all[i] ~= QUOTA then
			local _, permits, wants, at = unpack('>dddd', all[i + 1])
			if now - at <= SILENCE or all[i] == name then
				processes, out, waiting = processes + 1, out + permits, waiting + wants
			else
				-- Whether its requests were counted nobody will hear: they are taken to
				-- have been, until newer figures show it.
				call('HDEL', key, all[i])
				left, unheard, ours = left - permits, unheard + permits, ours + permits
			end
		end
	end
	left = max(left, 0)
end

-- Counters are totals: an exchange that got lost is made up for by the next.
if mine then
	served, lost, wordless = allServed - served, allLost - lost, allSilent - wordless
	refused, calls = allRefused - refused, allCalls - calls
	out, waiting = out - myHeld, waiting - myWaiting
else
	served, lost, wordless, refused, calls = 0, 0, 0, retry > 0 and 1 or 0, wantInteractive
	processes = processes + 1
end
if mine and served + lost + refused > myHeld then
	apart, pace = now, 0 -- it has sent requests without Redis, when it could not reach it
end
out, ours, silent = out + held, ours + served + lost, silent + wordless

-- Figures are news if their request was sent after the newest ones had come.
-- Others may only lower what is left, or be of a later window; not those of a
-- process that comes back, which has reported them before, unless that was lost.
local ends = toldReset > 0 and now + toldReset or 0 -- none: it is over
local was = length
local newer, plan = sent >= booked, toldLimit ~= limit
local later, earlier = ends - reset > TOLERANCE, reset - ends > TOLERANCE
local news = newer or (mine or born > 0) and not plan and not earlier and (later or toldLeft < left)
if news and toldLimit > 0 and (not mine or served + refused > 0) then
	-- Resets are rather believed too late than too early.
	local over = now >= reset or later and toldLeft > left and reset - now <= TOLERANCE
	if over and now - reset <= PROMPT then
		-- A reset that is followed by another one soon gives back a few requests:
		-- what was spent together comes back together, a window later.
		local goesOn = rolled > 0 and now - rolled <= 0.9 * length
		rolled = ends - now >= length / 2 and 0 or goesOn and rolled or now
		-- One that is followed by another a window later, and gave back less than
		-- half: what was spent in the window before counts less and less. But not
		-- while there may be processes that spend without Redis: where the state
		-- was lost they come back one by one.
		pace = 0
		if later and rolled == 0 and (toldLeft + 1) * 2 < limit and now - age - reset <= REPROBE and
			now - apart > PROMPT then
			pace = (limit - toldLeft) / (ends - now)
		end
	end
	length = max(plan and 0 or length, min(ends - now, HOUR), SECOND)
	if ends > 0 and (later or earlier or ends < reset) then
		reset = ends
	end
	opens = reset > 0 and min(reset, now + HOUR + PROMPT) + MARGIN or 0 -- a later reset is a slip
	pace = plan and 0 or pace
	if plan and limit > 0 then
		turns = toldLimit == former and (now - turned <= HOUR and turns or 0) + 1 or turns
		former, turned = limit, toldLimit == former and now or turned
	end
	limit, left, observed, booked, silent, unheard = toldLimit, toldLeft, now - age, turn, 0, 0
	-- It is known how it is now; a process that never had an answer lost nothing.
	born = (sent >= born or sent == 0 and observed > born) and 0 or born
	-- What others spend shows in figures that have fallen, since the first of the
	-- window, more than our requests can explain. Those under way may have been
	-- counted or not: what was believed stays, within what is possible.
	local elapsed, all = observed - firstAt, firstLeft - left
	if plan or later then
		firstAt, firstLeft, ours = observed, left, 0
	else
		if all * 10 >= limit then
			part = min(max(part, min(ours / all, 1)), min((ours + out) / all, 1))
		end
		if elapsed >= length / 60 then
			local pace = min(max(others * elapsed, all - ours - out, 0), max(all - ours, 0)) / elapsed
			others = min(pace, limit / length) -- faster nobody can go on for long
		end
	end
end

left = max(left - lost, 0)
if silent > SILENT and now >= opens then
	limit, reset, opens, pace, unheard = 0, 0, 0, 0, 0 -- it has stopped telling
end
if served > 0 and sent >= struck or lost > 0 and now >= blocked then
	strikes = 0
end
if refused > 0 and refusedSent >= struck then -- those under way together count as one
	strikes = strikes + 1
	blocked = now + min(2 ^ (strikes - 1), 300) * SECOND
	if retry > 0 then
		blocked = now + retry + MARGIN
	elseif opens > now and pace == 0 then
		blocked = opens
	end
	pace = pace * 0.7 -- it was too much
	left, unheard, opens, struck = 0, 0, limit > 0 and blocked or 0, turn
end

local window = length > 0 and length or HOUR
recent = recent * math.exp((last - now) / (window / 6)) + calls
called = calls > 0 and now or called

local interactive, bulk, again, wait, probing = 0, 0, 0, 0, false
if wantInteractive + wantBulk == 0 then
	-- it only reports
elseif now < blocked then
	again, wait = blocked - now, blocked - now
else
	-- Figures without a reset allow one try after a while.
	local first = opens > 0 and opens or observed + HOUR / max(limit, 1) * 2 ^ min(strikes, 10)
	local rest = min(max((rolled > 0 and rolled + window or first) - now, 0), window) -- of the window
	local there, spent, share = left + pace * (now - observed), 0, 0
	if limit > 0 and now < first and others * window / 12 > 1 then
		-- What others have likely spent is not there, nor is the last request.
		spent = floor(others * (now - observed) + 0.5) + 1
	end
	-- Bulk leaves a share to interactive calls, which shrinks towards the reset, so
	-- that none of it is lost; more if they are seen to need more, and what others
	-- are likely to spend.
	if wantBulk > 0 and limit > 0 and reserve >= 0 then
		local least = reserve * limit
		if reserve == 0 then -- the default, which is forgotten if no call is seen
			least = max(0.05 * limit, min(10, limit / 10))
			least = least * (called < 0 and math.exp((-called - now) / NEVER_SEEN) or 1)
		end
		local need = 1.5 * recent / (window / 6) * rest
		share = floor(min(max(least * rest / window, need) + min(others * rest, 0.4 * limit), 0.6 * limit))
	end

	-- Not all that is left may be out at once, as others send, too.
	local most = math.huge
	if born > 0 and limit > 0 and now - born < AFRESH then
		most = 1 -- figures from before the state was lost, and who has permits is not known yet
	elseif limit == 0 and silent < COLD then
		most = COLD -- the responses in flight may still say what is left
	end
	if strikes > 0 and (limit == 0 or pace > 0) then
		most = 1
	elseif pace > 0 then
		most = min(most, max(left, COLD)) -- more on reckoning alone would be bold
	end
	local forAll, forBulk = most, most
	if limit > 0 then
		local n = floor(there) - spent
		forAll = n < 1 and 0 or min(max(floor(n * part), 1), most)
		n = n - share
		forBulk = share == 0 and forAll or n < 1 and 0 or min(max(floor(n * part), 1), most)
	end
	-- What is not enough for all interactive calls that wait, here and in other
	-- processes, is divided; a process that just had its part leaves theirs to
	-- the others, until they had time to ask. They pass before bulk, too.
	local room, all = max(forAll - out, 0), wantInteractive + waiting
	interactive = min(wantInteractive, room)
	if waiting > 0 and interactive > 0 and room < all then
		local justFed = now - fed <= min(SECOND, window / 50)
		interactive = justFed and max(room - waiting, 0) or max(floor(room * wantInteractive / all), 1)
	end
	fed = interactive > 0 and now or fed
	local free = min(forBulk - out, room - waiting) - interactive
	if wantBulk > 0 and free >= 1 then
		bulk = min(wantBulk, LEASE, max(floor(free / (2 * processes)), 1))
	end
	-- A new window begins with a probe, and so does what is left if it went to
	-- processes that are gone. Long after the last response it is better to ask than
	-- to guess what others have spent, if it is worth a 429.
	local enough = wantInteractive > 0 and max(limit / 50, 1) or max(limit / 20, 1 + share)
	local need = wantInteractive > 0 and 1 or 1 + share
	local unsure = now >= first or unheard > 0 and there + unheard >= need
	if interactive + bulk == 0 and limit > 0 and
		(now >= first and now - probed >= REPROBE or
		out == 0 and (unsure or there >= enough and now - observed > window / 12)) then
		interactive = min(wantInteractive, 1)
		bulk = min(wantBulk, 1 - interactive)
		probed = now
	end
	out = out + interactive + bulk
	if interactive < wantInteractive or wantBulk > 0 and bulk == 0 then -- else there may be more at once
		local free = there - out - spent
		again = min(20 + 2 * processes, 250) * 1e3 -- responses in flight will tell
		unsure = unsure or limit == 0
		probing = unsure or free >= (wantBulk > 0 and bulk == 0 and 1 + share or 1)
		if unsure then
			-- nothing to wait for
		elseif pace > 0 then
			local lack = 1 - free + (interactive == wantInteractive and share or 0)
			again = min(max(lack / pace, again), max(first - now, again))
			wait = again
		elseif interactive == wantInteractive and free >= 1 and free < 1 + share then
			again, wait = min(max(rest / 50, again), 5 * SECOND), rest -- it shrinks, but not for many
		elseif there < 1 or out == 0 and there < enough then
			again, wait = max(first - now, again), first - now
		elseif out == 0 and room < 1 then -- else it is for others, for a moment
			again = max(observed + window / 12 - now, again)
			wait = again
		end
	end
end
local wants = wantInteractive - interactive
waiting = waiting + wants

call('HSET', key, QUOTA, pack('>ddddddddddddddddddddddddddddddddd', turn, now, born, swept, part, processes, out,
	limit, left, reset, opens, length, observed, booked, blocked, strikes, struck, probed, silent, called, recent,
	others, firstAt, firstLeft, ours, rolled, waiting, pace, apart, unheard, former, turned, turns),
	name, pack('>dddddddddd', number, held + interactive + bulk, wants, now, fed, allServed, allLost, allSilent, allRefused, allCalls))
if swept == now or length ~= was or refused > 0 then
	call('PEXPIRE', key, math.ceil(max(2 * length, 600 * SECOND, blocked - now) / 1000))
end
local mixed = turns >= TURNS and now - turned <= HOUR
return pack('>dddddd', interactive, bulk, again, wait, turn, (probing and 1 or 0) + (mixed and 2 or 0))
