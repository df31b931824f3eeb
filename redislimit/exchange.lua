-- One exchange: a process reports what became of its requests and asks for
-- permits; the script updates the shared state and grants some. The rules are a
-- simplified form of those of the SDK's own limiter (internal/quota).
--
-- KEYS[1] is a hash. Its field QUOTA holds the state of the quota, and a field for
-- each process holds the last report of that process. ARGV[1] is the field of the
-- process, ARGV[2] its ask, and ARGV[3], in tests only, the time. The result is
-- interactive and bulk permits, ask again, opens, turn and flags; see QuotaAsk and
-- QuotaAnswer in package leedo. The values of the hash, the ask and the result are
-- packed doubles. Times are microseconds of the Redis server's clock, because the
-- clocks of the processes may differ.

local QUOTA = 'leedo-quota-1' -- identifies the format of the state
local SECOND, HOUR = 1e6, 3600e6
local LEASE_EXPIRY = 5 * SECOND    -- permits count as spent after this time without a report; processes report every 2 s
local SWEEP_INTERVAL = SECOND      -- how often such processes are removed
local CLOCK_JUMP = 5 * SECOND      -- a clock this far behind the last exchange was set back
local REJOIN = 3 * SECOND          -- how soon all live processes have reported to a new state
local PROMPT_RESET = 30 * SECOND   -- how soon after a reset figures show what it restored
local SAME_RESET = 2 * SECOND      -- resets that differ by less are the same
local RESET_DELAY = SECOND / 20    -- how long to wait after a reset
local REPROBE = 3 * SECOND         -- how long to wait for the response to a probe
local COLD = 4                     -- permits out before 4 responses came without headers, or by an estimated refill
local MAX_BULK = 32                -- the most bulk permits in one reply
local MAX_SILENT = 20              -- consecutive responses without headers after which figures are discarded
local MIN_ALTERNATIONS = 3         -- returns to an earlier limit within an hour that show two limits in turn
local UNUSED_DECAY = 120 * SECOND  -- time constant of the default reserve's decay before any interactive call
local min, max, floor = math.min, math.max, math.floor
local call, pack, unpack = redis.call, struct.pack, struct.unpack

local key, name = KEYS[1], ARGV[1]
local askNumber, wantInteractive, wantBulk, askReserve, askHeld,
	totalServed, totalLost, totalSilent, totalRejected, totalCalls,
	askLimit, askRemaining, askReset, askAge, askSent, retryAfter, rejectedSent = unpack('>ddddddddddddddddd', ARGV[2])
local now = ARGV[3] and tonumber(ARGV[3]) -- only tests set the time
if not now then
	local time = call('TIME')
	now = time[1] * SECOND + time[2]
end

local stored = call('HMGET', key, QUOTA, name)
local state, previous = stored[1], stored[2]
if not state and call('EXISTS', key) == 1 then
	return redis.error_reply('ERR the key does not hold a quota')
end
-- Turns number the exchanges, also across a loss of the state: the response to a
-- request sent before the turn in which the state was created says little about now.
local turn, lastAt = 0, now
if state then
	turn, lastAt = unpack('>dd', state)
end
if not state or now < lastAt - CLOCK_JUMP then -- no state, or the clock was set back
	call('DEL', key)
	turn = max(turn, askSent) -- otherwise figures from before would look new
	-- usablePart starts at 0.9, because others may use the quota, too. calledAt is the
	-- time of the newest interactive call. Before the first one it is negative: minus
	-- the time at which the state was created.
	state = pack('>ddddd', turn, now, max(now, turn + 1), 0, 0.9) .. string.rep('\0', 8 * 14) ..
		pack('>d', -now) .. string.rep('\0', 8 * 8) .. pack('>d', now) .. string.rep('\0', 8 * 4)
	previous = nil
end
-- The state. Rates are requests per microsecond.
--   bornTurn: the turn in which the state was created, and 0 once the figures of a
--     request sent since then are known
--   sweptAt: when silent processes were last removed
--   usablePart: the part of the remaining requests that may be out at once
--   processes, outstanding, waiting: how many processes there are, how many permits
--     they hold, and for how many interactive calls they wait for one
--   limit, remaining, reset, observedAt, figuresTurn: the newest figures of a response,
--     when it arrived, and the turn that recorded them; limit is 0 if they are unknown
--   opens: when requests are expected to be restored, and 0 if that is unknown
--   length: how long windows are
--   blockedUntil, rejections, rejectedTurn: until when a 429 blocks all requests, the
--     number of consecutive 429s, and the turn of the newest
--   probedAt: when the last probe was sent
--   silentCount: consecutive responses without headers
--   calledAt, recentCalls: the newest interactive call, and a decaying count of them
--   othersRate: how fast others send requests without this store
--   firstAt, firstRemaining, ownSpent: the first figures of the window, and how many
--     requests the processes have spent since
--   partialResetAt: when resets began to come that are followed by another one within
--     half a window, and 0 if the newest is not such a reset
--   refillRate: how fast a sliding window restores requests, and 0 if windows are fixed
--   bypassedAt: when a process last sent requests without this store
--   orphaned: permits of removed processes, counted as spent until there are new figures
--   formerLimit, alternatedAt, alternations: the limit before this one, and when and how
--     often an earlier limit was reported again
local bornTurn, sweptAt, usablePart, processes, outstanding, limit, remaining, reset, opens, length, observedAt,
	figuresTurn, blockedUntil, rejections, rejectedTurn, probedAt, silentCount, calledAt, recentCalls, othersRate,
	firstAt, firstRemaining, ownSpent, partialResetAt, waiting, refillRate, bypassedAt, orphaned,
	formerLimit, alternatedAt, alternations =
	unpack('>ddddddddddddddddddddddddddddddd', state, 17)

-- The previous report of this process. Its totals become differences below.
local oldNumber, oldHeld, oldWants, _, grantedAt,
	newServed, newLost, newSilent, newRejected, newCalls = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
if previous then
	oldNumber, oldHeld, oldWants, _, grantedAt,
		newServed, newLost, newSilent, newRejected, newCalls = unpack('>dddddddddd', previous)
	if askNumber <= oldNumber then
		-- A duplicate, as the Redis client sends it if the connection broke before the
		-- reply, or out of order. The permits of the lost reply are granted again when the
		-- next ask shows that the process does not hold them.
		return pack('>dddddd', 0, 0, 0, 0, turn, 1)
	end
end
turn = max(now, turn + 1)
if now - sweptAt >= SWEEP_INTERVAL then
	sweptAt, processes, outstanding, waiting = now, 0, 0, 0
	local all = call('HGETALL', key)
	for i = 1, #all, 2 do
		if all[i] ~= QUOTA then
			local _, permits, wants, at = unpack('>dddd', all[i + 1])
			if now - at <= LEASE_EXPIRY or all[i] == name then
				processes, outstanding, waiting = processes + 1, outstanding + permits, waiting + wants
			else
				-- It is unknown whether its requests were counted. Assume that they were,
				-- until newer figures show it.
				call('HDEL', key, all[i])
				remaining, orphaned, ownSpent = remaining - permits, orphaned + permits, ownSpent + permits
			end
		end
	end
	remaining = max(remaining, 0)
end

-- Processes report totals, so that the next exchange makes up for a lost one.
if previous then
	newServed, newLost, newSilent = totalServed - newServed, totalLost - newLost, totalSilent - newSilent
	newRejected, newCalls = totalRejected - newRejected, totalCalls - newCalls
	outstanding, waiting = outstanding - oldHeld, waiting - oldWants
else
	newServed, newLost, newSilent, newRejected, newCalls = 0, 0, 0, retryAfter > 0 and 1 or 0, wantInteractive
	processes = processes + 1
end
if previous and newServed + newLost + newRejected > oldHeld then
	bypassedAt, refillRate = now, 0 -- it sent requests while it could not reach Redis
end
outstanding, ownSpent, silentCount = outstanding + askHeld, ownSpent + newServed + newLost, silentCount + newSilent

-- Accept the figures of the ask if their request was sent after the current ones
-- were recorded. Otherwise accept them only if they lower what remains or belong to a
-- later window, and not from a process that was removed: it reported them before,
-- unless the state was lost since.
local askResetAt = askReset > 0 and now + askReset or 0 -- 0 means unknown, or past
local oldLength = length
local isNewer, limitChanged = askSent >= figuresTurn, askLimit ~= limit
local isLater, isEarlier = askResetAt - reset > SAME_RESET, reset - askResetAt > SAME_RESET
local accept = isNewer or (previous or bornTurn > 0) and not limitChanged and not isEarlier and
	(isLater or askRemaining < remaining)
if accept and askLimit > 0 and (not previous or newServed + newRejected > 0) then
	-- Believing a reset too late is better than too early.
	local windowOver = now >= reset or isLater and askRemaining > remaining and reset - now <= SAME_RESET
	if windowOver and now - reset <= PROMPT_RESET then
		-- If the next reset is less than half a window away, this one restored only
		-- the requests that were sent at about the same time a window ago.
		local continues = partialResetAt > 0 and now - partialResetAt <= 0.9 * length
		partialResetAt = askResetAt - now >= length / 2 and 0 or continues and partialResetAt or now
		-- If the next reset is later than that but this one restored less than half of
		-- the limit, the requests of the previous window count less and less: the server
		-- restores them at an even rate. This cannot be concluded while processes may
		-- send without Redis, as after a loss of the state.
		refillRate = 0
		if isLater and partialResetAt == 0 and (askRemaining + 1) * 2 < limit and now - askAge - reset <= REPROBE and
			now - bypassedAt > PROMPT_RESET then
			refillRate = (limit - askRemaining) / (askResetAt - now)
		end
	end
	length = max(limitChanged and 0 or length, min(askResetAt - now, HOUR), SECOND)
	if askResetAt > 0 and (isLater or isEarlier or askResetAt < reset) then
		reset = askResetAt
	end
	opens = reset > 0 and min(reset, now + HOUR + PROMPT_RESET) + RESET_DELAY or 0 -- a later reset is an error
	refillRate = limitChanged and 0 or refillRate
	if limitChanged and limit > 0 then
		alternations = askLimit == formerLimit and (now - alternatedAt <= HOUR and alternations or 0) + 1 or alternations
		formerLimit, alternatedAt = limit, askLimit == formerLimit and now or alternatedAt
	end
	limit, remaining, observedAt, figuresTurn, silentCount, orphaned = askLimit, askRemaining, now - askAge, turn, 0, 0
	-- Figures from after the creation of the state settle it. If askSent is 0, the
	-- process had no reply before, so the age of its figures decides.
	bornTurn = (askSent >= bornTurn or askSent == 0 and observedAt > bornTurn) and 0 or bornTurn
	-- If remaining has fallen, since the first figures of the window, by more than our
	-- requests explain, others have spent the rest. The server may or may not have
	-- counted the requests in flight: keep the estimates, within these bounds.
	local elapsed, fallen = observedAt - firstAt, firstRemaining - remaining
	if limitChanged or isLater then
		firstAt, firstRemaining, ownSpent = observedAt, remaining, 0
	else
		if fallen * 10 >= limit then
			usablePart = min(max(usablePart, min(ownSpent / fallen, 1)), min((ownSpent + outstanding) / fallen, 1))
		end
		if elapsed >= length / 60 then
			local rate = min(max(othersRate * elapsed, fallen - ownSpent - outstanding, 0), max(fallen - ownSpent, 0)) / elapsed
			othersRate = min(rate, limit / length) -- the limit allows no higher rate for long
		end
	end
end

remaining = max(remaining - newLost, 0)
if silentCount > MAX_SILENT and now >= opens then
	limit, reset, opens, refillRate, orphaned = 0, 0, 0, 0, 0 -- the server has stopped sending headers
end
if newServed > 0 and askSent >= rejectedTurn or newLost > 0 and now >= blockedUntil then
	rejections = 0
end
if newRejected > 0 and rejectedSent >= rejectedTurn then -- 429s of requests in flight together count as one
	rejections = rejections + 1
	blockedUntil = now + min(2 ^ (rejections - 1), 300) * SECOND
	if retryAfter > 0 then
		blockedUntil = now + retryAfter + RESET_DELAY
	elseif opens > now and refillRate == 0 then
		blockedUntil = opens
	end
	refillRate = refillRate * 0.7 -- the estimate was too high
	remaining, orphaned, opens, rejectedTurn = 0, 0, limit > 0 and blockedUntil or 0, turn
end

local window = length > 0 and length or HOUR
recentCalls = recentCalls * math.exp((lastAt - now) / (window / 6)) + newCalls
calledAt = newCalls > 0 and now or calledAt

local interactive, bulk, askAgain, untilOpen, probing = 0, 0, 0, 0, false
if wantInteractive + wantBulk == 0 then
	-- the process only reports
elseif now < blockedUntil then
	askAgain, untilOpen = blockedUntil - now, blockedUntil - now
else
	-- If the figures have no reset, probe after a while.
	local opensAt = opens > 0 and opens or observedAt + HOUR / max(limit, 1) * 2 ^ min(rejections, 10)
	local timeLeft = min(max((partialResetAt > 0 and partialResetAt + window or opensAt) - now, 0), window) -- in the window
	local available, othersSpent, reserved = remaining + refillRate * (now - observedAt), 0, 0
	if limit > 0 and now < opensAt and othersRate * window / 12 > 1 then
		-- Leave what others have probably spent since then, and one request more.
		othersSpent = floor(othersRate * (now - observedAt) + 0.5) + 1
	end
	-- Bulk leaves a reserve to interactive calls. It shrinks to zero towards the reset,
	-- so that none of it expires unused. It is larger if interactive calls have needed
	-- more, and includes what others will probably spend.
	if wantBulk > 0 and limit > 0 and askReserve >= 0 then
		local least = askReserve * limit
		if askReserve == 0 then -- the default, which decays if there are no interactive calls
			least = max(0.05 * limit, min(10, limit / 10))
			least = least * (calledAt < 0 and math.exp((-calledAt - now) / UNUSED_DECAY) or 1)
		end
		local need = 1.5 * recentCalls / (window / 6) * timeLeft
		reserved = floor(min(max(least * timeLeft / window, need) + min(othersRate * timeLeft, 0.4 * limit), 0.6 * limit))
	end

	-- Only a part of what remains may be out at once, because others send, too.
	local maxOut = math.huge
	if bornTurn > 0 and limit > 0 and now - bornTurn < REJOIN then
		maxOut = 1 -- the figures are older than the state, and not all processes have reported
	elseif limit == 0 and silentCount < COLD then
		maxOut = COLD -- the responses in flight may still report what remains
	end
	if rejections > 0 and (limit == 0 or refillRate > 0) then
		maxOut = 1
	elseif refillRate > 0 then
		maxOut = min(maxOut, max(remaining, COLD)) -- do not rely on the estimated refill alone
	end
	local usable, usableByBulk = maxOut, maxOut
	if limit > 0 then
		local n = floor(available) - othersSpent
		usable = n < 1 and 0 or min(max(floor(n * usablePart), 1), maxOut)
		n = n - reserved
		usableByBulk = reserved == 0 and usable or n < 1 and 0 or min(max(floor(n * usablePart), 1), maxOut)
	end
	-- If there is not enough for all interactive calls that wait, in all processes, it
	-- is divided among them. A process that just got its part leaves the others theirs
	-- until they have had time to ask. Interactive calls come before bulk.
	local capacity, demand = max(usable - outstanding, 0), wantInteractive + waiting
	interactive = min(wantInteractive, capacity)
	if waiting > 0 and interactive > 0 and capacity < demand then
		local justGranted = now - grantedAt <= min(SECOND, window / 50)
		interactive = justGranted and max(capacity - waiting, 0) or max(floor(capacity * wantInteractive / demand), 1)
	end
	grantedAt = interactive > 0 and now or grantedAt
	local free = min(usableByBulk - outstanding, capacity - waiting) - interactive
	if wantBulk > 0 and free >= 1 then
		bulk = min(wantBulk, MAX_BULK, max(floor(free / (2 * processes)), 1))
	end
	-- A new window begins with a probe: a single request, sent to get new figures. So
	-- does the rest of a window whose permits are with processes that are gone. Long
	-- after the last response a probe is better than an estimate of what others have
	-- spent, if enough remains to risk a 429.
	local enough = wantInteractive > 0 and max(limit / 50, 1) or max(limit / 20, 1 + reserved)
	local need = wantInteractive > 0 and 1 or 1 + reserved
	local unsure = now >= opensAt or orphaned > 0 and available + orphaned >= need
	if interactive + bulk == 0 and limit > 0 and
		(now >= opensAt and now - probedAt >= REPROBE or
		outstanding == 0 and (unsure or available >= enough and now - observedAt > window / 12)) then
		interactive = min(wantInteractive, 1)
		bulk = min(wantBulk, 1 - interactive)
		probedAt = now
	end
	outstanding = outstanding + interactive + bulk
	if interactive < wantInteractive or wantBulk > 0 and bulk == 0 then -- otherwise it may ask again immediately
		local free = available - outstanding - othersSpent
		askAgain = min(20 + 2 * processes, 250) * 1e3 -- responses in flight will report what remains
		unsure = unsure or limit == 0
		probing = unsure or free >= (wantBulk > 0 and bulk == 0 and 1 + reserved or 1)
		if unsure then
			-- no known time to wait for
		elseif refillRate > 0 then
			local lack = 1 - free + (interactive == wantInteractive and reserved or 0)
			askAgain = min(max(lack / refillRate, askAgain), max(opensAt - now, askAgain))
			untilOpen = askAgain
		elseif interactive == wantInteractive and free >= 1 and free < 1 + reserved then
			askAgain, untilOpen = min(max(timeLeft / 50, askAgain), 5 * SECOND), timeLeft -- the reserve shrinks, but slowly
		elseif available < 1 or outstanding == 0 and available < enough then
			askAgain, untilOpen = max(opensAt - now, askAgain), opensAt - now
		elseif outstanding == 0 and capacity < 1 then -- otherwise others get it, for a moment
			askAgain = max(observedAt + window / 12 - now, askAgain)
			untilOpen = askAgain
		end
	end
end
local wants = wantInteractive - interactive
waiting = waiting + wants

call('HSET', key, QUOTA, pack('>ddddddddddddddddddddddddddddddddd', turn, now, bornTurn, sweptAt, usablePart, processes,
	outstanding, limit, remaining, reset, opens, length, observedAt, figuresTurn, blockedUntil, rejections, rejectedTurn,
	probedAt, silentCount, calledAt, recentCalls, othersRate, firstAt, firstRemaining, ownSpent, partialResetAt, waiting,
	refillRate, bypassedAt, orphaned, formerLimit, alternatedAt, alternations),
	name, pack('>dddddddddd', askNumber, askHeld + interactive + bulk, wants, now, grantedAt,
	totalServed, totalLost, totalSilent, totalRejected, totalCalls))
if sweptAt == now or length ~= oldLength or newRejected > 0 then
	call('PEXPIRE', key, math.ceil(max(2 * length, 600 * SECOND, blockedUntil - now) / 1000))
end
local mixed = alternations >= MIN_ALTERNATIONS and now - alternatedAt <= HOUR
return pack('>dddddd', interactive, bulk, askAgain, untilOpen, turn, (probing and 1 or 0) + (mixed and 2 or 0))
