-- wrk's script: places one order, the same each time, over and over, and prints what came of it as one line of JSON.
-- BENCH_TOKEN is the access token, BENCH_BODY the order as JSON. With BENCH_KEYS each has an Idempotency-Key of its own,
-- which begins with that; with BENCH_BATCH so many orders go into one request, each with a key of its own.

wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")
wrk.headers["Content-Type"] = "application/json"

local keys = os.getenv("BENCH_KEYS")
local batch = tonumber(os.getenv("BENCH_BATCH") or "0")
local ACCEPTED = batch > 0 and 200 or 202
local threads = {}
local placed = 0

local function new_key()
  placed = placed + 1
  return keys .. placed
end

local function order_with_key()
  return '{"idempotency_key":"' .. new_key() .. '",' .. wrk.body:sub(2)
end

if batch > 0 then
  function request()
    local orders = {}
    for number = 1, batch do orders[number] = order_with_key() end
    return wrk.format(nil, nil, nil, '{"orders":[' .. table.concat(orders, ",") .. "]}")
  end
elseif keys then
  function request()
    wrk.headers["Idempotency-Key"] = new_key()
    return wrk.format()
  end
end

function setup(thread)
  table.insert(threads, thread)
end

function init()
  not_accepted, first_other_status = 0, 0 -- global: `done` reads them from outside this thread
end

function response(status)
  if status ~= ACCEPTED then
    if not_accepted == 0 then first_other_status = status end
    not_accepted = not_accepted + 1
  end
end

-- wrk counts in microseconds.
function done(summary, latency)
  local others, first = 0, 0
  for _, thread in ipairs(threads) do
    others = others + thread:get("not_accepted")
    first = math.max(first, thread:get("first_other_status"))
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"not_accepted":%d,"first_other_status":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), others, first,
    errors.connect + errors.read + errors.write + errors.timeout))
end
