-- wrk's script: places one order, the same each time, over and over, and prints what came of it as one line of JSON.
-- BENCH_TOKEN is the access token, BENCH_BODY the order as JSON.

wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")
wrk.headers["Content-Type"] = "application/json"

local ACCEPTED = 202
local threads = {}

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
